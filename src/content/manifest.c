#include "content/manifest.h"
#include "circle/instance.h"
#include "circle/signing.h"
#include "content/below.h"
#include "util/gzip.h"
#include <sodium.h>

enum err manifest_head(struct ctx *ctx, int64_t circle, struct manifest *out) {
    bool row;
    *out = (struct manifest){.dir = "", .url = ""};
    TRY(store_first(ctx->store, SQL_MANIFEST_HEAD, ARGS(I(circle)), &row));
    if (!row) return ERR_OK;
    out->version = store_int(ctx->store, SQL_MANIFEST_HEAD, 0);
    out->dir = store_copy(ctx->store, SQL_MANIFEST_HEAD, 1, ctx->arena);
    out->url = store_copy(ctx->store, SQL_MANIFEST_HEAD, 2, ctx->arena);
    out->size = store_int(ctx->store, SQL_MANIFEST_HEAD, 3);
    out->packed_len = (size_t)store_int(ctx->store, SQL_MANIFEST_HEAD, 4);
    store_reset(ctx->store, SQL_MANIFEST_HEAD);
    return ERR_OK;
}

enum err manifest_version(struct ctx *ctx, int64_t circle, int64_t *version) {
    struct manifest m;
    TRY(manifest_head(ctx, circle, &m));
    *version = m.version;
    return ERR_OK;
}

static void add_media(struct buf *out, const char *path, const char *type, const struct media *m) {
    buf_text(out, "{\"path\":");
    jsn_quote(out, path);
    buf_format(out, ",\"type\":\"%s\",\"size\":%" PRId64 ",\"mtime\":%" PRId64 ",\"piece\":%" PRId64 ",\"sha256\":\"", type,
               m->file.size, m->file.mtime, m->piece);
    out->len += base64url_put(buf_room(out, m->sha256_len / 3 * 4 + 4), m->sha256, m->sha256_len);
    buf_text(out, "\"}");
}

/* Row by row: the list may be of many thousands. */
static enum err media_json(struct ctx *ctx, int64_t circle, struct buf *out) {
    const enum sql id = SQL_MEDIA_LIST;
    struct store *s = ctx->store;
    bool row;
    TRY(store_first(s, id, ARGS(I(circle)), &row));
    for (bool first = true; row; first = false) {
        struct media m = {.file = {.size = store_int(s, id, 2), .mtime = store_int(s, id, 3)}, .piece = store_int(s, id, 4)};
        m.sha256 = store_blob(s, id, 5, &m.sha256_len);
        if (!first) buf_text(out, ",");
        add_media(out, store_text(s, id, 0), store_text(s, id, 1), &m);
        TRY(store_next(s, id, &row));
    }
    return ERR_OK;
}

/* Where the bytes are: the static URL, or where none serves them, our own mirror. */
static enum err origins_json(struct ctx *ctx, const struct circle *c, const char *url, json_t *list) {
    struct texts bases;
    if (*url) return json_array_append_new(list, json_string(url)) == 0 ? ERR_OK : ERR_INTERNAL;
    TRY(instance_urls(ctx, &bases));
    for (size_t i = 0; i < bases.n; i++)
        (void)json_array_append_new(list, json_string(arena_text(ctx->arena, "%smirror/%s/", bases.all[i], c->can)));
    return ERR_OK;
}

static enum err too_long(struct ctx *ctx, const struct circle *c) {
    return fault_set(
        &ctx->fault, ERR_USAGE,
        "The list of these files would be longer than %d MiB, and no browser takes it: give %s a folder with less in it.",
        CAP_MANIFEST >> 20, c->can);
}

static const char prefix[] = "polycircle-manifest-1\n";

/* The text that is signed, behind prefix: what the media table holds now. */
static enum err list_text(struct ctx *ctx, const struct circle *c, const struct manifest *m, struct buf *text) {
    json_t *origins = json_array();
    int64_t room;
    TRY(origins_json(ctx, c, m->url, origins));
    TRY(store_number(ctx->store, SQL_MEDIA_ROOM, ARGS(I(c->id)), &room, 0));
    if (room > CAP_MANIFEST) return too_long(ctx, c);
    (void)buf_room(text, (size_t)room);
    buf_format(text, "%s{\"v\":1,\"cid\":\"%s\",\"can\":\"%s\",\"version\":%" PRId64 ",\"issued\":%" PRId64 ",\"origins\":", prefix,
               hex_text(ctx->arena, c->cid.b, sizeof c->cid.b), c->can, m->version, ctx->now / 1000);
    jsn_dump(text, origins);
    buf_text(text, ",\"media\":[");
    TRY(media_json(ctx, c->id, text));
    buf_text(text, "]}");
    return ERR_OK;
}

/* Inside a transaction of MAIN: signs what the media table holds now as the next version, and packs it. */
static enum err build(struct ctx *ctx, const struct circle *c, struct manifest *m) {
    struct arena *a = ctx->arena;
    struct buf text = {.arena = a}, packed = {.arena = a};
    uint8_t signature[64];
    struct circle now;
    int64_t seen;
    TRY(circle_by_id(ctx, c->id, &now)); /* its key may be another one since c was read */
    TRY(setting_number(ctx, "versions", 0, &seen));
    m->version = (m->version > seen ? m->version : seen) + 1;
    TRY(list_text(ctx, c, m, &text));
    TRY(signing_sign(ctx, &now, text.data, signature));
    struct jsn_quoted answer = {
        .head = arena_text(a, "{\"polycircle\":1,\"key\":\"%s\",\"signed\":\"",
                           base64url_text(a, now.sign_public, sizeof now.sign_public)),
        .text = text.data + sizeof prefix - 1,
        .left = text.len - (sizeof prefix - 1),
        .tail = arena_text(a, "\",\"sig\":\"%s\"}", base64url_text(a, signature, sizeof signature)),
        .slice = {.arena = a},
    };
    TRY(gzip_pack_slices(&packed, jsn_quoted_next, &answer, text.len));
    if (answer.total > CAP_MANIFEST) return too_long(ctx, c);
    return store_run(ctx->store, SQL_MANIFEST_SET,
                     ARGS(I(c->id), I(m->version), T(m->dir), T(m->url), I((int64_t)answer.total), B(packed.data, packed.len)));
}

/* Hashes of what goes are kept: somebody who comes back to that folder has it soon. */
static enum err leave_folder(struct ctx *ctx, const struct circle *c, const char *dir) {
    TRY(store_run(ctx->store, SQL_KEPT_ADD, ARGS(I(c->id), T(dir), I(ctx->now + SPAN_KEPT))));
    return store_run(ctx->store, SQL_KEPT_OLD, ARGS(I(c->id), I(ctx->now), I(CAP_FILES)));
}

enum err manifest_replace(struct ctx *ctx, const struct circle *c, const char *dir, const char *url, int64_t *version) {
    struct manifest m;
    TRY(manifest_head(ctx, c->id, &m));
    m.dir = dir;
    m.url = url;
    TRY(leave_folder(ctx, c, dir));
    TRY(store_run(ctx->store, SQL_MEDIA_GONE, ARGS(I(c->id))));
    TRY(store_run(ctx->store, SQL_MEDIA_FILL, ARGS(I(c->id))));
    TRY(build(ctx, c, &m));
    *version = m.version;
    return ERR_OK;
}

enum err manifest_move(struct ctx *ctx, const struct circle *c, const char *dir, const char *url) {
    struct manifest m;
    TRY(store_begin(ctx->store, MAIN, true));
    TRY(manifest_head(ctx, c->id, &m));
    if (m.version && strcmp(m.dir, dir) != 0) {
        TRY(leave_folder(ctx, c, dir));
        TRY(store_run(ctx->store, SQL_MEDIA_CLEAR, ARGS(I(c->id))));
        m.dir = dir;
        m.url = url;
        TRY(build(ctx, c, &m));
    }
    return store_commit(ctx->store, MAIN);
}

enum err manifest_again(struct ctx *ctx, const struct circle *c) {
    struct manifest m;
    TRY(manifest_head(ctx, c->id, &m));
    return m.version ? build(ctx, c, &m) : ERR_OK;
}

/* Where a slice of the media begins that are looked at. */
static enum err draw_slice(struct ctx *ctx, const struct circle *c, int64_t *offset) {
    int64_t count;
    TRY(store_number(ctx->store, SQL_MEDIA_PLACES, ARGS(I(c->id)), &count, 0));
    *offset = count > CAP_STAT ? (int64_t)randombytes_uniform((uint32_t)(count - CAP_STAT + 1)) : 0;
    return ERR_OK;
}

struct slice {
    const char *path;
    struct file_id was;
};

static enum err read_slice(struct ctx *ctx, const struct circle *c, struct slice slice[static CAP_STAT], size_t *n) {
    const enum sql id = SQL_MEDIA_STAT;
    int64_t offset;
    bool row;
    *n = 0;
    TRY(draw_slice(ctx, c, &offset));
    TRY(store_first(ctx->store, id, ARGS(I(c->id), I(CAP_STAT), I(offset)), &row));
    while (row) {
        slice[(*n)++] = (struct slice){.path = store_copy(ctx->store, id, 0, ctx->arena),
                                       .was = {.size = store_int(ctx->store, id, 1),
                                               .mtime = store_int(ctx->store, id, 2),
                                               .dev = store_int(ctx->store, id, 3),
                                               .ino = store_int(ctx->store, id, 4)}};
        TRY(store_next(ctx->store, id, &row));
    }
    return ERR_OK;
}

/* Paths among a slice of the media that surely are not on disk any more as they were published. The slice is read first, for
 * whoever wants to write must not wait for the disk. */
static enum err find_changed(struct ctx *ctx, const struct circle *c, const char *dir, const char *changed[static CAP_STAT],
                             size_t *n) {
    struct slice slice[CAP_STAT];
    size_t seen, gone = 0;
    struct below below = below_begin(ctx, dir);
    *n = 0;
    TRY(read_slice(ctx, c, slice, &seen));
    store_leave(ctx->store);
    for (size_t i = 0; i < seen; i++) {
        bool missing;
        if (below_gone(&below, slice[i].path, &slice[i].was, &missing)) changed[(*n)++] = slice[i].path;
        gone += missing;
    }
    below_end(&below);
    if (gone == seen) *n = 0; /* all at once: that is for a walk to say (content/index.h) */
    return ERR_OK;
}

/* A page at a time, and the files once it is read: whoever wants to write meanwhile must not wait for the disk. */
enum err manifest_stale(struct ctx *ctx, const struct circle *c, const struct manifest *m, size_t *n, size_t *stale) {
    struct media_page page = {0};
    struct below below = below_begin(ctx, m->dir);
    enum err e = media_turn(ctx, c->id, "", &page);
    *n = *stale = 0;
    while (e == ERR_OK && page.n) {
        for (size_t i = 0; i < page.n; i++) {
            const struct file_id *was = &page.all[i].file;
            struct file_id now;
            *stale += !below_look(&below, page.all[i].path, &now) || now.size != was->size || now.mtime != was->mtime;
        }
        *n += page.n;
        e = media_turn(ctx, c->id, page.all[page.n - 1].path, &page);
    }
    below_end(&below);
    arena_free(&page.arena);
    return e;
}

static enum err withdraw(struct ctx *ctx, const struct circle *c, struct manifest *m) {
    const char *changed[CAP_STAT];
    const int64_t version = m->version;
    size_t n;
    if (version == 0) return ERR_OK;
    TRY(find_changed(ctx, c, m->dir, changed, &n));
    if (n == 0) return ERR_OK;
    TRY(store_begin_now(ctx->store)); /* whoever publishes just now withdraws it himself */
    TRY(manifest_head(ctx, c->id, m));
    if (m->version != version) n = 0; /* somebody has published meanwhile: it was not this that was looked at */
    for (size_t i = 0; i < n; i++) {
        TRY(store_run(ctx->store, SQL_KEPT_ADD_ONE, ARGS(I(c->id), T(changed[i]), I(ctx->now + SPAN_KEPT))));
        TRY(store_run(ctx->store, SQL_MEDIA_DELETE, ARGS(I(c->id), T(changed[i]))));
    }
    if (n) TRY(store_run(ctx->store, SQL_MEDIA_PLACE, ARGS(I(c->id))));
    if (n) TRY(build(ctx, c, m));
    return store_commit(ctx->store, MAIN);
}

enum err manifest_current(struct ctx *ctx, const struct circle *c, struct manifest *out) {
    TRY(manifest_head(ctx, c->id, out));
    enum err e = withdraw(ctx, c, out);
    if (e != ERR_READ_ONLY && e != ERR_DISK_FULL && e != ERR_BUSY) return e;
    store_rollback(ctx->store); /* reading goes on; clients compare size and time themselves */
    return ERR_OK;
}

enum err manifest_read(struct ctx *ctx, const struct circle *c, struct manifest *out) {
    const enum sql id = SQL_MANIFEST_GET;
    bool row;
    TRY(store_first(ctx->store, id, ARGS(I(c->id)), &row));
    if (!row)
        return fault_set(&ctx->fault, ERR_NOT_FOUND,
                         "Nothing is shared in %s yet: choose its folder in the console (polycircle publish %s DIR).", c->can,
                         c->can);
    out->version = store_int(ctx->store, id, 0);
    const void *packed = store_blob(ctx->store, id, 1, &out->packed_len);
    out->packed = arena_copy(ctx->arena, packed, out->packed_len);
    store_reset(ctx->store, id);
    return ERR_OK;
}
