#include "pipe.h"

double pipe_take(struct pipe *pipe, double now, size_t size) {
    double wait = pipe->free > now ? pipe->free - now : 0;
    if (wait > pipe->queue) {
        pipe->drops++;
        return -1;
    }
    if (wait > pipe->worst) pipe->worst = wait;
    pipe->packets++;
    pipe->bytes += size;
    return pipe->free = now + wait + (double)size / pipe->rate;
}
