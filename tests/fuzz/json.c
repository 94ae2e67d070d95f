#include "fuzz.h"
#include "util/jsn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct arena a;
    struct fault fault = {0};
    struct buf text = {.arena = &a};
    json_t *const before = json_true(), *json = before, *again;
    jsn_use(&a);
    char *exact = malloc(size ? size : 1);
    if (size) memcpy(exact, data, size);
    if (jsn_parse(&json, exact, size, &fault) == ERR_OK) {
        jsn_dump(&text, json);
        MUST(jsn_parse(&again, text.data, text.len, &fault) == ERR_OK && json_equal(json, again));
    } else {
        MUST(json == before && fault.text[0] && json_string(fault.text)); /* words that can be sent */
    }
    free(exact);
    arena_reset(&a);
    return 0;
}
