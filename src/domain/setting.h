/* What an owner or the self-test may change about an instance: a table of names, kept in polycircle.db (table instance). */
#pragma once
#include "util/err.h"

struct ctx;

struct setting {
    const char *name, *help;
    bool (*valid)(const char *value);
};
extern const struct setting settings[];
extern const size_t settings_count;

/* "" when it is not set. Lives in the arena. */
enum err setting_get(struct ctx *ctx, const char *name, const char **out);
/* fallback when it is not set. */
enum err setting_number(struct ctx *ctx, const char *name, int64_t fallback, int64_t *out);
/* Unknown name or invalid value: ERR_USAGE with words. "" takes the setting away. */
enum err setting_set(struct ctx *ctx, const char *name, const char *value);
