#include "host/tier.h"
#include "host/backup.h"
#include "host/retire.h"
#include "util/assets.h"
#include <sodium.h>

enum { HTACCESS_MOST = 1 << 18, PATHS_MOST = 2 * 4200, PENDING_MS = 20 * 1000, TRY_MS = 10 * 60 * 1000, KEPT_S = 2 * 24 * 3600 };
static const char begin_mark[] = "# BEGIN polycircle\n", end_mark[] = "# END polycircle\n";

static void replaced(struct buf *out, const char *text, const char *from, const char *to) {
    for (const char *at; (at = strstr(text, from)); text = at + strlen(from)) {
        buf_add(out, text, (size_t)(at - text));
        buf_text(out, to);
    }
    buf_text(out, text);
}

static const char *text_of(struct ctx *ctx, const char *name) {
    const struct asset *asset = asset_find(name);
    return arena_copy(ctx->arena, (const char *)asset->data, asset->len);
}

/* Until when pages that were open are answered: longer than anybody keeps one, wherever the web server's clock is. */
static const char *until(struct ctx *ctx) {
    time_t end = (time_t)(ctx->now / 1000 + KEPT_S);
    struct tm tm;
    char *text = arena_alloc(ctx->arena, sizeof "YYYYMMDDhhmmss");
    (void)strftime(text, sizeof "YYYYMMDDhhmmss", "%Y%m%d%H%M%S", gmtime_r(&end, &tm));
    return text;
}

/* The text of cgi-bin/, speaking of this program. */
static enum err block(struct ctx *ctx, const struct tier *t, struct buf *out) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-~";
    const char *name = file_name(t->program);
    if (t->script[strspn(t->script, plain)] || name[strspn(name, plain)] || t->script[0] != '/')
        return fault_set(&ctx->fault, ERR_USAGE, "The program's name may hold letters, digits, . _ - only.");
    if (t->options) buf_text(out, "Options +ExecCGI\n");
    if (t->number == TIER_FASTCGI) {
        replaced(out, text_of(ctx, "htaccess.2.txt"), "polycircle.fcgi", name);
        return ERR_OK;
    }
    struct buf kept = {.arena = ctx->arena};
    replaced(out, text_of(ctx, "htaccess.3.txt"), "cgi-bin/polycircle.fcgi", t->script);
    if (!t->kept) return ERR_OK;
    replaced(&kept, text_of(ctx, "htaccess.kept.txt"), "cgi-bin/polycircle.fcgi", t->script);
    replaced(out, kept.data, "YYYYMMDDhhmmss", until(ctx));
    return ERR_OK;
}

/* A folder of that name that is the site's own is left to it; the program may lie there itself. */
static enum err folder_free(struct ctx *ctx, const struct tier *t) {
    struct stat st;
    const char *folder = arena_path(ctx->arena, t->dir, TIER_FOLDER);
    size_t len = strlen(folder);
    bool home = strncmp(t->program, folder, len) == 0 && t->program[len] == '/';
    if (t->number != TIER_PRETTY || home || lstat(folder, &st) != 0) return ERR_OK;
    return fault_set(&ctx->fault, ERR_FILES, "%.200s is there: your site uses this name itself. Nothing was changed.", folder);
}

static enum err failed(struct ctx *ctx, const char *path) {
    return fault_errno(&ctx->fault, ERR_FILES, path);
}

static enum err put(struct ctx *ctx, const char *path, const char *text, size_t len) {
    return file_replace(path, text, len) ? ERR_OK : failed(ctx, path);
}

/* A small file of ours in the data directory, in place of one that is there. */
static enum err note(struct ctx *ctx, const char *data, const char *name, const char *text) {
    const char *path = arena_path(ctx->arena, data, name);
    (void)unlink(path);
    return file_make(path, text, strlen(text), 0600) ? ERR_OK : failed(ctx, path);
}

enum err tier_try(struct ctx *ctx, const char *data, const struct tier *t, const char **name) {
    uint8_t raw[4];
    struct buf text = {.arena = ctx->arena};
    tier_untry(ctx, data);
    TRY(folder_free(ctx, t));
    randombytes_buf(raw, sizeof raw);
    *name = arena_text(ctx->arena, "polycircle-try-%s", hex_text(ctx->arena, raw, sizeof raw));
    const char *dir = arena_path(ctx->arena, t->dir, *name), *program = arena_path(ctx->arena, dir, file_name(t->program));
    TRY(block(ctx, t, &text));
    TRY(note(ctx, data, "tier-try", arena_text(ctx->arena, "%s\n%s\n", dir, program)));
    if (mkdir(dir, 0755) != 0 || chmod(dir, 0755) != 0) return failed(ctx, dir);
    if (t->number == TIER_FASTCGI && (!file_copy(t->program, program) || chmod(program, 0755) != 0)) return failed(ctx, program);
    return file_make(arena_path(ctx->arena, dir, ".htaccess"), text.data, text.len, 0644) ? ERR_OK : failed(ctx, dir);
}

/* Two lines of a note. false: there is none. */
static bool read_note(struct ctx *ctx, const char *data, const char *name, char **first, char **second) {
    *first = file_text(ctx->arena, arena_path(ctx->arena, data, name), PATHS_MOST);
    char *end = *first ? strchr(*first, '\n') : NULL, *last = end ? strchr(end + 1, '\n') : NULL;
    if (!last) return false;
    *end = *last = '\0';
    *second = end + 1;
    return true;
}

void tier_untry(struct ctx *ctx, const char *data) {
    char *dir, *program;
    if (!read_note(ctx, data, "tier-try", &dir, &program)) return;
    (void)unlink(program);
    (void)unlink(arena_path(ctx->arena, dir, ".htaccess"));
    (void)rmdir(dir);
    (void)unlink(arena_path(ctx->arena, data, "tier-try"));
}

/* *rest: the file without our block; *old: as it is, or NULL when there is none. */
static enum err read_file(struct ctx *ctx, const char *path, const char **old, struct buf *rest) {
    *old = file_text(ctx->arena, path, HTACCESS_MOST);
    if (!*old && access(path, F_OK) == 0)
        return fault_set(&ctx->fault, ERR_FILES, "%.200s is not a text file that can be changed: add the lines by hand.", path);
    buf_text(rest, *old ? *old : "");
    rest->len = retire_block(rest->data, rest->len);
    if (strstr(rest->data, begin_mark))
        return fault_set(&ctx->fault, ERR_FILES, "%.200s: \"# END polycircle\" is missing: mend it by hand.", path);
    return ERR_OK;
}

static enum err back_up(struct ctx *ctx, const char *data, const struct tier *t, const char *old, const char **copy) {
    const char *dir = backup_folder(ctx, data);
    *copy = "";
    if (!old) return ERR_OK;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) return failed(ctx, dir);
    *copy = arena_text(ctx->arena, "%s/htaccess-%" PRId64 "-%" PRId64 ".txt", dir, t->number, ctx->now);
    return file_make(*copy, old, strlen(old), 0600) ? ERR_OK : failed(ctx, *copy);
}

enum err tier_write(struct ctx *ctx, const char *data, const struct tier *t) {
    struct buf rest = {.arena = ctx->arena}, text = {.arena = ctx->arena};
    const char *path = arena_path(ctx->arena, t->dir, ".htaccess"), *old, *copy;
    TRY(tier_undo(ctx, data));
    TRY(folder_free(ctx, t));
    TRY(read_file(ctx, path, &old, &rest));
    TRY(back_up(ctx, data, t, old, &copy));
    buf_text(&text, begin_mark);
    TRY(block(ctx, t, &text));
    buf_text(&text, end_mark);
    if (rest.len) buf_add(&text, rest.data, rest.len);
    (void)unlink(arena_path(ctx->arena, data, "tier-mark"));
    TRY(note(ctx, data, "tier-pending", arena_text(ctx->arena, "%s\n%s\n", path, copy)));
    return put(ctx, path, text.data, text.len);
}

enum err tier_drop(struct ctx *ctx, const char *data, const struct tier *t) {
    struct buf rest = {.arena = ctx->arena};
    const char *path = arena_path(ctx->arena, t->dir, ".htaccess"), *old, *copy;
    TRY(read_file(ctx, path, &old, &rest));
    TRY(back_up(ctx, data, t, old, &copy));
    return put(ctx, path, rest.data, rest.len);
}

enum err tier_confirm(struct ctx *ctx, const char *data) {
    struct file_id id;
    if (!file_look(arena_path(ctx->arena, data, "tier-pending"), &id))
        return fault_set(&ctx->fault, ERR_NOT_FOUND, "Nothing waits to be confirmed: it took too long, and was undone.");
    return note(ctx, data, "tier-mark", "confirmed\n");
}

bool tier_confirmed(struct ctx *ctx, const char *data) {
    struct file_id id;
    return file_look(arena_path(ctx->arena, data, "tier-mark"), &id);
}

/* What was there before, unless the owner has been at it since: of theirs nothing goes but our block. */
static enum err put_back(struct ctx *ctx, const char *path, const char *copy) {
    struct buf now = {.arena = ctx->arena}, before = {.arena = ctx->arena};
    const char *text, *old = "";
    TRY(read_file(ctx, path, &text, &now));
    if (!text || now.len == strlen(text)) return ERR_OK;
    if (*copy) TRY(read_file(ctx, copy, &old, &before));
    bool same = now.len == before.len && (now.len == 0 || memcmp(now.data, before.data, now.len) == 0);
    return same && old ? put(ctx, path, old, strlen(old)) : put(ctx, path, now.data, now.len);
}

enum err tier_undo(struct ctx *ctx, const char *data) {
    char *path, *copy;
    if (!read_note(ctx, data, "tier-pending", &path, &copy)) return ERR_OK;
    if (!tier_confirmed(ctx, data)) TRY(put_back(ctx, path, copy));
    (void)unlink(arena_path(ctx->arena, data, "tier-pending"));
    (void)unlink(arena_path(ctx->arena, data, "tier-mark"));
    return ERR_OK;
}

/* The list of names of an earlier version, by its first ones. */
enum tier_state tier_state(struct ctx *ctx, const char *dir) {
    const char *text = file_text(ctx->arena, arena_path(ctx->arena, dir, ".htaccess"), HTACCESS_MOST);
    const char *ours = text ? strstr(text, begin_mark) : NULL;
    if (!ours) return TIER_NONE;
    const char *end = strstr(ours, end_mark), *list = strstr(ours, "^((?:signal|signal\\.js|client\\.js|");
    return list && (!end || list < end) ? TIER_TOP : TIER_ACTIVE;
}

/* Is there a note, and has it been there for too long? */
static bool left(struct ctx *ctx, const char *data, const char *name, int64_t ms) {
    struct file_id id;
    return file_look(arena_path(ctx->arena, data, name), &id) && llabs(ctx->now - id.mtime * 1000) > ms;
}

bool tier_left(struct ctx *ctx, const char *data) {
    return left(ctx, data, "tier-pending", PENDING_MS);
}

void tier_sweep(struct ctx *ctx, const char *data) {
    if (left(ctx, data, "tier-try", TRY_MS)) tier_untry(ctx, data);
    if (tier_left(ctx, data)) (void)!tier_undo(ctx, data);
}

enum err tier_remember(struct ctx *ctx, const struct tier *t) {
    return t->kept ? setting_put(ctx, "kept", "yes") : ERR_OK;
}
