#include "fuzz.h"
#include "util/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct arena a;
    size_t len = SIZE_MAX, again;
    uint8_t *out = malloc(size / 4 * 3 + 3), *back = malloc(size + 3);
    if (base64url_decode(out, &len, (const char *)data, size)) {
        MUST(len <= size / 4 * 3 + 3);
        const char *text = base64url_text(&a, out, len);
        MUST(base64url_decode(back, &again, text, strlen(text)) && again == len && memcmp(back, out, len) == 0);
    } else {
        MUST(len == SIZE_MAX);
    }
    const char *text = base64url_text(&a, data, size);
    MUST(strlen(text) == (size * 4 + 2) / 3);
    MUST(base64url_decode(back, &again, text, strlen(text)) && again == size && (!size || memcmp(back, data, size) == 0));
    free(out);
    free(back);
    arena_reset(&a);
    return 0;
}
