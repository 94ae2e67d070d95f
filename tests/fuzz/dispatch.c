/* Whole requests through the whole program, every route: lines are variables of a web server (RFC 3875), up to an empty one; the
 * body is behind it, and one that begins with '{' is sent as d=. What is answered is read to its last byte, so that whatever
 * lies beyond what was given out is seen. CODE in a body is the owner's code. */
#define _GNU_SOURCE /* memmem */
#include "content/index.h"
#include "fuzz.h"
#include "util/jsn.h"
#include "world.h"

static const char code[] = "0123-4567-89ab-cdef-ghjk-mnpq-rs";
static struct world w;

static void leave(void) {
    world_close(&w);
}

/* A circle "demo" with the api key "key": a film too large to be sent at once, and a small page. */
static void enter(void) {
    struct walk walk;
    world_open(&w, "wal");
    MUST(circle_by_can(&w.ctx, "demo", &w.circle) == ERR_OK);
    const char *key = arena_text(&w.arena, "%s/signing/%s", w.dir, hex_text(&w.arena, w.circle.cid.b, sizeof w.circle.cid.b));
    MUST(rename(key, world_path(&w, "signing/0123456789abcdef")) == 0);
    world_sql(world_path(&w, "polycircle.db"), "UPDATE circle SET api_key = 'key', cid = x'0123456789abcdef'");
    const char *site = world_path(&w, "../site");
    char *film = calloc(1, (1 << 20) + 5000);
    MUST(mkdir(site, 0755) == 0);
    world_write(&w, "../site/film.mp4", film, (1 << 20) + 5000);
    world_write(&w, "../site/page.html", "<!doctype html><p>page", 22);
    free(film);
    MUST(circle_by_can(&w.ctx, "demo", &w.circle) == ERR_OK);
    MUST(world_publish(&w, site, "", &walk) == ERR_OK && walk.files == 2);
    world_sql(world_path(&w, "polycircle.db"), arena_text(&w.arena, "INSERT INTO instance VALUES('root', '%s')", site));
    store_close(w.ctx.store);
    w.ctx.store = NULL;
    (void)atexit(leave);
}

/* As it was, whatever an owner's action has done. */
static void settle(void) {
    world_write(&w, "owner-code", code, sizeof code - 1);
    if (w.server.store && store_retired(w.server.store))
        world_sql(world_path(&w, "polycircle.db"), "DELETE FROM instance WHERE name = 'retired'");
}

static struct world_body make_body(char *text, size_t len) {
    char *at = memmem(text, len, "CODE", 4);
    if (len == 0 || *text != '{') return (struct world_body){text, len};
    if (at) text = arena_text(&w.arena, "%.*s%s%.*s", (int)(at - text), text, code, (int)(text + len - at - 4), at + 4);
    const char *form = arena_text(&w.arena, "d=%s", base64url_text(&w.arena, (const uint8_t *)text, at ? strlen(text) : len));
    return (struct world_body){form, strlen(form)};
}

/* Such actions write beside the program that runs, or wait. */
static bool excluded(const char *text, size_t len) {
    static const char *const words[] = {"tier", "stay", "upgrade", "\\u"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (memmem(text, len, words[i], strlen(words[i]))) return true;
    return false;
}

static void check(const struct request *req) {
    const struct response *res = &w.res;
    struct buf head = {.arena = &w.arena};
    volatile unsigned sum = 0;
    unsigned long long first, last, size;
    response_head(res, &head);
    MUST(strstr(head.data, "\r\n\r\n") == head.data + head.len - 4);
    for (size_t i = 0; i < res->len; i++) sum = sum + ((const uint8_t *)res->body)[i];
    const char *range = strstr(head.data, "\r\nContent-Range: bytes ");
    MUST((res->status == 206) == (range && sscanf(range, "\r\nContent-Range: bytes %llu-%llu/%llu", &first, &last, &size) == 3));
    if (res->status == 206) MUST(first <= last && last < size && last - first + 1 == res->len && strcmp(req->method, "GET") == 0);
    if (strcmp(req->method, "HEAD") == 0 || res->status == 304) MUST(res->len == 0);
    if (res->status < 400 || strcmp(req->method, "HEAD") == 0) return;
    if (strncmp(res->type, "text/html", 9) == 0) { /* for an owner's browser, whole */
        MUST(memmem(res->body, res->len, "</html>\n", 8));
        return;
    }
    json_t *answer = json_loadb(res->body, res->len, 0, NULL);
    MUST(*world_string(answer, "text") && (res->status != 500 || strcmp(world_string(answer, "error"), "files") == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!*w.dir) enter();
    if (size > 20000 || excluded((const char *)data, size)) return 0;
    settle();
    char *env[36] = {0}, *text = arena_copy(&w.arena, (const char *)data, size), *end = text + size;
    size_t n = 0;
    env[n++] = arena_text(&w.arena, "DOCUMENT_ROOT=%s/../site", w.dir); /* of two the first counts: an owner writes nowhere else */
    for (; n < 32 && text < end && *text != '\n'; text++) {
        env[n++] = text;
        text += strcspn(text, "\n");
        *text = '\0';
    }
    text = text < end ? text + 1 : end;
    struct world_body body = make_body(text, (size_t)(end - text));
    env[n++] = arena_text(&w.arena, "CONTENT_LENGTH=%zu", body.left);
    env[n++] = "CONTENT_TYPE=application/x-www-form-urlencoded";
    env[n++] = "HTTP_HOST=site.example";
    struct request req;
    request_read(&req, &w.arena, env, world_feed, &body);
    dispatch(&w.server, &req, &w.res);
    check(&req);
    arena_reset(&w.arena);
    return 0;
}
