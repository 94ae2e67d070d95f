#include "host/describe.h"
#include "content/index.h"

static enum err numbers(struct ctx *ctx, const struct circle *c, json_t *out) {
    struct store *s = ctx->store;
    bool row;
    TRY(store_find(s, SQL_STATISTIC_LIST, ARGS(I(c->id)), &row));
    while (row) {
        (void)json_object_set_new(out, store_text(s, SQL_STATISTIC_LIST, 0), json_integer(store_int(s, SQL_STATISTIC_LIST, 1)));
        TRY(store_next(s, SQL_STATISTIC_LIST, &row));
    }
    return ERR_OK;
}

static enum err content(struct ctx *ctx, const struct circle *c, json_t *out) {
    struct manifest m;
    int64_t files, bytes;
    const char *dir = "", *url = "";
    enum err e = index_folder(ctx, c, &dir, &url);
    if (e != ERR_OK && e != ERR_NOT_FOUND) return e;
    TRY(manifest_head(ctx, c->id, &m));
    if (e == ERR_NOT_FOUND && m.version) {
        dir = m.dir;
        url = m.url;
    }
    TRY(store_number(ctx->store, SQL_MEDIA_COUNT, ARGS(I(c->id)), &files, 0));
    TRY(store_number(ctx->store, SQL_MEDIA_BYTES, ARGS(I(c->id)), &bytes, 0));
    return jsn_add(out, json_pack("{s:I, s:s, s:s, s:I, s:I}", "version", (json_int_t)m.version, "dir", jsn_shown(ctx->arena, dir),
                                  "url", url, "files", (json_int_t)files, "bytes", (json_int_t)bytes));
}

enum err describe_circle(struct ctx *ctx, const struct circle *c, json_t **out) {
    struct texts origins, refused;
    json_t *statistics = json_object(), *ice = json_loads(c->ice, 0, NULL);
    int64_t n;
    TRY(circle_origins(ctx, c, &origins));
    TRY(circle_refused(ctx, c, &refused));
    TRY(numbers(ctx, c, statistics));
    TRY(store_number(ctx->store, SQL_PULSE_GET, ARGS(I(c->id)), &n, 0));
    *out = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:o, s:I, s:b, s:s, s:b, s:b, s:I, s:o, s:o, s:o}", "can", c->can, "cid",
                     hex_text(ctx->arena, c->cid.b, sizeof c->cid.b), "api_key", c->api_key, "sign",
                     base64url_text(ctx->arena, c->sign_public, sizeof c->sign_public), "roster", c->roster, "listed",
                     (int)c->listed, "p2p", c->p2p, "ice", ice ? ice : json_array(), "up_kbps", (json_int_t)c->up_kbps, "mirror",
                     (int)c->mirror, "exclude", c->exclude, "removed", c->removed != 0, "exposed", (int)c->exposed, "signals",
                     (json_int_t)n, "origins", jsn_texts(&origins), "refused", jsn_texts(&refused), "statistics", statistics);
    return *out ? content(ctx, c, *out) : ERR_INTERNAL;
}

enum err describe_circles(struct ctx *ctx, bool removed, json_t **out) {
    struct circle_list all;
    *out = json_array();
    TRY(circle_list(ctx, &all));
    for (size_t i = 0; i < all.n; i++) {
        json_t *one;
        if (all.all[i].removed && !removed) continue;
        TRY(describe_circle(ctx, &all.all[i], &one));
        (void)json_array_append_new(*out, one);
    }
    return ERR_OK;
}
