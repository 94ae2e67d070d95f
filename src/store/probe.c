/* What is asked before a database is relied on. Is a file whole? Is WAL safe in this directory? Only where one machine has the file
 * and memory is shared between processes: a file system known to be local, and then a real write that a second connection sees
 * (hosting.md 3, server.md 2). Not where blocks are copied on write (btrfs, zfs, f2fs): on a full disk or quota a touched page of
 * the shared memory file is SIGBUS there. */
#include "store/internal.h"
#include "util/trial.h"

static bool exec(sqlite3 *db, const char *sql) {
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool two_connections(const char *path) {
    sqlite3 *a = NULL, *b = NULL;
    bool ok = store_connect(&a, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) == SQLITE_OK &&
              exec(a, "PRAGMA journal_mode=WAL; CREATE TABLE t(x); INSERT INTO t VALUES(1)") &&
              store_connect(&b, path, SQLITE_OPEN_READWRITE) == SQLITE_OK && exec(b, "UPDATE t SET x = x + 1") &&
              sqlite3_changes(b) == 1 && exec(a, "UPDATE t SET x = x + 1 WHERE x = 2") && sqlite3_changes(a) == 1;
    sqlite3_stmt *mode = NULL;
    ok = ok && sqlite3_prepare_v2(b, "PRAGMA journal_mode", -1, &mode, NULL) == SQLITE_OK && sqlite3_step(mode) == SQLITE_ROW &&
         strcmp((const char *)sqlite3_column_text(mode, 0), "wal") == 0;
    (void)sqlite3_finalize(mode);
    (void)sqlite3_close(b);
    (void)sqlite3_close(a);
    return ok;
}

enum err store_check(struct store *s, enum db db, struct fault *fault) {
    sqlite3_stmt *stmt = NULL;
    const char *text = "no answer";
    /* each index is looked up for each row: with the usual cache most of a large file is read again and again */
    (void)sqlite3_exec(s->db[db], "PRAGMA cache_size=-16000", NULL, NULL, NULL);
    int rc = sqlite3_prepare_v2(s->db[db], "PRAGMA integrity_check(1)", -1, &stmt, NULL);
    if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) text = (const char *)sqlite3_column_text(stmt, 0);
    enum err e = ERR_OK;
    if (strcmp(text, "ok") != 0)
        e = fault_set(fault, ERR_DAMAGED, "integrity_check of the %s file: %s", db == LIVE ? "live" : "main",
                      rc == SQLITE_ROW ? text : sqlite3_errmsg(s->db[db]));
    (void)sqlite3_finalize(stmt);
    return e;
}

bool store_wal_works(const char *dir) {
    char path[1100];
    enum trial_place place;
    (void)snprintf(path, sizeof path, "%s/probe-%ld.db", dir, (long)getpid());
    (void)trial_file_system(dir, &place);
    bool ok = place == PLACE_LOCAL && two_connections(path);
    store_remove(path);
    return ok;
}

const char *store_sqlite(void) {
    return sqlite3_libversion();
}
