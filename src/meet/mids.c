#include "meet/mids.h"
#include "content/manifest.h"

struct known {
    int64_t number;
    const char *path;
    bool announced;
};

/* A medium to be named. */
struct wanted {
    int64_t index;
    const char *path;
    struct known *known; /* NULL: it has no id yet */
};

struct naming {
    struct known known[CAP_MEDIA]; /* by path */
    struct wanted wanted[CAP_MEDIA];
    size_t n_known, n_wanted;
};

static enum err list(struct ctx *ctx, const struct signal *s, struct naming *all) {
    const enum sql id = SQL_MID_LIST;
    bool row;
    TRY(store_first(ctx->store, id, ARGS(I(s->id), I(CAP_MEDIA)), &row));
    while (row) {
        all->known[all->n_known++] =
            (struct known){.number = store_int(ctx->store, id, 0), .path = store_copy(ctx->store, id, 1, ctx->arena)};
        TRY(store_next(ctx->store, id, &row));
    }
    return ERR_OK;
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const struct known *)a)->path, ((const struct known *)b)->path);
}

static bool has(const struct naming *all, int64_t index) {
    for (size_t i = 0; i < all->n_wanted; i++)
        if (all->wanted[i].index == index) return true;
    return false;
}

static enum err want(struct ctx *ctx, int64_t circle, int64_t index, struct naming *all) {
    const char *path;
    if (all->n_wanted == CAP_MEDIA || has(all, index)) return ERR_OK;
    TRY(media_path(ctx, circle, index, &path));
    if (!path) return ERR_OK;
    struct known *known = bsearch(&(struct known){.path = path}, all->known, all->n_known, sizeof *known, by_path);
    if (known) known->announced = true;
    all->wanted[all->n_wanted++] = (struct wanted){index, path, known};
    return ERR_OK;
}

static enum err drop(struct ctx *ctx, const struct signal *s, const struct naming *all) {
    for (size_t i = 0; i < all->n_known; i++)
        if (!all->known[i].announced) TRY(store_run(ctx->store, SQL_MID_DROP, ARGS(I(s->id), I(all->known[i].number))));
    return ERR_OK;
}

/* *number -1: none was free. */
static enum err draw(struct ctx *ctx, const struct signal *s, const char *path, int64_t *number) {
    enum { DRAWS = 32 }; /* unique within the signal: draw again, with fresh pad */
    *number = -1;
    for (int i = 0; *number < 0 && i < DRAWS; i++) {
        struct mid mid = mid_make(&s->sig, path);
        int64_t drawn = mid.b[0] << 8 | mid.b[1];
        TRY(store_run(ctx->store, SQL_MID_ADD, ARGS(I(s->id), I(drawn), T(path))));
        if (store_changes(ctx->store, LIVE)) *number = drawn;
    }
    return ERR_OK;
}

enum err mids_name(struct ctx *ctx, const struct signal *s, const int64_t *indices, size_t n, struct named_mid **out,
                   size_t *n_out) {
    struct naming *all = arena_alloc(ctx->arena, sizeof *all);
    all->n_known = all->n_wanted = 0;
    TRY(list(ctx, s, all));
    for (size_t i = 0; i < n; i++) TRY(want(ctx, s->circle, indices[i], all));
    TRY(drop(ctx, s, all));
    *out = arena_alloc(ctx->arena, CAP_MEDIA * sizeof **out);
    *n_out = 0;
    for (size_t i = 0; i < all->n_wanted; i++) {
        const struct wanted *w = &all->wanted[i];
        int64_t number = w->known ? w->known->number : -1;
        if (number < 0) TRY(draw(ctx, s, w->path, &number));
        if (number >= 0) (*out)[(*n_out)++] = (struct named_mid){w->index, {{(uint8_t)(number >> 8), (uint8_t)number}}};
    }
    return ERR_OK;
}
