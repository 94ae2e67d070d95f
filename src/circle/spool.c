#include "circle/spool.h"
#include "circle/origin.h"
#include "util/assets.h"
#include <regex.h>

/* What this program makes there it knows by the whole name: the directory is in an owner's site, and may hold the owner's own. */
#define NAME_BOX "box-[0-9a-f]{32}\\.json"
#define NAME_PUBLIC                                                                                                \
    "(signal|short)-[A-Za-z0-9_-]{22}\\.js|roster-[0-9a-f]{16}\\.json|manifest-[0-9a-f]{16}-[0-9]+\\.json(\\.gz)?" \
    "|package-[0-9a-f]{16}-[0-9a-f]{64}\\.tar\\.gz"
/* JSON that is a file of the spool. */
static const char probe_text[] = "{\"polycircle\":1,\"value\":";
static const char index_text[] = "<!doctype html><title>-</title>\n";
/* Only this directory; <IfModule>, for a module that is not there would be a 500. Where the host forbids the directive itself
 * it is a 500 all the same: the page sees that, and it is taken away. RemoveEncoding, for hosts that name .gz an encoding have
 * browsers unpack a package before its hash is looked at. */
static const char htaccess[] = "htaccess.spool.txt";
/* What earlier versions wrote. */
static const char *const htaccess_before[] = {"htaccess.spool.before.txt"};

enum err spool_get(struct ctx *ctx, const struct spool **out) {
    const char *cors;
    *out = ctx->spool;
    if (*out) return ERR_OK;
    struct spool *spool = arena_alloc(ctx->arena, sizeof *spool);
    TRY(setting_get(ctx, "spool_dir", &spool->dir));
    spool->url = "";
    if (*spool->dir) TRY(setting_get(ctx, "spool_url", &spool->url));
    if (!*spool->url) spool->dir = "";
    if (*spool->dir) {
        TRY(setting_get(ctx, "spool_cors", &cors));
        spool->cors = strcmp(cors, "yes") == 0;
    }
    *out = ctx->spool = spool;
    return ERR_OK;
}

bool spool_serves(struct ctx *ctx, const struct spool *spool, const char *origin) {
    const char *own;
    if (!*spool->dir) return false;
    return spool->cors || !*origin || (origin_of(ctx->arena, spool->url, &own) && strcmp(own, origin) == 0);
}

void spool_put(struct ctx *ctx, const struct spool *spool, const char *name, const void *body, size_t len) {
    const char *path = arena_path(ctx->arena, spool->dir, name);
    if (!body)
        (void)unlink(path);
    else if (!file_says(path, body, len) && !file_put(path, body, len, 0644))
        (void)fprintf(stderr, "polycircle: the spool file %s cannot be written\n", path);
}

/* Does its name say so? The setting may be wrong: then neither site gets an index.html, nor loses one. */
static bool is_spool(const char *dir) {
    return strstr(file_name(dir), "spool");
}

void spool_cover(struct ctx *ctx, const struct spool *spool) {
    if (is_spool(spool->dir))
        (void)file_make(arena_path(ctx->arena, spool->dir, "index.html"), index_text, sizeof index_text - 1, 0644);
}

static enum err put(struct ctx *ctx, const char *dir, const char *name, const void *text, size_t len) {
    const char *path = arena_path(ctx->arena, dir, name);
    if (file_put(path, text, len, 0644)) return ERR_OK;
    return fault_errno(&ctx->fault, ERR_FILES, path);
}

/* What it has only if it says what we wrote. */
static void drop(struct ctx *ctx, const char *dir, const char *name, const void *text, size_t len) {
    const char *path = arena_path(ctx->arena, dir, name);
    if (file_says(path, text, len)) (void)unlink(path);
}

static void drop_asset(struct ctx *ctx, const char *dir, const char *name) {
    const struct asset *asset = asset_find(name);
    drop(ctx, dir, ".htaccess", asset->data, asset->len);
}

static void drop_htaccess(struct ctx *ctx, const char *dir) {
    drop_asset(ctx, dir, htaccess);
    for (size_t i = 0; i < sizeof htaccess_before / sizeof *htaccess_before; i++) drop_asset(ctx, dir, htaccess_before[i]);
}

/* The web server must read what is in it, whatever our umask is. Names in it are secrets: nobody else may list it, neither
 * over the web (an index, where the web server runs as us) nor on the machine. */
enum err spool_make(struct ctx *ctx, const char *dir, bool headers) {
    struct stat st;
    const struct asset *asset = asset_find(htaccess);
    if (mkdir(dir, 0755) != 0 && errno != EEXIST) return fault_errno(&ctx->fault, ERR_FILES, dir);
    if (lstat(dir, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid())
        return fault_set(&ctx->fault, ERR_FILES, "%.180s is there, and not a directory of ours: remove it.", dir);
    (void)chmod(dir, 0711);
    TRY(put(ctx, dir, "index.html", index_text, sizeof index_text - 1));
    if (headers) return put(ctx, dir, ".htaccess", asset->data, asset->len);
    drop_htaccess(ctx, dir);
    return ERR_OK;
}

enum err spool_try(struct ctx *ctx, const char *dir, const char *value, bool headers) {
    const char *text = arena_text(ctx->arena, "%s\"%s\"}\n", probe_text, value);
    TRY(spool_make(ctx, dir, headers));
    return put(ctx, dir, "probe.json", text, strlen(text));
}

/* Removes the files with such a name (an extended regular expression, whole; a kill leaves some with a process id behind it,
 * see file_put) whose time is not after, or of a clock that was ahead. */
static void remove_named(struct ctx *ctx, const char *dir, const char *names, int64_t after_s) {
    regex_t re;
    struct file_id id;
    size_t n;
    if (regcomp(&re, arena_text(ctx->arena, "^(%s)(\\.[0-9]+)?$", names), REG_EXTENDED | REG_NOSUB) != 0) return;
    const char **all = directory_names(ctx->arena, dir, &n);
    for (size_t i = 0; i < n; i++) {
        const char *path = arena_path(ctx->arena, dir, all[i]);
        bool ours = regexec(&re, all[i], 0, NULL, 0) == 0 && file_look(path, &id);
        if (ours && (id.mtime <= after_s || id.mtime > (ctx->now + SPAN_DAY) / 1000)) (void)unlink(path);
    }
    regfree(&re);
}

void spool_sweep(struct ctx *ctx, const struct spool *spool) {
    remove_named(ctx, spool->dir, NAME_BOX "|(" NAME_PUBLIC ")\\.[0-9]+", (ctx->now - SPAN_BOX_OLD) / 1000 - 1);
}

static void drop_of(struct ctx *ctx, const char *dir, const struct circle *c) {
    const char *cid = hex_text(ctx->arena, c->cid.b, sizeof c->cid.b);
    remove_named(
        ctx, dir,
        arena_text(ctx->arena,
                   "(signal|short)-%s\\.js|roster-%s\\.json|manifest-%s-[0-9]+\\.json(\\.gz)?|package-%s-[0-9a-f]{64}\\.tar\\.gz",
                   c->api_key, cid, cid, cid),
        INT64_MAX);
}

void spool_drop(struct ctx *ctx, const struct circle *c) {
    const struct spool *spool;
    if (spool_get(ctx, &spool) == ERR_OK && *spool->dir) drop_of(ctx, spool->dir, c);
    ctx->touched = c->id;
}

/* Removes a file that begins with this. */
static void drop_begun(struct ctx *ctx, const char *dir, const char *name, const char *begin) {
    enum { MOST = 4096 };
    const char *path = arena_path(ctx->arena, dir, name), *text = file_text(ctx->arena, path, MOST);
    if (text && strncmp(text, begin, strlen(begin)) == 0) (void)unlink(path);
}

void spool_clear(struct ctx *ctx, const char *dir) {
    struct circle_list all;
    if (!*dir || circle_list(ctx, &all) != ERR_OK) return;
    for (size_t i = 0; i < all.n; i++) {
        const struct circle *c = &all.all[i];
        drop_of(ctx, dir, c);
    }
    remove_named(ctx, dir, NAME_BOX, INT64_MAX);
    drop_begun(ctx, dir, "probe.json", probe_text);
    if (!is_spool(dir)) return;
    drop(ctx, dir, "index.html", index_text, sizeof index_text - 1);
    drop(ctx, dir, "index.html", "", 0);
    drop_htaccess(ctx, dir);
    (void)rmdir(dir); /* if anything else is in it, it is not ours */
}
