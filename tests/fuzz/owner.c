/* POST owner: JSON of every action, before and after set-up, with the right code in place of CODE. */
#include "fuzz.h"
#include "world.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char code[] = "0123-4567-89ab-cdef-ghjk-mnpq-rs";
static struct world w;

static void leave(void) {
    world_close(&w);
}

static void enter(void) {
    world_open(&w, "truncate");
    world_sql(world_path(&w, "polycircle.db"), "INSERT INTO instance VALUES('root', '/nonexistent')");
    (void)atexit(leave);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!*w.dir) enter();
    if (size < 2 || size > 20000) return 0;
    char *text = calloc(1, size + sizeof code);
    memcpy(text, data + 1, size - 1);
    if (strstr(text, "tier") || strstr(text, "\\u")) { /* these write beside the program that runs, and wait */
        free(text);
        return 0;
    }
    char *at = strstr(text, "CODE");
    if (at) {
        memmove(at + sizeof code - 1, at + 4, strlen(at + 4) + 1);
        memcpy(at, code, sizeof code - 1);
    }
    if (data[0] & 1)
        (void)unlink(world_path(&w, "owner-code"));
    else
        world_write(&w, "owner-code", code, sizeof code - 1);
    (void)world_call(&w, "owner", text);
    free(text);
    arena_reset(&w.arena);
    return 0;
}
