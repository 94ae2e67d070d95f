#include "fuzz.h"
#include "host/retire.h"

/* An .htaccess file of the owner: what is left never grows, ends where it says, and holds no whole block. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    if (size) memcpy(text, data, size);
    text[size] = '\0';
    size_t len = strlen(text), left = retire_block(text, len);
    MUST(left <= len && strlen(text) == left);
    MUST(retire_block(text, left) == left);
    free(text);
    return 0;
}
