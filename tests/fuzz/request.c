#include "http/request.h"
#include "fuzz.h"
#include "util/caps.h"
#include "util/jsn.h"

struct rest {
    const uint8_t *at;
    size_t left;
};

static ssize_t feed(void *from, char *into, size_t len) {
    struct rest *r = from;
    len = len < r->left ? len : r->left;
    if (len) memcpy(into, r->at, len);
    r->at += len;
    r->left -= len;
    return (ssize_t)len;
}

/* Lines are the environment, up to an empty one; the body is behind it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct arena a;
    char *env[33] = {0}, *text = arena_copy(&a, (const char *)data, size), *end = text + size;
    for (int i = 0; i < 32 && text < end && *text != '\n'; i++) {
        env[i] = text;
        text += strcspn(text, "\n");
        *text++ = '\0';
    }
    text = text < end ? text + 1 : end;
    struct rest rest = {(const uint8_t *)text, (size_t)(end - text)};
    struct request req;
    struct fault fault = {0};
    json_t *json;
    jsn_use(&a);
    request_read(&req, &a, env, feed, &rest);
    MUST(req.body_len <= CAP_BODY && req.path[0] != '/' && strlen(req.host) <= size);
    MUST(request_json(&req, &json, &fault) != ERR_OK || json_is_object(json));
    arena_reset(&a);
    return 0;
}
