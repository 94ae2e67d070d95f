#include "util/buf.h"
#include <stdarg.h>

char *buf_room(struct buf *b, size_t n) {
    if (b->cap - b->len < n + 1) {
        size_t cap = b->cap ? b->cap * 2 : n < 512 ? 512 : n + 1; /* who knows at first how long it will be gets no more */
        while (cap - b->len < n + 1) cap *= 2;
        char *data = arena_alloc(b->arena, cap);
        if (b->len) memcpy(data, b->data, b->len);
        b->data = data;
        b->cap = cap;
    }
    return b->data + b->len;
}

void buf_add(struct buf *b, const void *data, size_t len) {
    char *room = buf_room(b, len);
    if (len) memcpy(room, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void buf_text(struct buf *b, const char *text) {
    buf_add(b, text, strlen(text));
}

/* Into the room that is there; once more only when it was too small. */
void buf_format(struct buf *b, const char *format, ...) {
    va_list args, again;
    char *data = buf_room(b, 0);
    size_t room = b->cap - b->len;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(data, room, format, args);
    va_end(args);
    if ((size_t)len >= room) (void)vsnprintf(buf_room(b, (size_t)len), (size_t)len + 1, format, again);
    va_end(again);
    b->len += (size_t)len;
}
