/* Media ids (DESIGN 3): what a signal calls the media that it announces with this join, each by another. Nobody asks for one later,
 * so none is kept. */
#pragma once
#include "meet/signal.h"

struct named_mid {
    int64_t index;
    struct mid mid;
};

/* Names the first CAP_MEDIA of indices, media of the current manifest; *out lives in the arena. */
enum err mids_name(struct ctx *ctx, const struct signal *s, const int64_t *indices, size_t n, struct named_mid **out,
                   size_t *n_out);
