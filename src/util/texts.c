#include "util/texts.h"

void texts_add(struct arena *a, struct texts *list, const char *text) {
    if (list->n == list->room) {
        const char **more = arena_alloc(a, (list->room = list->room ? 2 * list->room : 16) * sizeof *more);
        if (list->n) memcpy(more, list->all, list->n * sizeof *more);
        list->all = more;
    }
    list->all[list->n++] = text;
}
