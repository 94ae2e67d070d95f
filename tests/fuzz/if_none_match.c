#include "fuzz.h"
#include "http/response.h"

/* A tag of up to 16 letters before a line feed, the header behind it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
    size_t len = line ? (size_t)(line - data) : 0;
    if (!len || len > 16 || memchr(data, '"', len) || memchr(data, '\0', len)) return 0;
    char tag[17] = {0}, *header = malloc(size - len), *quoted = malloc(len + 3);
    memcpy(tag, data, len);
    memcpy(header, line + 1, size - len - 1);
    header[size - len - 1] = '\0';
    (void)snprintf(quoted, len + 3, "\"%s\"", tag);
    MUST(conditional_match(header, tag) == (strstr(header, quoted) || strcmp(header, "*") == 0));
    free(header);
    free(quoted);
    return 0;
}
