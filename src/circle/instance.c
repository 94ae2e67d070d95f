#include "circle/instance.h"
#include "circle/origin.h"
#include <sodium.h>

/* Host of an origin, as a Host header is compared: without scheme and port. */
static const char *host_of(struct arena *arena, const char *origin) {
    const char *host = strstr(origin, "://") + 3;
    size_t len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    return arena_copy(arena, host, len);
}

enum err instance_base(struct ctx *ctx, const char *url, struct base *out) {
    const char *origin;
    if (!origin_of(ctx->arena, url, &origin) || !url_plain(url))
        return fault_set(&ctx->fault, ERR_USAGE,
                         "%.120s: give the address under which the program is reached, such as "
                         "https://site.example/cgi-bin/polycircle.fcgi",
                         url);
    const char *path = strstr(url, "://") + 3;
    path += strcspn(path, "/");
    bool slash = *path && path[strlen(path) - 1] == '/';
    *out = (struct base){arena_text(ctx->arena, "%s%s%s", origin, path, slash ? "" : "/"), host_of(ctx->arena, origin)};
    return ERR_OK;
}

enum err instance_has(struct ctx *ctx, const char *url, bool *is) {
    return store_has(ctx->store, SQL_BASE_HAS, ARGS(T(url)), is);
}

enum err instance_urls(struct ctx *ctx, struct texts *out) {
    return store_texts(ctx->store, SQL_BASE_LIST, NULL, 0, ctx->arena, out);
}

enum err instance_origins(struct ctx *ctx, struct texts *out) {
    return store_texts(ctx->store, SQL_ORIGIN_ALL, NULL, 0, ctx->arena, out);
}

static enum err fill(struct ctx *ctx, const struct instance_new *in, const struct base *bases) {
    uint8_t pepper[32];
    randombytes_buf(pepper, sizeof pepper);
    TRY(store_begin(ctx->store, MAIN, true));
    TRY(store_run(ctx->store, SQL_INSTANCE_ONCE, ARGS(T("pepper"), B(pepper, sizeof pepper))));
    TRY(store_run(ctx->store, SQL_INSTANCE_ONCE, ARGS(T("gen"), I(0))));
    for (size_t i = 0; i < in->n_urls; i++) TRY(store_run(ctx->store, SQL_BASE_ADD, ARGS(T(bases[i].url), T(bases[i].host))));
    if (in->root) TRY(setting_put(ctx, "root", in->root));
    return store_commit(ctx->store, MAIN);
}

static enum err make_live(struct ctx *ctx) {
    bool host_ok;
    TRY(store_enter(ctx->store, "", &host_ok));
    store_leave(ctx->store);
    enum err e = store_gen(ctx->store) ? store_live(ctx->store) : ERR_LIVE_LOST;
    return e == ERR_LIVE_LOST ? store_renew(ctx->store) : e;
}

enum err instance_make(struct ctx *ctx, const char *data, const struct instance_new *in) {
    struct base *bases = arena_alloc(ctx->arena, (in->n_urls + 1) * sizeof *bases);
    for (size_t i = 0; i < in->n_urls; i++) TRY(instance_base(ctx, in->urls[i], &bases[i]));
    bool ours = !ctx->store;
    if (ours) TRY(store_create(&ctx->store, data, in->journal, &ctx->fault));
    enum err e = fill(ctx, in, bases);
    if (e == ERR_OK) e = make_live(ctx);
    if (e == ERR_OK || !ours) return e;
    store_close(ctx->store); /* half an instance is nobody's: the next try opens it anew, and goes on */
    ctx->store = NULL;
    return e;
}
