#include "store/internal.h"

static sqlite3_mem_methods plain;

static void wiping_free(void *p) {
    explicit_bzero(p, (size_t)plain.xSize(p));
    plain.xFree(p);
}

static void *wiping_realloc(void *p, int size) {
    int before = plain.xSize(p);
    void *next = plain.xMalloc(size);
    if (!next) return NULL;
    memcpy(next, p, (size_t)(before < size ? before : size));
    wiping_free(p);
    return next;
}

void store_memory(void) {
    if (plain.xMalloc || sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain) != SQLITE_OK) return;
    sqlite3_mem_methods wiping = plain;
    wiping.xFree = wiping_free;
    wiping.xRealloc = wiping_realloc;
    (void)sqlite3_config(SQLITE_CONFIG_MALLOC, &wiping);
    /* there is one thread, and nobody asks how much memory is in use: else each of a thousand allocations would lock and count */
    (void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    (void)sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0); /* pages one by one, not twenty ahead: a request reads few */
}
