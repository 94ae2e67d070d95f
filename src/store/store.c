#include "store/internal.h"
#include "store/schema.h"
#include "util/caps.h"
#include "util/file.h"
#include "util/trial.h"

static const struct {
    enum db db;
    const char *text;
} statements[SQL_COUNT] = {
#define SQL_ROW(id, db, text) {db, text},
    SQL_TABLE(SQL_ROW)
#undef SQL_ROW
};

static int extended_code(const struct store *s, enum db db, int rc) {
    return s->db[db] ? sqlite3_extended_errcode(s->db[db]) : rc;
}

/* SQLite calls it SQLITE_FULL only when write() says ENOSPC. A quota says EDQUOT, and where blocks are copied on write even
 * cutting a file off fails; the errno may be another by now. So whatever cannot be written counts as no room; and a journal
 * that cannot be made SQLite tries to read next, hence CANTOPEN with ENOENT: only the directory itself can tell. */
static bool no_room(const struct store *s, enum db db, int extended) {
    int64_t ms;
    mode_t mode;
    int why = s->db[db] ? sqlite3_system_errno(s->db[db]) : 0;
    static const int writing[] = {
        SQLITE_IOERR_WRITE,    SQLITE_IOERR_FSYNC,  SQLITE_IOERR_DIR_FSYNC,
        SQLITE_IOERR_TRUNCATE, SQLITE_IOERR_DELETE, SQLITE_IOERR_SHMSIZE,
    };
    for (size_t i = 0; i < sizeof writing / sizeof *writing; i++)
        if (extended == writing[i]) return true;
    int kind = extended & 0xff;
    if (kind == SQLITE_CANTOPEN && s->dir[0]) why = trial_write(s->dir, 1 << 16, &ms, &mode);
    return (kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN) && (why == ENOSPC || why == EDQUOT);
}

enum err store_code(const struct store *s, enum db db, int rc) {
    static const struct {
        int rc;
        enum err main, live;
    } codes[] = {
        {SQLITE_BUSY, ERR_BUSY, ERR_BUSY},
        {SQLITE_LOCKED, ERR_BUSY, ERR_BUSY},
        {SQLITE_FULL, ERR_DISK_FULL, ERR_DISK_FULL},
        {SQLITE_READONLY, ERR_READ_ONLY, ERR_READ_ONLY},
        {SQLITE_PERM, ERR_READ_ONLY, ERR_READ_ONLY},
        {SQLITE_CANTOPEN, ERR_READ_ONLY, ERR_LIVE_LOST},
        {SQLITE_CORRUPT, ERR_DAMAGED, ERR_LIVE_LOST},
        {SQLITE_NOTADB, ERR_DAMAGED, ERR_LIVE_LOST},
        {SQLITE_IOERR, ERR_DAMAGED, ERR_LIVE_LOST},
        {SQLITE_ERROR, ERR_INTERNAL, ERR_LIVE_LOST},
        {SQLITE_SCHEMA, ERR_INTERNAL, ERR_LIVE_LOST},
        {SQLITE_PROTOCOL, ERR_BUSY, ERR_BUSY},
    };
    int extended = extended_code(s, db, rc);
    if (extended == SQLITE_READONLY_DBMOVED) return db == LIVE ? ERR_LIVE_LOST : ERR_BUSY; /* restored: open it anew */
    if (no_room(s, db, extended)) return ERR_DISK_FULL;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].rc == (rc & 0xff)) return db == LIVE ? codes[i].live : codes[i].main;
    return ERR_INTERNAL;
}

enum err store_error(const struct store *s, enum db db, int rc) {
    int extended = extended_code(s, db, rc);
    if (extended != SQLITE_READONLY_DBMOVED)
        (void)fprintf(stderr, "polycircle: SQLite: %s file: %s (%d)\n", db == LIVE ? "live" : "main",
                      s->db[db] ? sqlite3_errmsg(s->db[db]) : sqlite3_errstr(rc), extended);
    return store_code(s, db, rc);
}

int store_connect(sqlite3 **db, const char *path, int flags) {
    store_memory();
    int rc = sqlite3_open_v2(path, db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK) {
        (void)sqlite3_busy_timeout(*db, SPAN_BUSY);
        (void)sqlite3_db_config(*db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        (void)sqlite3_db_config(*db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    }
    return rc;
}

void store_remove(const char *path) {
    static const char *const parts[] = {"", "-journal", "-wal", "-shm"};
    char part[1200];
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        (void)snprintf(part, sizeof part, "%s%s", path, parts[i]);
        (void)unlink(part);
    }
}

enum err store_exec(struct store *s, enum db db, const char *sql) {
    int rc = sqlite3_exec(s->db[db], sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? ERR_OK : store_error(s, db, rc);
}

enum err store_tune(struct store *s, enum db db) {
    static const char *const tuning[2][2] = {
        /* whoever writes keeps the pages to himself until the end: once one is in the file, nobody reads until then */
        {"PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; PRAGMA cache_spill=OFF",
         "PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY"},
        {"PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=OFF; PRAGMA temp_store=MEMORY",
         "PRAGMA synchronous=OFF; PRAGMA temp_store=MEMORY"},
    };
    enum err e = store_exec(s, db, tuning[db][s->wal]);
    return e == ERR_READ_ONLY ? ERR_OK : e; /* reading goes on */
}

enum err store_try(struct store *s, const char *sql) {
    int rc = sqlite3_exec(s->db[MAIN], sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? ERR_OK : store_code(s, MAIN, rc);
}

enum err store_errno(struct fault *fault, const char *path) {
    return fault_errno(fault, errno == ENOSPC || errno == EDQUOT ? ERR_DISK_FULL : ERR_FILES, path);
}

enum header store_header(const char *path) {
    static const char magic[16] = "SQLite format 3";
    uint8_t head[20];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return errno == ENOENT || errno == ENOTDIR ? HEADER_NONE : HEADER_UNREAD;
    bool known = fstat(fd, &st) == 0, whole = known && file_read(fd, head, sizeof head, 0);
    int why = errno;
    (void)close(fd);
    errno = why;
    if (known && st.st_size == 0) return HEADER_EMPTY;
    if (!whole) return known && st.st_size < (off_t)sizeof head ? HEADER_OTHER : HEADER_UNREAD;
    bool ours = memcmp(head, magic, sizeof magic) == 0 && (head[18] == HEADER_JOURNAL || head[18] == HEADER_WAL);
    return ours ? (enum header)head[18] : HEADER_OTHER;
}

enum err store_unread(struct fault *fault, const char *path) {
    return errno == EACCES || errno == EPERM ? ERR_READ_ONLY : fault_errno(fault, ERR_BUSY, path);
}

static bool has_wal(const char *path, char wal[static 1100]) {
    struct stat st;
    (void)snprintf(wal, 1100, "%s-wal", path);
    return stat(wal, &st) == 0 && st.st_size;
}

/* Somebody has put a copy (which has no WAL) in the place of a file that had one: SQLite would apply that to it. A header
 * says WAL before there is anything in one, hence the second look. */
static void set_aside(const char *path, enum header header) {
    char wal[1100], to[1120];
    if (!has_wal(path, wal) || store_header(path) != header) return;
    (void)snprintf(to, sizeof to, "%s.foreign", wal);
    (void)fprintf(stderr, "polycircle: %s is of another file than polycircle.db: renamed to *.foreign\n", wal);
    (void)rename(wal, to);
    (void)snprintf(wal, sizeof wal, "%s-shm", path);
    (void)unlink(wal);
}

/* May SQLite open it? Of an empty file it would make a new database, and of a WAL that is beside one nothing would be left. */
static enum err look_at(struct store *s, enum header header, struct fault *fault) {
    char wal[1100];
    if (header == HEADER_UNREAD) return store_unread(fault, s->main_path);
    if (header == HEADER_OTHER && has_wal(s->main_path, wal)) return ERR_DAMAGED;
    if (s->creates || (header != HEADER_NONE && header != HEADER_EMPTY)) return ERR_OK;
    /* a set-up that was broken off leaves an empty one, before there is a live database */
    return header == HEADER_EMPTY && store_newest_live(s->dir) ? ERR_DAMAGED : ERR_NOT_SET_UP;
}

static enum err open_main(struct store *s, struct fault *fault) {
    const char *path = s->main_path;
    enum header header = store_header(path); /* before SQLite opens it: closing any descriptor of the file drops its locks */
    TRY(look_at(s, header, fault));
    s->wal = header == HEADER_WAL;
    if (!s->wal && header != HEADER_OTHER) set_aside(path, header);
    int rc = store_connect(&s->db[MAIN], path, SQLITE_OPEN_READWRITE | (s->creates ? SQLITE_OPEN_CREATE : 0));
    if (rc != SQLITE_OK) return store_error(s, MAIN, rc);
    (void)sqlite3_wal_autocheckpoint(s->db[MAIN], 100); /* whoever finds nobody else here reads the whole WAL */
    (void)stat(path, &s->main_file);
    TRY(store_tune(s, MAIN));
    return migrate(s, migrations, migrations_count, fault);
}

enum err store_new(struct store **out, const char *dir) {
    struct store *s = calloc(1, sizeof *s);
    if (!s || strlen(dir) >= sizeof s->dir - 64) {
        free(s);
        return ERR_FILES;
    }
    memcpy(s->dir, dir, strlen(dir) + 1);
    (void)snprintf(s->main_path, sizeof s->main_path, "%s/polycircle.db", dir);
    *out = s;
    return ERR_OK;
}

static enum err create_main(struct store *s, const char *journal, struct fault *fault) {
    const char *dir = s->dir;
    if (!directory_make(dir)) return fault_errno(fault, ERR_FILES, dir);
    bool fresh = access(s->main_path, F_OK) != 0;
    s->creates = true;
    TRY(open_main(s, fault));
    bool wal = strcmp(journal, "wal") == 0 || (strcmp(journal, "auto") == 0 && store_wal_works(dir));
    if (fresh && wal) {
        TRY(store_exec(s, MAIN, "PRAGMA journal_mode=WAL"));
        s->wal = true;
    }
    return ERR_OK;
}

/* What has failed is closed: a process that kept it would answer by a database without tables. */
static enum err whole_or_none(struct store **out, enum err e) {
    if (e == ERR_OK) return ERR_OK;
    store_close(*out);
    *out = NULL;
    return e;
}

enum err store_open(struct store **out, const char *dir, struct fault *fault) {
    TRY(store_new(out, dir));
    return whole_or_none(out, open_main(*out, fault));
}

enum err store_create(struct store **out, const char *dir, const char *journal, struct fault *fault) {
    TRY(store_new(out, dir));
    return whole_or_none(out, create_main(*out, journal, fault));
}

void store_finalize(struct store *s, enum db db) {
    for (size_t i = 0; i < SQL_COUNT; i++)
        if (statements[i].db == db && s->prepared[i]) {
            (void)sqlite3_finalize(s->prepared[i]);
            s->prepared[i] = NULL;
        }
}

void store_close(struct store *s) {
    for (enum db db = MAIN; db <= LIVE; db++) {
        store_finalize(s, db);
        (void)sqlite3_close(s->db[db]);
    }
    free(s);
}

bool store_current(const struct store *s) {
    struct stat now;
    return stat(s->main_path, &now) == 0 && now.st_ino == s->main_file.st_ino && now.st_dev == s->main_file.st_dev;
}

const char *store_dir(const struct store *s) {
    return s->dir;
}

const char *store_journal(const struct store *s) {
    return s->wal ? "wal" : "truncate";
}

enum err store_begin(struct store *s, enum db db, bool write) {
    static const enum sql begin[2][2] = {{SQL_MAIN_READ, SQL_MAIN_WRITE}, {SQL_LIVE_READ, SQL_LIVE_WRITE}};
    bool row;
    store_leave(s); /* or two processes wait for each other: this one in MAIN for LIVE, the other in LIVE for MAIN */
    TRY(store_first(s, begin[db][write], NULL, 0, &row));
    s->in_transaction[db] = true;
    s->wrote |= write;
    /* what is written into a file that was replaced (store/replace.h) would be lost: not acknowledged, then */
    return db == MAIN && write && !store_current(s) ? ERR_BUSY : ERR_OK;
}

enum err store_begin_now(struct store *s) {
    store_leave(s);
    (void)sqlite3_busy_timeout(s->db[MAIN], 0);
    int rc = sqlite3_exec(s->db[MAIN], "BEGIN IMMEDIATE", NULL, NULL, NULL);
    (void)sqlite3_busy_timeout(s->db[MAIN], SPAN_BUSY);
    if (rc != SQLITE_OK) return (rc & 0xff) == SQLITE_BUSY ? ERR_BUSY : store_error(s, MAIN, rc); /* nothing for the log */
    s->in_transaction[MAIN] = s->wrote = true;
    return store_current(s) ? ERR_OK : ERR_BUSY;
}

enum err store_scans(struct store *s) {
    return store_exec(s, MAIN, FOUND_COUNTS);
}

static void reset_all(struct store *s, enum db db) {
    for (sqlite3_stmt *stmt = NULL; (stmt = sqlite3_next_stmt(s->db[db], stmt));)
        if (sqlite3_stmt_busy(stmt)) (void)sqlite3_reset(stmt);
}

enum err store_commit(struct store *s, enum db db) {
    bool row;
    reset_all(s, db);
    TRY(store_first(s, db == MAIN ? SQL_MAIN_COMMIT : SQL_LIVE_COMMIT, NULL, 0, &row));
    s->in_transaction[db] = false;
    return ERR_OK;
}

void store_rollback(struct store *s) {
    for (enum db db = MAIN; db <= LIVE; db++) {
        if (!s->db[db]) continue;
        reset_all(s, db);
        if (s->in_transaction[db] && !sqlite3_get_autocommit(s->db[db]))
            (void)sqlite3_exec(s->db[db], "ROLLBACK", NULL, NULL, NULL);
        s->in_transaction[db] = false;
    }
}

/* Who finds nobody else here reads the whole WAL, and no longer knows what of it is in the file already: so if each program ends
 * without closing, it grows for ever. MAIN's takes two syncs to empty, hence only now and then. */
void store_settle(struct store *s) {
    static const int64_t most[2] = {[MAIN] = 65536, [LIVE] = 0};
    struct stat wal;
    for (enum db db = MAIN; db <= LIVE; db++) {
        if (!s->db[db] || stat(sqlite3_filename_wal(sqlite3_db_filename(s->db[db], "main")), &wal) != 0) continue;
        if (wal.st_size <= most[db]) continue;
        (void)sqlite3_busy_timeout(s->db[db], 0); /* while others are here it can wait */
        (void)sqlite3_wal_checkpoint_v2(s->db[db], NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    }
}

bool store_wrote(const struct store *s) {
    return s->wrote;
}

static void bind(sqlite3_stmt *stmt, const struct arg *args, size_t n) {
    for (int i = 0; i < (int)n; i++) {
        const struct arg *a = &args[i];
        if (a->kind == ARG_INT)
            (void)sqlite3_bind_int64(stmt, i + 1, a->number);
        else if (a->kind == ARG_TEXT)
            (void)sqlite3_bind_text(stmt, i + 1, a->bytes, -1, SQLITE_STATIC);
        else
            (void)sqlite3_bind_blob64(stmt, i + 1, a->bytes, a->len, SQLITE_STATIC);
    }
}

static enum err step(struct store *s, enum sql id, bool *row) {
    int rc = sqlite3_step(s->prepared[id]);
    *row = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW) return ERR_OK;
    enum err e = rc == SQLITE_DONE ? ERR_OK : store_error(s, statements[id].db, rc);
    (void)sqlite3_reset(s->prepared[id]);
    return e;
}

enum err store_first(struct store *s, enum sql id, const struct arg *args, size_t n, bool *row) {
    enum db db = statements[id].db;
    *row = false;
    if (db == LIVE && !s->in_transaction[LIVE]) store_leave(s); /* as in store_begin */
    if (!s->prepared[id]) {
        int rc = sqlite3_prepare_v3(s->db[db], statements[id].text, -1, SQLITE_PREPARE_PERSISTENT, &s->prepared[id], NULL);
        if (rc != SQLITE_OK) return store_error(s, db, rc);
    }
    if (sqlite3_stmt_busy(s->prepared[id])) /* one that ended was reset then */
        (void)sqlite3_reset(s->prepared[id]);
    bind(s->prepared[id], args, n);
    return step(s, id, row);
}

enum err store_next(struct store *s, enum sql id, bool *row) {
    return step(s, id, row);
}

enum err store_run(struct store *s, enum sql id, const struct arg *args, size_t n) {
    bool row;
    s->wrote = true;
    if (statements[id].db == MAIN && !s->in_transaction[MAIN]) {
        store_leave(s);
        if (!store_current(s)) return ERR_BUSY; /* as store_begin says */
    }
    TRY(store_first(s, id, args, n, &row));
    store_reset(s, id);
    return ERR_OK;
}

void store_reset(struct store *s, enum sql id) {
    (void)sqlite3_reset(s->prepared[id]);
}

int64_t store_changes(const struct store *s, enum db db) {
    return sqlite3_changes64(s->db[db]);
}
