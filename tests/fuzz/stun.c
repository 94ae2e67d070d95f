#include "circle/stun.h"
#include "fuzz.h"
#include "util/arena.h"

/* What is valid has a host and a port, and nothing that a URL could hide something in. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct arena a;
    const char *url = arena_copy(&a, (const char *)data, size);
    if (stun_valid(url)) {
        MUST(strncmp(url, "stun:", 5) == 0 || strncmp(url, "stuns:", 6) == 0);
        MUST(!strpbrk(url, "/?#@\\ \"'<>\t\r\n,;%"));
        MUST(strlen(url) <= 6 + 253 + 6);
        MUST(strchr(url, ':')[1] && url[strlen(url) - 1] != ':');
    }
    arena_reset(&a);
    return 0;
}
