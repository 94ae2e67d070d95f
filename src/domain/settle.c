#include "domain/settle.h"
#include "domain/spool.h"

enum err settle_spool_place(struct ctx *ctx, const char *root, const char **dir) {
    const char *set = "";
    if (ctx->store) TRY(setting_get(ctx, "root", &set));
    if (*set) root = set;
    *dir = *root ? arena_path(ctx->arena, root, "polycircle-spool") : NULL;
    return ERR_OK;
}

enum err settle_spool_end(struct ctx *ctx, const char *dir) {
    const char *used = "";
    if (ctx->store) TRY(setting_get(ctx, "spool_dir", &used));
    if (strcmp(used, dir) == 0)
        (void)unlink(arena_path(ctx->arena, dir, "probe.json"));
    else
        spool_clear(ctx, dir);
    return ERR_OK;
}

static enum err settle_spool(struct ctx *ctx, const char *root, const struct findings *f) {
    const char *dir;
    TRY(settle_spool_place(ctx, root, &dir));
    bool on = *f->spool_url && dir;
    if (on) TRY(spool_make(ctx, dir, f->htaccess));
    TRY(setting_set(ctx, "spool_dir", on ? dir : ""));
    TRY(setting_set(ctx, "spool_url", on ? f->spool_url : ""));
    return setting_set(ctx, "spool_cors", !on ? "" : f->cors ? "yes" : "no");
}

static enum err settings_of(struct ctx *ctx, const char *root, const struct findings *f) {
    if (f->spool_url) TRY(settle_spool(ctx, root, f));
    if (f->wire) TRY(setting_set(ctx, "wire", f->wire));
    if (f->proxies) TRY(setting_set(ctx, "proxies", f->proxies));
    return f->budget ? setting_set(ctx, "budget", arena_text(ctx->arena, "%" PRId64, f->budget)) : ERR_OK;
}

enum err settle(struct ctx *ctx, const char *root, const struct findings *found) {
    TRY(store_begin(ctx->store, MAIN, true));
    TRY(settings_of(ctx, root, found));
    TRY(store_commit(ctx->store, MAIN));
    bool wal = strcmp(store_journal(ctx->store), "wal") == 0;
    return wal && !store_wal_works(store_dir(ctx->store)) ? store_leave_wal(ctx->store, &ctx->fault) : ERR_OK;
}
