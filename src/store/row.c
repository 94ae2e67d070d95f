/* What a statement has found: its columns, and whole answers of one row or one column. */
#include "store/internal.h"

int64_t store_int(struct store *s, enum sql id, int column) {
    return sqlite3_column_int64(s->prepared[id], column);
}

const char *store_text(struct store *s, enum sql id, int column) {
    const char *text = (const char *)sqlite3_column_text(s->prepared[id], column);
    return text ? text : "";
}

const void *store_blob(struct store *s, enum sql id, int column, size_t *len) {
    const void *bytes = sqlite3_column_blob(s->prepared[id], column);
    *len = (size_t)sqlite3_column_bytes(s->prepared[id], column);
    return bytes;
}

char *store_copy(struct store *s, enum sql id, int column, struct arena *arena) {
    const char *text = store_text(s, id, column);
    return arena_copy(arena, text, strlen(text));
}

bool store_bytes(struct store *s, enum sql id, int column, void *out, size_t n) {
    size_t len;
    const void *bytes = store_blob(s, id, column, &len);
    if (bytes && len == n) memcpy(out, bytes, n);
    return bytes && len == n;
}

enum err store_has(struct store *s, enum sql id, const struct arg *args, size_t n, bool *row) {
    TRY(store_first(s, id, args, n, row));
    store_reset(s, id);
    return ERR_OK;
}

enum err store_number(struct store *s, enum sql id, const struct arg *args, size_t n, int64_t *out, int64_t fallback) {
    bool row;
    TRY(store_first(s, id, args, n, &row));
    *out = row ? store_int(s, id, 0) : fallback;
    store_reset(s, id);
    return ERR_OK;
}

enum err store_string(struct store *s, enum sql id, const struct arg *args, size_t n, struct arena *arena, const char **out) {
    bool row;
    TRY(store_first(s, id, args, n, &row));
    *out = row ? store_copy(s, id, 0, arena) : NULL;
    store_reset(s, id);
    return ERR_OK;
}

enum err store_texts(struct store *s, enum sql id, const struct arg *args, size_t n, struct arena *arena, struct texts *out) {
    bool row;
    *out = (struct texts){0};
    TRY(store_first(s, id, args, n, &row));
    while (row) {
        texts_add(arena, out, store_copy(s, id, 0, arena));
        TRY(store_next(s, id, &row));
    }
    return ERR_OK;
}
