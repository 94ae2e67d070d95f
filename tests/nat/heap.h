/* What is on its way, soonest first; of the same time in the order in which it came. */
#pragma once
#include "packet.h"

struct node;
struct flight {
    double at;
    uint64_t order;
    struct node *to;
    bool home; /* it has only the NAT before it */
    struct head head;
    uint16_t size;
    uint8_t data[MTU];
};
struct heap {
    struct flight **all;
    size_t count, room;
    uint64_t order;
};

/* It takes the flight. false: no memory, the flight is freed. */
bool heap_push(struct heap *heap, struct flight *flight);
/* NULL: there is none. */
const struct flight *heap_first(const struct heap *heap);
/* The first one, whose owner is now the caller; there is one. */
struct flight *heap_pop(struct heap *heap);
void heap_free(struct heap *heap);
