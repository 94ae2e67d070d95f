/* Where there is no libFuzzer: runs the target on each file named. */
#include "fuzz.h"

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        FILE *f = fopen(argv[i], "rbe");
        MUST(f && fseek(f, 0, SEEK_END) == 0);
        size_t size = (size_t)ftell(f);
        uint8_t *data = malloc(size ? size : 1); /* exactly: so that a sanitizer sees what is read behind it */
        rewind(f);
        MUST(data && fread(data, 1, size, f) == size);
        (void)fclose(f);
        (void)LLVMFuzzerTestOneInput(data, size);
        free(data);
    }
    return argc > 1 ? 0 : 2;
}
