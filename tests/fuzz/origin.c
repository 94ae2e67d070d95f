#include "circle/origin.h"
#include "circle/circle.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct arena a;
    const char *url = arena_copy(&a, (const char *)data, size), *origin = url, *again;
    if (origin_of(&a, url, &origin)) {
        size_t scheme = strncmp(origin, "https://", 8) == 0 ? 8 : 7;
        MUST(scheme == 8 || strncmp(origin, "http://", 7) == 0);
        MUST(!strpbrk(origin + scheme, "/?#@\\ \"'<>ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
        MUST(origin_of(&a, origin, &again));
        MUST(strlen(again) <= strlen(origin));
    } else {
        MUST(origin == url);
    }
    arena_reset(&a);
    return 0;
}
