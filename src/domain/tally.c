#include "domain/tally.h"

enum { BATCH = 256 };

struct tally {
    int64_t circle, n;
    const char *name;
};

enum err tally_add(struct ctx *ctx, int64_t circle, const char *name, int64_t n) {
    return store_run(ctx->store, SQL_TALLY_ADD, ARGS(I(circle), T(name), I(n)));
}

static enum err due(struct ctx *ctx, bool *out) {
    int64_t at;
    TRY(store_number(ctx->store, SQL_FOLDED_GET, NULL, 0, &at, ctx->now));
    *out = ctx->now - at >= SPAN_FOLD || ctx->now < at;
    return ERR_OK;
}

/* Takes the counts out of LIVE. More circles than a batch: the rest waits for the next time. */
static enum err take(struct ctx *ctx, struct tally *all, size_t *n) {
    bool row, is_due;
    *n = 0;
    TRY(due(ctx, &is_due)); /* again: another process may have been quicker */
    if (!is_due) return ERR_OK;
    TRY(store_find(ctx->store, SQL_TALLY_LIST, NULL, 0, &row));
    for (; row && *n < BATCH; ++*n) {
        all[*n] = (struct tally){store_int(ctx->store, SQL_TALLY_LIST, 0), store_int(ctx->store, SQL_TALLY_LIST, 2),
                                 store_copy(ctx->store, SQL_TALLY_LIST, 1, ctx->arena)};
        TRY(store_next(ctx->store, SQL_TALLY_LIST, &row));
    }
    store_reset(ctx->store, SQL_TALLY_LIST);
    for (size_t i = 0; i < *n; i++) TRY(store_run(ctx->store, SQL_TALLY_DELETE, ARGS(I(all[i].circle), T(all[i].name))));
    return store_run(ctx->store, SQL_FOLDED_SET, ARGS(I(ctx->now)));
}

/* MAIN first: its lock may be waited for while LIVE is free; and LIVE forgets only what MAIN has. */
static enum err move(struct ctx *ctx) {
    struct tally all[BATCH];
    size_t n;
    TRY(store_begin(ctx->store, MAIN, true));
    TRY(store_begin(ctx->store, LIVE, true));
    TRY(take(ctx, all, &n));
    for (size_t i = 0; i < n; i++)
        TRY(store_run(ctx->store, SQL_STATISTIC_ADD, ARGS(I(all[i].circle), I(ctx->now / SPAN_DAY), T(all[i].name), I(all[i].n))));
    TRY(store_commit(ctx->store, MAIN));
    return store_commit(ctx->store, LIVE);
}

enum err tally_fold(struct ctx *ctx) {
    bool is_due = false;
    if (due(ctx, &is_due) == ERR_OK && is_due && move(ctx) != ERR_OK) store_rollback(ctx->store);
    return ERR_OK;
}
