/* Who is in a circle: for who may see it (circle.roster), which is not asked here. */
#pragma once
#include "meet/signal.h"

struct member {
    struct sig sig;
    enum role role;
    const char *have; /* as in struct signal */
};

struct roster {
    int64_t n; /* signals, all of them */
    struct member *members; /* at most CAP_ROSTER, greeters first */
    size_t n_members;
};

/* Outside any transaction of LIVE. */
enum err roster_get(struct ctx *ctx, int64_t circle, struct roster *out);
