#include "util/arena.h"
#include <stdalign.h>
#include <sys/mman.h>

/* Under AddressSanitizer what was not given out is poisoned, so that reading behind an allocation is seen although it lies in
 * the same block; a gap keeps two of them apart. */
#if defined(__SANITIZE_ADDRESS__)
#define POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISONS 1
#endif
#endif
#ifdef POISONS
#include <sanitizer/asan_interface.h>
enum { GAP = 16 };
#else
#define ASAN_POISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
enum { GAP = 0 };
#endif

enum { BLOCK = 64 * 1024 };

struct arena_block {
    struct arena_block *next;
    size_t size, used;
    alignas(max_align_t) char bytes[]; /* zero, as far as they are not used */
};

/* From the kernel: its pages are zero without anybody having written to them, and those that a request has no need of never come.
 */
static void add_block(struct arena *a, size_t size) {
    struct arena_block *block = mmap(NULL, sizeof *block + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) {
        (void)fputs("polycircle: out of memory\n", stderr);
        abort();
    }
    block->next = a->head;
    block->size = size;
    a->head = block;
    ASAN_POISON_MEMORY_REGION(block->bytes, size);
}

void *arena_alloc(struct arena *a, size_t size) {
    size_t room = (size + GAP + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (!a->head || a->head->size - a->head->used < room) add_block(a, room > BLOCK ? room : BLOCK);
    void *p = a->head->bytes + a->head->used;
    a->head->used += room;
    ASAN_UNPOISON_MEMORY_REGION(p, size);
    return p;
}

char *arena_copy(struct arena *a, const char *text, size_t len) {
    char *copy = arena_alloc(a, len + 1);
    if (len) memcpy(copy, text, len);
    return copy;
}

char *arena_text_va(struct arena *a, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    char *text = arena_alloc(a, (size_t)len + 1);
    (void)vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}

char *arena_text(struct arena *a, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = arena_text_va(a, format, args);
    va_end(args);
    return text;
}

char *arena_path(struct arena *a, const char *dir, const char *name) {
    return arena_text(a, "%s/%s", dir, name);
}

/* What was in it may be a secret: it is gone, not only forgotten. */
static void wipe(struct arena_block *block) {
    ASAN_UNPOISON_MEMORY_REGION(block->bytes, block->used);
    explicit_bzero(block->bytes, block->used);
    ASAN_POISON_MEMORY_REGION(block->bytes, block->used);
    block->used = 0;
}

static void give_back(struct arena_block *block) {
    ASAN_UNPOISON_MEMORY_REGION(block->bytes, block->size);
    (void)munmap(block, sizeof *block + block->size);
}

void arena_reset(struct arena *a) {
    for (struct arena_block *next; a->head && (next = a->head->next); a->head = next) {
        wipe(a->head);
        give_back(a->head);
    }
    if (a->head) wipe(a->head);
}

void arena_free(struct arena *a) {
    arena_reset(a);
    if (a->head) give_back(a->head);
    a->head = NULL;
}
