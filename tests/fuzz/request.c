#include "http/request.h"
#include "fuzz.h"
#include "util/caps.h"
#include "util/jsn.h"
#include "world.h"

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
    struct world_body body = {text, (size_t)(end - text)};
    struct request req;
    struct fault fault = {0};
    json_t *const before = json_true(), *json = before;
    jsn_use(&a);
    request_read(&req, &a, env, world_feed, &body);
    MUST(req.body_len <= CAP_BODY && req.path[0] != '/' && strlen(req.host) <= size);
    MUST(request_json(&req, &json, &fault) == ERR_OK ? json_is_object(json) : json == before);
    arena_reset(&a);
    return 0;
}
