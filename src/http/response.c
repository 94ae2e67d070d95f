#include "http/response.h"
#include "util/codec.h"
#include "util/file.h"
#include <sodium.h>

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {206, "Partial Content"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {410, "Gone"},
    {413, "Content Too Large"},
    {416, "Range Not Satisfiable"},
    {421, "Misdirected Request"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
};

void response_start(struct response *res, const struct request *req) {
    *res = (struct response){.req = req, .status = 200, .cache = "no-store", .tag = "", .headers = {.arena = req->arena}};
}

void response_header(struct response *res, const char *name, const char *value) {
    if (value[strcspn(value, "\r\n")]) return; /* it would be more than this header */
    buf_format(&res->headers, "%s: %s\r\n", name, value);
}

bool conditional_match(const char *header, const char *tag) {
    size_t len = strlen(tag);
    for (const char *p = header; (p = strstr(p, tag)); p += len)
        if (p > header && p[-1] == '"' && p[len] == '"') return true;
    return strcmp(header, "*") == 0;
}

void response_etag(struct response *res, const char *tag) {
    res->tag = tag;
    buf_format(&res->headers, "ETag: \"%s\"\r\n", tag);
    if (conditional_match(res->req->if_none_match, tag)) res->status = 304;
}

/* Is a range asked for, of just this version (RFC 9110 13.1.5)? Ours have no date to compare. */
static bool wants_range(const struct response *res) {
    const struct request *req = res->req;
    if (res->status != 200 || strcmp(req->method, "GET") != 0) return false;
    return !*req->if_range || (*res->tag && strcmp(req->if_range, arena_text(req->arena, "\"%s\"", res->tag)) == 0);
}

/* Which part of size bytes goes out, at most `most` of them, and what the head says of it. Whatever computes with offsets is
 * here and in range_parse(). */
static enum err cut(struct response *res, int64_t size, size_t most, struct part *out) {
    struct part part = {0, size};
    enum range range = wants_range(res) ? range_parse(res->req->range, size, &part) : RANGE_NONE;
    if (range == RANGE_PAST || (range == RANGE_NONE && (uint64_t)size > most)) {
        buf_format(&res->headers, "Content-Range: bytes */%" PRId64 "\r\n", size);
        return ERR_RANGE;
    }
    if ((uint64_t)part.len > most) part.len = (int64_t)most;
    if (range == RANGE_PART) {
        res->status = 206;
        buf_format(&res->headers, "Content-Range: bytes %" PRId64 "-%" PRId64 "/%" PRId64 "\r\n", part.first,
                   part.first + part.len - 1, size);
    }
    *out = part;
    return ERR_OK;
}

/* A head alone has been asked for, or is all there is to say. */
static bool head_alone(struct response *res, const char *type, int64_t size) {
    bool head = strcmp(res->req->method, "HEAD") == 0;
    res->type = type;
    if (head && res->status != 304) buf_format(&res->headers, "Content-Length: %" PRId64 "\r\n", size);
    return head || res->status == 304;
}

enum err response_body(struct response *res, const char *type, const void *body, size_t len) {
    struct part part;
    if (head_alone(res, type, (int64_t)len)) return ERR_OK;
    TRY(cut(res, (int64_t)len, SIZE_MAX, &part));
    res->body = (const char *)body + part.first;
    res->len = (size_t)part.len;
    return ERR_OK;
}

enum err response_tagged(struct response *res, const char *type, const void *body, size_t len) {
    static const uint8_t key[crypto_shorthash_KEYBYTES]; /* what may be compared, not what must be hard to forge */
    uint8_t hash[crypto_shorthash_BYTES];
    (void)crypto_shorthash(hash, body, len, key);
    response_etag(res, hex_text(res->req->arena, hash, sizeof hash));
    return response_body(res, type, body, len);
}

enum err response_file(struct response *res, const char *type, int fd, int64_t size, size_t most) {
    struct part part;
    if (head_alone(res, type, size)) return ERR_OK;
    TRY(cut(res, size, most, &part));
    char *bytes = arena_alloc(res->req->arena, (size_t)part.len);
    if (!file_read(fd, bytes, (size_t)part.len, part.first)) return ERR_NOT_FOUND;
    res->body = bytes;
    res->len = (size_t)part.len;
    return ERR_OK;
}

enum err response_made(struct response *res, const char *type, int64_t size, response_maker *make, void *context) {
    struct part part;
    if (head_alone(res, type, size)) return ERR_OK;
    TRY(cut(res, size, SIZE_MAX, &part));
    char *bytes = arena_alloc(res->req->arena, (size_t)part.len);
    TRY(make(context, &part, bytes));
    res->body = bytes;
    res->len = (size_t)part.len;
    return ERR_OK;
}

void response_head(const struct response *res, struct buf *out) {
    const char *reason = "";
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == res->status) reason = reasons[i].reason;
    buf_format(out, "Status: %d %s\r\nAccess-Control-Allow-Origin: *\r\nCache-Control: %s\r\n", res->status, reason, res->cache);
    if (res->type && res->status != 304) buf_format(out, "Content-Type: %s\r\n", res->type);
    if (res->timing) buf_format(out, "Server-Timing: %s\r\n", res->timing);
    if (res->headers.len) buf_add(out, res->headers.data, res->headers.len);
    buf_text(out, "X-Content-Type-Options: nosniff\r\n\r\n");
}

/* Digits, and what follows them; NULL when there is none. What is too large for any file is the largest number. */
static const char *number(const char *p, int64_t *out) {
    const char *start = p;
    int64_t n = 0;
    for (; *p >= '0' && *p <= '9'; p++) n = n > INT64_MAX / 10 - 1 ? INT64_MAX : n * 10 + (*p - '0');
    if (p == start) return NULL;
    *out = n;
    return p;
}

/* "-500": so many bytes at the end */
static enum range suffix(const char *p, int64_t size, struct part *part) {
    int64_t len = 0;
    p = number(p, &len);
    if (!p || *p) return RANGE_NONE;
    if (len == 0 || size == 0) return RANGE_PAST;
    if (len > size) len = size;
    *part = (struct part){size - len, len};
    return RANGE_PART;
}

enum range range_parse(const char *header, int64_t size, struct part *part) {
    static const char unit[] = "bytes=";
    int64_t first = 0, last = INT64_MAX;
    if (strncasecmp(header, unit, sizeof unit - 1) != 0) return RANGE_NONE;
    const char *p = header + sizeof unit - 1;
    if (*p == '-') return suffix(p + 1, size, part);
    p = number(p, &first);
    if (!p || *p++ != '-') return RANGE_NONE;
    if (*p) p = number(p, &last);
    if (!p || *p || last < first) return RANGE_NONE;
    if (first >= size) return RANGE_PAST;
    *part = (struct part){first, (last < size ? last + 1 : size) - first};
    return RANGE_PART;
}
