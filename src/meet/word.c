#include "meet/word.h"

/* s says so of a whole network, another than its own: within one it may be the router. */
static enum err add(struct ctx *ctx, const struct signal *s, int64_t net) {
    if (net == signal_net(s)) return ERR_OK;
    return store_run(ctx->store, SQL_WORD_ADD, ARGS(I(s->circle), I(signal_net(s)), I(net), I(ctx->now + SPAN_WORD)));
}

/* The column spent of an offer that was given (store/schema.h); the word that its signal is dead is heard once. */
enum spent { NAMED_EARLY = 2, NAMED_DEAD };

enum err word_dead(struct ctx *ctx, const struct signal *s, const struct signal *other) {
    int64_t mailed = 0, doubt;
    bool spoke = signal_spoke(other, ctx->now);
    TRY(store_run(ctx->store, SQL_OFFER_BLAME, ARGS(I(s->id), I(ctx->now), I(other->id), I(spoke ? NAMED_EARLY : NAMED_DEAD))));
    bool blamed = store_changes(ctx->store, LIVE) > 0;
    if (blamed) TRY(add(ctx, s, signal_net(other)));
    if (!blamed && !spoke)
        TRY(store_number(ctx->store, SQL_MAIL_TO, ARGS(B(s->sig.b, sizeof s->sig.b), I(other->id), I(ctx->now)), &mailed, 0));
    if (!blamed && !mailed) return ERR_OK;
    TRY(signal_doubt(ctx, other, &doubt));
    return store_run(ctx->store, SQL_SIGNAL_SUSPECT, ARGS(I(other->id), I(!spoke), I(doubt)));
}

enum err word_dead_ended(struct ctx *ctx, const struct signal *s, const struct sig *ended) {
    int64_t net;
    TRY(store_number(ctx->store, SQL_OFFER_ENDED, ARGS(I(s->id), I(ctx->now), B(ended->b, sizeof ended->b)), &net, 0));
    return net ? add(ctx, s, net) : ERR_OK;
}

enum err word_said(struct ctx *ctx, const struct signal *s, int64_t net, int64_t *said) {
    return store_number(ctx->store, SQL_WORD_SAID, ARGS(I(s->circle), I(signal_net(s)), I(net), I(ctx->now)), said, 0);
}
