#include "circle/setting.h"
#include "circle/ctx.h"

enum err setting_get(struct ctx *ctx, const char *name, const char **out) {
    bool row;
    *out = "";
    TRY(store_find(ctx->store, SQL_INSTANCE_GET, ARGS(T(name)), &row));
    if (!row) return ERR_OK;
    *out = store_copy(ctx->store, SQL_INSTANCE_GET, 0, ctx->arena);
    store_reset(ctx->store, SQL_INSTANCE_GET);
    return ERR_OK;
}

enum err setting_number(struct ctx *ctx, const char *name, int64_t fallback, int64_t *out) {
    const char *text;
    TRY(setting_get(ctx, name, &text));
    *out = *text ? strtoll(text, NULL, 10) : fallback;
    return ERR_OK;
}
