#include "host/settings.h"
#include "circle/address.h"
#include "circle/origin.h"
#include "circle/spool.h"

/* `init --root` takes one from where it is run. */
static bool path(const char *value) {
    return strlen(value) < PATH_MAX;
}

static bool absolute(const char *value) {
    return value[0] == '/' && path(value);
}

static bool directory(const char *value) {
    struct stat st;
    return absolute(value) && stat(value, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool folder_url(const char *value) {
    struct arena scratch = {0};
    const char *origin;
    bool good = origin_of(&scratch, value, &origin) && url_plain(value) && value[strlen(value) - 1] == '/';
    arena_free(&scratch);
    return good;
}

static bool small_number(const char *value) {
    size_t len = strlen(value);
    return len >= 1 && len <= 3 && strspn(value, "0123456789") == len && atoi(value) > 0;
}

static bool wire(const char *value) {
    return strcmp(value, "d") == 0 || strcmp(value, "h") == 0;
}

static bool yes_no(const char *value) {
    return strcmp(value, "yes") == 0 || strcmp(value, "no") == 0;
}

const struct setting settings[] = {
    {"root", "the web server's document root, from which publish tells URLs (a directory)", directory, path, false},
    {"budget", "polls a second that the greeters of a circle share (1 to 999; default 2)", small_number, small_number, false},
    {"wire", "how clients encode what they send: d (base64url, default) or h (base32, where a firewall blocks d)", wire, wire,
     false},
    {"spool_dir", "a directory that the web server serves and this program may write: rosters and boxes are put there", directory,
     absolute, true},
    {"spool_url", "where it is served, https://host/path/", folder_url, folder_url, true},
    {"spool_cors", "yes: pages of other origins may read the spool; no (default)", yes_no, yes_no, true},
    {"proxies", "addresses or networks, separated by spaces, whose X-Forwarded-For is believed (10.0.0.0/8 ::1)", networks_valid,
     networks_valid, true},
};
const size_t settings_count = sizeof settings / sizeof *settings;

/* A spool that is one no longer would go on serving its loader, and the mail in it. */
static enum err leave_spool(struct ctx *ctx, const char *name, const char *value) {
    const char *old;
    if (strcmp(name, "spool_dir") != 0) return ERR_OK;
    TRY(setting_get(ctx, name, &old));
    size_t n = strlen(old);
    if (strncmp(old, value, n) != 0 || value[n + strspn(value + n, "/")]) spool_clear(ctx, old);
    return ERR_OK;
}

enum err settings_set(struct ctx *ctx, const char *name, const char *value) {
    for (size_t i = 0; i < settings_count; i++) {
        if (strcmp(settings[i].name, name) != 0) continue;
        if (*value && !settings[i].valid(value))
            return fault_set(&ctx->fault, ERR_USAGE, "%s cannot be \"%.150s\". It is %s.", name, value, settings[i].help);
        TRY(leave_spool(ctx, name, value));
        return setting_put(ctx, name, value);
    }
    return fault_set(&ctx->fault, ERR_USAGE, "There is no setting %.60s: `polycircle set` lists all.", name);
}

enum err settings_spool_place(struct ctx *ctx, const char *root, const char **dir) {
    const char *set = "";
    if (ctx->store) TRY(setting_get(ctx, "root", &set));
    if (*set) root = set;
    *dir = *root ? arena_path(ctx->arena, root, "polycircle-spool") : NULL;
    return ERR_OK;
}

enum err settings_spool_end(struct ctx *ctx, const char *dir) {
    const char *used = "";
    if (ctx->store) TRY(setting_get(ctx, "spool_dir", &used));
    if (strcmp(used, dir) == 0)
        (void)unlink(arena_path(ctx->arena, dir, "probe.json"));
    else
        spool_clear(ctx, dir);
    return ERR_OK;
}

static enum err use_spool(struct ctx *ctx, const char *root, const struct findings *f) {
    const char *dir;
    TRY(settings_spool_place(ctx, root, &dir));
    bool on = *f->spool_url && dir;
    if (on) TRY(spool_make(ctx, dir, f->htaccess));
    TRY(settings_set(ctx, "spool_dir", on ? dir : ""));
    TRY(settings_set(ctx, "spool_url", on ? f->spool_url : ""));
    return settings_set(ctx, "spool_cors", !on ? "" : f->cors ? "yes" : "no");
}

static enum err use_all(struct ctx *ctx, const char *root, const struct findings *f) {
    if (f->spool_url) TRY(use_spool(ctx, root, f));
    if (f->wire) TRY(settings_set(ctx, "wire", f->wire));
    if (f->proxies) TRY(settings_set(ctx, "proxies", f->proxies));
    return f->budget ? settings_set(ctx, "budget", arena_text(ctx->arena, "%" PRId64, f->budget)) : ERR_OK;
}

enum err settings_use(struct ctx *ctx, const char *root, const struct findings *found) {
    TRY(store_begin(ctx->store, MAIN, true));
    TRY(use_all(ctx, root, found));
    TRY(store_commit(ctx->store, MAIN));
    bool wal = strcmp(store_journal(ctx->store), "wal") == 0;
    return wal && !store_wal_works(store_dir(ctx->store)) ? store_leave_wal(ctx->store, &ctx->fault) : ERR_OK;
}
