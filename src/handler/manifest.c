/* GET /manifest/CID.json and GET /mirror/CAN/PATH. */
#include "domain/manifest.h"
#include "handler/handler.h"

enum err handle_manifest(struct exchange *x) {
    struct circle c;
    struct manifest m;
    struct arena *a = x->ctx->arena;
    const char *cid = without(x, ".json");
    TRY(cid ? circle_by_cid(x->ctx, cid, &c) : ERR_NOT_FOUND);
    TRY(manifest_get(x->ctx, &c, &m));
    (void)answer_json(x, json_pack("{s:i, s:s, s:s, s:s}", "polycircle", 1, "key",
                                   base64url_text(a, c.sign_public, sizeof c.sign_public), "signed", m.signed_text, "sig",
                                   base64url_text(a, m.signature, sizeof m.signature)));
    x->res->cache = "no-cache";
    response_etag(x->res, x->req, arena_text(a, "%s-%" PRId64, cid, m.version));
    return ERR_OK;
}

/* Nothing that a browser would run, whatever the file is. */
static const char *harmless(const char *type) {
    static const char *const safe[] = {"video/", "audio/", "image/", "font/", "text/plain", "text/vtt"};
    for (size_t i = 0; i < sizeof safe / sizeof *safe; i++)
        if (strncmp(type, safe[i], strlen(safe[i])) == 0 && strcmp(type, "image/svg+xml") != 0) return type;
    return "application/octet-stream";
}

static enum err send_part(struct exchange *x, const struct media *m, int fd) {
    int64_t first = 0, last = m->file.size - 1, size = m->file.size;
    bool past;
    struct buf *headers = &x->res->headers;
    bool part = range_parse(x->req->range, size, &first, &last, &past);
    buf_text(headers, "Accept-Ranges: bytes\r\nContent-Security-Policy: sandbox\r\n");
    if (past || (!part && size > CAP_MIRROR)) {
        buf_format(headers, "Content-Range: bytes */%" PRId64 "\r\n", size);
        return ERR_RANGE;
    }
    if (last - first >= CAP_MIRROR) last = first + CAP_MIRROR - 1;
    size_t len = (size_t)(last - first + 1);
    char *bytes = arena_alloc(x->ctx->arena, len + 1);
    if (!file_read(fd, bytes, len, first)) return ERR_NOT_FOUND;
    if (part) {
        x->res->status = 206;
        buf_format(headers, "Content-Range: bytes %" PRId64 "-%" PRId64 "/%" PRId64 "\r\n", first, last, size);
    }
    x->res->cache = "no-cache";
    response_body(x->res, harmless(m->type), bytes, len);
    return ERR_OK;
}

static enum err send_file(struct exchange *x, const struct manifest *m, const struct media *media) {
    struct file_id now;
    int fd = file_open(arena_path(x->ctx->arena, m->dir, media->path), &now);
    if (fd < 0) return ERR_NOT_FOUND;
    /* a file that is no longer what was published is not sent under its name */
    bool same = now.size == media->file.size && now.mtime == media->file.mtime;
    enum err e = same ? send_part(x, media, fd) : ERR_NOT_FOUND;
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
