/* Requests as web servers hand them over, and the parts of HTTP that are ours. */
#define _GNU_SOURCE /* memfd_create */
#include "http/request.h"
#include "http/response.h"
#include "tap.h"
#include "util/caps.h"
#include "util/jsn.h"
#include <stdlib.h>
#include <sys/mman.h>

static struct arena a;

static void ranges(void) {
    static const struct {
        const char *header;
        int64_t size;
        enum range want;
        int64_t first, last;
    } cases[] = {
        {"bytes=0-0", 10, RANGE_PART, 0, 0},
        {"bytes=2-5", 10, RANGE_PART, 2, 5},
        {"bytes=9-", 10, RANGE_PART, 9, 9},
        {"bytes=0-", 10, RANGE_PART, 0, 9},
        {"bytes=5-99", 10, RANGE_PART, 5, 9},
        {"bytes=-3", 10, RANGE_PART, 7, 9},
        {"bytes=-10", 10, RANGE_PART, 0, 9},
        {"bytes=-99", 10, RANGE_PART, 0, 9},
        {"bytes=10-", 10, RANGE_PAST, 0, 0},
        {"bytes=10-10", 10, RANGE_PAST, 0, 0},
        {"bytes=99-", 10, RANGE_PAST, 0, 0},
        {"bytes=99-200", 10, RANGE_PAST, 0, 0},
        {"bytes=-0", 10, RANGE_PAST, 0, 0},
        {"bytes=0-", 0, RANGE_PAST, 0, 0},
        {"bytes=-1", 0, RANGE_PAST, 0, 0},
        {"bytes=0-9223372036854775807", 10, RANGE_PART, 0, 9},
        {"bytes=0-99999999999999999999999999", 10, RANGE_PART, 0, 9},
        {"bytes=-99999999999999999999999999", 10, RANGE_PART, 0, 9},
        {"bytes=99999999999999999999999999-", 10, RANGE_PAST, 0, 0},
        {"bytes=9223372036854775807-9223372036854775808", 10, RANGE_PAST, 0, 0},
        {"", 10, RANGE_NONE, 0, 0},
        {"bytes=", 10, RANGE_NONE, 0, 0},
        {"bytes=-", 10, RANGE_NONE, 0, 0},
        {"bytes=5-2", 10, RANGE_NONE, 0, 0},
        {"bytes=a-b", 10, RANGE_NONE, 0, 0},
        {"bytes=1-2,4-5", 10, RANGE_NONE, 0, 0},
        {"bytes=1-2 ", 10, RANGE_NONE, 0, 0},
        {"bytes= 1-2", 10, RANGE_NONE, 0, 0},
        {"bytes=1--2", 10, RANGE_NONE, 0, 0},
        {"bytes=--2", 10, RANGE_NONE, 0, 0},
        {"bytes=+1-2", 10, RANGE_NONE, 0, 0},
        {"bytes=1", 10, RANGE_NONE, 0, 0},
        {"bytes=0x1-2", 10, RANGE_NONE, 0, 0},
        {"lines=1-2", 10, RANGE_NONE, 0, 0},
        {"BYTES=2-5", 10, RANGE_PART, 2, 5},
        {"bytes=9-3", 300, RANGE_NONE, 0, 0},
        {"bytes=0-300000,1-2", 300, RANGE_NONE, 0, 0},
        {"bytes=50-10", 1, RANGE_NONE, 0, 0},
        {"bytes=-2,5-", 10, RANGE_NONE, 0, 0},
        {"bytes=0-0-", 10, RANGE_NONE, 0, 0},
        {"bytes=0-", 9223372036854775807, RANGE_PART, 0, 9223372036854775806},
        {"bytes=-9223372036854775807", 9223372036854775807, RANGE_PART, 0, 9223372036854775806},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct part part = {-5, -7};
        enum range got = range_parse(cases[i].header, cases[i].size, &part);
        same_int(got, cases[i].want, "'%s' of %lld", cases[i].header, (long long)cases[i].size);
        if (got == RANGE_PART)
            ok(part.first == cases[i].first && part.len == cases[i].last - cases[i].first + 1, "'%s': which", cases[i].header);
        else
            ok(part.first == -5 && part.len == -7, "'%s': nothing was written", cases[i].header);
    }
}

static void conditional(void) {
    static const struct {
        const char *header;
        bool match;
    } cases[] = {
        {"\"abc\"", true},    {"W/\"abc\"", true}, {"\"x\", \"abc\"", true}, {"\"abc\",\"x\"", true}, {"*", true},
        {"\"x\"", false},     {"abc", false},      {"\"abcd\"", false},      {"\"zabc\"", false},     {"", false},
        {"\"abc", false},     {"abc\"", false},    {"\"ab\",\"c\"", false},  {"\"abcabc\"", false},   {"\"x*\"", false},
        {"abc\"abc\"", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ok(conditional_match(cases[i].header, "abc") == cases[i].match, "If-None-Match: %s", cases[i].header);
}

struct feed {
    size_t left, most; /* most: bytes given at once */
    size_t taken;
    const char *text;
};

static ssize_t feed(void *from, char *into, size_t len) {
    struct feed *f = from;
    len = len < f->left ? len : f->left;
    len = len < f->most ? len : f->most;
    for (size_t i = 0; i < len; i++) into[i] = f->text ? f->text[f->taken + i] : 'A';
    f->left -= len;
    f->taken += len;
    return (ssize_t)len;
}

static void paths(void) {
    static const struct {
        const char *name, *path_info, *uri, *script, *want;
    } cases[] = {
        {"tier 0", "/sync", "/cgi-bin/polycircle.fcgi/sync", "/cgi-bin/polycircle.fcgi", "sync"},
        {"a query", "/signal", "/cgi-bin/p/signal?key", "/cgi-bin/p", "signal"},
        {"PATH_INFO is decoded already", "/mirror/a/%41", "/p/mirror/a/%2541", "/p", "mirror/a/%41"},
        {"two slashes", "//sync", "/p//sync", "/p", "sync"},
        {"a folder", "/roster/0.json", "/p/roster/0.json", "/p", "roster/0.json"},
        {"FallbackResource", "", "/roster/0.json?1", "/polycircle.fcgi", "roster/0.json"},
        {"FallbackResource in a folder", "", "/live/sync", "/live/polycircle.fcgi", "sync"},
        {"FallbackResource, encoded", "", "/mirror/a/%c3%bc%20x", "/polycircle.fcgi", "mirror/a/\xc3\xbc x"},
        {"FallbackResource, a query with a slash", "", "/sync?/health", "/polycircle.fcgi", "sync"},
        {"rewritten, no PATH_INFO", "", "/p.fcgi/health", "/p.fcgi", "health"},
        {"the program alone", "", "/p.fcgi", "/p.fcgi", ""},
        {"FallbackResource, an encoded slash first", "", "/%2Fsync", "/polycircle.fcgi", "sync"},
        {"another folder", "", "/elsewhere/sync", "/live/p.fcgi", ""},
        {"nothing at all", "", "", "", ""},
        {"no SCRIPT_NAME", "", "/health", "", "health"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *env[] = {"REQUEST_METHOD=GET", arena_text(&a, "PATH_INFO=%s", cases[i].path_info),
                       arena_text(&a, "REQUEST_URI=%s", cases[i].uri), arena_text(&a, "SCRIPT_NAME=%s", cases[i].script), NULL};
        struct request req;
        struct feed none = {0};
        request_read(&req, &a, env, feed, &none);
        same_text(req.path, cases[i].want, "path: %s", cases[i].name);
    }
}

static void hosts(void) {
    static const struct {
        const char *header, *want;
    } cases[] = {
        {"site.example", "site.example"},
        {"Site.EXAMPLE:8080", "site.example"},
        {"127.0.0.1:1", "127.0.0.1"},
        {"[::1]:8080", "[::1]"},
        {"[2001:DB8::1]", "[2001:db8::1]"},
        {"[::1", "[::1"},
        {"", ""},
        {":80", ""},
        {"a:b:c", "a"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *env[] = {arena_text(&a, "HTTP_HOST=%s", cases[i].header), "HTTP_HOST=second.example", NULL};
        struct request req;
        struct feed none = {0};
        request_read(&req, &a, env, feed, &none);
        same_text(req.host, *cases[i].header ? cases[i].want : "second.example", "Host: '%s'", cases[i].header);
    }
}

/* A header that came in several lines, or under names that are one to a server: the first stands, but whom to believe is not known.
 */
static void repeated(void) {
    char *env[] = {"HTTP_X_FORWARDED_FOR=192.0.2.1, 192.0.2.2", "HTTP_ORIGIN=https://a.example", "HTTP_X_FORWARDED_FOR=192.0.2.3",
                   "HTTP_ORIGIN=https://b.example", NULL};
    struct feed none = {0};
    struct request req;
    request_read(&req, &a, env, feed, &none);
    same_text(req.forwarded, "unknown", "who has written the last one cannot be told");
    same_text(req.origin, "https://a.example", "one origin");
}

static void bodies(void) {
    static const struct {
        const char *name, *length, *chunked;
        size_t comes, most;
        size_t want, taken;
        enum err error;
    } cases[] = {
        {"10 bytes", "10", "", 10, 99, 10, 10, ERR_OK},
        {"one at a time", "10", "", 10, 1, 10, 10, ERR_OK},
        {"cut short", "10", "", 4, 99, 4, 4, ERR_OK},
        {"none", "", "", 0, 99, 0, 0, ERR_OK},
        {"length 0", "0", "", 0, 99, 0, 0, ERR_OK},
        {"at the cap", "122880", "", CAP_BODY, 9999, CAP_BODY, CAP_BODY, ERR_OK},
        {"over the cap", "122881", "", CAP_BODY + 1, 9999, CAP_BODY, CAP_BODY + 1, ERR_TOO_LARGE},
        {"1 MB", "1000000", "", 1000000, 9999, CAP_BODY, 1000000, ERR_TOO_LARGE},
        {"announced large, nothing comes", "99999999999", "", 0, 99, 0, 0, ERR_TOO_LARGE},
        {"a length that is none", "x", "", 0, 99, 0, 0, ERR_OK},
        {"a length below 0", "-1", "", 0, 99, 0, 0, ERR_TOO_LARGE},
        {"chunked", "", "chunked", 10, 3, 10, 10, ERR_OK},
        {"chunked, over the cap", "", "chunked", CAP_BODY + 1, 9999, CAP_BODY, CAP_BODY + 1, ERR_TOO_LARGE},
        {"chunked, with a length", "10", "chunked", 10, 3, 10, 10, ERR_OK},
        {"chunked, nothing", "", "chunked", 0, 3, 0, 0, ERR_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *env[] = {arena_text(&a, "CONTENT_LENGTH=%s", cases[i].length),
                       arena_text(&a, "HTTP_TRANSFER_ENCODING=%s", cases[i].chunked), NULL};
        struct request req;
        struct feed from = {.left = cases[i].comes, .most = cases[i].most};
        request_read(&req, &a, env, feed, &from);
        same_int((int64_t)req.body_len, (int64_t)cases[i].want, "body: %s", cases[i].name);
        same_int((int64_t)from.taken, (int64_t)cases[i].taken, "body: %s: read to its end", cases[i].name);
        same_text(err_name(req.body_error), err_name(cases[i].error), "body: %s: error", cases[i].name);
    }
    char *env[] = {"HTTP_TRANSFER_ENCODING=chunked", NULL};
    struct request req;
    struct feed endless = {.left = SIZE_MAX, .most = 100000};
    request_read(&req, &a, env, feed, &endless);
    ok(endless.taken < CAP_BODY + CAP_DRAIN + 100000, "an endless body is given up");
}

static void forms(void) {
    static const char form[] = "application/x-www-form-urlencoded";
    static const struct {
        const char *name, *type, *body;
        enum err want;
    } cases[] = {
        {"d=", form, "d=eyJ2IjoxfQ", ERR_OK},
        {"padded", form, "d=eyJ2IjoxfQ==", ERR_OK},
        {"padding percent-encoded", form, "d=eyJ2IjoxfQ%3D%3D", ERR_OK},
        {"charset", "Application/X-WWW-Form-urlencoded; charset=UTF-8", "d=eyJ2IjoxfQ", ERR_OK},
        {"another type", "application/json", "d=eyJ2IjoxfQ", ERR_BAD_REQUEST},
        {"no type", "", "d=eyJ2IjoxfQ", ERR_BAD_REQUEST},
        {"empty", form, "", ERR_BAD_REQUEST},
        {"d= alone", form, "d=", ERR_BAD_REQUEST},
        {"another field", form, "x=eyJ2IjoxfQ", ERR_BAD_REQUEST},
        {"two fields", form, "d=eyJ2IjoxfQ&x=1", ERR_BAD_REQUEST},
        {"a trailing &", form, "d=eyJ2IjoxfQ&", ERR_BAD_REQUEST},
        {"not base64url", form, "d=!!!!", ERR_BAD_ENCODING},
        {"plus", form, "d=ey+2", ERR_BAD_ENCODING},
        {"not JSON", form, "d=AAAA", ERR_BAD_JSON},
        {"h=", form, "h=pmrhmir2gf6q", ERR_OK},
        {"h= in upper case, padded", form, "h=PMRHMIR2GF6Q====", ERR_OK},
        {"h= alone", form, "h=", ERR_BAD_REQUEST},
        {"h= and d=", form, "h=pmrhmir2gf6q&d=eyJ2IjoxfQ", ERR_BAD_REQUEST},
        {"base64url in h=", form, "h=eyJ2IjoxMH0", ERR_BAD_ENCODING},
        {"base32 in d=", form, "d=pmrhmir2gf6q", ERR_BAD_JSON},
        {"another field", form, "x=pmrhmir2gf6q", ERR_BAD_REQUEST},
        {"a NUL behind it", form, "d=eyJ2IjoxfQA", ERR_BAD_JSON},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = strlen(cases[i].body);
        char *env[] = {arena_text(&a, "CONTENT_TYPE=%s", cases[i].type), arena_text(&a, "CONTENT_LENGTH=%zu", len), NULL};
        struct request req;
        struct fault fault = {0};
        struct feed from = {.left = len, .most = 99, .text = cases[i].body};
        json_t *json;
        request_read(&req, &a, env, feed, &from);
        same_text(err_name(request_json(&req, &json, &fault)), err_name(cases[i].want), "form: %s", cases[i].name);
    }
}

static struct request asks(const char *method, const char *range) {
    return (struct request){.arena = &a, .method = method, .if_none_match = "\"t\"", .range = range, .if_range = ""};
}

static void heads(void) {
    struct request req = asks("GET", "");
    struct response res;
    struct buf out = {.arena = &a}, changed = {.arena = &a};
    response_start(&res, &req);
    response_etag(&res, "u");
    same_text(err_name(response_body(&res, "text/plain", "hello", 5)), "ok", "a body");
    res.timing = "read";
    response_head(&res, &out);
    same_text(out.data,
              "Status: 200 OK\r\nAccess-Control-Allow-Origin: *\r\nCache-Control: no-store\r\n"
              "Content-Type: text/plain\r\nServer-Timing: read\r\nETag: \"u\"\r\n"
              "X-Content-Type-Options: nosniff\r\n\r\n",
              "the head of an answer");
    struct buf whole = {.arena = &a};
    response_start(&res, &req);
    response_header(&res, "Location", "https://a.example/\r\nSet-Cookie: x=y");
    response_header(&res, "Location", "https://a.example/\nx");
    response_head(&res, &whole);
    ok(!strstr(whole.data, "a.example") && !strstr(whole.data, "Set-Cookie"), "what would be two headers is none");
    response_start(&res, &req);
    response_etag(&res, "t");
    (void)!response_body(&res, "text/plain", "hello", 5);
    response_head(&res, &changed);
    ok(res.len == 0 && strncmp(changed.data, "Status: 304 Not Modified\r\n", 26) == 0 && !strstr(changed.data, "\nContent-Type"),
       "a 304 has no body and no type");
    struct response other;
    response_start(&res, &req);
    response_start(&other, &req);
    (void)!response_tagged(&res, "text/plain", "a", 1);
    (void)!response_tagged(&other, "text/plain", "b", 1);
    ok(strcmp(res.tag, other.tag) != 0 && strlen(res.tag) == 16, "a tag names its bytes");
}

/* What of "0123456789" goes out, from memory and from a file, under which status and Content-Range or -Length. */
static void parts(void) {
    static const char whole[] = "0123456789";
    static const struct {
        const char *method, *range, *if_range, *tag;
        int before; /* the status that a handler has set */
        int status; /* 416: refused */
        const char *body, *head;
    } cases[] = {
        {"GET", "", "", "u", 200, 200, whole, ""},
        {"GET", "bytes=2-4", "", "u", 200, 206, "234", "Content-Range: bytes 2-4/10\r\n"},
        {"GET", "bytes=8-99", "", "", 200, 206, "89", "Content-Range: bytes 8-9/10\r\n"},
        {"GET", "bytes=-1", "", "u", 200, 206, "9", "Content-Range: bytes 9-9/10\r\n"},
        {"GET", "bytes=10-", "", "u", 200, 416, "", "Content-Range: bytes */10\r\n"},
        {"GET", "bytes=9-3", "", "u", 200, 200, whole, ""},
        {"GET", "bytes=0-300000,1-2", "", "u", 200, 200, whole, ""},
        {"GET", "bytes=2-4", "", "t", 200, 304, "", ""},
        {"GET", "bytes=2-4", "\"u\"", "u", 200, 206, "234", "Content-Range: bytes 2-4/10\r\n"},
        {"GET", "bytes=2-4", "\"v\"", "u", 200, 200, whole, ""},
        {"GET", "bytes=2-4", "W/\"u\"", "u", 200, 200, whole, ""},
        {"GET", "bytes=2-4", "\"\"", "", 200, 200, whole, ""},
        {"GET", "bytes=10-", "Sat, 28 Nov 2026 00:00:00 GMT", "u", 200, 200, whole, ""},
        {"POST", "bytes=2-4", "", "", 200, 200, whole, ""},
        {"POST", "bytes=10-", "", "", 200, 200, whole, ""},
        {"HEAD", "bytes=2-4", "", "u", 200, 200, "", "Content-Length: 10\r\n"},
        {"HEAD", "", "", "t", 200, 304, "", ""},
        {"GET", "bytes=2-4", "", "", 503, 503, whole, ""},
        {"GET", "bytes=10-", "", "", 404, 404, whole, ""},
    };
    int fd = memfd_create("whole", MFD_CLOEXEC);
    ok(fd >= 0 && write(fd, whole, 10) == 10, "a file");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int from = 0; from < 2; from++) {
            struct request req = asks(cases[i].method, cases[i].range);
            struct response res;
            req.if_range = cases[i].if_range;
            response_start(&res, &req);
            res.status = cases[i].before;
            if (*cases[i].tag) response_etag(&res, cases[i].tag);
            size_t len = res.headers.len;
            enum err e = from ? response_file(&res, "text/plain", fd, 10, 10) : response_body(&res, "text/plain", whole, 10);
            const char *name = arena_text(&a, "%s %s, If-Range %s, tag %s, from a %s", cases[i].method, cases[i].range,
                                          cases[i].if_range, cases[i].tag, from ? "file" : "buffer");
            same_int(e == ERR_RANGE ? 416 : res.status, cases[i].status, "%s: status", name);
            same_text(arena_copy(&a, res.body, res.len), cases[i].body, "%s: body", name);
            same_text(res.headers.data ? res.headers.data + len : "", cases[i].head, "%s: head", name);
        }
    }
    (void)close(fd);
}

static void large_files(void) {
    static const struct {
        const char *name, *method, *range;
        int64_t size;
        enum err want;
        const char *body;
    } cases[] = {
        {"an open range is cut", "GET", "bytes=1-", 10, ERR_OK, "1234"},
        {"a range too long is cut", "GET", "bytes=1-8", 10, ERR_OK, "1234"},
        {"a small one is not", "GET", "bytes=-2", 10, ERR_OK, "89"},
        {"no whole of more than that", "GET", "", 10, ERR_RANGE, ""},
        {"nor for several ranges", "GET", "bytes=0-1,4-5", 10, ERR_RANGE, ""},
        {"nor for one turned round", "GET", "bytes=9-3", 10, ERR_RANGE, ""},
        {"a head of the whole is none", "HEAD", "", 10, ERR_OK, ""},
        {"a whole that is just as long", "GET", "", 4, ERR_OK, "0123"},
        {"an empty one", "GET", "", 0, ERR_OK, ""},
        {"a part of nothing", "GET", "bytes=0-", 0, ERR_RANGE, ""},
        {"a file that became shorter", "GET", "bytes=-2", 12, ERR_NOT_FOUND, ""},
    };
    int fd = memfd_create("whole", MFD_CLOEXEC);
    ok(fd >= 0 && write(fd, "0123456789", 10) == 10, "a file");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct request req = asks(cases[i].method, cases[i].range);
        struct response res;
        response_start(&res, &req);
        same_text(err_name(response_file(&res, "text/plain", fd, cases[i].size, 4)), err_name(cases[i].want), "%s", cases[i].name);
        same_text(arena_copy(&a, res.body, res.len), cases[i].body, "%s: body", cases[i].name);
    }
    (void)close(fd);
}

int main(void) {
    jsn_use(&a);
    ranges();
    conditional();
    paths();
    hosts();
    repeated();
    bodies();
    forms();
    heads();
    parts();
    large_files();
    arena_free(&a);
    return done();
}
