#include "http/request.h"
#include "util/caps.h"
#include "util/codec.h"
#include "util/jsn.h"

#define VARIABLE(name, field) \
    { name, sizeof name - 1, offsetof(struct request, field) }
static const struct {
    const char *name;
    size_t len, offset;
} variables[] = {
    VARIABLE("REQUEST_METHOD=", method),
    VARIABLE("PATH_INFO=", path_info),
    VARIABLE("REQUEST_URI=", request_uri),
    VARIABLE("SCRIPT_NAME=", script),
    VARIABLE("QUERY_STRING=", query),
    VARIABLE("HTTP_HOST=", host),
    VARIABLE("HTTP_ORIGIN=", origin),
    VARIABLE("HTTP_ACCEPT=", accept),
    VARIABLE("HTTP_IF_NONE_MATCH=", if_none_match),
    VARIABLE("HTTP_RANGE=", range),
    VARIABLE("HTTP_IF_RANGE=", if_range),
    VARIABLE("REMOTE_ADDR=", address),
    VARIABLE("HTTP_X_FORWARDED_FOR=", forwarded),
    VARIABLE("CONTENT_TYPE=", content_type),
    VARIABLE("CONTENT_LENGTH=", content_length),
    VARIABLE("HTTP_TRANSFER_ENCODING=", transfer_encoding),
    VARIABLE("DOCUMENT_ROOT=", document_root),
    VARIABLE("SERVER_SOFTWARE=", software),
    VARIABLE("HTTPS=", https),
    VARIABLE("HTTP_AUTHORIZATION=", authorization),
    VARIABLE("FCGI_ROLE=", fcgi_role), /* libfcgi's own */
};
enum { VARIABLES = sizeof variables / sizeof *variables };

static void gather(struct request *req, char *const *env) {
    for (size_t i = 0; i < VARIABLES; i++) *(const char **)((char *)req + variables[i].offset) = "";
    for (; *env; env++)
        for (size_t i = 0; i < VARIABLES; i++) {
            const char **field = (const char **)((char *)req + variables[i].offset);
            if (**env != *variables[i].name || strncmp(*env, variables[i].name, variables[i].len) != 0) continue;
            /* nginx may send one twice: the first stands. But lighttpd makes one variable of X-Forwarded-For and of a visitor's
             * own X_Forwarded_For, and which is which cannot be told: then neither is believed (RFC 7239 6.2 has the word). */
            if (!**field)
                *field = *env + variables[i].len;
            else if (variables[i].offset == offsetof(struct request, forwarded))
                *field = "unknown";
        }
}

/* Behind a FallbackResource there is no PATH_INFO: then the address itself, less where the program lives. */
static const char *find_path(const struct request *req) {
    if (*req->path_info) return req->path_info + strspn(req->path_info, "/");
    size_t script = strlen(req->script);
    const char *slash = strrchr(req->script, '/');
    if (strncmp(req->request_uri, req->script, script) != 0) script = slash ? (size_t)(slash - req->script) : 0;
    if (strncmp(req->request_uri, req->script, script) != 0) return "";
    char *path = arena_copy(req->arena, req->request_uri + script, strcspn(req->request_uri + script, "?"));
    path[percent_decode(path, strlen(path), false)] = '\0';
    return path + strspn(path, "/");
}

static const char *find_host(struct arena *arena, const char *host) {
    size_t len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    if (len > strlen(host)) len = strlen(host);
    char *name = arena_copy(arena, host, len);
    for (char *p = name; *p; p++) *p = (char)tolower((unsigned char)*p);
    return name;
}

static void read_body(struct request *req, request_reader *reader, void *from) {
    char *end;
    unsigned long long announced = strtoull(req->content_length, &end, 10);
    if (end == req->content_length || announced > CAP_DRAIN) announced = *req->transfer_encoding || announced ? CAP_DRAIN : 0;
    if (announced > CAP_BODY && !*req->transfer_encoding) req->body_error = ERR_TOO_LARGE;
    size_t room = announced < CAP_BODY ? (size_t)announced : CAP_BODY;
    req->body = arena_alloc(req->arena, room + 1);
    ssize_t n;
    while (req->body_len < room && (n = reader(from, req->body + req->body_len, room - req->body_len)) > 0)
        req->body_len += (size_t)n;
    char waste[4096];
    for (unsigned long long drained = 0; drained < CAP_DRAIN && (n = reader(from, waste, sizeof waste)) > 0;) {
        drained += (unsigned long long)n;
        req->body_error = ERR_TOO_LARGE;
    }
}

void request_read(struct request *req, struct arena *arena, char *const *env, request_reader *reader, void *from) {
    *req = (struct request){.arena = arena};
    gather(req, env);
    req->path = find_path(req);
    req->host = find_host(arena, req->host);
    read_body(req, reader, from);
}

/* The one field of a form, and what its value is. */
static const struct {
    const char *name;
    bool (*decode)(uint8_t *out, size_t *out_len, const char *in, size_t len);
} fields[] = {{"d=", base64url_decode}, {"h=", base32_decode}};

enum err request_json(const struct request *req, json_t **out, struct fault *fault) {
    static const char form[] = "application/x-www-form-urlencoded";
    size_t i = 0, n = sizeof fields / sizeof *fields;
    TRY(req->body_error);
    if (strncasecmp(req->content_type, form, sizeof form - 1) != 0)
        return fault_set(fault, ERR_BAD_REQUEST, "Content-Type must be %s.", form);
    if (req->body_len < 3 || memchr(req->body, '&', req->body_len)) return ERR_BAD_REQUEST;
    while (i < n && memcmp(req->body, fields[i].name, 2) != 0) i++;
    if (i == n) return ERR_BAD_REQUEST;
    size_t len = percent_decode(req->body + 2, req->body_len - 2, true);
    char *json = arena_alloc(req->arena, len / 4 * 3 + 4);
    if (!fields[i].decode((uint8_t *)json, &len, req->body + 2, len)) return ERR_BAD_ENCODING;
    return jsn_parse(out, json, len, fault);
}
