#include "store/replace.h"
#include "store/internal.h"
#include "util/file.h"

/* The first statement of the transaction locks that file and not the copy, which BEGIN IMMEDIATE would. */
enum err replace_lock(struct store **out, const char *dir, const struct store *copy, struct fault *fault) {
    TRY(store_new(out, dir));
    struct store *s = *out;
    enum header header = store_header(s->main_path);
    if (header == HEADER_UNREAD) return store_unread(fault, s->main_path);
    if (header == HEADER_NONE || header == HEADER_EMPTY) return ERR_DAMAGED;
    int rc = store_connect(&s->db[MAIN], s->main_path, SQLITE_OPEN_READWRITE);
    if (rc != SQLITE_OK) return store_code(s, MAIN, rc);
    char *begin = sqlite3_mprintf("PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; ATTACH %Q AS copy; BEGIN;UPDATE "
                                  "main.instance SET value = value WHERE name = 'gen'",
                                  copy->main_path);
    enum err e = store_try(s, begin);
    sqlite3_free(begin);
    return e == ERR_INTERNAL ? ERR_DAMAGED : e; /* no such table */
}

enum err replace_rows(struct store *there) {
    sqlite3_stmt *names = NULL;
    sqlite3 *db = there->db[MAIN];
    int rc = sqlite3_prepare_v2(db, "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'", -1,
                                &names, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(names)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(names, 0);
        char *sql = sqlite3_mprintf("DELETE FROM main.\"%w\"; INSERT INTO main.\"%w\" SELECT * FROM copy.\"%w\"", name, name, name);
        rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
        sqlite3_free(sql);
    }
    enum err e = rc == SQLITE_DONE ? ERR_OK : store_code(there, MAIN, rc);
    (void)sqlite3_finalize(names);
    if (e == ERR_OK) return store_try(there, "COMMIT");
    (void)store_try(there, "ROLLBACK");
    return e;
}

/* What SQLite keeps beside the file: beside kept from now on, or gone (NULL). */
static enum err move_side(const char *path, const char *end, const char *kept, struct fault *fault) {
    path_text from, to;
    (void)snprintf(from, sizeof from, "%s%s", path, end);
    (void)snprintf(to, sizeof to, "%s%s", kept ? kept : "", end);
    int rc = kept ? rename(from, to) : unlink(from);
    return rc == 0 || errno == ENOENT ? ERR_OK : store_errno(fault, from);
}

/* A journal goes before the rename: SQLite would apply it to the new file. A WAL that the old file needs goes behind it: a file
 * that has none itself is safe from one (store_open() sets it aside), and whoever is killed between leaves a whole file. One that
 * nobody can read goes before. */
enum err replace_file(struct store *copy, const char *path, const char *kept, bool saved, struct fault *fault) {
    path_text dir;
    store_finalize(copy, MAIN);
    (void)sqlite3_close(copy->db[MAIN]);
    copy->db[MAIN] = NULL;
    if (!file_sync(copy->main_path)) return store_errno(fault, copy->main_path);
    if (!saved && link(path, kept) != 0 && errno != ENOENT && (errno == EEXIST || rename(path, kept) != 0))
        return store_errno(fault, kept);
    TRY(move_side(path, "-journal", saved ? NULL : kept, fault));
    if (!saved) TRY(move_side(path, "-wal", kept, fault));
    if (!saved) TRY(move_side(path, "-shm", NULL, fault));
    if (rename(copy->main_path, path) != 0) return store_errno(fault, path);
    if (saved) (void)!move_side(path, "-wal", NULL, fault);
    if (saved) (void)!move_side(path, "-shm", NULL, fault);
    (void)snprintf(dir, sizeof dir, "%s", path);
    *strrchr(dir, '/') = '\0';
    (void)file_sync(dir);
    return ERR_OK;
}
