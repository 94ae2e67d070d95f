/* Counts: kept in the live database, folded into polycircle.db at most once a minute. */
#pragma once
#include "circle/ctx.h"

/* Inside a transaction of LIVE. */
enum err tally_add(struct ctx *ctx, int64_t circle, const char *name, int64_t n);
/* Outside any transaction. What fails is not worth failing a request for: it is undone and ERR_OK. */
enum err tally_fold(struct ctx *ctx);
