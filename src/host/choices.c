#include "host/choices.h"
#include "circle/instance.h"
#include "circle/spool.h"
#include "content/manifest.h"

enum err choices_set(struct ctx *ctx, const struct circle *c, const struct choices *chosen) {
    TRY(circle_change(ctx, c, chosen));
    spool_drop(ctx, c);
    return ERR_OK;
}

enum err choices_remove(struct ctx *ctx, const struct circle *c) {
    TRY(circle_remove(ctx, c));
    spool_drop(ctx, c); /* it is what takes the worker off the browsers, then */
    return ERR_OK;
}

/* Whether pages may read the spool follows from who is allowed. */
static enum err origins(struct ctx *ctx, const struct circle *c, const char *const *urls, size_t n,
                        enum err (*work)(struct ctx *ctx, const struct circle *c, const char *url)) {
    TRY(store_begin(ctx->store, MAIN, true));
    for (size_t i = 0; i < n; i++) TRY(work(ctx, c, urls[i]));
    TRY(store_commit(ctx->store, MAIN));
    spool_drop(ctx, c);
    return ERR_OK;
}

enum err choices_allow(struct ctx *ctx, const struct circle *c, const char *const *urls, size_t n) {
    return origins(ctx, c, urls, n, circle_allow);
}

enum err choices_refuse(struct ctx *ctx, const struct circle *c, const char *const *urls, size_t n) {
    return origins(ctx, c, urls, n, circle_refuse);
}

static enum err unknown(struct ctx *ctx, const char *url) {
    return fault_set(&ctx->fault, ERR_USAGE, "%.150s is none of the instance's addresses.", url);
}

static enum err add(struct ctx *ctx, const struct base *base, const struct circle_list *circles) {
    TRY(store_run(ctx->store, SQL_BASE_ADD, ARGS(T(base->url), T(base->host))));
    for (size_t i = 0; i < circles->n; i++)
        if (!circles->all[i].removed) TRY(circle_allow(ctx, &circles->all[i], base->url));
    return ERR_OK;
}

static enum err drop(struct ctx *ctx, const struct base *base, const struct circle_list *) {
    bool known;
    TRY(instance_has(ctx, base->url, &known));
    if (!known) return unknown(ctx, base->url);
    TRY(store_run(ctx->store, SQL_BASE_DROP, ARGS(T(base->url))));
    if (store_changes(ctx->store, MAIN)) return ERR_OK;
    return fault_set(&ctx->fault, ERR_USAGE, "%.150s is the only address of the instance: add the new one before.", base->url);
}

static enum err first(struct ctx *ctx, const struct base *base, const struct circle_list *) {
    TRY(store_run(ctx->store, SQL_BASE_FIRST, ARGS(T(base->url))));
    return store_changes(ctx->store, MAIN) ? ERR_OK : unknown(ctx, base->url);
}

/* A list of what our own mirror serves names the addresses. */
static enum err sign_again(struct ctx *ctx, const struct circle *c) {
    struct manifest m;
    if (c->removed) return ERR_OK;
    TRY(manifest_head(ctx, c->id, &m));
    return m.version && !*m.url ? manifest_again(ctx, c) : ERR_OK;
}

static enum err change(struct ctx *ctx, const char *url,
                       enum err (*work)(struct ctx *ctx, const struct base *base, const struct circle_list *circles)) {
    struct circle_list circles;
    struct base base;
    TRY(instance_base(ctx, url, &base));
    TRY(store_begin(ctx->store, MAIN, true));
    TRY(circle_list(ctx, &circles));
    TRY(work(ctx, &base, &circles));
    for (size_t i = 0; i < circles.n; i++) TRY(sign_again(ctx, &circles.all[i]));
    TRY(store_commit(ctx->store, MAIN));
    for (size_t i = 0; i < circles.n; i++) spool_drop(ctx, &circles.all[i]);
    return ERR_OK;
}

enum err choices_url_add(struct ctx *ctx, const char *url) {
    return change(ctx, url, add);
}

enum err choices_url_drop(struct ctx *ctx, const char *url) {
    return change(ctx, url, drop);
}

enum err choices_url_first(struct ctx *ctx, const char *url) {
    return change(ctx, url, first);
}
