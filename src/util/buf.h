/* Bytes that grow, in an arena. */
#pragma once
#include "util/arena.h"

struct buf {
    struct arena *arena;
    char *data; /* always NUL-terminated once anything was added */
    size_t len, cap;
};

/* Makes room for n more bytes (and a NUL) and returns where they go; then add n to len. */
char *buf_room(struct buf *b, size_t n);
void buf_add(struct buf *b, const void *data, size_t len);
void buf_text(struct buf *b, const char *text);
void buf_format(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
