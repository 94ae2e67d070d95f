/* Generations of the live database. The number stands in polycircle.db and only rises. A damaged or vanished
 * live file is left alone, for others may still have it open; the next generation is made beside it, whole,
 * while polycircle.db is locked for writing, so nobody sees half of it. The generation before the last is
 * removed then: every request checks the number before it uses a file. */
#include "store/internal.h"
#include "store/schema.h"
#include "util/caps.h"

static const char *live_path(const struct store *s, int64_t gen, path_text path) {
    (void)snprintf(path, sizeof(path_text), "%s/live-%" PRId64 ".db", s->dir, gen);
    return path;
}

static void forget(struct store *s, int64_t gen) {
    path_text path;
    store_remove(live_path(s, gen, path));
}

static void close_live(struct store *s) {
    store_finalize(s, LIVE);
    (void)sqlite3_close(s->db[LIVE]);
    s->db[LIVE] = NULL;
    s->in_transaction[LIVE] = false;
}

enum err store_enter(struct store *s, const char *host, bool *host_ok) {
    bool row;
    s->wrote = false;
    TRY(store_first(s, SQL_ENTER, ARGS(T(host)), &row));
    s->gen = row ? store_int(s, SQL_ENTER, 0) : 0;
    *host_ok = row && store_int(s, SQL_ENTER, 1);
    s->retired = row && store_int(s, SQL_ENTER, 2);
    return ERR_OK; /* the row is not put back: as long as it stands the read of MAIN goes on, and locks nothing anew */
}

void store_leave(struct store *s) {
    (void)sqlite3_reset(s->prepared[SQL_ENTER]);
}

bool store_retired(const struct store *s) {
    return s->retired;
}

int64_t store_gen(const struct store *s) {
    return s->gen;
}

static bool same_file(const struct store *s, int64_t gen) {
    path_text path;
    struct stat now;
    return stat(live_path(s, gen, path), &now) == 0 && now.st_ino == s->live_file.st_ino && now.st_dev == s->live_file.st_dev &&
           now.st_size > 0;
}

static enum err open_live(struct store *s, int64_t gen) {
    path_text path;
    store_leave(s); /* as in store_begin: what follows locks */
    close_live(s);
    if (stat(live_path(s, gen, path), &s->live_file) != 0 || s->live_file.st_size == 0) return ERR_LIVE_LOST;
    int rc = store_connect(&s->db[LIVE], path, SQLITE_OPEN_READWRITE);
    if (rc != SQLITE_OK) return store_error(s, LIVE, rc);
    s->live_gen = gen;
    return store_tune(s, LIVE);
}

enum err store_live(struct store *s) {
    if (s->db[LIVE] && s->live_gen == s->gen && same_file(s, s->gen)) return ERR_OK;
    return open_live(s, s->gen);
}

/* Under polycircle.db's write lock. A file of this number can only be what a crash left: nobody was told. */
static enum err make(struct store *s, int64_t gen) {
    path_text path;
    forget(s, gen);
    close_live(s);
    int rc = store_connect(&s->db[LIVE], live_path(s, gen, path), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    if (rc != SQLITE_OK) {
        enum err e = store_error(s, LIVE, rc);
        return e == ERR_LIVE_LOST ? ERR_READ_ONLY : e; /* cannot even be made: do not try again for ever */
    }
    /* a join changes a few bytes in each of nine trees: without WAL every page of them is written twice */
    TRY(store_exec(s, LIVE, "PRAGMA page_size=2048; PRAGMA auto_vacuum=INCREMENTAL")); /* before there is anything in it */
    if (s->wal) TRY(store_exec(s, LIVE, "PRAGMA journal_mode=WAL"));
    TRY(store_tune(s, LIVE));
    TRY(store_exec(s, LIVE, "BEGIN IMMEDIATE;" SCHEMA_LIVE "COMMIT"));
    TRY(store_run(s, SQL_INSTANCE_SET, ARGS(T("gen"), I(gen))));
    return ERR_OK;
}

enum err store_renew(struct store *s) {
    int64_t lost = s->gen;
    bool host_ok;
    store_rollback(s);
    TRY(store_begin(s, MAIN, true));
    enum err e = store_enter(s, "", &host_ok);
    if (e == ERR_OK && s->gen == lost) {
        if (lost > 0) (void)fprintf(stderr, "polycircle: live database %" PRId64 " is made\n", lost + 1);
        e = make(s, lost + 1);
        if (e == ERR_OK) s->gen = lost + 1;
    }
    if (e == ERR_OK) e = store_commit(s, MAIN);
    if (e != ERR_OK) {
        store_rollback(s);
        close_live(s); /* it may be half of a file that nobody was told of */
        s->gen = lost;
        return e;
    }
    forget(s, lost - 1);
    return open_live(s, s->gen);
}

enum err store_shrink(struct store *s) {
    enum { SPARE = 128, STEP = 512 }; /* pages of 2 KiB, or of 4 in a file of an older program */
    int64_t free;
    if (!s->db[LIVE]) return ERR_OK; /* this request had no need of it */
    TRY(store_number(s, SQL_LIVE_FREE, NULL, 0, &free, 0));
    if (free < SPARE + STEP) return ERR_OK;
    return store_exec(s, LIVE, "PRAGMA incremental_vacuum(512)");
}

int64_t store_newest_live(const char *dir) {
    int64_t highest = 0, n;
    DIR *d = opendir(dir);
    for (struct dirent *entry; d && (entry = readdir(d));)
        if (sscanf(entry->d_name, "live-%" SCNd64, &n) == 1 && n > highest) highest = n;
    if (d) (void)closedir(d);
    return highest;
}

static int leave_wal(struct store *s) {
    static const struct timespec pause = {.tv_nsec = 100000000};
    int rc = SQLITE_BUSY;
    (void)sqlite3_busy_timeout(s->db[MAIN], 0);
    for (int tries = 0; tries < 20 && rc == SQLITE_BUSY; tries++) {
        if (tries) (void)nanosleep(&pause, NULL);
        rc = sqlite3_exec(s->db[MAIN], "PRAGMA journal_mode=TRUNCATE", NULL, NULL, NULL);
    }
    (void)sqlite3_busy_timeout(s->db[MAIN], SPAN_BUSY);
    return rc;
}

enum err store_leave_wal(struct store *s, struct fault *fault) {
    if (!s->wal) return ERR_OK;
    store_rollback(s);
    int rc = leave_wal(s);
    if (rc == SQLITE_BUSY)
        return fault_set(fault, ERR_BUSY,
                         "Other processes of the program have the database open. Stop them (rename polycircle.fcgi for five "
                         "minutes, or ask for a restart), then try again.");
    if (rc != SQLITE_OK) return store_error(s, MAIN, rc);
    s->wal = false;
    TRY(store_tune(s, MAIN));
    return store_renew(s);
}
