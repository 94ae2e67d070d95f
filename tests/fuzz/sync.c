#include "fuzz.h"
#include "world.h"

static struct world w;

static void leave(void) {
    world_close(&w);
}

/* A real instance whose circle has the api key "key". */
static void enter(void) {
    world_open(&w, "wal");
    world_sql(world_path(&w, "polycircle.db"), "UPDATE circle SET api_key = 'key'");
    (void)atexit(leave);
}

/* The JSON of a sync, through the whole program: whatever it is, the answer is one that PROTOCOL.md describes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!*w.dir) enter();
    char *text = malloc(size + 1);
    if (size) memcpy(text, data, size);
    text[size] = '\0';
    json_t *answer = world_call(&w, "sync", text);
    MUST(json_integer_value(json_object_get(answer, "polycircle")) == 1);
    MUST(w.res.status == 200 ? !json_object_get(answer, "error") : *world_string(answer, "text") != '\0');
    MUST(w.res.status != 500);
    free(text);
    arena_reset(&w.arena);
    return 0;
}
