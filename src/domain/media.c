#include "domain/manifest.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const struct {
    const char *ending, *type;
} types[] = {
    {".mp4", "video/mp4"},
    {".m4v", "video/mp4"},
    {".webm", "video/webm"},
    {".mkv", "video/x-matroska"},
    {".mov", "video/quicktime"},
    {".ogv", "video/ogg"},
    {".m3u8", "application/vnd.apple.mpegurl"},
    {".ts", "video/mp2t"},
    {".m4s", "video/iso.segment"},
    {".mpd", "application/dash+xml"},
    {".mp3", "audio/mpeg"},
    {".m4a", "audio/mp4"},
    {".aac", "audio/aac"},
    {".ogg", "audio/ogg"},
    {".oga", "audio/ogg"},
    {".opus", "audio/ogg"},
    {".flac", "audio/flac"},
    {".wav", "audio/wav"},
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".png", "image/png"},
    {".gif", "image/gif"},
    {".webp", "image/webp"},
    {".avif", "image/avif"},
    {".svg", "image/svg+xml"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".woff", "font/woff"},
    {".ttf", "font/ttf"},
    {".otf", "font/otf"},
    {".pdf", "application/pdf"},
    {".epub", "application/epub+zip"},
    {".zip", "application/zip"},
    {".gz", "application/gzip"},
    {".wasm", "application/wasm"},
    {".json", "application/json"},
    {".txt", "text/plain"},
    {".vtt", "text/vtt"},
    {".csv", "text/csv"},
    {".css", "text/css"},
    {".js", "text/javascript"},
    {".mjs", "text/javascript"},
    {".html", "text/html"},
    {".htm", "text/html"},
    {".xml", "application/xml"},
    /* never shared */
    {".php", NULL},
    {".cgi", NULL},
    {".fcgi", NULL},
    {".pl", NULL},
    {".py", NULL},
    {".rb", NULL},
    {".sh", NULL},
    {".asp", NULL},
    {".aspx", NULL},
    {".jsp", NULL},
    {".inc", NULL},
    {".ini", NULL},
    {".conf", NULL},
    {".key", NULL},
    {".pem", NULL},
    {".sql", NULL},
    {".db", NULL},
    {".sqlite", NULL},
    {".bak", NULL},
    {".log", NULL},
    {".old", NULL},
    {"~", NULL},
    {".tmp", NULL},
    {".part", NULL},
};

const char *media_type(const char *path) {
    size_t len = strlen(path);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t tail = strlen(types[i].ending);
        if (len > tail && strcasecmp(path + len - tail, types[i].ending) == 0)
            return types[i].type;
    }
    return "application/octet-stream";
}

int64_t media_piece(int64_t size) {
    int64_t piece = 256 << 10;
    while (piece < 4 << 20 && size / piece > 2048)
        piece *= 2;
    return piece;
}

static enum err hash_pieces(struct ctx *ctx, int fd, struct media *m, media_progress *progress, void *context) {
    enum { SHA = crypto_hash_sha256_BYTES };
    size_t pieces = (size_t)((m->file.size + m->piece - 1) / m->piece);
    uint8_t *hashes = arena_alloc(ctx->arena, pieces * SHA);
    uint8_t *bytes = malloc((size_t)m->piece);
    bool ok = bytes != NULL;
    for (size_t i = 0; ok && i < pieces; i++) {
        int64_t at = (int64_t)i * m->piece, left = m->file.size - at;
        size_t len = (size_t)(left < m->piece ? left : m->piece);
        ok = file_read(fd, bytes, len, at);
        if (ok)
            (void)crypto_hash_sha256(hashes + i * SHA, bytes, len);
        if (ok && progress)
            progress(context, (int64_t)len);
    }
    free(bytes);
    m->sha256 = hashes;
    m->sha256_len = pieces * SHA;
    return ok ? ERR_OK : ERR_FILES;
}

enum err media_hash(struct ctx *ctx, const char *dir, struct media *m, media_progress *progress, void *context) {
    struct file_id after;
    const char *path = arena_text(ctx->arena, "%s/%s", dir, m->path);
    int fd = file_open(path, &m->file);
    if (fd < 0)
        return fault_set(&ctx->fault, ERR_FILES, "%.180s: %s", path, strerror(errno));
    m->piece = media_piece(m->file.size);
    enum err e = hash_pieces(ctx, fd, m, progress, context);
    (void)close(fd);
    if (e != ERR_OK || !file_look(path, &after) || after.size != m->file.size || after.mtime != m->file.mtime)
        return fault_set(&ctx->fault, ERR_FILES, "%.180s changed while it was read: publish again.", path);
    return ERR_OK;
}

enum err media_get(struct ctx *ctx, int64_t circle, const char *path, struct media *out) {
    const enum sql id = SQL_MEDIA_GET;
    bool row;
    TRY(store_find(ctx->store, id, ARGS(I(circle), T(path)), &row));
    if (!row)
        return ERR_NOT_FOUND;
    const char *type = store_text(ctx->store, id, 0);
    *out = (struct media){
        .path = path,
        .type = arena_copy(ctx->arena, type, strlen(type)),
        .file = {store_int(ctx->store, id, 1), store_int(ctx->store, id, 2)},
        .piece = store_int(ctx->store, id, 3),
    };
    const void *sha = store_blob(ctx->store, id, 4, &out->sha256_len);
    out->sha256 = (const uint8_t *)arena_copy(ctx->arena, sha, out->sha256_len);
    store_reset(ctx->store, id);
    return ERR_OK;
}
