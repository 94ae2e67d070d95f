#include "circle/tally.h"
#include <sodium.h>

enum err tally_due(struct ctx *ctx, bool *out) {
    int64_t at;
    TRY(store_number(ctx->store, SQL_FOLDED_GET, NULL, 0, &at, ctx->now));
    *out = ctx->now - at >= SPAN_FOLD || ctx->now < at;
    return ERR_OK;
}

/* Lays aside what was counted until now, unless what was laid aside before is still there. */
static enum err mark(struct ctx *ctx) {
    TRY(store_begin(ctx->store, LIVE, true));
    TRY(store_run(ctx->store, SQL_TALLY_FOLD, ARGS(I(INT64_C(1) + randombytes_random()))));
    if (store_changes(ctx->store, LIVE)) TRY(store_run(ctx->store, SQL_PULSE_FOLDED, NULL, 0));
    return store_commit(ctx->store, LIVE);
}

/* Adds it to MAIN, unless MAIN says that it has it: a crash may have come before LIVE forgot it. *fold: which one, 0: none. */
static enum err add(struct ctx *ctx, int64_t *fold) {
    struct store *s = ctx->store;
    const char *last, *this = NULL;
    bool row;
    *fold = 0;
    TRY(store_begin(s, MAIN, true));
    TRY(setting_get(ctx, "folded", &last));
    TRY(store_first(s, SQL_TALLY_LIST, NULL, 0, &row));
    while (row) {
        *fold = store_int(s, SQL_TALLY_LIST, 3);
        if (!this) this = arena_text(ctx->arena, "%" PRId64 ".%" PRId64, store_gen(s), *fold);
        if (strcmp(this, last) != 0)
            TRY(store_run(s, SQL_STATISTIC_ADD,
                          ARGS(I(store_int(s, SQL_TALLY_LIST, 0)), I(ctx->now / SPAN_DAY), T(store_text(s, SQL_TALLY_LIST, 1)),
                               I(store_int(s, SQL_TALLY_LIST, 2)))));
        TRY(store_next(s, SQL_TALLY_LIST, &row));
    }
    if (this) TRY(setting_put(ctx, "folded", this));
    return store_commit(s, MAIN);
}

static enum err forget(struct ctx *ctx, int64_t fold) {
    TRY(store_begin(ctx->store, LIVE, true));
    TRY(store_run(ctx->store, SQL_TALLY_DELETE, ARGS(I(fold))));
    TRY(store_run(ctx->store, SQL_FOLDED_SET, ARGS(I(ctx->now))));
    return store_commit(ctx->store, LIVE);
}

static enum err move(struct ctx *ctx) {
    int64_t fold;
    TRY(mark(ctx));
    TRY(add(ctx, &fold));
    return forget(ctx, fold);
}

enum err tally_fold(struct ctx *ctx) {
    if (move(ctx) != ERR_OK) store_rollback(ctx->store);
    return ERR_OK;
}

enum err tally_sums(struct ctx *ctx, int64_t circle, struct tally_list *out) {
    enum { NAMES = 16 };
    const enum sql id = SQL_STATISTIC_LIST;
    bool row;
    *out = (struct tally_list){.all = arena_alloc(ctx->arena, NAMES * sizeof *out->all)};
    TRY(store_first(ctx->store, id, ARGS(I(circle)), &row));
    while (row && out->n < NAMES) {
        out->all[out->n++] = (struct tally_sum){store_copy(ctx->store, id, 0, ctx->arena), store_int(ctx->store, id, 1)};
        TRY(store_next(ctx->store, id, &row));
    }
    store_reset(ctx->store, id);
    return ERR_OK;
}
