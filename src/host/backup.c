#include "host/backup.h"
#include "circle/signing.h"
#include "host/left.h"
#include "host/trouble.h"
#include "store/copy.h"
#include "store/keys.h"
#include "util/apart.h"
#include <fnmatch.h>

const char *backup_path(struct ctx *ctx, const char *folder, const char *kind) {
    time_t seconds = ctx->now / 1000;
    struct tm t;
    (void)gmtime_r(&seconds, &t);
    const char *date = arena_text(ctx->arena, "%04d-%02d-%02d", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday);
    if (!*kind) return arena_text(ctx->arena, "%s/polycircle-%s.db", folder, date);
    const char *second =
        arena_text(ctx->arena, "%s/polycircle-%s-%sT%02d%02d%02dZ", folder, kind, date, t.tm_hour, t.tm_min, t.tm_sec);
    struct stat st;
    const char *path = arena_text(ctx->arena, "%s.db", second);
    for (int n = 2; lstat(path, &st) == 0; n++) path = arena_text(ctx->arena, "%s-%d.db", second, n);
    return path;
}

const char *backup_folder(struct ctx *ctx, const char *dir) {
    return arena_path(ctx->arena, dir, "backups");
}

static const char *today(struct ctx *ctx) {
    return backup_path(ctx, backup_folder(ctx, store_dir(ctx->store)), "");
}

/* Seconds since the last failure. */
static int64_t since_failure(struct ctx *ctx) {
    struct stat st;
    const char *path = arena_path(ctx->arena, store_dir(ctx->store), "keep.lock");
    return stat(path, &st) == 0 && st.st_mtime <= ctx->now / 1000 ? ctx->now / 1000 - st.st_mtime : INT64_MAX;
}

static bool is_due(struct ctx *ctx) {
    return access(today(ctx), F_OK) != 0 && since_failure(ctx) >= SPAN_BACKUP_AGAIN / 1000;
}

static const char *log_path(struct ctx *ctx) {
    return arena_path(ctx->arena, store_dir(ctx->store), "backup.log");
}

/* What a copy that was made apart has to complain of; NULL: nothing. It is said once. */
static const char *complaint(struct ctx *ctx) {
    enum { MOST = 4096 };
    char *said = file_text(ctx->arena, log_path(ctx), MOST);
    if (!said || !*said) return NULL;
    said[strcspn(said, "\n")] = '\0';
    (void)unlink(log_path(ctx));
    return said;
}

bool backup_due(struct ctx *ctx) {
    static int64_t looked;
    if (ctx->now >= looked && ctx->now - looked < SPAN_BACKUP_LOOK) return false;
    looked = ctx->now;
    const char *said = complaint(ctx);
    if (said) (void)fprintf(stderr, "polycircle: no backup; it is tried again every hour: %s\n", said);
    return is_due(ctx);
}

/* Of those with names like this the newest stay: later ones than now, of a clock that was ahead, go before older ones. */
static void keep_newest(struct ctx *ctx, const char *like, const char *now) {
    const char *dir = backup_folder(ctx, store_dir(ctx->store));
    struct texts found = {0};
    size_t n;
    const char **all = directory_names(ctx->arena, dir, &n);
    for (size_t i = 0; i < n; i++)
        if (fnmatch(like, all[i], 0) == 0) texts_add(ctx->arena, &found, all[i]);
    for (size_t first = 0, left = found.n; left > BACKUPS_KEPT; left--) {
        const char *last = found.all[found.n - 1];
        const char *goes = strcmp(last, now) > 0 ? found.all[--found.n] : found.all[first++];
        (void)unlink(arena_path(ctx->arena, dir, goes));
    }
}

/* Today's own stays in any case. */
static void rotate(struct ctx *ctx) {
    struct ctx next = {.arena = ctx->arena, .now = ctx->now + 1000};
    const char *dir = backup_folder(ctx, store_dir(ctx->store));
    keep_newest(ctx, "polycircle-[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9].db", file_name(today(ctx)));
    keep_newest(ctx, "polycircle-earlier-[0-9]*T[0-9]*Z*.db", file_name(backup_path(&next, dir, "earlier")));
}

enum err backup_file(struct ctx *ctx, const char *path) {
    if (signing_finish(ctx) != ERR_OK) store_rollback(ctx->store); /* so that each key is CID, by which a backup takes it */
    ctx->fault.text[0] = '\0';
    return copy_save(ctx->store, path, key_pack, &ctx->fault);
}

/* What one that was killed has left goes first: it may be as large, and perhaps each one is killed. */
static enum err make(struct ctx *ctx, const char *path) {
    (void)!left_drop(ctx, store_dir(ctx->store));
    TRY(backup_file(ctx, path));
    rotate(ctx);
    return ERR_OK;
}

enum err backup_lock(struct ctx *ctx, const char *dir, int *lock) {
    const char *path = arena_path(ctx->arena, dir, "keep.lock");
    *lock = file_lock(path);
    if (*lock >= 0) return ERR_OK;
    if (errno == EAGAIN) return fault_set(&ctx->fault, ERR_BUSY, "A backup or restore is at work: try again.");
    return fault_errno(&ctx->fault, trouble_error(errno), path);
}

bool backup_turn(struct ctx *ctx, const char *dir, int *lock) {
    enum err e = backup_lock(ctx, dir, lock);
    int told = e == ERR_OK || e == ERR_BUSY ? -1 : file_turn(arena_path(ctx->arena, dir, "told"), ctx->now, SPAN_DAY);
    if (told >= 0) {
        (void)fprintf(stderr, "polycircle: no copy is made, and none restored: %s\n", ctx->fault.text);
        (void)close(told);
    }
    ctx->fault.text[0] = '\0';
    return e == ERR_OK;
}

/* A copy of today that is there already, by its own time. NULL: there is none. */
static const char *set_aside(struct ctx *ctx, const char *path) {
    struct file_id id;
    if (!file_look(path, &id)) return NULL;
    struct ctx then = {.arena = ctx->arena, .now = id.mtime * 1000};
    const char *aside = backup_path(&then, backup_folder(ctx, store_dir(ctx->store)), "earlier");
    return rename(path, aside) == 0 ? aside : NULL;
}

enum err backup_now(struct ctx *ctx, const char **path) {
    int lock;
    TRY(backup_lock(ctx, store_dir(ctx->store), &lock));
    *path = today(ctx);
    const char *aside = set_aside(ctx, *path);
    enum err e = make(ctx, *path);
    if (e != ERR_OK && aside) (void)rename(aside, *path);
    (void)close(lock);
    return e;
}

/* A failure is noted before it happens: who is killed at it notes nothing. It is said once a day. */
static void make_daily(struct ctx *ctx, int lock) {
    time_t now = ctx->now / 1000;
    int64_t since = since_failure(ctx);
    const struct timespec at[2] = {{0, UTIME_OMIT}, {now, 0}}, never[2] = {{0, UTIME_OMIT}, {0, 0}};
    (void)futimens(lock, at);
    if (make(ctx, today(ctx)) == ERR_OK)
        (void)futimens(lock, never);
    else if (since >= 86400 || (now - since) / 86400 != now / 86400)
        (void)fprintf(stderr, "polycircle: no backup today; it is tried again every hour: %s\n", ctx->fault.text);
    ctx->fault.text[0] = '\0';
}

enum err backup_daily(struct ctx *ctx) {
    int lock;
    if (!backup_turn(ctx, store_dir(ctx->store), &lock)) return ERR_OK;
    if (is_due(ctx)) make_daily(ctx, lock);
    (void)close(lock);
    return ERR_OK;
}

/* More than a slow disk writes in the time of an answer. */
static bool is_large(struct ctx *ctx) {
    enum { AT_ONCE = 2 << 20 };
    struct file_id id;
    return file_look(arena_path(ctx->arena, store_dir(ctx->store), "polycircle.db"), &id) && id.size > AT_ONCE;
}

/* `polycircle backup` by itself. */
static bool start_apart(struct ctx *ctx) {
    const char *const words[] = {"backup", "--data", store_dir(ctx->store), NULL};
    (void)unlink(log_path(ctx));
    return run_apart(words, log_path(ctx));
}

/* A failure is noted before it happens, as make_daily() does; with the lock, so that nobody else starts one meanwhile. */
enum err backup_after(struct ctx *ctx) {
    time_t now = ctx->now / 1000;
    const struct timespec at[2] = {{0, UTIME_OMIT}, {now, 0}};
    if (!is_large(ctx)) return backup_daily(ctx);
    int lock;
    if (!backup_turn(ctx, store_dir(ctx->store), &lock)) return ERR_OK;
    (void)futimens(lock, at);
    (void)close(lock); /* it is for who makes the copy */
    if (start_apart(ctx) || !backup_turn(ctx, store_dir(ctx->store), &lock)) return ERR_OK;
    make_daily(ctx, lock);
    (void)close(lock);
    return ERR_OK;
}

enum err backup_asked(struct ctx *ctx, const char **path, bool *done) {
    enum { LOOKS = 100 };
    static const struct timespec pause = {.tv_nsec = 100000000};
    struct file_id before, now;
    const char *said = NULL;
    *path = today(ctx);
    bool there = file_look(*path, &before);
    *done = !is_large(ctx) || !start_apart(ctx);
    if (*done) return backup_now(ctx, path);
    for (int i = 0; i < LOOKS && !*done && !said; i++) {
        (void)nanosleep(&pause, NULL);
        *done = file_look(*path, &now) && (!there || now.ino != before.ino);
        said = complaint(ctx);
    }
    return *done || !said ? ERR_OK : fault_set(&ctx->fault, ERR_FILES, "%s", said);
}
