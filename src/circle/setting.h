/* What stands about an instance in polycircle.db (table instance), by name. How it is changed: host/settings.h. */
#pragma once
#include "util/err.h"

struct ctx;

/* "" when it is not set. Lives in the arena. */
enum err setting_get(struct ctx *ctx, const char *name, const char **out);
/* fallback when it is not set. */
enum err setting_number(struct ctx *ctx, const char *name, int64_t fallback, int64_t *out);
