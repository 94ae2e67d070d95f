#include "content/package.h"
#include "circle/instance.h"
#include "util/assets.h"
#include "util/gzip.h"
#include "util/tar.h"
#include <sodium.h>

/* Files of the package and the assets they come from; circles.js is made. */
static const struct {
    const char *file, *asset;
} members[] = {
    {"circles.js", NULL},
    {"signal.js", "client.js"},
};
enum { MEMBERS = sizeof members / sizeof *members };

enum err circles_json(struct ctx *ctx, const struct circle *only, struct buf *out) {
    struct circle_list list = {.all = (struct circle *)(uintptr_t)only, .n = 1};
    struct texts urls;
    TRY(instance_urls(ctx, &urls));
    json_t *array = json_array(), *bases = jsn_texts(&urls);
    if (!only) TRY(circle_list(ctx, &list));
    for (size_t i = 0; i < list.n; i++) {
        const struct circle *c = &list.all[i];
        if (!only && (!c->listed || c->removed)) continue;
        (void)json_array_append_new(
            array, json_pack("{s:s, s:s, s:s, s:O}", "can", c->can, "cid", hex_text(ctx->arena, c->cid.b, sizeof c->cid.b), "sign",
                             base64url_text(ctx->arena, c->sign_public, sizeof c->sign_public), "instances", bases));
    }
    jsn_dump(out, json_pack("{s:i, s:o}", "polycircle", 1, "circles", array));
    return ERR_OK;
}

static enum err member(struct ctx *ctx, const struct circle *c, size_t i, struct buf *out) {
    const struct asset *asset = members[i].asset ? asset_find(members[i].asset) : NULL;
    if (asset) buf_add(out, asset->data, asset->len);
    if (asset) return ERR_OK;
    buf_text(out, "export default ");
    TRY(circles_json(ctx, c, out));
    buf_text(out, ";\n");
    return ERR_OK;
}

static enum err build(struct ctx *ctx, const struct circle *c, struct buf *out) {
    struct buf tar = {.arena = ctx->arena};
    for (size_t i = 0; i < MEMBERS; i++) {
        struct buf file = {.arena = ctx->arena};
        TRY(member(ctx, c, i, &file));
        tar_add(&tar, members[i].file, file.data, file.len);
    }
    tar_end(&tar);
    return gzip_pack(out, tar.data, tar.len);
}

/* The one before stays for a while. */
static enum err save(struct ctx *ctx, const struct circle *c, const struct arg *args, size_t n) {
    TRY(store_begin(ctx->store, MAIN, true));
    TRY(store_run(ctx->store, SQL_PACKAGE_OLD, ARGS(I(c->id), I(ctx->now))));
    TRY(store_run(ctx->store, SQL_PACKAGE_BEFORE, ARGS(I(c->id), I(ctx->now + SPAN_PACKAGE))));
    TRY(store_run(ctx->store, SQL_PACKAGE_SET, args, n));
    return store_commit(ctx->store, MAIN);
}

enum err package_current(struct ctx *ctx, const struct circle *c, const char **sha256) {
    uint8_t basis[32], sha[crypto_hash_sha256_BYTES];
    size_t len;
    bool row;
    struct buf of = {.arena = ctx->arena}, body = {.arena = ctx->arena};
    buf_text(&of, assets_version);
    TRY(member(ctx, c, 0, &of));
    (void)crypto_generichash(basis, sizeof basis, (const uint8_t *)of.data, of.len, NULL, 0);
    TRY(store_first(ctx->store, SQL_PACKAGE_BASIS, ARGS(I(c->id)), &row));
    if (row) {
        const void *kept = store_blob(ctx->store, SQL_PACKAGE_BASIS, 0, &len);
        bool same = len == sizeof basis && memcmp(kept, basis, len) == 0;
        *sha256 = hex_text(ctx->arena, store_blob(ctx->store, SQL_PACKAGE_BASIS, 1, &len), sizeof sha);
        store_reset(ctx->store, SQL_PACKAGE_BASIS);
        if (same) return ERR_OK;
    }
    TRY(build(ctx, c, &body));
    (void)crypto_hash_sha256(sha, (const uint8_t *)body.data, body.len);
    enum err e = save(ctx, c, ARGS(I(c->id), B(basis, sizeof basis), B(sha, sizeof sha), B(body.data, body.len)));
    if (row && (e == ERR_DISK_FULL || e == ERR_READ_ONLY || e == ERR_BUSY)) {
        store_rollback(ctx->store); /* the one that was kept before goes on serving */
        return ERR_OK;
    }
    *sha256 = hex_text(ctx->arena, sha, sizeof sha);
    return e;
}

bool package_apart(const char *file) {
    static const char *const apart[] = {"ask.css", "ask.js", "why.js", "injected.js", "shows.js", "shows.css"};
    bool is = strncmp(file, "ask-", 4) == 0;
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++) is = is || strcmp(file, apart[i]) == 0;
    return is;
}

static enum err beside(const char *file, struct buf *out) {
    const struct asset *asset = asset_find(file);
    if (!asset) return ERR_NOT_FOUND;
    buf_add(out, asset->data, asset->len);
    return ERR_OK;
}

enum err package_get(struct ctx *ctx, const char *sha256, const char *file, struct buf *out) {
    uint8_t sha[crypto_hash_sha256_BYTES];
    size_t len;
    bool row;
    struct buf body = {.arena = ctx->arena}, tar = {.arena = ctx->arena};
    if (!hex_decode(sha, sizeof sha, sha256)) return ERR_NOT_FOUND;
    TRY(store_first(ctx->store, SQL_PACKAGE_GET, ARGS(B(sha, sizeof sha)), &row));
    if (!row) return ERR_NOT_FOUND;
    const void *kept = store_blob(ctx->store, SQL_PACKAGE_GET, 0, &len);
    buf_add(file ? &body : out, kept, len);
    store_reset(ctx->store, SQL_PACKAGE_GET);
    if (!file) return ERR_OK;
    if (package_apart(file)) return beside(file, out);
    TRY(gzip_unpack(&tar, body.data, body.len, CAP_MANIFEST));
    const char *member = tar_find(tar.data, tar.len, file, &len);
    if (!member) return ERR_NOT_FOUND;
    buf_add(out, member, len);
    return ERR_OK;
}
