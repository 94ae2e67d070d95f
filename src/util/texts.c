#include "util/texts.h"

static int in_order(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void texts_sort(struct texts *list) {
    if (list->n) qsort(list->all, list->n, sizeof *list->all, in_order);
}

void texts_add(struct arena *a, struct texts *list, const char *text) {
    if (list->n == list->room) {
        const char **more = arena_alloc(a, (list->room = list->room ? 2 * list->room : 16) * sizeof *more);
        if (list->n) memcpy(more, list->all, list->n * sizeof *more);
        list->all = more;
    }
    list->all[list->n++] = text;
}
