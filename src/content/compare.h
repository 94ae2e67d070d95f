/* A folder beside what was published of it. Most walks find that nothing has changed; these only read, and know it by names and
 * times alone. */
#pragma once
#include "circle/circle.h"
#include "content/omitted.h"

struct compare {
    struct arena *arena; /* for what goes with this step */
    const char *dir; /* the folder; what is published is of it */
    bool patient; /* a young file (walk_young) that is not published is left for later */
    const char *after; /* in, out: the last path that was looked at, in the order of bytes; "" at first */
    size_t most; /* names to look at before it stops */
    struct omitted omitted[OMIT_REASONS]; /* out: what is left out of what was looked at; names in arena */
};

/* SO_FAR: it stopped at `most`, and until there all is the same. */
enum compared { COMPARED_SAME, COMPARED_SO_FAR, COMPARED_OTHER };
enum err compare(struct ctx *ctx, const struct circle *c, struct compare *k, enum compared *out);
