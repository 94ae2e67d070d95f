/* A small instance in a directory of its own, for tests: a store, a circle, a clock that is set by hand, and
 * requests that go the program's own way from environment to answer. */
#ifndef POLYCIRCLE_WORLD_H
#define POLYCIRCLE_WORLD_H

#include "circle/circle.h"
#include "content/index.h"
#include "content/manifest.h"
#include "handler/handler.h"
#include "meet/sync.h"
#include "store/internal.h"
#include <jansson.h>

struct world {
    char dir[256]; /* the data directory; what a test puts beside it ("../site") goes, too */
    struct arena arena;
    struct ctx ctx;
    struct circle circle; /* "demo" */
    struct server server;
    struct response res; /* of the last world_call */
};

/* journal: "wal" or "truncate". Lives at http://site.example/; now is 2026-01-02 03:04:05. */
void world_open(struct world *w, const char *journal);
/* For a forked child: its own connections to the same files. */
void world_reopen(struct world *w);
void world_close(struct world *w); /* removes the directory */

/* Everything below ends the test on a failure that it does not return. */
const char *world_path(struct world *w, const char *name);
void world_write(struct world *w, const char *name, const void *bytes, size_t len);
void world_stamp(const char *path, int64_t mtime); /* last changed then, in seconds */
void world_sql(const char *path, const char *sql);
int64_t world_number(const char *path, const char *sql); /* the first column of the first row; -1: no row */
/* The same of live-1.db. */
void world_live_sql(struct world *w, const char *sql);
int64_t world_live(struct world *w, const char *sql);

/* A request's body, and the source that request_read() takes it from. */
struct world_body {
    const char *at;
    size_t left;
};
ssize_t world_feed(void *body, char *into, size_t len);

/* One request through dispatch(); json (NULL: a GET) becomes d=. The answer's JSON, or NULL. */
json_t *world_call(struct world *w, const char *path, const char *json);
const char *world_string(const json_t *answer, const char *key);
/* A folder, read whole and published. */
enum err world_publish(struct world *w, const char *dir, const char *url, struct walk *out);
/* A manifest as it is given out, unpacked, and the text in it that is signed. */
json_t *world_envelope(struct world *w, const struct manifest *m);
const char *world_signed(struct world *w, const struct manifest *m);

/* sync_run() as signal number k of run 1, in a transaction that is rolled back on failure. */
void world_sync(struct sync *in, int k);
enum err world_run(struct world *w, const struct sync *in, struct synced *out);
enum err world_join(struct world *w, int k, struct synced *out);
enum err world_join_at(struct world *w, int k, const char *address, struct synced *out);
enum err world_poll(struct world *w, int k, struct synced *out);

#endif
