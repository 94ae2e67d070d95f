#include "packet.h"
#include "fuzz.h"

/* A packet of anybody's: what is read of it lies within it, and changing it changes only what is changed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct endpoint as = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3}}, 4711};
    struct head head, again;
    if (!packet_read(data, size, &head)) return 0;
    MUST(head.proto == UDP || head.proto == TCP);
    MUST(head.body + (head.proto == UDP ? 8U : 20U) <= size);
    if (!head.four) return 0;
    uint8_t *copy = malloc(size);
    memcpy(copy, data, size);
    packet_from(copy, &head, &as);
    MUST(packet_read(copy, size, &again) && endpoint_same(&again.from, &as) && endpoint_same(&again.to, &head.to));
    packet_to(copy, &head, &as);
    MUST(packet_read(copy, size, &again) && endpoint_same(&again.from, &as) && endpoint_same(&again.to, &as));
    size_t end = head.body + 20;
    MUST(end >= size || memcmp(copy + end, data + end, size - end) == 0);
    free(copy);
    return 0;
}
