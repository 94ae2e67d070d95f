/* What stands about an instance in polycircle.db (table instance), by name. Which of it an owner may change, to what:
 * host/settings.h. */
#pragma once
#include "util/err.h"

struct ctx;

/* "" when it is not set. Lives in the arena. */
enum err setting_get(struct ctx *ctx, const char *name, const char **out);
/* "": it is set no longer. In the transaction of MAIN that there is, else in its own. */
enum err setting_put(struct ctx *ctx, const char *name, const char *value);
/* fallback when it is not set. */
enum err setting_number(struct ctx *ctx, const char *name, int64_t fallback, int64_t *out);
