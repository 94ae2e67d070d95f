#include "fuzz.h"
#include "util/jsn.h"
#include "world.h"

static struct world w;

static void leave(void) {
    world_close(&w);
}

static json_t *call(json_t *request) {
    struct buf text = {.arena = &w.arena};
    jsn_dump(&text, request);
    return world_call(&w, "sync", text.data);
}

static json_t *request(void) {
    return json_pack("{s:i, s:s, s:s}", "v", 1, "run", "00000001", "token",
                     "00000000000000000000000000000000000000000000000000000000000000ff");
}

/* A cursor as a client sends it: taken only if it is digits, one dot, digits. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!*w.dir) {
        world_open(&w, "wal");
        w.circle.api_key = strdup(w.circle.api_key); /* longer than the arena */
        (void)atexit(leave);
    }
    jsn_use(&w.arena);
    json_t *joining = request(), *polling = request(), *cursor = json_stringn((const char *)data, size);
    (void)json_object_set_new(joining, "key", json_string(w.circle.api_key));
    (void)json_object_set_new(polling, "cursor", cursor);
    (void)call(joining);
    MUST(w.res.status == 200);
    (void)call(polling);
    const char *text = json_string_value(cursor);
    size_t a = cursor ? strspn(text, "0123456789") : 0, b = cursor && text[a] == '.' ? strspn(text + a + 1, "0123456789") : 0;
    MUST(!cursor || (w.res.status == 200) == (a && a <= 18 && b && b <= 18 && a + 1 + b == size));
    arena_reset(&w.arena);
    return 0;
}
