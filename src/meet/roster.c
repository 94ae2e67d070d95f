#include "meet/roster.h"

static enum err members(struct ctx *ctx, int64_t circle, struct roster *out) {
    const enum sql id = SQL_ROSTER;
    struct store *s = ctx->store;
    bool row;
    out->members = arena_alloc(ctx->arena, CAP_ROSTER * sizeof *out->members);
    TRY(store_first(s, id, ARGS(I(circle), I(ctx->now), I(CAP_ROSTER)), &row));
    while (row) {
        struct member *member = &out->members[out->n_members++];
        *member = (struct member){.role = store_int(s, id, 1) ? GREETER : PEER, .have = store_copy(s, id, 2, ctx->arena)};
        (void)store_bytes(s, id, 0, member->sig.b, sizeof member->sig.b);
        TRY(store_next(s, id, &row));
    }
    return ERR_OK;
}

enum err roster_get(struct ctx *ctx, int64_t circle, struct roster *out) {
    struct pulse pulse;
    TRY(store_begin(ctx->store, LIVE, false));
    TRY(pulse_get(ctx, circle, &pulse));
    *out = (struct roster){.n = pulse.n};
    TRY(members(ctx, circle, out));
    return store_commit(ctx->store, LIVE);
}
