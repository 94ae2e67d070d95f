#include "host/rekey.h"
#include "circle/signing.h"
#include "circle/spool.h"
#include "content/manifest.h"
#include <sodium.h>

/* Inside a transaction of MAIN. */
static enum err replace(struct ctx *ctx, struct circle *c, const uint8_t public[static 32]) {
    uint8_t pepper[32];
    randombytes_buf(pepper, sizeof pepper);
    TRY(signing_know(ctx, c, public, false));
    TRY(manifest_again(ctx, c));
    return store_run(ctx->store, SQL_INSTANCE_SET, ARGS(T("pepper"), B(pepper, sizeof pepper)));
}

enum err rekey_circle(struct ctx *ctx, struct circle *c) {
    uint8_t public[32];
    TRY(store_begin(ctx->store, MAIN, true)); /* one renewal at a time */
    TRY(circle_by_id(ctx, c->id, c)); /* as the one before has left it */
    TRY(signing_next(ctx, c, public));
    enum err e = replace(ctx, c, public);
    if (e != ERR_OK) signing_next_drop(ctx, c);
    TRY(e);
    TRY(store_commit(ctx->store, MAIN));
    spool_drop(ctx, c);
    if (signing_finish(ctx) != ERR_OK) store_rollback(ctx->store); /* until then it is found as CID.new */
    return store_renew(ctx->store);
}
