#include "http/response.h"
#include "util/codec.h"
#include <sodium.h>

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {206, "Partial Content"},
    {302, "Found"},
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

void response_start(struct response *res, struct arena *arena) {
    *res = (struct response){.status = 200, .cache = "no-store", .headers = {.arena = arena}};
}

void response_header(struct response *res, const char *name, const char *value) {
    buf_format(&res->headers, "%s: %s\r\n", name, value);
}

void response_body(struct response *res, const char *type, const void *body, size_t len) {
    res->type = type;
    res->body = body;
    res->len = len;
}

bool conditional_match(const char *header, const char *tag) {
    size_t len = strlen(tag);
    for (const char *p = header; (p = strstr(p, tag)); p += len)
        if (p > header && p[-1] == '"' && p[len] == '"') return true;
    return strcmp(header, "*") == 0;
}

const char *response_tag(struct arena *arena, const void *body, size_t len) {
    uint8_t hash[16];
    (void)crypto_generichash(hash, sizeof hash, body, len, NULL, 0);
    return hex_text(arena, hash, 8);
}

void response_etag(struct response *res, const struct request *req, const char *tag) {
    buf_format(&res->headers, "ETag: \"%s\"\r\n", tag);
    if (conditional_match(req->if_none_match, tag)) {
        res->status = 304;
        res->len = 0;
    }
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

/* Digits; NULL when there is none. What is too large for any file is the largest number. */
static const char *number(const char *p, int64_t *out) {
    const char *start = p;
    for (*out = 0; *p >= '0' && *p <= '9'; p++) *out = *out > INT64_MAX / 10 - 1 ? INT64_MAX : *out * 10 + (*p - '0');
    return p == start ? NULL : p;
}

bool range_parse(const char *header, int64_t size, int64_t *first, int64_t *last, bool *past) {
    *past = false;
    if (strncmp(header, "bytes=", 6) != 0) return false;
    const char *p = header + 6;
    bool suffix = *p == '-';
    if (!suffix && (!(p = number(p, first)) || *p != '-')) return false;
    p++;
    *last = INT64_MAX;
    if (*p && !(p = number(p, last))) return false;
    if (*p || (suffix && header[7] == '\0')) return false;
    if (suffix) {
        *past = *last == 0 || size == 0;
        *first = *last >= size ? 0 : size - *last;
        *last = size - 1;
        return !*past;
    }
    if (*last < *first) return false;
    if (*last >= size) *last = size - 1;
    *past = *first >= size;
    return !*past;
}
