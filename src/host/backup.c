#include "host/backup.h"
#include "circle/signing.h"
#include "content/manifest.h"
#include "util/apart.h"

/* backups/polycircle-DATE.db, or with a kind polycircle-KIND-DATETIME.db. */
static const char *named(struct ctx *ctx, const char *dir, const char *kind) {
    time_t seconds = ctx->now / 1000;
    struct tm t;
    (void)gmtime_r(&seconds, &t);
    const char *date = arena_text(ctx->arena, "%04d-%02d-%02d", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday);
    if (!*kind) return arena_text(ctx->arena, "%s/backups/polycircle-%s.db", dir, date);
    return arena_text(ctx->arena, "%s/backups/polycircle-%s-%sT%02d%02d%02dZ.db", dir, kind, date, t.tm_hour, t.tm_min, t.tm_sec);
}

static const char *today(struct ctx *ctx) {
    return named(ctx, store_dir(ctx->store), "");
}

/* Seconds since the last failure, which the lock file's time is; a full disk lets us write nothing else. */
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

static bool is_daily(const char *name) {
    static const char form[] = "polycircle-0000-00-00.db";
    for (size_t i = 0; i < sizeof form; i++)
        if (form[i] == '0' ? !strchr("0123456789", name[i]) || !name[i] : name[i] != form[i]) return false;
    return true;
}

typedef bool name_test(const char *name);

/* Names in backups/ that pass the test, the greatest first. */
static size_t names(struct ctx *ctx, const char *dir, name_test *test, const char ***out) {
    size_t n = 0, all;
    const char **found = directory_names(ctx->arena, arena_path(ctx->arena, dir, "backups"), &all);
    *out = arena_alloc(ctx->arena, (all + 1) * sizeof **out);
    while (all-- > 0)
        if (test(found[all])) (*out)[n++] = found[all];
    return n;
}

static void rotate(struct ctx *ctx) {
    const char **all;
    size_t n = names(ctx, store_dir(ctx->store), is_daily, &all);
    for (size_t i = BACKUPS_KEPT; i < n; i++) (void)unlink(arena_text(ctx->arena, "%s/backups/%s", store_dir(ctx->store), all[i]));
}

enum err backup_file(struct ctx *ctx, const char *path) {
    if (signing_finish(ctx) != ERR_OK) store_rollback(ctx->store); /* so that each key is CID, by which a backup takes it */
    ctx->fault.text[0] = '\0';
    return store_save(ctx->store, path, &ctx->fault);
}

static enum err make(struct ctx *ctx, const char *path) {
    TRY(backup_file(ctx, path));
    rotate(ctx);
    return ERR_OK;
}

int backup_lock(struct ctx *ctx, const char *dir) {
    return file_lock(arena_path(ctx->arena, dir, "keep.lock"));
}

enum err backup_now(struct ctx *ctx, const char **path) {
    int lock = backup_lock(ctx, store_dir(ctx->store));
    if (lock < 0) return fault_set(&ctx->fault, ERR_BUSY, "A backup or restore is at work: try again.");
    *path = today(ctx);
    enum err e = make(ctx, *path);
    (void)close(lock);
    return e;
}

/* A failure is noted before it happens: who is killed at it notes nothing. It is said once a day. */
static void make_daily(struct ctx *ctx, int lock) {
    time_t now = ctx->now / 1000;
    int64_t since = since_failure(ctx);
    const struct timespec at[2] = {{now, 0}, {now, 0}}, never[2] = {{0, 0}, {0, 0}};
    (void)futimens(lock, at);
    if (make(ctx, today(ctx)) == ERR_OK)
        (void)futimens(lock, never);
    else if (since >= 86400 || (now - since) / 86400 != now / 86400)
        (void)fprintf(stderr, "polycircle: no backup today; it is tried again every hour: %s\n", ctx->fault.text);
    ctx->fault.text[0] = '\0';
}

enum err backup_daily(struct ctx *ctx) {
    int lock = backup_lock(ctx, store_dir(ctx->store));
    if (lock < 0) return ERR_OK;
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
    const struct timespec at[2] = {{now, 0}, {now, 0}};
    if (!is_large(ctx)) return backup_daily(ctx);
    int lock = backup_lock(ctx, store_dir(ctx->store));
    if (lock < 0) return ERR_OK;
    (void)futimens(lock, at);
    (void)close(lock); /* it is for who makes the copy */
    if (start_apart(ctx) || (lock = backup_lock(ctx, store_dir(ctx->store))) < 0) return ERR_OK;
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

static bool is_copy(const char *name) {
    size_t len = strlen(name);
    return strncmp(name, "polycircle-", 11) == 0 && len > 3 && strcmp(name + len - 3, ".db") == 0;
}

const char *backup_newest(struct ctx *ctx, const char *dir) {
    const char **all, *best = NULL;
    struct fault fault;
    struct file_id id;
    int64_t time = INT64_MIN;
    size_t n = names(ctx, dir, is_copy, &all);
    for (size_t i = 0; i < n; i++) {
        const char *path = arena_text(ctx->arena, "%s/backups/%s", dir, all[i]);
        if (!file_look(path, &id)) continue;
        if (strstr(all[i], "-before-restore-")) id.mtime -= INT64_C(1) << 40; /* only where there is no other */
        if (id.mtime <= time) continue;
        if (store_restorable(dir, path, &fault) != ERR_OK) continue;
        best = path;
        time = id.mtime;
    }
    return best;
}

static enum err sign_all(struct ctx *ctx) {
    struct circle_list all;
    TRY(store_begin(ctx->store, MAIN, true));
    TRY(circle_list(ctx, &all));
    for (size_t i = 0; i < all.n; i++) {
        if (all.all[i].removed) continue;
        TRY(signing_adopt(ctx, &all.all[i]));
        TRY(manifest_again(ctx, &all.all[i]));
    }
    return store_commit(ctx->store, MAIN);
}

/* The versions that the restored manifests have are ones that browsers may have seen with other content; and the keys that are
 * here may be newer ones. */
static enum err sign_anew(struct ctx *ctx, const char *dir) {
    TRY(store_open(&ctx->store, dir, &ctx->fault));
    enum err e = sign_all(ctx);
    store_rollback(ctx->store);
    store_close(ctx->store);
    ctx->store = NULL;
    return e;
}

/* A renewal of keys that was broken off is settled by the database that knows which one counts, while it is there. */
static void settle_keys(struct ctx *ctx, const char *dir) {
    if (store_open(&ctx->store, dir, &ctx->fault) != ERR_OK) return;
    if (signing_finish(ctx) != ERR_OK) store_rollback(ctx->store);
    store_close(ctx->store);
    ctx->store = NULL;
}

/* Under the lock. */
static enum err restore(struct ctx *ctx, const char *dir, const char *file, const char *mark, const char **kept) {
    const char *path = named(ctx, dir, "before-restore");
    settle_keys(ctx, dir);
    TRY(store_restore(dir, file, path, mark, &ctx->fault));
    if (kept) *kept = access(path, F_OK) == 0 ? path : NULL;
    return sign_anew(ctx, dir);
}

enum err restore_file(struct ctx *ctx, const char *dir, const char *file, const char **kept) {
    int lock = backup_lock(ctx, dir);
    if (lock < 0) return fault_set(&ctx->fault, ERR_BUSY, "%s: no such directory, or a backup or restore is at work.", dir);
    enum err e = restore(ctx, dir, file, "", kept);
    (void)close(lock);
    return e;
}

bool restore_waits(const char *dir) {
    char path[1200];
    int n = snprintf(path, sizeof path, "%s/polycircle.restore", dir);
    return n > 0 && (size_t)n < sizeof path && access(path, F_OK) == 0;
}

/* Under the lock. Its inode and the time of its renaming say whether we have been here: then only the moving was missing. */
static void take_in(struct ctx *ctx, const char *dir, const char *path) {
    struct stat st;
    if (lstat(path, &st) != 0 || (ctx->now / 1000 >= st.st_mtime && ctx->now / 1000 - st.st_mtime < SPAN_UPLOAD / 1000)) return;
    const char *mark =
        arena_text(ctx->arena, "%lld %lld.%09ld", (long long)st.st_ino, (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
    enum err e = S_ISREG(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 022)
                     ? restore(ctx, dir, path, mark, NULL)
                     : fault_set(&ctx->fault, ERR_FILES, "%s must be a file of ours that nobody else can write: chmod 600", path);
    if (e == ERR_BUSY || e == ERR_DISK_FULL || e == ERR_READ_ONLY) return; /* later */
    const char *to = e == ERR_OK ? named(ctx, dir, "restored") : arena_path(ctx->arena, dir, "polycircle.restore-refused");
    (void)rename(path, to);
    (void)fprintf(stderr, "polycircle: polycircle.restore is %s: %s\n", e == ERR_OK ? "restored" : "refused",
                  e == ERR_OK ? to : err_text(e, &ctx->fault));
}

void restore_waiting(struct ctx *ctx, const char *dir) {
    int lock = backup_lock(ctx, dir);
    const char *path = arena_path(ctx->arena, dir, "polycircle.restore");
    if (lock < 0) return;
    unsigned left = alarm(0); /* of the answer: a large copy takes longer, and would be begun again by each request */
    take_in(ctx, dir, path);
    if (left) (void)alarm(left);
    (void)close(lock);
    ctx->fault.text[0] = '\0';
}
