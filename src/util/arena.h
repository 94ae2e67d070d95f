/* One owner frees: everything a request allocates comes from its arena and goes with it, and what was there is wiped: a request
 * holds secrets no longer than it takes. Out of memory ends the process (the web server starts another). */
#pragma once
#include "util/libc.h"
#include <stdarg.h>

struct arena_block;
struct arena {
    struct arena_block *head; /* the block allocated from; older ones behind it */
};

/* size bytes aligned for any type, zeroed; never NULL. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_copy(struct arena *a, const char *text, size_t len); /* adds a NUL */
char *arena_text(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_text_va(struct arena *a, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
/* dir/name. */
char *arena_path(struct arena *a, const char *dir, const char *name);
/* Wipes all, and keeps one block for the next request. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);
