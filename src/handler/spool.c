/* What many read by GET, kept in the spool as well: each file is the answer of its own route, so there is one way to make it. */
#include "circle/spool.h"
#include "content/manifest.h"
#include "content/package.h"
#include "handler/handler.h"

/* The answer of a route as a file; what is refused (removed, hidden) has none. query: what follows the '?', or "". */
static enum err keep(struct ctx *ctx, const struct spool *spool, handler_function *handle, const char *rest, const char *query,
                     const char *name) {
    struct response res;
    struct request req = {
        .arena = ctx->arena, .method = "GET", .path = rest, .query = query, .if_none_match = "", .range = "", .if_range = ""};
    struct exchange x = {.req = &req, .res = &res, .ctx = ctx, .address = "", .rest = rest};
    response_start(&res, &req);
    enum err e = handle(&x);
    bool refused = e == ERR_REMOVED || e == ERR_NOT_FOUND || e == ERR_NOT_MEMBER || e == ERR_UNKNOWN_KEY;
    if (e == ERR_OK || refused) spool_put(ctx, spool, name, e == ERR_OK ? res.body : NULL, res.len);
    return refused ? ERR_OK : e;
}

/* Files of this beginning, but for the one that is current. */
static void forget_older(struct ctx *ctx, const struct spool *spool, const char *beginning, const char *current) {
    size_t n;
    const char **names = directory_names(ctx->arena, spool->dir, &n);
    for (size_t i = 0; i < n; i++)
        if (strncmp(names[i], beginning, strlen(beginning)) == 0 && strcmp(names[i], current) != 0)
            spool_put(ctx, spool, names[i], NULL, 0);
}

/* A file named by what it holds: made once, and then the older ones go. */
static enum err keep_version(struct ctx *ctx, const struct spool *spool, handler_function *handle, const char *rest,
                             const char *beginning, const char *version) {
    struct file_id id;
    const char *name = arena_text(ctx->arena, "%s%s", beginning, version);
    if (file_look(arena_path(ctx->arena, spool->dir, name), &id)) return ERR_OK;
    TRY(keep(ctx, spool, handle, rest, "", name));
    forget_older(ctx, spool, beginning, name);
    return ERR_OK;
}

/* Where no header says how long it holds, browsers take a tenth of a file's age (RFC 9111 4.2.2): a loader must not look old. */
static void freshen(struct ctx *ctx, const struct spool *spool, const char *name) {
    struct file_id id;
    const char *path = arena_path(ctx->arena, spool->dir, name);
    if (file_look(path, &id) && llabs(ctx->now - id.mtime * 1000) > SPAN_LOADER)
        (void)utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
}

static enum err keep_circle(struct ctx *ctx, const struct spool *spool, const struct circle *c) {
    struct arena *a = ctx->arena;
    const char *cid = hex_text(a, c->cid.b, sizeof c->cid.b), *sha256;
    const char *loader = arena_text(a, "signal-%s.js", c->api_key), *beside = arena_text(a, "short-%s.js", c->api_key);
    int64_t version;
    TRY(keep(ctx, spool, handle_signal, "signal", c->api_key, loader));
    TRY(keep(ctx, spool, handle_signal, "polycircle/signal", c->api_key, beside));
    freshen(ctx, spool, loader);
    freshen(ctx, spool, beside);
    TRY(keep(ctx, spool, handle_roster, arena_text(a, "%s.json", cid), "", arena_text(a, "roster-%s.json", cid)));
    if (c->removed) {
        forget_older(ctx, spool, arena_text(a, "manifest-%s-", cid), "");
        forget_older(ctx, spool, arena_text(a, "package-%s-", cid), "");
        return ERR_OK;
    }
    TRY(package_current(ctx, c, &sha256));
    TRY(keep_version(ctx, spool, handle_package, arena_text(a, "%s.tar.gz", sha256), arena_text(a, "package-%s-", cid),
                     arena_text(a, "%s.tar.gz", sha256)));
    TRY(manifest_version(ctx, c->id, &version));
    if (version == 0) return ERR_OK;
    return keep_version(ctx, spool, handle_manifest, arena_text(a, "%s.json.gz", cid), arena_text(a, "manifest-%s-", cid),
                        arena_text(a, "%" PRId64 ".json.gz", version));
}

enum err spool_refresh(struct ctx *ctx, int64_t circle) {
    const struct spool *spool;
    struct circle c;
    struct file_id id, loader;
    TRY(spool_get(ctx, &spool));
    if (!*spool->dir || circle == 0) return ERR_OK;
    enum err e = circle_by_id(ctx, circle, &c);
    if (e != ERR_REMOVED) TRY(e);
    const char *cid = hex_text(ctx->arena, c.cid.b, sizeof c.cid.b);
    bool there =
        file_look(arena_text(ctx->arena, "%s/roster-%s.json", spool->dir, cid), &id) &&
        file_look(arena_text(ctx->arena, "%s/signal-%s.js", spool->dir, c.api_key), &loader); /* dropped: a choice changed */
    if (there && llabs(ctx->now - id.mtime * 1000) < SPAN_SPOOL && e == ERR_OK) return ERR_OK;
    return keep_circle(ctx, spool, &c);
}
