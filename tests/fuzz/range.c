#include "fuzz.h"
#include "http/response.h"

/* The size in the first 8 bytes, the header behind them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int64_t of, first = 0, last = 0;
    bool past;
    if (size < sizeof of) return 0;
    memcpy(&of, data, sizeof of);
    of &= INT64_MAX;
    char *header = malloc(size - sizeof of + 1);
    memcpy(header, data + sizeof of, size - sizeof of);
    header[size - sizeof of] = '\0';
    bool part = range_parse(header, of, &first, &last, &past);
    MUST(!part || (first >= 0 && first <= last && last < of && !past));
    MUST(!past || !part);
    free(header);
    return 0;
}
