#include "cli/cli.h"
#include "fuzz.h"
#include "world.h"

static struct world w;

static void leave(void) {
    world_close(&w);
}

static void enter(void) {
    world_open(&w, "wal");
    (void)setenv("POLYCIRCLE_DATA", w.dir, 1);
    MUST(freopen("/dev/null", "w", stdout));
    (void)atexit(leave);
}

/* Arguments, a line each. Only commands that stay within this instance's files. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const commands[] = {"circle", "check", "version", "help", "completion"};
    char *text = malloc(size + 1), *argv[16] = {"polycircle", NULL};
    int argc = 2;
    if (!*w.dir) enter();
    if (size) memcpy(text, data, size);
    text[size] = '\0';
    bool elsewhere = strstr(text, "--d") != NULL; /* --data, as short as one likes */
    argv[1] = (char *)(uintptr_t)commands[size ? data[0] % 5 : 0];
    for (char *p = strtok(size ? text + 1 : text, "\n"); p && argc < 15; p = strtok(NULL, "\n")) argv[argc++] = p;
    int status = elsewhere ? 0 : cli_main(argc, argv);
    MUST(status >= 0 && status <= 2);
    free(text);
    return 0;
}
