#define _GNU_SOURCE /* nftw */
#include "world.h"
#include "util/codec.h"
#include "util/gzip.h"
#include "util/jsn.h"
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static void must(bool good, const char *what) {
    if (good) return;
    (void)printf("Bail out! %s\n", what);
    exit(99);
}

static void must_ok(enum err e, const char *what) {
    if (e != ERR_OK) (void)printf("# %s\n", err_name(e));
    must(e == ERR_OK, what);
}

void world_open(struct world *w, const char *journal) {
    const char *tmp = getenv("TMPDIR");
    static const uint8_t pepper[32] = {7};
    bool host_ok;
    *w = (struct world){.ctx.now = 1767323045000};
    (void)signal(SIGPIPE, SIG_IGN);
    (void)umask(077);
    must(sodium_init() >= 0, "sodium_init");
    (void)snprintf(w->dir, sizeof w->dir, "%s/polycircle-test.XXXXXX", tmp && *tmp ? tmp : "/tmp");
    must(mkdtemp(w->dir) != NULL && chmod(w->dir, 0711) == 0, "mkdtemp");
    (void)snprintf(w->dir + strlen(w->dir), sizeof w->dir - strlen(w->dir), "/data");
    must(mkdir(w->dir, 0700) == 0, w->dir);
    w->ctx.arena = &w->arena;
    w->server.data = w->dir;
    jsn_use(&w->arena);
    must_ok(store_create(&w->ctx.store, w->dir, journal, &w->ctx.fault), "store_create");
    struct store *s = w->ctx.store;
    must_ok(store_run(s, SQL_INSTANCE_SET, ARGS(T("pepper"), B(pepper, sizeof pepper))), "pepper");
    must_ok(store_run(s, SQL_INSTANCE_SET, ARGS(T("gen"), I(0))), "gen");
    must_ok(store_run(s, SQL_BASE_ADD, ARGS(T("http://site.example/"), T("site.example"))), "base");
    must_ok(store_enter(s, "", &host_ok), "store_enter");
    must_ok(store_renew(s), "store_renew");
    struct circle_new new = {.can = "demo", .chosen = {.ice = "[]", .listed = true, .mirror = true}};
    must_ok(circle_add(&w->ctx, &new, &w->circle), "circle_add");
}

void world_reopen(struct world *w) {
    bool host_ok;
    must_ok(store_open(&w->ctx.store, w->dir, &w->ctx.fault), "store_open");
    must_ok(store_enter(w->ctx.store, "", &host_ok), "store_enter");
    store_leave(w->ctx.store);
    must_ok(store_live(w->ctx.store), "store_live");
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at) {
    (void)st;
    (void)flag;
    (void)at;
    return remove(path);
}

void world_close(struct world *w) {
    if (w->ctx.store) store_close(w->ctx.store);
    if (w->server.store) store_close(w->server.store);
    *strrchr(w->dir, '/') = '\0';
    must(nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0, "the directory is removed");
    arena_free(&w->arena);
}

const char *world_path(struct world *w, const char *name) {
    return arena_text(&w->arena, "%s/%s", w->dir, name);
}

void world_write(struct world *w, const char *name, const void *bytes, size_t len) {
    int fd = open(world_path(w, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    must(fd >= 0 && write(fd, bytes, len) == (ssize_t)len && ftruncate(fd, (off_t)len) == 0 && close(fd) == 0, name);
}

void world_stamp(const char *path, int64_t mtime) {
    struct timeval times[2] = {{.tv_sec = mtime}, {.tv_sec = mtime}};
    must(utimes(path, times) == 0, path);
}

void world_sql(const char *path, const char *sql) {
    sqlite3 *db = NULL;
    must(sqlite3_open(path, &db) == SQLITE_OK && sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, sql);
    (void)sqlite3_close(db);
}

int64_t world_number(const char *path, const char *sql) {
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    must(sqlite3_open(path, &db) == SQLITE_OK && sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK, sql);
    int64_t number = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(db);
    return number;
}

void world_live_sql(struct world *w, const char *sql) {
    world_sql(world_path(w, "live-1.db"), sql);
}

int64_t world_live(struct world *w, const char *sql) {
    return world_number(world_path(w, "live-1.db"), sql);
}

ssize_t world_feed(void *body, char *into, size_t len) {
    struct world_body *b = body;
    len = len < b->left ? len : b->left;
    if (len) memcpy(into, b->at, len);
    b->at += len;
    b->left -= len;
    return (ssize_t)len;
}

json_t *world_call(struct world *w, const char *path, const char *json) {
    struct arena *a = &w->arena;
    struct request req;
    const char *body = json ? arena_text(a, "d=%s", base64url_text(a, (const uint8_t *)json, strlen(json))) : "";
    struct world_body from = {body, strlen(body)};
    char *env[] = {
        json ? "REQUEST_METHOD=POST" : "REQUEST_METHOD=GET",
        arena_text(a, "PATH_INFO=/%s", path),
        "HTTP_HOST=site.example",
        "REMOTE_ADDR=192.0.2.1",
        "CONTENT_TYPE=application/x-www-form-urlencoded",
        arena_text(a, "CONTENT_LENGTH=%zu", from.left),
        NULL,
    };
    request_read(&req, a, env, world_feed, &from);
    dispatch(&w->server, &req, &w->res);
    return w->res.len ? json_loadb(w->res.body, w->res.len, 0, NULL) : NULL;
}

const char *world_string(const json_t *answer, const char *key) {
    const char *text = json_string_value(json_object_get(answer, key));
    return text ? text : "";
}

static int64_t all_at_once(void *context, const struct walk *so_far) {
    (void)context;
    (void)so_far;
    return INT64_MAX;
}

enum err world_publish(struct world *w, const char *dir, const char *url, struct walk *out) {
    TRY(index_begin(&w->ctx, &w->circle, dir, url, 0));
    TRY(index_run(&w->ctx, &w->circle, all_at_once, NULL, out));
    return out->finished ? ERR_OK : ERR_INTERNAL;
}

json_t *world_envelope(struct world *w, const struct manifest *m) {
    struct buf text = {.arena = &w->arena};
    must_ok(gzip_unpack(&text, m->packed, m->packed_len, CAP_MANIFEST), "the manifest is gzip");
    json_t *envelope = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    must(envelope != NULL, "the manifest is JSON");
    return envelope;
}

const char *world_signed(struct world *w, const struct manifest *m) {
    return world_string(world_envelope(w, m), "signed");
}

void world_sync(struct sync *in, int k) {
    uint8_t raw[32] = {(uint8_t)k, (uint8_t)(k >> 8), 1};
    *in = (struct sync){.token = token_make(raw), .run = 1, .origin = "", .address = "192.0.2.1", .greet = -1, .box = -1};
}

enum err world_run(struct world *w, const struct sync *in, struct synced *out) {
    bool host_ok;
    must_ok(store_enter(w->ctx.store, "", &host_ok), "store_enter");
    must_ok(store_live(w->ctx.store), "store_live");
    enum err e = sync_run(&w->ctx, in, out);
    store_rollback(w->ctx.store);
    return e;
}

enum err world_join_at(struct world *w, int k, const char *address, struct synced *out) {
    static struct sync in; /* large */
    world_sync(&in, k);
    in.key = w->circle.api_key;
    in.address = address;
    return world_run(w, &in, out);
}

enum err world_join(struct world *w, int k, struct synced *out) {
    return world_join_at(w, k, "192.0.2.1", out);
}

enum err world_poll(struct world *w, int k, struct synced *out) {
    static struct sync in;
    world_sync(&in, k);
    return world_run(w, &in, out);
}
