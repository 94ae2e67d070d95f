/* An answer, whole, and its CGI form (RFC 3875 section 6). Every answer may be read by any page: there are
 * no cookies here to protect, so Access-Control-Allow-Origin is always *.
 *
 * A handler gives all there is, by response_body(), response_file() or response_made(). Which of it goes out, all or a part or
 * none, is decided there alone, from the request, and never exceeds what was given: no handler computes with offsets. */
#pragma once
#include "http/request.h"
#include "util/buf.h"

struct part {
    int64_t first, len; /* 0 <= first, 0 < len, first + len <= size */
};

struct response {
    const struct request *req;
    int status;
    const char *type;
    const char *cache; /* Cache-Control */
    const char *timing; /* Server-Timing */
    const char *tag; /* of the ETag, without quotes; "": none */
    struct buf headers; /* further ones, each ended by CRLF */
    const void *body;
    size_t len;
    bool secret; /* no copy of it is to stay in memory */
};

/* 200 and nothing in it. req must live as long as res. */
void response_start(struct response *res, const struct request *req);
void response_header(struct response *res, const char *name, const char *value);
/* Sets the ETag, before the body; when the request has it already the answer becomes a 304, which takes no body. */
void response_etag(struct response *res, const char *tag);
/* The body is these bytes, which must live as long as res, or what the request wants of them (RFC 9110 14.2): the part of a
 * GET's Range with 206 and Content-Range; none for HEAD, whose Content-Length tells how many there are. ERR_RANGE, with the
 * Content-Range of a 416 set, when the range starts behind them. Other answers than 200 are never parts. */
enum err response_body(struct response *res, const char *type, const void *body, size_t len);
/* The same, under an ETag made from the bytes: 16 hex digits of their BLAKE2b. */
enum err response_tagged(struct response *res, const char *type, const void *body, size_t len);
/* The same, of the first size bytes of an open file: at most `most` of them go out, and where there are more no whole is
 * sent (ERR_RANGE). ERR_NOT_FOUND when the file has become shorter. */
enum err response_file(struct response *res, const char *type, int fd, int64_t size, size_t most);
/* The same, of size bytes that are made once it is known which of them go out, if any: into has room for the part. */
typedef enum err response_maker(void *context, const struct part *part, char *into);
enum err response_made(struct response *res, const char *type, int64_t size, response_maker *make, void *context);
/* Status line, headers, empty line. */
void response_head(const struct response *res, struct buf *out);

/* If-None-Match (RFC 9110 13.1.2): does the list hold tag (unquoted here)? */
bool conditional_match(const char *header, const char *tag);

/* RANGE_NONE: absent, not understood, or several ranges, so the whole is meant. RANGE_PAST: it holds no byte of these. */
enum range { RANGE_NONE, RANGE_PART, RANGE_PAST };
/* A Range header (RFC 9110 14.1.2) for size bytes. Writes *part for RANGE_PART, and for nothing else. */
enum range range_parse(const char *header, int64_t size, struct part *part);
