#include "fuzz.h"
#include "util/err.h"
#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fault fault;
    MUST(fault_set(&fault, ERR_BUSY, "%.*s", (int)size, (const char *)data) == ERR_BUSY);
    json_t *text = json_string(fault.text);
    MUST(text);
    json_decref(text);
    return 0;
}
