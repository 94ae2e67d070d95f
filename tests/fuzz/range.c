#include "fuzz.h"
#include "http/response.h"

/* The size in the first 8 bytes, the header behind them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int64_t of;
    struct part part = {-5, -7};
    if (size < sizeof of) return 0;
    memcpy(&of, data, sizeof of);
    of &= INT64_MAX;
    char *header = malloc(size - sizeof of + 1);
    memcpy(header, data + sizeof of, size - sizeof of);
    header[size - sizeof of] = '\0';
    if (range_parse(header, of, &part) == RANGE_PART)
        MUST(part.first >= 0 && part.len > 0 && part.first < of && part.len <= of - part.first);
    else
        MUST(part.first == -5 && part.len == -7);
    free(header);
    return 0;
}
