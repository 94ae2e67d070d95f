/* polycircle.db from version to version: PRAGMA user_version says where it stands, each step is tried in
 * one transaction, a backup is made first, a file of a newer program is refused with words. */
#include "store/internal.h"
#include "store/schema.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const struct migration migrations[] = {
    {1, SCHEMA_MAIN},
    {2, SCHEMA_MAIN_2},
};
const size_t migrations_count = sizeof migrations / sizeof *migrations;

static int user_version(struct store *s, enum err *e) {
    sqlite3_stmt *stmt = NULL;
    int version = -1;
    int rc = sqlite3_prepare_v2(s->db[MAIN], "PRAGMA user_version", -1, &stmt, NULL);
    if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) version = sqlite3_column_int(stmt, 0);
    (void)sqlite3_finalize(stmt);
    *e = version >= 0 ? ERR_OK : store_error(s, MAIN, rc);
    return version;
}

enum err store_backup(struct store *s, const char *path, struct fault *fault) {
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(s->db[MAIN], "VACUUM INTO ?1", -1, &stmt, NULL);
    if (rc == SQLITE_OK) {
        (void)sqlite3_bind_text(stmt, 1, path, -1, SQLITE_STATIC);
        rc = sqlite3_step(stmt);
    }
    (void)sqlite3_finalize(stmt);
    if (rc == SQLITE_DONE) return ERR_OK;
    return fault_set(fault, store_error(s, MAIN, rc), "The backup %s could not be written: %s", path, sqlite3_errmsg(s->db[MAIN]));
}

/* While MAIN is locked for writing, so by a connection of its own, which only reads. Whole or not at all; it
 * replaces what an earlier attempt left. */
static enum err backup(struct store *s, int version, struct fault *fault) {
    char path[sizeof s->dir + 64], part[sizeof s->dir + 64];
    struct store reader = {.db = {NULL}};
    (void)snprintf(path, sizeof path, "%s/backups", s->dir);
    if (mkdir(path, 0700) != 0 && errno != EEXIST) return fault_set(fault, ERR_READ_ONLY, "%s: %s", path, strerror(errno));
    (void)snprintf(part, sizeof part, "%s/backups/part", s->dir);
    (void)unlink(part);
    (void)snprintf(path, sizeof path, "%s/polycircle.db", s->dir);
    int rc = store_connect(&reader.db[MAIN], path, SQLITE_OPEN_READWRITE);
    enum err e = rc == SQLITE_OK ? store_backup(&reader, part, fault) : store_error(&reader, MAIN, rc);
    (void)sqlite3_close(reader.db[MAIN]);
    (void)snprintf(path, sizeof path, "%s/backups/polycircle-v%d.db", s->dir, version);
    if (e == ERR_OK && rename(part, path) != 0) e = fault_set(fault, ERR_READ_ONLY, "%s: %s", path, strerror(errno));
    return e;
}

static enum err steps_from(struct store *s, const struct migration *steps, size_t count, struct fault *fault) {
    enum err e;
    int version = user_version(s, &e); /* again, now that nobody else can move it */
    TRY(e);
    if (version > 0 && version < steps[count - 1].version) TRY(backup(s, version, fault));
    for (size_t i = 0; i < count; i++) {
        if (steps[i].version <= version) continue;
        char mark[64];
        (void)snprintf(mark, sizeof mark, "PRAGMA user_version=%d", steps[i].version);
        TRY(store_exec(s, MAIN, steps[i].sql));
        TRY(store_exec(s, MAIN, mark));
    }
    return ERR_OK;
}

enum err migrate(struct store *s, const struct migration *steps, size_t count, struct fault *fault) {
    enum err e;
    int version = user_version(s, &e), last = steps[count - 1].version;
    TRY(e);
    if (version == last) return ERR_OK;
    if (version > last)
        return fault_set(fault, ERR_DAMAGED, "polycircle.db is of version %d, this program knows %d: put the newer program back.",
                         version, last);
    TRY(store_begin(s, MAIN, true));
    e = steps_from(s, steps, count, fault);
    if (e == ERR_OK) e = store_commit(s, MAIN);
    if (e != ERR_OK) store_rollback(s);
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
