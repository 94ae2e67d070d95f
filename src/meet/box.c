#include "meet/box.h"
#include <sodium.h>

static const char *name_of(struct ctx *ctx, const struct box *box) {
    return arena_text(ctx->arena, "box-%s.json", hex_text(ctx->arena, box->name, sizeof box->name));
}

const char *box_url(struct ctx *ctx, const struct spool *spool, const struct box *box) {
    return arena_text(ctx->arena, "%s%s", spool->url, name_of(ctx, box));
}

enum err box_open(struct ctx *ctx, struct box *box) {
    const struct spool *spool;
    box_close(ctx, box);
    TRY(spool_get(ctx, &spool));
    spool_cover(ctx, spool);
    randombytes_buf(box->name, sizeof box->name);
    box->open = true;
    return ERR_OK;
}

void box_put(struct ctx *ctx, const struct spool *spool, const struct box *box, const struct buf *text) {
    spool_put(ctx, spool, name_of(ctx, box), text->data, text->len);
}

void box_close(struct ctx *ctx, struct box *box) {
    const struct spool *spool;
    if (!box->open) return;
    if (spool_get(ctx, &spool) == ERR_OK && *spool->dir) spool_put(ctx, spool, name_of(ctx, box), NULL, 0);
    box->open = false; /* also when the spool was switched off: else it would keep a box's pace, without the budget */
}
