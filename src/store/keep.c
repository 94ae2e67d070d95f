/* Backups of polycircle.db and the way back. A restore writes the copy's rows into the file that is there, in one
 * transaction: whoever has the file open sees one more commit, kill -9 leaves the old or the new, and no journal is
 * ever beside a file that it does not belong to. Only where there is no file, or one that SQLite cannot read, or one of
 * another form, is it replaced by rename; its journals are moved away before, so that they are never applied to the
 * new one. store_begin() refuses to write into a file that was replaced. */
#include "store/internal.h"
#include "store/keys.h"
#include "util/file.h"

typedef char path_text[sizeof((struct store *)0)->dir + 64];

/* Tables and columns, to tell whether two files are of one form; views and triggers, which would run in our name. */
static const char form[] =
    "SELECT group_concat(x) FROM (SELECT m.name || '.' || ifnull(c.name, m.type) AS x FROM main.sqlite_master m LEFT JOIN"
    " pragma_table_info(m.name) c WHERE m.type <> 'index' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid)";

static const char *const sides[] = {"-wal", "-journal", "-shm"};

static enum err no_room(struct fault *fault, const char *path) {
    return fault_set(fault, errno == ENOSPC || errno == EDQUOT ? ERR_DISK_FULL : ERR_FILES, "%s: %s", path, strerror(errno));
}

/* In TRUNCATE who reads keeps writers out. So the copy is read into memory, at once, and written from there, however long that
 * takes. One too large for that is written directly. */
static int read_whole(struct store *s, sqlite3 **copy) {
    enum { MOST = 256 << 20 };
    struct stat st;
    if (s->wal || stat(s->main_path, &st) != 0 || st.st_size > MOST) return SQLITE_OK;
    int rc = sqlite3_open_v2(":memory:", copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    sqlite3_backup *all = rc == SQLITE_OK ? sqlite3_backup_init(*copy, "main", s->db[MAIN], "main") : NULL;
    if (!all) return rc == SQLITE_OK ? sqlite3_errcode(*copy) : rc;
    (void)sqlite3_backup_step(all, -1);
    return sqlite3_backup_finish(all);
}

enum err store_backup(struct store *s, const char *path, struct fault *fault) {
    sqlite3_stmt *stmt = NULL;
    sqlite3 *copy = NULL;
    int rc = read_whole(s, &copy);
    if (rc == SQLITE_OK) rc = sqlite3_prepare_v2(copy ? copy : s->db[MAIN], "VACUUM INTO ?1", -1, &stmt, NULL);
    if (rc == SQLITE_OK) {
        (void)sqlite3_bind_text(stmt, 1, path, -1, SQLITE_STATIC);
        rc = sqlite3_step(stmt);
    }
    (void)sqlite3_finalize(stmt);
    const char *why = sqlite3_errmsg(copy && sqlite3_errcode(copy) ? copy : s->db[MAIN]);
    enum err e =
        rc == SQLITE_DONE ? ERR_OK : fault_set(fault, store_code(s, MAIN, rc), "The backup %s could not be written: %s", path, why);
    (void)sqlite3_close(copy);
    return e;
}

static bool is_cid(const char *text) {
    return strlen(text) == 16 && strspn(text, "0123456789abcdef") == 16;
}

static int add_key(sqlite3_stmt *stmt, const char *dir, const char *cid) {
    uint8_t seed[KEY_SEED];
    enum err e = key_read(dir, cid, seed);
    if (e != ERR_OK && e != ERR_NOT_FOUND)
        (void)fprintf(stderr, "polycircle: signing/%s %s: the backup is without it\n", cid,
                      e == ERR_DAMAGED ? "is no key" : "cannot be read");
    if (e != ERR_OK) return SQLITE_OK;
    (void)sqlite3_bind_text(stmt, 1, cid, -1, SQLITE_TRANSIENT);
    (void)sqlite3_bind_blob(stmt, 2, seed, sizeof seed, SQLITE_TRANSIENT);
    explicit_bzero(seed, sizeof seed);
    int rc = sqlite3_step(stmt);
    (void)sqlite3_reset(stmt);
    (void)sqlite3_clear_bindings(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The signing keys go along, in a table that only backups have. */
static enum err add_keys(const char *dir, const char *path, struct fault *fault) {
    struct store copy = {.db = {NULL}};
    sqlite3_stmt *stmt = NULL;
    path_text folder;
    (void)snprintf(folder, sizeof folder, "%s/signing", dir);
    int rc = store_connect(&copy.db[MAIN], path, SQLITE_OPEN_READWRITE);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(copy.db[MAIN], "BEGIN; CREATE TABLE IF NOT EXISTS signing(cid TEXT PRIMARY KEY, seed BLOB NOT NULL)",
                          NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_prepare_v2(copy.db[MAIN], "INSERT OR REPLACE INTO signing VALUES(?1, ?2)", -1, &stmt, NULL);
    DIR *d = opendir(folder);
    if (!d && errno != ENOENT) rc = SQLITE_IOERR;
    for (struct dirent *entry; rc == SQLITE_OK && d && (entry = readdir(d));)
        if (is_cid(entry->d_name)) rc = add_key(stmt, dir, entry->d_name);
    if (d) (void)closedir(d);
    (void)sqlite3_finalize(stmt);
    if (rc == SQLITE_OK) rc = sqlite3_exec(copy.db[MAIN], "COMMIT", NULL, NULL, NULL);
    enum err e = rc == SQLITE_OK ? ERR_OK : store_code(&copy, MAIN, rc);
    if (e != ERR_OK) (void)!fault_set(fault, e, "The backup %s could not be written: %s", path, sqlite3_errmsg(copy.db[MAIN]));
    (void)sqlite3_close(copy.db[MAIN]);
    return e;
}

enum err store_save(struct store *s, const char *path, struct fault *fault) {
    path_text part, dir = "./";
    if (strlen(path) + sizeof ".part" > sizeof part) return fault_set(fault, ERR_FILES, "%.200s...: too long a name", path);
    (void)snprintf(part, sizeof part, "%s.part", path);
    if (strchr(path, '/')) (void)snprintf(dir, sizeof dir, "%s", path);
    strrchr(dir, '/')[dir[0] == '/' && !strchr(dir + 1, '/')] = '\0'; /* "/" stays */
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) return no_room(fault, dir);
    (void)unlink(part);
    enum err e = store_backup(s, part, fault);
    if (e == ERR_OK && *s->dir) e = add_keys(s->dir, part, fault);
    if (e == ERR_OK && (!file_sync(part) || rename(part, path) != 0)) e = no_room(fault, path);
    if (e != ERR_OK) (void)unlink(part);
    if (e == ERR_OK) (void)file_sync(dir);
    return e;
}

enum err store_check(struct store *s, enum db db, struct fault *fault) {
    sqlite3_stmt *stmt = NULL;
    const char *text = "no answer";
    int rc = sqlite3_prepare_v2(s->db[db], "PRAGMA integrity_check(1)", -1, &stmt, NULL);
    if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) text = (const char *)sqlite3_column_text(stmt, 0);
    enum err e = ERR_OK;
    if (strcmp(text, "ok") != 0)
        e = fault_set(fault, ERR_DAMAGED, "integrity_check of the %s file: %s", db == LIVE ? "live" : "main",
                      rc == SQLITE_ROW ? text : sqlite3_errmsg(s->db[db]));
    (void)sqlite3_finalize(stmt);
    return e;
}

struct restore {
    const char *dir, *kept, *mark;
    struct fault *fault;
    struct store part, now; /* the working copy; what is there */
    path_text part_path, now_path;
    bool saved; /* kept is written */
    struct kept_key {
        char cid[17];
        uint8_t seed[KEY_SEED];
    } * keys; /* that the copy has brought along */
    size_t n_keys;
};

static enum err exec(struct store *s, const char *sql) {
    int rc = sqlite3_exec(s->db[MAIN], sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? ERR_OK : store_code(s, MAIN, rc);
}

/* The first column of the first row; "" when there is none. The caller frees it by sqlite3_free(). */
static char *text_of(const struct store *s, const char *sql) {
    sqlite3_stmt *stmt = NULL;
    const char *text = NULL;
    if (sqlite3_prepare_v2(s->db[MAIN], sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        text = (const char *)sqlite3_column_text(stmt, 0);
    char *copy = sqlite3_mprintf("%s", text ? text : "");
    (void)sqlite3_finalize(stmt);
    return copy;
}

static bool same(const struct store *a, const struct store *b, const char *sql) {
    char *x = text_of(a, sql), *y = text_of(b, sql);
    bool equal = x && y && *x && strcmp(x, y) == 0;
    sqlite3_free(x);
    sqlite3_free(y);
    return equal;
}

/* Is the copy, brought to our version, what this program makes itself? */
static bool of_our_form(const struct store *part) {
    struct store model = {.db = {NULL}};
    bool good = store_connect(&model.db[MAIN], ":memory:", SQLITE_OPEN_READWRITE) == SQLITE_OK;
    for (size_t i = 0; good && i < migrations_count; i++) good = exec(&model, migrations[i].sql) == ERR_OK;
    good = good && same(&model, part, form);
    (void)sqlite3_close(model.db[MAIN]);
    return good;
}

static void remove_part(struct restore *r) {
    (void)sqlite3_close(r->part.db[MAIN]);
    r->part.db[MAIN] = NULL;
    store_remove(r->part_path);
}

static void forget_keys(struct restore *r) {
    if (r->keys) explicit_bzero(r->keys, r->n_keys * sizeof *r->keys);
    free(r->keys);
    r->keys = NULL;
    r->n_keys = 0;
}

static void keep_key(struct restore *r, sqlite3_stmt *stmt) {
    const char *cid = (const char *)sqlite3_column_text(stmt, 0);
    const void *seed = sqlite3_column_blob(stmt, 1);
    if (!cid || !is_cid(cid) || !seed || sqlite3_column_bytes(stmt, 1) != KEY_SEED) return;
    struct kept_key *all = calloc(r->n_keys + 1, sizeof *all);
    if (!all) abort();
    if (r->n_keys) memcpy(all, r->keys, r->n_keys * sizeof *all);
    size_t n = r->n_keys;
    memcpy(all[n].cid, cid, sizeof all[n].cid);
    memcpy(all[n].seed, seed, KEY_SEED);
    forget_keys(r);
    r->keys = all;
    r->n_keys = n + 1;
}

/* Those of the copy, which are in a table of their own, or before version 3 in the circles'. */
static enum err collect_keys(struct restore *r) {
    static const char *const places[] = {"SELECT cid, seed FROM signing",
                                         "SELECT lower(hex(cid)), substr(sign_secret, 1, 32) FROM circle"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(r->part.db[MAIN], places[i], -1, &stmt, NULL);
        while (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) keep_key(r, stmt);
        (void)sqlite3_finalize(stmt);
    }
    return exec(&r->part, "PRAGMA secure_delete=ON; DROP TABLE IF EXISTS signing");
}

/* Only where there is none: what is there is newer, or the same. Before the rows, which need them. */
static enum err put_keys(struct restore *r) {
    for (size_t i = 0; i < r->n_keys; i++) {
        uint8_t there[KEY_SEED];
        enum err e = key_read(r->dir, r->keys[i].cid, there);
        explicit_bzero(there, sizeof there);
        if (e == ERR_NOT_FOUND || e == ERR_DAMAGED) e = key_write(r->dir, r->keys[i].cid, r->keys[i].seed);
        if (e != ERR_OK) return fault_set(r->fault, e, "signing/%s could not be written: %s", r->keys[i].cid, strerror(errno));
    }
    return ERR_OK;
}

/* A copy of our own of file, whole, of our version and form. */
static enum err prepare(struct restore *r, const char *file) {
    struct stat a, b;
    enum err e;
    (void)snprintf(r->now_path, sizeof r->now_path, "%s/polycircle.db", r->dir);
    (void)snprintf(r->part_path, sizeof r->part_path, "%s/restore.part", r->dir);
    r->part.scratch = true;
    remove_part(r);
    if (stat(file, &a) == 0 && stat(r->now_path, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev)
        return fault_set(r->fault, ERR_USAGE, "%.200s is polycircle.db itself: name a backup.", file);
    if (!file_copy(file, r->part_path)) return no_room(r->fault, file);
    (void)snprintf(r->part.main_path, sizeof r->part.main_path, "%.1039s", r->part_path);
    (void)stat(r->part_path, &r->part.main_file); /* what store_begin() looks at */
    int rc = store_connect(&r->part.db[MAIN], r->part_path, SQLITE_OPEN_READWRITE);
    e = rc == SQLITE_OK ? exec(&r->part, "PRAGMA journal_mode=DELETE; PRAGMA temp_store=MEMORY") : store_code(&r->part, MAIN, rc);
    if (e == ERR_OK && store_check(&r->part, MAIN, r->fault) == ERR_OK && store_version(&r->part, &e) > 0) {
        TRY(collect_keys(r));
        e = migrate(&r->part, migrations, migrations_count, r->fault);
        store_finalize(&r->part, MAIN);
        if (e != ERR_OK || of_our_form(&r->part)) return e;
    }
    if (e == ERR_DISK_FULL) return e;
    char why[200];
    (void)snprintf(why, sizeof why, "%.199s", r->fault->text);
    return fault_set(r->fault, ERR_DAMAGED, "%.160s is no whole polycircle.db%s%s; nothing was changed.", file, *why ? ": " : "",
                     why);
}

/* The highest number that a live file of dir has. */
static int64_t highest_live(const char *dir) {
    int64_t highest = 0, n;
    DIR *d = opendir(dir);
    for (struct dirent *entry; d && (entry = readdir(d));)
        if (sscanf(entry->d_name, "live-%" SCNd64, &n) == 1 && n > highest) highest = n;
    if (d) (void)closedir(d);
    return highest;
}

/* Under the lock of what is there, if there is any: a generation that was never used. */
static enum err complete(struct restore *r) {
    int64_t gen = highest_live(r->dir), known = 0;
    char *text = r->now.db[MAIN] ? text_of(&r->now, "SELECT value FROM main.instance WHERE name = 'gen'") : NULL;
    if (text) known = strtoll(text, NULL, 10);
    sqlite3_free(text);
    text = sqlite3_mprintf("BEGIN IMMEDIATE; UPDATE manifest SET version = version + 1000;INSERT INTO instance VALUES('gen', 0) ON "
                           "CONFLICT DO NOTHING;UPDATE instance SET value = max(value, %lld) + 1 WHERE name = 'gen';INSERT INTO "
                           "instance VALUES('restored', %Q) ON CONFLICT DO UPDATE SET value = excluded.value; COMMIT",
                           (long long)(known > gen ? known : gen), r->mark);
    enum err e = exec(&r->part, text);
    sqlite3_free(text);
    return e;
}

static enum err copy_tables(struct restore *r) {
    sqlite3_stmt *names = NULL;
    sqlite3 *db = r->now.db[MAIN];
    int rc = sqlite3_prepare_v2(db, "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'", -1,
                                &names, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(names)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(names, 0);
        char *sql = sqlite3_mprintf("DELETE FROM main.\"%w\"; INSERT INTO main.\"%w\" SELECT * FROM copy.\"%w\"", name, name, name);
        rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
        sqlite3_free(sql);
    }
    enum err e = rc == SQLITE_DONE ? ERR_OK : store_code(&r->now, MAIN, rc);
    (void)sqlite3_finalize(names);
    if (e == ERR_OK) return exec(&r->now, "COMMIT");
    (void)exec(&r->now, "ROLLBACK");
    return e;
}

/* What is there, as it is at this moment, since we have its write lock. */
static enum err save(struct restore *r) {
    struct store reader = {.db = {NULL}};
    (void)snprintf(reader.dir, sizeof reader.dir, "%s", r->dir);
    int rc = store_connect(&reader.db[MAIN], r->now_path, SQLITE_OPEN_READWRITE);
    enum err e = rc == SQLITE_OK ? store_save(&reader, r->kept, r->fault) : store_code(&reader, MAIN, rc);
    (void)sqlite3_close(reader.db[MAIN]);
    r->saved = e == ERR_OK;
    return e;
}

/* In one transaction of what is there. ERR_DAMAGED: that cannot be. Its first statement locks that file and not the copy,
 * which BEGIN IMMEDIATE would. */
static enum err in_place(struct restore *r, bool *done) {
    int rc = store_connect(&r->now.db[MAIN], r->now_path, SQLITE_OPEN_READWRITE);
    if (rc != SQLITE_OK) return store_code(&r->now, MAIN, rc);
    char *begin = sqlite3_mprintf("PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; ATTACH %Q AS copy; BEGIN;UPDATE "
                                  "main.instance SET value = value WHERE name = 'gen'",
                                  r->part_path);
    enum err e = exec(&r->now, begin);
    sqlite3_free(begin);
    if (e != ERR_OK) return e == ERR_INTERNAL ? ERR_DAMAGED : e; /* no such table */
    char *before = text_of(&r->now, "SELECT value FROM main.instance WHERE name = 'restored'");
    *done = before && *before && strcmp(before, r->mark) == 0;
    sqlite3_free(before);
    if (*done) return ERR_OK;
    TRY(save(r));
    TRY(complete(r));
    if (!same(&r->now, &r->part, form)) return ERR_OK; /* of another version: replaced, under its lock */
    *done = true;
    return copy_tables(r);
}

/* The journals first: beside the new file they would be applied to it. */
static enum err swap(struct restore *r) {
    path_text from, to;
    if (!r->saved) TRY(complete(r));
    (void)sqlite3_close(r->part.db[MAIN]);
    r->part.db[MAIN] = NULL;
    if (!file_sync(r->part_path)) return no_room(r->fault, r->part_path);
    (void)snprintf(to, sizeof to, "%s/backups", r->dir);
    (void)mkdir(to, 0700);
    if (!r->saved && link(r->now_path, r->kept) != 0 && errno != ENOENT && rename(r->now_path, r->kept) != 0)
        return no_room(r->fault, r->kept);
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        (void)snprintf(from, sizeof from, "%s%s", r->now_path, sides[i]);
        (void)snprintf(to, sizeof to, "%s%s", r->kept, sides[i]);
        if ((r->saved || i == 2 ? unlink(from) : rename(from, to)) != 0 && errno != ENOENT) return no_room(r->fault, from);
    }
    if (rename(r->part_path, r->now_path) != 0) return no_room(r->fault, r->now_path);
    (void)file_sync(r->dir);
    return ERR_OK;
}

enum err store_restore(const char *dir, const char *file, const char *kept, const char *mark, struct fault *fault) {
    struct restore r = {.dir = dir, .kept = kept, .mark = mark, .fault = fault};
    bool done = false;
    enum err e = prepare(&r, file);
    if (e == ERR_OK) e = put_keys(&r);
    if (e == ERR_OK) {
        e = access(r.now_path, F_OK) == 0 ? in_place(&r, &done) : ERR_DAMAGED;
        if (e == ERR_DAMAGED || (e == ERR_OK && !done)) e = swap(&r);
    }
    (void)sqlite3_close(r.now.db[MAIN]);
    remove_part(&r);
    forget_keys(&r);
    return e;
}

enum err store_restorable(const char *dir, const char *file, struct fault *fault) {
    struct restore r = {.dir = dir, .kept = "", .mark = "", .fault = fault};
    enum err e = prepare(&r, file);
    remove_part(&r);
    forget_keys(&r);
    return e;
}
