/* What is the same for everybody and may be cached: the package, the client, the worker, the circles. */
#include "content/package.h"
#include "handler/handler.h"
#include "util/assets.h"

static const char immutable[] = "public, max-age=31536000, immutable";

static const struct {
    const char *end, *type;
} types[] = {{".js", "text/javascript"}, {".css", "text/css"}, {".html", "text/html"}, {".json", "application/json"}};

static const char *type_of(const char *name) {
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
        if (strcmp(dot, types[i].end) == 0) return types[i].type;
    return "text/plain";
}

/* package/SHA256.tar.gz, package/SHA256/FILE. What is beside the archive is not named by its hash, so it may change. */
enum err handle_package(struct exchange *x) {
    struct buf body = {.arena = x->ctx->arena};
    const char *archive = without(x, ".tar.gz"), *slash = strchr(x->rest, '/');
    const char *sha256 = archive ? archive : arena_copy(x->ctx->arena, x->rest, strcspn(x->rest, "/"));
    if (!archive && !slash) return ERR_NOT_FOUND;
    TRY(package_get(x->ctx, sha256, archive ? NULL : slash + 1, &body));
    if (!archive && package_apart(slash + 1)) {
        x->res->cache = "max-age=86400";
        return response_tagged(x->res, type_of(slash), body.data, body.len);
    }
    x->res->cache = immutable;
    /* no Content-Encoding: the loader inflates it itself, and checks the hash of what was sent */
    return response_body(x->res, archive ? "application/gzip" : type_of(slash), body.data, body.len);
}

enum err handle_asset(struct exchange *x) {
    bool worker = strcmp(x->req->path, "circle-sw.js") == 0;
    const struct asset *asset = asset_find(worker ? "worker.js" : "client.js"), *element = asset_find("poly-signal.js");
    struct buf body = {.arena = x->ctx->arena};
    if (worker) response_header(x->res, "Service-Worker-Allowed", "/");
    x->res->cache = worker ? "no-cache" : "max-age=300";
    buf_add(&body, asset->data, asset->len);
    if (!worker) buf_add(&body, element->data, element->len);
    return response_tagged(x->res, "text/javascript", body.data, body.len);
}

enum err handle_circles(struct exchange *x) {
    struct buf body = {.arena = x->ctx->arena};
    bool script = strcmp(x->req->path, "circles.js") == 0;
    if (script) buf_text(&body, "export default ");
    TRY(circles_json(x->ctx, NULL, &body));
    if (script) buf_text(&body, ";\n");
    x->res->cache = "max-age=60";
    return response_tagged(x->res, script ? "text/javascript" : "application/json", body.data, body.len);
}
