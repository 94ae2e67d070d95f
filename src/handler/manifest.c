/* GET /manifest/CID.json.gz, /manifest/CID.json and /mirror/CAN/PATH. */
#include "content/manifest.h"
#include "content/below.h"
#include "handler/handler.h"
#include "util/gzip.h"

/* With the key: read just before it was renewed, it would stand beside what the new one has signed, and be kept. */
static const char *tag_of(struct exchange *x, const char *cid, const struct manifest *m, const char *key) {
    return arena_text(x->ctx->arena, "%s-%" PRId64 "-%s", cid, m->version, key);
}

struct giving {
    struct exchange *x;
    const struct circle *circle;
    struct manifest m;
    bool packed;
};

static enum err give(void *context, const struct part *part, char *into) {
    struct giving *g = context;
    TRY(manifest_read(g->x->ctx, g->circle, &g->m));
    if (!g->packed) return gzip_unpack_part(g->m.packed, g->m.packed_len, (size_t)part->first, into, (size_t)part->len);
    memcpy(into, (const char *)g->m.packed + part->first, (size_t)part->len);
    return ERR_OK;
}

static enum err answer(struct giving *g, const char *cid) {
    struct exchange *x = g->x;
    const char *type = g->packed ? "application/gzip" : "application/json";
    TRY(manifest_head(x->ctx, g->circle->id, &g->m));
    if (g->m.version == 0 || (!g->packed && g->m.size == 0)) TRY(manifest_read(x->ctx, g->circle, &g->m));
    if (g->m.size == 0 && g->m.packed) g->m.size = (int64_t)gzip_size(g->m.packed, g->m.packed_len);
    x->res->cache = "no-cache";
    response_etag(x->res,
                  tag_of(x, cid, &g->m, base64url_text(x->ctx->arena, g->circle->sign_public, sizeof g->circle->sign_public)));
    return response_made(x->res, type, g->packed ? (int64_t)g->m.packed_len : g->m.size, give, g);
}

/* CID.json.gz is what is kept, as it is: without Content-Encoding, which hosts add and take away (handle_package). CID.json, the
 * same unpacked, is for clients of before. It is read only for whom it is news, and unpacked no further than is asked for. */
enum err handle_manifest(struct exchange *x) {
    struct circle c;
    struct giving g = {.x = x, .circle = &c};
    const char *packed = without(x, ".json.gz"), *cid = packed ? packed : without(x, ".json");
    g.packed = packed;
    TRY(cid ? circle_by_cid(x->ctx, cid, &c) : ERR_NOT_FOUND);
    TRY(manifest_current(x->ctx, &c, &g.m));
    TRY(store_begin(x->ctx->store, MAIN, false)); /* its size and itself are of one version */
    TRY(answer(&g, cid));
    return store_commit(x->ctx->store, MAIN);
}

/* Nothing that a browser would run, whatever the file is. */
static const char *harmless(const char *type) {
    static const char *const safe[] = {"video/", "audio/", "image/", "font/", "text/plain", "text/vtt"};
    for (size_t i = 0; i < sizeof safe / sizeof *safe; i++)
        if (strncmp(type, safe[i], strlen(safe[i])) == 0 && strcmp(type, "image/svg+xml") != 0) return type;
    return "application/octet-stream";
}

static enum err send_file(struct exchange *x, const struct manifest *m, const struct media *media) {
    struct file_id now;
    struct below below = below_begin(x->ctx, m->dir);
    int fd = below_open(&below, media->path, &now);
    below_end(&below);
    store_leave(x->ctx->store); /* a disk may take long */
    if (fd < 0) return ERR_NOT_FOUND;
    x->res->cache = "no-cache";
    response_header(x->res, "Accept-Ranges", "bytes");
    response_header(x->res, "Content-Security-Policy", "sandbox");
    /* a file that is no longer what was published is not sent under its name */
    bool same = now.size == media->file.size && now.mtime == media->file.mtime;
    enum err e = same ? response_file(x->res, harmless(media->type), fd, now.size, CAP_MIRROR) : ERR_NOT_FOUND;
    (void)close(fd);
    return e;
}

enum err handle_mirror(struct exchange *x) {
    struct circle c;
    struct manifest m;
    struct media media;
    const char *slash = strchr(x->rest, '/');
    if (!slash || !slash[1] || strlen(slash + 1) > CAP_PATH) return ERR_NOT_FOUND;
    TRY(circle_by_can(x->ctx, arena_copy(x->ctx->arena, x->rest, (size_t)(slash - x->rest)), &c));
    TRY(media_get(x->ctx, c.id, slash + 1, &media));
    TRY(manifest_head(x->ctx, c.id, &m));
    if (!*m.url) return send_file(x, &m, &media);
    x->res->status = 302;
    response_header(x->res, "Location", arena_text(x->ctx->arena, "%s%s", m.url, percent_path(x->ctx->arena, media.path)));
    return ERR_OK;
}
