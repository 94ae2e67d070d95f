/* What an owner is told about a circle, as JSON. */
#pragma once
#include "circle/circle.h"

enum err describe_circle(struct ctx *ctx, const struct circle *c, json_t **out);
/* All circles, those that were removed left out unless asked for. */
enum err describe_circles(struct ctx *ctx, bool removed, json_t **out);
