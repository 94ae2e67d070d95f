#include "fuzz.h"
#include "world.h"

static struct world w;

static void leave(void) {
    world_close(&w);
}

static ssize_t nothing(void *from, char *into, size_t len) {
    (void)from;
    (void)into;
    (void)len;
    return 0;
}

/* Path, query, If-None-Match and Range of a GET, a line each, through the whole program. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"PATH_INFO", "QUERY_STRING", "HTTP_IF_NONE_MATCH", "HTTP_RANGE"};
    if (!*w.dir) {
        world_open(&w, "wal");
        world_sql(world_path(&w, "polycircle.db"), "UPDATE circle SET api_key = 'key', cid = x'0123456789abcdef'");
        (void)atexit(leave);
    }
    char *text = arena_copy(&w.arena, (const char *)data, size);
    char *env[8] = {"REQUEST_METHOD=GET", "HTTP_HOST=site.example", "REMOTE_ADDR=192.0.2.1"};
    for (size_t i = 0; i < 4; i++) {
        size_t len = strcspn(text, "\n");
        env[3 + i] = arena_text(&w.arena, "%s=%.*s", names[i], (int)len, text);
        text += text[len] ? len + 1 : len;
    }
    struct request req;
    struct buf head = {.arena = &w.arena};
    request_read(&req, &w.arena, env, nothing, NULL);
    dispatch(&w.server, &req, &w.res);
    response_head(&w.res, &head);
    MUST(w.res.status >= 200 && w.res.status < 500);
    MUST(strstr(head.data, "\r\n\r\n") == head.data + head.len - 4);
    if (w.res.status >= 400) MUST(*world_string(json_loadb(w.res.body, w.res.len, 0, NULL), "error"));
    arena_reset(&w.arena);
    return 0;
}
