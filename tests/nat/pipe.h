/* One direction of a line: a rate, and a queue before it that is full at some time. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct pipe {
    double rate; /* bytes a second, of IP */
    double queue; /* seconds */
    double free; /* when it has sent all that it took */
    double worst; /* the longest that a packet has waited, s */
    uint64_t packets, bytes, drops;
};

/* A packet comes at `now`: when it is through; negative where the queue is full. */
double pipe_take(struct pipe *pipe, double now, size_t size);
