#include "fuzz.h"
#include "util/codec.h"

/* Written here anew, a digit at a time, so that the decoder is held against something. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    size_t len = SIZE_MAX, n = 0, back = 0;
    uint8_t *out = malloc(size / 4 * 3 + 4), *again = malloc(size * 2 / 4 * 3 + 4);
    MUST(base32_decode(out, &len, (const char *)data, size) ? len <= size * 5 / 8 : len == SIZE_MAX);
    char *text = malloc(size * 2 + 2);
    for (size_t bit = 0; bit < size * 8; bit += 5) {
        unsigned two = (unsigned)data[bit / 8] << 8 | (bit / 8 + 1 < size ? data[bit / 8 + 1] : 0);
        char digit = digits[two >> (11 - bit % 8) & 31];
        text[n++] = (char)(bit % 3 || digit < 'a' ? digit : digit - 'a' + 'A');
    }
    MUST(base32_decode(again, &back, text, n) && back == size && (!size || memcmp(again, data, size) == 0));
    if (n) MUST(base32_decode(again, &back, text, n - 1) == (n % 8 == 0 || n % 8 == 5));
    free(out);
    free(again);
    free(text);
    return 0;
}
