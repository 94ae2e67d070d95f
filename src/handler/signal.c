/* GET /signal?KEY: the loader, with the circle's configuration before it. GET polycircle/signal is what the rules beside a site
 * make of it: there all the rest lies in the folder polycircle/ below the tag's address, and the loader is told so. */
#include "circle/origin.h"
#include "circle/spool.h"
#include "content/manifest.h"
#include "content/package.h"
#include "handler/handler.h"
#include "util/assets.h"

/* The circle of the first key in the query: KEY, or api_key=KEY, and what a CMS and its optimizers make of that when they add a
 * parameter of their own: KEY?ver=6.4, KEY=&ver=6.4, ver=6.4&KEY, amp;KEY. */
static enum err find_circle(struct exchange *x, struct circle *c) {
    static const char between[] = "&?;", name[] = "api_key=";
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *at = x->req->query;
    enum err e = ERR_UNKNOWN_KEY;
    for (size_t i = 0; i < CAP_PARAMETERS && e == ERR_UNKNOWN_KEY; i++) {
        const char *key = strncmp(at, name, sizeof name - 1) == 0 ? at + sizeof name - 1 : at;
        size_t len = strspn(key, plain);
        if (len && len <= CAP_KEY) e = circle_by_key(x->ctx, arena_copy(x->ctx->arena, key, len), c);
        at += strcspn(at, between);
        at += strspn(at, between);
    }
    return e;
}

/* Where manifest and package may be fetched without a process, if every page of the circle may read there. */
static enum err add_spool(struct exchange *x, const struct circle *c, json_t *config) {
    const struct spool *spool;
    const char *origin;
    int64_t others = 0;
    TRY(spool_get(x->ctx, &spool));
    if (!*spool->dir || !origin_of(x->ctx->arena, spool->url, &origin)) return ERR_OK;
    if (!spool->cors) TRY(circle_others(x->ctx, c, origin, &others));
    if (others == 0) (void)json_object_set_new(config, "spool", json_string(spool->url));
    return ERR_OK;
}

static enum err config(struct exchange *x, const struct circle *c, json_t **out) {
    int64_t version;
    const char *package, *wire;
    json_error_t why;
    struct arena *a = x->ctx->arena;
    TRY(manifest_version(x->ctx, c->id, &version));
    TRY(package_current(x->ctx, c, &package));
    TRY(setting_get(x->ctx, "wire", &wire));
    json_t *ice = json_loads(c->ice, 0, &why);
    *out =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:I, s:s, s:s*}", "can", c->can, "cid",
                  hex_text(a, c->cid.b, sizeof c->cid.b), "key", c->api_key, "sign",
                  base64url_text(a, c->sign_public, sizeof c->sign_public), "package", package, "version", (json_int_t)version,
                  "ice", ice ? ice : json_array(), "up_kbps", (json_int_t)c->up_kbps, "p2p", c->p2p, "wire", *wire ? wire : NULL);
    if (!c->mirror) (void)json_object_set_new(*out, "mirror", json_false());
    if (strcmp(c->worker, "unknown") != 0) (void)json_object_set_new(*out, "worker", json_string(c->worker));
    const char *slash = strrchr(x->req->path, '/');
    if (slash)
        (void)json_object_set_new(*out, "base", json_string(arena_copy(a, x->req->path, (size_t)(slash + 1 - x->req->path))));
    return *out ? add_spool(x, c, *out) : ERR_INTERNAL;
}

enum err handle_signal(struct exchange *x) {
    struct circle c;
    json_t *values;
    struct buf script = {.arena = x->ctx->arena};
    enum err e = find_circle(x, &c);
    const struct asset *asset = asset_find(e == ERR_REMOVED ? "removed.js" : "loader.js");
    if (e == ERR_OK) {
        TRY(config(x, &c, &values));
        buf_text(&script, "{const POLYCIRCLE_CONFIG=");
        jsn_dump(&script, values);
        buf_text(&script, ";\n");
    } else if (e != ERR_REMOVED) { /* then a script that cleans up: of a 410 a browser runs nothing */
        return e;
    }
    buf_add(&script, asset->data, asset->len);
    buf_text(&script, e == ERR_OK ? "}\n" : "");
    x->res->cache = "max-age=240"; /* with an open page's look (PROTOCOL 1.3) a change reaches all within five minutes */
    return response_tagged(x->res, "text/javascript", script.data, script.len);
}
