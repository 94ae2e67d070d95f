#include "fuzz.h"
#include "util/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct arena a;
    char *text = malloc(size + 1);
    if (size) memcpy(text, data, size);
    text[size] = '\0';
    const char *path = percent_path(&a, text);
    char *again = arena_copy(&a, path, strlen(path));
    again[percent_decode(again, strlen(again), false)] = '\0';
    MUST(strcmp(again, text) == 0); /* what is escaped comes back */
    MUST(strspn(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/%") == strlen(path));
    MUST(percent_decode(text, size, size & 1) <= size);
    free(text);
    arena_reset(&a);
    return 0;
}
