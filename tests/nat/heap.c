#include "heap.h"
#include <stdlib.h>

static bool sooner(const struct flight *a, const struct flight *b) {
    return a->at < b->at || (!(b->at < a->at) && a->order < b->order);
}

static bool grown(struct heap *heap) {
    if (heap->count < heap->room) return true;
    size_t room = heap->room ? 2 * heap->room : 1024;
    struct flight **all = reallocarray(heap->all, room, sizeof(struct flight *));
    if (!all) return false;
    heap->all = all;
    heap->room = room;
    return true;
}

bool heap_push(struct heap *heap, struct flight *flight) {
    if (!grown(heap)) {
        free(flight);
        return false;
    }
    size_t i = heap->count++;
    flight->order = heap->order++;
    for (size_t up; i && sooner(flight, heap->all[up = (i - 1) / 2]); i = up) heap->all[i] = heap->all[up];
    heap->all[i] = flight;
    return true;
}

const struct flight *heap_first(const struct heap *heap) {
    return heap->count ? heap->all[0] : NULL;
}

struct flight *heap_pop(struct heap *heap) {
    struct flight *first = heap->all[0], *last = heap->all[--heap->count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < heap->count; i = child) {
        if (child + 1 < heap->count && sooner(heap->all[child + 1], heap->all[child])) child++;
        if (!sooner(heap->all[child], last)) break;
        heap->all[i] = heap->all[child];
    }
    heap->all[i] = last; /* where nothing is left, in a place that nobody reads */
    return first;
}

void heap_free(struct heap *heap) {
    while (heap->count) free(heap_pop(heap));
    free(heap->all);
    *heap = (struct heap){0};
}
