/* A circle's key, given away perhaps, is replaced. */
#pragma once
#include "circle/circle.h"

/* A new key in the place of the one before. Version, manifest and package are new, what the spool holds of the old ones goes,
 * address buckets get a new pepper, and every signal joins again. Pages with an old loader play plain, or by what they
 * have kept, until they get the new one, which is after four minutes at most (PROTOCOL 1.5). */
enum err rekey_circle(struct ctx *ctx, struct circle *c);
