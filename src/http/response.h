/* An answer, whole, and its CGI form (RFC 3875 section 6). Every answer may be read by any page: there are
 * no cookies here to protect, so Access-Control-Allow-Origin is always *. */
#pragma once
#include "http/request.h"
#include "util/buf.h"

struct response {
    int status;
    const char *type;
    const char *cache; /* Cache-Control */
    const char *timing; /* Server-Timing */
    struct buf headers; /* further ones, each ended by CRLF */
    const void *body;
    size_t len;
};

void response_start(struct response *res, struct arena *arena);
void response_header(struct response *res, const char *name, const char *value);
/* body must live as long as res. */
void response_body(struct response *res, const char *type, const void *body, size_t len);
/* Sets the ETag made from the body; when the request has it already the answer becomes a 304. */
void response_etag(struct response *res, const struct request *req, const char *tag);
/* An ETag for bytes that have no better name: 16 hex digits of their BLAKE2b. */
const char *response_tag(struct arena *arena, const void *body, size_t len);
/* Status line, headers, empty line. */
void response_head(const struct response *res, struct buf *out);

/* If-None-Match (RFC 9110 13.1.2): does the list hold tag (unquoted here)? */
bool conditional_match(const char *header, const char *tag);

/* One byte range (RFC 9110 14.1.2) of size bytes: true and first..last, or false when it is absent, of
 * another form, or of several ranges (then the whole is meant). *past: it starts behind the end. */
bool range_parse(const char *header, int64_t size, int64_t *first, int64_t *last, bool *past);
