#include "content/manifest.h"

static const struct {
    const char *type, *endings;
} types[] = {
    {"video/mp4", " mp4 m4v "},
    {"video/webm", " webm "},
    {"video/x-matroska", " mkv "},
    {"video/quicktime", " mov "},
    {"video/ogg", " ogv "},
    {"video/mp2t", " ts "},
    {"video/iso.segment", " m4s "},
    {"application/vnd.apple.mpegurl", " m3u8 "},
    {"application/dash+xml", " mpd "},
    {"audio/mpeg", " mp3 "},
    {"audio/mp4", " m4a "},
    {"audio/aac", " aac "},
    {"audio/ogg", " ogg oga opus "},
    {"audio/flac", " flac "},
    {"audio/wav", " wav "},
    {"image/jpeg", " jpg jpeg "},
    {"image/png", " png "},
    {"image/gif", " gif "},
    {"image/webp", " webp "},
    {"image/avif", " avif "},
    {"image/svg+xml", " svg "},
    {"image/x-icon", " ico "},
    {"font/woff2", " woff2 "},
    {"font/woff", " woff "},
    {"font/ttf", " ttf "},
    {"font/otf", " otf "},
    {"application/pdf", " pdf "},
    {"application/epub+zip", " epub "},
    {"application/zip", " zip "},
    {"application/gzip", " gz "},
    {"application/wasm", " wasm "},
    {"application/json", " json "},
    {"application/xml", " xml "},
    {"text/plain", " txt "},
    {"text/vtt", " vtt "},
    {"text/csv", " csv "},
    {"text/css", " css "},
    {"text/javascript", " js mjs "},
    {"text/html", " html htm "},
    /* never shared: programs, settings and leftovers of the host */
    {NULL,
     " phtml phar pht shtml cgi fcgi pl py rb lua sh asp aspx cfm jsp inc ini conf env htpasswd key pem db db3 sqlite bak log "
     "old orig save swp tmp part "},
};
/* nor what has one of these in its name, or is called so: copies of them have many endings */
static const char *const within[] = {".php", ".sql"}, *const names[] = {"id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"};

static bool never(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(name, names[i]) == 0) return true;
    for (; *name; name++)
        for (size_t i = 0; i < sizeof within / sizeof *within; i++)
            if (strncasecmp(name, within[i], strlen(within[i])) == 0) return true;
    return false;
}

const char *media_type(const char *path) {
    char ending[16] = " ";
    const char *dot = strrchr(path, '.');
    if ((*path && path[strlen(path) - 1] == '~') || never(path)) return NULL;
    if (!dot || dot == path || dot[-1] == '/' || !dot[1] || strchr(dot, '/') || strlen(dot + 1) > sizeof ending - 3)
        return "application/octet-stream";
    for (size_t i = 1; dot[i]; i++) {
        ending[i] = (char)tolower((unsigned char)dot[i]);
        ending[i + 1] = ' ';
    }
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strstr(types[i].endings, ending)) return types[i].type;
    return "application/octet-stream";
}

int64_t media_piece(int64_t size) {
    int64_t piece = LEAST_PIECE;
    while (piece < 4 << 20 && size / piece > 2048) piece *= 2;
    return piece;
}

int64_t media_most(void) {
    enum { HASH = 32 };
    return (int64_t)(CAP_MANIFEST / 4 * 3 / HASH) * (4 << 20);
}

enum err media_get(struct ctx *ctx, int64_t circle, const char *path, struct media *out) {
    const enum sql id = SQL_MEDIA_GET;
    bool row;
    TRY(store_first(ctx->store, id, ARGS(I(circle), T(path)), &row));
    if (!row) return ERR_NOT_FOUND;
    const char *type = store_text(ctx->store, id, 0);
    *out = (struct media){
        .path = path,
        .type = arena_copy(ctx->arena, type, strlen(type)),
        .file = {.size = store_int(ctx->store, id, 1), .mtime = store_int(ctx->store, id, 2)},
        .piece = store_int(ctx->store, id, 3),
    };
    const void *sha = store_blob(ctx->store, id, 4, &out->sha256_len);
    out->sha256 = (const uint8_t *)arena_copy(ctx->arena, sha, out->sha256_len);
    store_reset(ctx->store, id);
    return ERR_OK;
}

enum err media_turn(struct ctx *ctx, int64_t circle, const char *after, struct media_page *page) {
    struct store *s = ctx->store;
    const enum sql id = SQL_MEDIA_FROM;
    char path[CAP_PATH + 1];
    bool row;
    (void)snprintf(path, sizeof path, "%s", after);
    arena_reset(&page->arena);
    page->all = arena_alloc(&page->arena, MEDIA_PAGE * sizeof *page->all);
    page->n = 0;
    TRY(store_first(s, id, ARGS(I(circle), T(path), I(MEDIA_PAGE)), &row));
    while (row) {
        page->all[page->n++] = (struct published){.path = store_copy(s, id, 0, &page->arena),
                                                  .type = store_copy(s, id, 1, &page->arena),
                                                  .file = {.size = store_int(s, id, 2),
                                                           .mtime = store_int(s, id, 3),
                                                           .dev = store_int(s, id, 4),
                                                           .ino = store_int(s, id, 5),
                                                           .ctime_ns = store_int(s, id, 6)},
                                                  .doubted = store_int(s, id, 7)};
        TRY(store_next(s, id, &row));
    }
    return ERR_OK;
}

enum err media_path(struct ctx *ctx, int64_t circle, int64_t index, const char **out) {
    return store_string(ctx->store, SQL_MEDIA_AT, ARGS(I(circle), I(index)), ctx->arena, out);
}

enum err media_sums(struct ctx *ctx, int64_t circle, int64_t *files, int64_t *bytes) {
    TRY(store_number(ctx->store, SQL_MEDIA_COUNT, ARGS(I(circle)), files, 0));
    return store_number(ctx->store, SQL_MEDIA_BYTES, ARGS(I(circle)), bytes, 0);
}
