#include "host/rows.h"
#include "circle/circle.h"

/* set: a pad that does not fit becomes one that does. */
static enum err ids(struct ctx *ctx, bool set, size_t *n, size_t *wrong) {
    const enum sql id = SQL_CIRCLE_PADS;
    struct store *s = ctx->store;
    bool row;
    *n = *wrong = 0;
    TRY(store_first(s, id, NULL, 0, &row));
    for (; row; ++*n) {
        struct cid cid = {0};
        uint8_t pad[8] = {0};
        const char *can = store_copy(s, id, 0, ctx->arena);
        (void)store_bytes(s, id, 1, cid.b, sizeof cid.b);
        (void)store_bytes(s, id, 2, pad, sizeof pad);
        bool bad = !cid_check(&cid, can, pad);
        *wrong += bad;
        otp(pad, sizeof pad, can, strlen(can), cid.b); /* XOR: the pad that gives this CID */
        if (bad && set) TRY(store_run(s, SQL_CIRCLE_PAD_SET, ARGS(T(can), B(pad, sizeof pad))));
        TRY(store_next(s, id, &row));
    }
    return ERR_OK;
}

enum err rows_ids(struct ctx *ctx, size_t *n, size_t *wrong) {
    return ids(ctx, false, n, wrong);
}

enum err rows_ids_mend(struct ctx *ctx) {
    size_t n, wrong;
    TRY(store_begin(ctx->store, MAIN, true));
    TRY(ids(ctx, true, &n, &wrong));
    return store_commit(ctx->store, MAIN);
}

enum err rows_orphans(struct ctx *ctx, int64_t *n) {
    return store_number(ctx->store, SQL_ORPHANS, NULL, 0, n, 0);
}

enum err rows_orphans_drop(struct ctx *ctx) {
    TRY(store_begin(ctx->store, MAIN, true));
    TRY(circle_orphans_drop(ctx));
    return store_commit(ctx->store, MAIN);
}
