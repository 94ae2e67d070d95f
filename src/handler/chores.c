/* What may wait until the visitor has the answer: a bounded step of whatever the instance has to do by itself. There is no
 * daemon and no cron on such a host, so requests that wrote something carry it; one process at a time, one step a second. */
#include "circle/spool.h"
#include "content/index.h"
#include "handler/handler.h"
#include "host/backup.h"
#include "host/tier.h"

enum { EVERY_MS = 1000 };

static enum err sweep(struct ctx *ctx) {
    const struct spool *spool;
    TRY(spool_get(ctx, &spool));
    int turn = *spool->dir ? file_turn(arena_path(ctx->arena, store_dir(ctx->store), "sweep"), ctx->now, SPAN_BOX_SWEEP) : -1;
    if (turn < 0) return ERR_OK;
    spool_sweep(ctx, spool);
    (void)close(turn);
    return ERR_OK;
}

static enum err one_step(struct ctx *ctx) {
    bool worked;
    if (backup_due(ctx)) TRY(backup_after(ctx));
    TRY(index_background(ctx, &worked));
    (void)!store_shrink(ctx->store); /* another time, when the file is not in use */
    return sweep(ctx);
}

void chores(void *context, struct arena *arena) {
    struct server *server = context;
    if (!server->store) return;
    struct ctx ctx = {.arena = arena, .store = server->store, .now = clock_now()};
    bool wrote = store_wrote(server->store) || server->touched;
    /* what a kill has left of a tier's activation may have broken what writes: any request undoes it */
    if (!wrote && !tier_left(&ctx, server->data)) return;
    if (llabs(ctx.now - server->turn) < EVERY_MS) return; /* a process that stays need not ask the file at each request */
    server->turn = ctx.now;
    int turn = file_turn(arena_path(arena, server->data, "chores"), ctx.now, EVERY_MS);
    if (turn < 0) return;
    jsn_use(arena);
    tier_sweep(&ctx, server->data);
    if (!wrote) {
        (void)close(turn);
        return;
    }
    if (one_step(&ctx) != ERR_OK || spool_refresh(&ctx, server->touched) != ERR_OK) store_rollback(server->store);
    (void)close(turn);
}
