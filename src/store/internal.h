/* What the files of store/ share, and nobody else sees. */
#pragma once
#include "store/store.h"
#include <sqlite3.h>

struct store {
    char dir[1024], main_path[1040]; /* the directory, and polycircle.db in it */
    sqlite3 *db[2]; /* by enum db */
    sqlite3_stmt *prepared[SQL_COUNT];
    bool in_transaction[2];
    bool wrote;
    bool wal;
    bool creates; /* polycircle.db may be made; else one without anything in it is damaged */
    bool scratch; /* MAIN is a working copy: no backup before it is migrated */
    bool retired; /* as store_enter read it */
    int64_t gen; /* as store_enter read it */
    int64_t live_gen;
    struct stat main_file, live_file; /* which files the connections hold */
};

/* The signing keys in a copy (store/keys.h). */
#define KEY_TABLE "CREATE TABLE signing(cid TEXT PRIMARY KEY, seed BLOB NOT NULL)"

/* Of a file in the directory. */
typedef char path_text[sizeof((struct store *)0)->dir + 64];

/* Nothing is open yet. ERR_FILES: too long a name. */
enum err store_new(struct store **out, const char *dir);
/* SQLite's code as ours; which file decides what damage means. */
enum err store_error(const struct store *s, enum db db, int rc);
enum err store_code(const struct store *s, enum db db, int rc); /* the same, and says nothing in the log */
enum err store_exec(struct store *s, enum db db, const char *sql);
enum err store_try(struct store *s, const char *sql); /* the same of MAIN, and says nothing in the log */
/* Nothing could be found out of a file (errno): it is closed to us, or for a moment (ERR_BUSY, with words). */
enum err store_unread(struct fault *fault, const char *path);
/* errno as ours, with words. */
enum err store_errno(struct fault *fault, const char *path);
void store_finalize(struct store *s, enum db db);
/* Opens path with what every connection needs. flags: SQLITE_OPEN_*. */
int store_connect(sqlite3 **db, const char *path, int flags);
/* How SQLite takes memory; what it frees is wiped, for its pages are whatever it has read. Before anything is opened. */
void store_memory(void);
/* Removes a database and what SQLite puts beside it. */
void store_remove(const char *path);
/* Sets journal and synchronous. */
enum err store_tune(struct store *s, enum db db);

/* MAIN's user_version; -1, and *e, where it cannot be read. */
int store_version(struct store *s, enum err *e);

/* One version step of polycircle.db: SQL that leads from version - 1 to version, and what comes before it (NULL: nothing). */
struct migration {
    int version;
    const char *sql;
    enum err (*before)(struct store *s);
};
extern const struct migration migrations[];
extern const size_t migrations_count;
/* Brings MAIN to the last step's version, in one transaction, after a backup when it held anything. */
enum err migrate(struct store *s, const struct migration *steps, size_t count, struct fault *fault);
