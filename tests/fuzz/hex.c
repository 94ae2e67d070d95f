#include "fuzz.h"
#include "util/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1), *back = malloc(2 * size + 3);
    uint8_t *out = malloc(size / 2 + 2);
    if (size) memcpy(text, data, size);
    text[size] = '\0';
    for (size_t n = size / 2; n <= size / 2 + 1; n++) {
        memset(out, 0xa5, n);
        if (hex_decode(out, n, text)) {
            MUST(strlen(text) == 2 * n);
            hex_encode(back, out, n);
            MUST(strcmp(back, text) == 0);
        } else {
            for (size_t i = 0; i < n; i++) MUST(out[i] == 0xa5);
        }
    }
    free(text);
    free(back);
    free(out);
    return 0;
}
