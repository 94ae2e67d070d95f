/* An HTTP request as CGI hands it over (RFC 3875), whole: the transport gives the environment and a way to
 * read the body, and everything is read before anything is decided. */
#pragma once
#include "util/arena.h"
#include "util/err.h"
#include <jansson.h>

struct request {
    struct arena *arena;
    const char *method;
    const char *path; /* behind the program's own address, decoded, without the leading slash */
    const char *query; /* raw */
    const char *host; /* lower case, without port */
    const char *origin;
    const char *accept;
    const char *if_none_match;
    const char *range, *if_range;
    const char *address; /* REMOTE_ADDR */
    const char *forwarded; /* X-Forwarded-For */
    const char *content_type;
    const char *document_root, *software, *script; /* DOCUMENT_ROOT, SERVER_SOFTWARE, SCRIPT_NAME */
    const char *path_info, *https, *authorization, *fcgi_role; /* for the self-test alone; fcgi_role: "" under CGI */
    const char *request_uri, *content_length, *transfer_encoding; /* of which path and body are made */
    char *body;
    size_t body_len;
    enum err body_error; /* ERR_TOO_LARGE when it was over CAP_BODY; it was drained all the same */
};

/* Reads up to len bytes of the body: 0 at the end, < 0 on failure. */
typedef ssize_t request_reader(void *from, char *into, size_t len);

/* Fields that the environment lacks are "". Everything lives in arena. */
void request_read(struct request *req, struct arena *arena, char *const *env, request_reader *reader, void *from);

/* The JSON of a POST: one form field, d= in base64url or h= in base32 (PROTOCOL 1.1). */
enum err request_json(const struct request *req, json_t **out, struct fault *fault);
