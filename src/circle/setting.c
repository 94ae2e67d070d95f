#include "circle/setting.h"
#include "circle/ctx.h"

enum err setting_get(struct ctx *ctx, const char *name, const char **out) {
    const char *text = NULL;
    enum err e = store_string(ctx->store, SQL_INSTANCE_GET, ARGS(T(name)), ctx->arena, &text);
    *out = text ? text : "";
    return e;
}

enum err setting_put(struct ctx *ctx, const char *name, const char *value) {
    if (!*value) return store_run(ctx->store, SQL_INSTANCE_DROP, ARGS(T(name)));
    return store_run(ctx->store, SQL_INSTANCE_SET, ARGS(T(name), T(value)));
}

enum err setting_number(struct ctx *ctx, const char *name, int64_t fallback, int64_t *out) {
    const char *text;
    TRY(setting_get(ctx, name, &text));
    *out = *text ? strtoll(text, NULL, 10) : fallback;
    return ERR_OK;
}
