/* A greeter's box: the mail that waits for it, as a file of the spool, box-<32 hex>.json. Its name is secret, new with each
 * lease, told to the greeter alone. It is written while the live database is locked for writing, so no older text replaces a
 * newer one. */
#pragma once
#include "circle/spool.h"

struct box {
    bool open;
    uint8_t name[16];
    int64_t v; /* its last edition */
};

const char *box_url(struct ctx *ctx, const struct spool *spool, const struct box *box);
/* Inside a transaction of LIVE. A new one, named anew; the old one is removed. */
enum err box_open(struct ctx *ctx, struct box *box);
/* A file that cannot be written leaves the signal its ordinary polls. */
void box_put(struct ctx *ctx, const struct spool *spool, const struct box *box, const struct buf *text);
void box_close(struct ctx *ctx, struct box *box);
