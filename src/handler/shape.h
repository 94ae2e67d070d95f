/* What the rules give, as JSON: for the owner's answers, and for the command line's --json. */
#pragma once
#include "circle/circle.h"
#include "content/omitted.h"
#include "host/selftest.h"

/* What an owner is told about a circle. */
enum err shape_circle(struct ctx *ctx, const struct circle *c, json_t **out);
/* All circles, but for those that were removed. */
enum err shape_circles(struct ctx *ctx, json_t **out);
/* [{"reason", "text", "cure", "n", "names"}, ...] */
json_t *shape_omitted(const struct omitted all[static OMIT_REASONS]);
/* [{id, title, level, found, why, cure, host, offer}, ...]: the last three where there are any; offer is {NAME: VALUE} of a
 * setting. */
json_t *shape_lines(const struct lines *lines);
