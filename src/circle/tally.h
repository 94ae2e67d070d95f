/* Counts: kept in the live database, in the rows of pulse that change anyway; folded into polycircle.db at most once a minute. */
#pragma once
#include "circle/ctx.h"

/* Those of a circle that are in polycircle.db, a name each. */
struct tally_sum {
    const char *name;
    int64_t n;
};
struct tally_list {
    struct tally_sum *all;
    size_t n;
};
enum err tally_sums(struct ctx *ctx, int64_t circle, struct tally_list *out);
/* Inside a transaction of LIVE: is it time to fold? */
enum err tally_due(struct ctx *ctx, bool *out);
/* Outside any transaction. What fails is not worth failing a request for: it is undone and ERR_OK. */
enum err tally_fold(struct ctx *ctx);
