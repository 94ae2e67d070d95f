/* Requests as web servers hand them over, and the parts of HTTP that are ours. */
#include "http/request.h"
#include "http/response.h"
#include "tap.h"
#include "util/caps.h"
#include "util/jsn.h"
#include <stdlib.h>

static struct arena a;

static void ranges(void) {
    static const struct {
        const char *header;
        int64_t size;
        int want; /* 1: a part, 0: the whole, -1: past the end */
        int64_t first, last;
    } cases[] = {
        {"bytes=0-0", 10, 1, 0, 0},
        {"bytes=2-5", 10, 1, 2, 5},
        {"bytes=9-", 10, 1, 9, 9},
        {"bytes=0-", 10, 1, 0, 9},
        {"bytes=5-99", 10, 1, 5, 9},
        {"bytes=-3", 10, 1, 7, 9},
        {"bytes=-10", 10, 1, 0, 9},
        {"bytes=-99", 10, 1, 0, 9},
        {"bytes=10-", 10, -1, 0, 0},
        {"bytes=10-10", 10, -1, 0, 0},
        {"bytes=99-", 10, -1, 0, 0},
        {"bytes=99-200", 10, -1, 0, 0},
        {"bytes=-0", 10, -1, 0, 0},
        {"bytes=0-", 0, -1, 0, 0},
        {"bytes=-1", 0, -1, 0, 0},
        {"bytes=0-9223372036854775807", 10, 1, 0, 9},
        {"bytes=0-99999999999999999999999999", 10, 1, 0, 9},
        {"bytes=-99999999999999999999999999", 10, 1, 0, 9},
        {"bytes=99999999999999999999999999-", 10, -1, 0, 0},
        {"bytes=9223372036854775807-9223372036854775808", 10, -1, 0, 0},
        {"", 10, 0, 0, 0},
        {"bytes=", 10, 0, 0, 0},
        {"bytes=-", 10, 0, 0, 0},
        {"bytes=5-2", 10, 0, 0, 0},
        {"bytes=a-b", 10, 0, 0, 0},
        {"bytes=1-2,4-5", 10, 0, 0, 0},
        {"bytes=1-2 ", 10, 0, 0, 0},
        {"bytes= 1-2", 10, 0, 0, 0},
        {"bytes=1--2", 10, 0, 0, 0},
        {"bytes=--2", 10, 0, 0, 0},
        {"bytes=+1-2", 10, 0, 0, 0},
        {"bytes=1", 10, 0, 0, 0},
        {"bytes=0x1-2", 10, 0, 0, 0},
        {"lines=1-2", 10, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t first = -5, last = -5;
        bool past, part = range_parse(cases[i].header, cases[i].size, &first, &last, &past);
        same_int(part ? 1 : past ? -1 : 0, cases[i].want, "'%s' of %d", cases[i].header, (int)cases[i].size);
        if (cases[i].want == 1) ok(first == cases[i].first && last == cases[i].last, "'%s': first and last", cases[i].header);
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

static void answers(void) {
    struct request req = {.if_none_match = "\"t\""};
    struct response res;
    struct buf out = {.arena = &a}, changed = {.arena = &a};
    response_start(&res, &a);
    response_body(&res, "text/plain", "hello", 5);
    response_etag(&res, &req, "u");
    res.timing = "read";
    response_head(&res, &out);
    same_text(out.data,
              "Status: 200 OK\r\nAccess-Control-Allow-Origin: *\r\nCache-Control: no-store\r\n"
              "Content-Type: text/plain\r\nServer-Timing: read\r\nETag: \"u\"\r\n"
              "X-Content-Type-Options: nosniff\r\n\r\n",
              "the head of an answer");
    response_start(&res, &a);
    response_body(&res, "text/plain", "hello", 5);
    response_etag(&res, &req, "t");
    response_head(&res, &changed);
    ok(res.len == 0 && strncmp(changed.data, "Status: 304 Not Modified\r\n", 26) == 0 && !strstr(changed.data, "\nContent-Type"),
       "a 304 has no body and no type");
    ok(strcmp(response_tag(&a, "a", 1), response_tag(&a, "b", 1)) != 0 && strlen(response_tag(&a, "a", 1)) == 16,
       "a tag names its bytes");
}

int main(void) {
    jsn_use(&a);
    ranges();
    conditional();
    paths();
    hosts();
    bodies();
    forms();
    answers();
    arena_free(&a);
    return done();
}
