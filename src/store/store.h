/* The only door to SQLite (DESIGN 5). Two connections: polycircle.db (MAIN, synchronous=FULL) and the live
 * database of the current generation (LIVE, synchronous=OFF, disposable). No other file includes sqlite3.h.
 *
 * Rules: 1. one transaction a file a request; BEGIN IMMEDIATE only when something will be written.
 *        2. a damaged or vanished live file becomes ERR_LIVE_LOST; store_renew() makes the next generation.
 *        3. rows read are valid until the statement's next step; copy what must live longer. */
#pragma once
#include "store/statements.h"
#include "util/arena.h"
#include "util/err.h"
#include "util/texts.h"

enum db { MAIN, LIVE };

struct store;

/* A bound value. */
struct arg {
    enum { ARG_INT, ARG_TEXT, ARG_BLOB } kind;
    int64_t number;
    const void *bytes;
    size_t len;
};
#define I(n) ((struct arg){.kind = ARG_INT, .number = (n)})
#define T(s) ((struct arg){.kind = ARG_TEXT, .bytes = (s)})
#define B(p, n) ((struct arg){.kind = ARG_BLOB, .bytes = (p), .len = (n)})
#define ARGS(...) (struct arg[]){__VA_ARGS__}, sizeof((struct arg[]){__VA_ARGS__}) / sizeof(struct arg)

/* What polycircle.db says of its journal, in bytes 18 and 19 of the header (SQLite file format 1.3.3). What is done about the
 * journals beside it depends on that, so what could not be read is neither the one nor the other. */
enum header {
    HEADER_JOURNAL = 1,
    HEADER_WAL = 2,
    HEADER_NONE, /* no such file */
    HEADER_EMPTY, /* a file without a byte */
    HEADER_OTHER, /* no header of SQLite's */
    HEADER_UNREAD, /* errno says why */
};
/* Not while this process has the file open: its locks would be gone. */
enum header store_header(const char *path);

/* Opens dir/polycircle.db, migrating it when it is older. Absent: ERR_NOT_SET_UP. Not to be read just now:
 * ERR_BUSY, with words, and nothing has changed.
 * *out stays open until store_close; both paths are copied. */
enum err store_open(struct store **out, const char *dir, struct fault *fault);
/* Makes dir (0700) and polycircle.db; an existing one is opened. journal: "auto" (probe), "wal" or
 * "truncate"; kept as it was when the instance exists already. */
enum err store_create(struct store **out, const char *dir, const char *journal, struct fault *fault);
void store_close(struct store *s);
/* false: polycircle.db was removed or replaced under us; close and open again. */
bool store_current(const struct store *s);
const char *store_dir(const struct store *s);
const char *store_journal(const struct store *s); /* "wal" or "truncate" */
const char *store_sqlite(void); /* its version */
/* Whether WAL works in dir: a local file system, a real write, a second connection that sees it. */
bool store_wal_works(const char *dir);
/* From WAL to TRUNCATE, both files; the live one is made anew. Only while no other process has the database open: they would
 * go on reading a WAL that is no longer there. Waits a little for that, then ERR_BUSY with words; nothing has changed then. */
enum err store_leave_wal(struct store *s, struct fault *fault);

/* Start of a request: reads the generation, says whether host is one of ours. What is read of MAIN from here on is one read of it,
 * locked once, until store_leave, store_rollback, the begin of a transaction or a write to MAIN: nobody can write meanwhile where
 * there is no WAL, so whatever may take long leaves before. */
enum err store_enter(struct store *s, const char *host, bool *host_ok);
void store_leave(struct store *s);
/* Opens the live database of the generation that store_enter read, or keeps it open. */
enum err store_live(struct store *s);
/* Gives back a megabyte of a live database that has as much to spare. */
enum err store_shrink(struct store *s);
/* After ERR_LIVE_LOST: advances the generation (unless somebody has) and opens it. */
enum err store_renew(struct store *s);
/* The highest generation of which dir has a file; 0: none. */
int64_t store_newest_live(const char *dir);
/* Was the instance uninstalled? As store_enter read it. */
bool store_retired(const struct store *s);
int64_t store_gen(const struct store *s);

enum err store_begin(struct store *s, enum db db, bool write);
/* To write to MAIN, now or not at all: ERR_BUSY when somebody else does. */
enum err store_begin_now(struct store *s);
enum err store_commit(struct store *s, enum db db);
/* Undoes whatever is open on both; does nothing when nothing is. */
void store_rollback(struct store *s);
/* Before a process that serves one request alone ends, without store_close: moves what is in the WALs to the files. */
void store_settle(struct store *s);
/* true once anything was written since store_enter. */
bool store_wrote(const struct store *s);

/* Before this connection changes rows of found: job's counts of them are kept from now on. */
enum err store_scans(struct store *s);

/* A statement without rows. */
enum err store_run(struct store *s, enum sql id, const struct arg *args, size_t n);
int64_t store_changes(const struct store *s, enum db db); /* rows the last store_run changed */
/* Runs a statement with rows up to its first: *row tells whether there is one; store_next goes on. Reading to the end
 * frees the statement; stop earlier with store_reset. */
enum err store_first(struct store *s, enum sql id, const struct arg *args, size_t n, bool *row);
enum err store_next(struct store *s, enum sql id, bool *row);
/* The same, whole, for what is wanted most: whether there is a row; its first column as a number (fallback when there is none),
 * or as a text in the arena (NULL when there is none); that of every row. */
enum err store_has(struct store *s, enum sql id, const struct arg *args, size_t n, bool *row);
enum err store_number(struct store *s, enum sql id, const struct arg *args, size_t n, int64_t *out, int64_t fallback);
enum err store_string(struct store *s, enum sql id, const struct arg *args, size_t n, struct arena *arena, const char **out);
enum err store_texts(struct store *s, enum sql id, const struct arg *args, size_t n, struct arena *arena, struct texts *out);
void store_reset(struct store *s, enum sql id);
int64_t store_int(struct store *s, enum sql id, int column);
const char *store_text(struct store *s, enum sql id, int column); /* never NULL */
char *store_copy(struct store *s, enum sql id, int column, struct arena *arena); /* a text that lives longer */
/* A blob of exactly n bytes; false, and out as it was, when it is not. */
bool store_bytes(struct store *s, enum sql id, int column, void *out, size_t n);
const void *store_blob(struct store *s, enum sql id, int column, size_t *len);

/* The version of polycircle.db that this program makes; of an older one it makes that one. */
int store_form(void);
/* integrity_check of one file; the first complaint goes into fault. */
enum err store_check(struct store *s, enum db db, struct fault *fault);
