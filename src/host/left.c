#include "host/left.h"
#include <signal.h>

static bool begins(const char *name, const char *with) {
    return strncmp(name, with, strlen(with)) == 0;
}

static bool ends(const char *name, const char *with) {
    size_t n = strlen(name), m = strlen(with);
    return n >= m && strcmp(name + n - m, with) == 0;
}

/* gen: the live file of the one before it may still be open somewhere. */
static bool is_left(const char *name, int64_t gen) {
    int64_t n = 0;
    if (begins(name, "polycircle.")) return false; /* what an owner uploads has such names, perhaps with .part behind on its way */
    if (begins(name, "probe-") || begins(name, "trial-") || begins(name, "look-"))
        return sscanf(name, "%*[a-z-]%" SCNd64, &n) == 1 && n > 0 && kill((pid_t)n, 0) != 0 && errno == ESRCH;
    if (sscanf(name, "live-%" SCNd64, &n) == 1) return n > gen || n < gen - 1;
    return ends(name, ".part") || ends(name, ".part-journal");
}

static size_t each(struct ctx *ctx, const char *dir, bool drop) {
    static const char *const below[] = {"", "/backups", "/signing"};
    size_t left = 0, n;
    for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
        const char *folder = arena_text(ctx->arena, "%s%s", dir, below[i]);
        const char **names = directory_names(ctx->arena, folder, &n);
        for (size_t k = 0; k < n; k++) {
            if (!is_left(names[k], store_gen(ctx->store))) continue;
            left++;
            if (drop) (void)unlink(arena_path(ctx->arena, folder, names[k]));
        }
    }
    return left;
}

size_t left_count(struct ctx *ctx, const char *dir) {
    return each(ctx, dir, false);
}

/* While nobody writes polycircle.db either, who makes keys then, or the next live database. */
enum err left_drop(struct ctx *ctx, const char *dir) {
    bool host_ok;
    enum err e = store_begin(ctx->store, MAIN, true);
    if (e == ERR_OK) e = store_enter(ctx->store, "", &host_ok);
    if (e == ERR_OK) (void)each(ctx, dir, true);
    store_rollback(ctx->store);
    return e;
}
