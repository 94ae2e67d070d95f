/* The rows of polycircle.db that may be wrong though SQLite finds it whole, and what puts them right. */
#pragma once
#include "circle/ctx.h"

/* Circles, and how many of them have a CID that is not what their name and kept pad give. */
enum err rows_ids(struct ctx *ctx, size_t *n, size_t *wrong);
/* Their pads become such that the CIDs, which pages and browsers know, are right. */
enum err rows_ids_mend(struct ctx *ctx);
/* Rows of no circle. */
enum err rows_orphans(struct ctx *ctx, int64_t *n);
enum err rows_orphans_drop(struct ctx *ctx);
