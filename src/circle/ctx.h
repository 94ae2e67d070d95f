/* What every rule works with: memory, the store, the time, and where to put words about a failure. Time and
 * randomness come in from outside; nothing below reads a clock. */
#pragma once
#include "circle/setting.h"
#include "store/store.h"
#include "util/caps.h"
#include "util/codec.h"
#include "util/file.h"
#include "util/jsn.h"

struct spool;

struct ctx {
    struct arena *arena;
    struct store *store;
    int64_t now; /* milliseconds since 1970 */
    struct fault fault;
    int64_t touched; /* the circle that this request changed */
    const struct spool *spool; /* circle/spool.c's, once it was read */
};
