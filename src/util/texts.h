/* A list of texts that grows, in an arena. */
#pragma once
#include "util/arena.h"

struct texts {
    const char **all;
    size_t n, room;
};

/* The text itself, not a copy. */
void texts_add(struct arena *a, struct texts *list, const char *text);
/* In the order of bytes. */
void texts_sort(struct texts *list);
