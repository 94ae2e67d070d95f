#include "meet/mids.h"
#include "content/manifest.h"

struct naming {
    struct named_mid all[CAP_MEDIA];
    size_t n;
};

static bool has_index(const struct naming *of, int64_t index) {
    for (size_t i = 0; i < of->n; i++)
        if (of->all[i].index == index) return true;
    return false;
}

static bool has_mid(const struct naming *of, const struct mid *mid) {
    for (size_t i = 0; i < of->n; i++)
        if (memcmp(of->all[i].mid.b, mid->b, sizeof mid->b) == 0) return true;
    return false;
}

/* Another than these: drawn again, with fresh pad. */
static struct mid draw(const struct naming *of, const struct sig *sig, const char *path) {
    struct mid mid;
    do mid = mid_make(sig, path);
    while (has_mid(of, &mid));
    return mid;
}

enum err mids_name(struct ctx *ctx, const struct signal *s, const int64_t *indices, size_t n, struct named_mid **out,
                   size_t *n_out) {
    struct naming *of = arena_alloc(ctx->arena, sizeof *of);
    of->n = 0;
    for (size_t i = 0; i < n && of->n < CAP_MEDIA; i++) {
        const char *path;
        if (has_index(of, indices[i])) continue;
        TRY(media_path(ctx, s->circle, indices[i], &path));
        if (!path) continue;
        struct mid mid = draw(of, &s->sig, path);
        of->all[of->n++] = (struct named_mid){indices[i], mid};
    }
    *out = of->all;
    *n_out = of->n;
    return ERR_OK;
}
