#include "util/arena.h"
#include <stdalign.h>
#include <stdarg.h>

enum { BLOCK = 64 * 1024 };

struct arena_block {
    struct arena_block *next;
    size_t size;
    alignas(max_align_t) char bytes[];
};

static void add_block(struct arena *a, size_t size) {
    struct arena_block *block = malloc(sizeof *block + size);
    if (!block) {
        (void)fputs("polycircle: out of memory\n", stderr);
        abort();
    }
    block->next = a->head;
    block->size = size;
    a->head = block;
    a->used = 0;
}

void *arena_alloc(struct arena *a, size_t size) {
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (!a->head || a->head->size - a->used < size) add_block(a, size > BLOCK ? size : BLOCK);
    void *p = a->head->bytes + a->used;
    a->used += size;
    return memset(p, 0, size);
}

char *arena_copy(struct arena *a, const char *text, size_t len) {
    char *copy = arena_alloc(a, len + 1);
    if (len) memcpy(copy, text, len);
    return copy;
}

char *arena_text(struct arena *a, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = arena_alloc(a, (size_t)len + 1);
    (void)vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}

char *arena_path(struct arena *a, const char *dir, const char *name) {
    return arena_text(a, "%s/%s", dir, name);
}

void arena_reset(struct arena *a) {
    while (a->head && a->head->next) {
        struct arena_block *old = a->head;
        a->head = old->next;
        free(old);
    }
    a->used = 0;
}

void arena_free(struct arena *a) {
    arena_reset(a);
    free(a->head);
    a->head = NULL;
}
