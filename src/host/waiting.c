#include "host/waiting.h"
#include "host/backup.h"
#include "host/restore.h"

bool waiting_there(const char *dir) {
    char path[1200];
    int n = snprintf(path, sizeof path, "%s/polycircle.restore", dir);
    return n > 0 && (size_t)n < sizeof path && access(path, F_OK) == 0;
}

static const char refused_name[] = "polycircle.restore-refused";

/* The newest name of this kind in backups/ that was given within the last day, or "". */
static const char *told(struct ctx *ctx, const char *dir, const char *kind) {
    struct ctx yesterday = {.arena = ctx->arena, .now = ctx->now - SPAN_DAY};
    const char *since = file_name(backup_path(&yesterday, backup_folder(ctx, dir), kind)), *newest = "";
    size_t n, len = strlen("polycircle-") + strlen(kind);
    const char **all = directory_names(ctx->arena, backup_folder(ctx, dir), &n);
    while (n-- > 0) {
        bool later = strncmp(all[n], since, len) == 0 && strcmp(all[n], since) > 0;
        if (later && strcmp(all[n], newest) > 0) newest = all[n]; /* the names have the time in them */
    }
    return newest;
}

/* When a polycircle.restore was tried last, and did not come to its end: since it came, in seconds; 0: it was not. */
static int64_t tried(struct ctx *ctx, const char *dir) {
    struct stat st, lock;
    bool known = lstat(arena_path(ctx->arena, dir, "polycircle.restore"), &st) == 0 &&
                 stat(arena_path(ctx->arena, dir, "keep.lock"), &lock) == 0;
    return known && lock.st_atime >= st.st_ctime ? lock.st_atime : 0;
}

void waiting_told(struct ctx *ctx, const char *dir, const char **before, const char **restored, bool *refused, bool *waits) {
    *before = told(ctx, dir, "before-restore");
    *restored = told(ctx, dir, "restored");
    *refused = access(arena_path(ctx->arena, dir, refused_name), F_OK) == 0;
    *waits = tried(ctx, dir) != 0;
}

/* Out of the way, or it would be looked at again at each request: where it belongs, which may be on another disk, or taken by a
 * folder; else beside it under a name that is free. Where it is then. */
static const char *put_away(struct ctx *ctx, const char *dir, const char *path, bool restored) {
    const char *to = restored ? backup_path(ctx, backup_folder(ctx, dir), "restored") : arena_path(ctx->arena, dir, refused_name);
    if (rename(path, to) == 0) return to;
    if (restored && errno == EXDEV && file_copy(path, to) && unlink(path) == 0) return to;
    to = backup_path(ctx, dir, restored ? "restored" : "refused");
    return rename(path, to) == 0 ? to : path;
}

static bool within(int64_t now_ms, int64_t then, int64_t span_ms) {
    return now_ms / 1000 >= then && now_ms / 1000 - then < span_ms / 1000;
}

static void note(int lock, int64_t seconds) {
    const struct timespec at[2] = {{seconds, 0}, {0, UTIME_OMIT}};
    (void)futimens(lock, at);
}

/* Its inode and the time of its renaming say whether we have been here: then only the moving was missing. That it was tried is
 * noted before: a host that kills it, or a disk without room for it, does so to each request otherwise. */
static void take_in(struct ctx *ctx, const char *dir, const char *path, int lock) {
    struct stat st;
    int64_t last = tried(ctx, dir);
    if (lstat(path, &st) != 0 || within(ctx->now, st.st_mtime, SPAN_UPLOAD) || within(ctx->now, last, SPAN_RESTORE_AGAIN)) return;
    note(lock, ctx->now / 1000);
    const char *mark =
        arena_text(ctx->arena, "%lld %lld.%09ld", (long long)st.st_ino, (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
    bool ours = S_ISREG(st.st_mode) && st.st_nlink == 1 && st.st_uid == geteuid() && !(st.st_mode & 022);
    enum err e = ours ? restore_once(ctx, dir, path, mark, NULL)
                      : fault_set(&ctx->fault, ERR_FILES,
                                  "%s must be a file of ours, with one name, that nobody else can write: chmod 600", path);
    const char *why = e == ERR_OK ? "" : err_text(e, &ctx->fault);
    if (e == ERR_BUSY || e == ERR_DISK_FULL || e == ERR_READ_ONLY) {
        if (!last) (void)fprintf(stderr, "polycircle: polycircle.restore waits; it is tried again every five minutes: %s\n", why);
        return;
    }
    note(lock, 0);
    const char *to = put_away(ctx, dir, path, e == ERR_OK);
    (void)fprintf(stderr, "polycircle: polycircle.restore is %s: %s\n", e == ERR_OK ? "restored" : "refused", *why ? why : to);
}

void waiting_take(struct ctx *ctx, const char *dir) {
    int lock;
    const char *path = arena_path(ctx->arena, dir, "polycircle.restore");
    if (!backup_turn(ctx, dir, &lock)) return;
    unsigned left = alarm(0); /* of the answer: a large copy takes longer, and would be begun again by each request */
    take_in(ctx, dir, path, lock);
    if (left) (void)alarm(left);
    (void)close(lock);
    ctx->fault.text[0] = '\0';
}
