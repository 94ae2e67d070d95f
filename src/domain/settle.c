#include "domain/settle.h"

/* Only this directory; <IfModule>, for a module that is not there would be a 500. Where the host forbids the directive itself
 * it is a 500 all the same: the page sees that, and it is taken away. */
static const char htaccess_text[] = "<IfModule mod_headers.c>\n"
                                    "Header set Access-Control-Allow-Origin \"*\"\n"
                                    "Header set Cache-Control \"no-cache\"\n"
                                    "</IfModule>\n";

enum err settle_spool_place(struct ctx *ctx, const char *root, const char **dir) {
    const char *set = "";
    if (ctx->store) TRY(setting_get(ctx, "root", &set));
    if (*set) root = set;
    *dir = *root ? arena_path(ctx->arena, root, "polycircle-spool") : NULL;
    return ERR_OK;
}

static enum err put(struct ctx *ctx, const char *dir, const char *name, const char *text) {
    const char *path = arena_path(ctx->arena, dir, name);
    if (file_put(path, text, strlen(text), 0644)) return ERR_OK;
    return fault_set(&ctx->fault, ERR_FILES, "%.180s: %s", path, strerror(errno));
}

static void drop(struct ctx *ctx, const char *dir, const char *name) {
    (void)unlink(arena_path(ctx->arena, dir, name));
}

/* The web server must read what is in it, whatever our umask is. Names in it are secrets: nobody else may list it, neither
 * over the web (an index, where the web server runs as us) nor on the machine. */
static enum err make(struct ctx *ctx, const char *dir, bool htaccess) {
    struct stat st;
    if (mkdir(dir, 0755) != 0 && errno != EEXIST) return fault_set(&ctx->fault, ERR_FILES, "%.180s: %s", dir, strerror(errno));
    if (lstat(dir, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid())
        return fault_set(&ctx->fault, ERR_FILES, "%.180s is there, and not a directory of ours: remove it.", dir);
    (void)chmod(dir, 0711);
    TRY(put(ctx, dir, "index.html", "<!doctype html><title>-</title>\n"));
    if (htaccess) return put(ctx, dir, ".htaccess", htaccess_text);
    drop(ctx, dir, ".htaccess");
    return ERR_OK;
}

enum err settle_spool_try(struct ctx *ctx, const char *dir, const char *value, bool htaccess) {
    TRY(make(ctx, dir, htaccess));
    return put(ctx, dir, "probe.json", arena_text(ctx->arena, "{\"polycircle\":1,\"value\":\"%s\"}\n", value));
}

enum err settle_spool_end(struct ctx *ctx, const char *dir) {
    const char *used = "";
    if (ctx->store) TRY(setting_get(ctx, "spool_dir", &used));
    drop(ctx, dir, "probe.json");
    if (strcmp(used, dir) == 0) return ERR_OK;
    drop(ctx, dir, ".htaccess");
    drop(ctx, dir, "index.html");
    (void)rmdir(dir); /* if anything else is in it, it is not ours */
    return ERR_OK;
}

static enum err settle_spool(struct ctx *ctx, const char *root, const struct findings *f) {
    const char *dir;
    TRY(settle_spool_place(ctx, root, &dir));
    bool on = *f->spool_url && dir;
    if (on) TRY(make(ctx, dir, f->htaccess));
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
