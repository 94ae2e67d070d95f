/* What every route needs, once: the route, the store, the Host, the retry when the live database was lost,
 * and every error's way into an answer. */
#include "circle/address.h"
#include "handler/handler.h"
#include "host/owner.h"
#include "host/waiting.h"
#include "util/assets.h"
#include <sodium.h>

static enum err find(const struct request *req, const struct route **out, const char **rest) {
    const char *method = strcmp(req->method, "HEAD") == 0 ? "GET" : req->method;
    enum err e = ERR_NOT_FOUND;
    for (size_t i = 0; i < routes_count; i++) {
        size_t len = strlen(routes[i].path);
        bool prefix = len && routes[i].path[len - 1] == '/';
        if (strncmp(req->path, routes[i].path, len) != 0 || (!prefix && req->path[len])) continue;
        if (strcmp(method, routes[i].method) == 0) {
            *rest = prefix ? req->path + len : req->path;
            *out = &routes[i];
            return ERR_OK;
        }
        e = ERR_METHOD;
    }
    return e;
}

/* Afterwards polycircle.db is another one, or was missing: without a shell a restore begins here, too. */
static enum err open_store(struct server *server, struct ctx *ctx) {
    bool waits = waiting_there(server->data);
    if (server->store && (waits || !store_current(server->store))) {
        store_close(server->store);
        server->store = NULL;
    }
    if (waits) waiting_take(ctx, server->data);
    return server->store ? ERR_OK : store_open(&server->store, server->data, &ctx->fault);
}

/* Of an instance that was uninstalled: what takes our worker off the browsers, for else it would stay there. */
static enum err farewell(struct exchange *x) {
    static const char *const scripts[][2] = {{"signal", "removed.js"},
                                             {"signal.js", "removed.js"},
                                             {"polycircle/signal", "removed.js"},
                                             {"circle-sw.js", "removed-sw.js"}};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        if (strcmp(x->req->path, scripts[i][0]) != 0) continue;
        const struct asset *asset = asset_find(scripts[i][1]);
        response_header(x->res, "Service-Worker-Allowed", "/");
        x->res->cache = "no-cache";
        return response_body(x->res, "text/javascript", asset->data, asset->len);
    }
    return fault_set(&x->ctx->fault, ERR_REMOVED, "This instance was uninstalled: take the tag out of the pages.");
}

/* Behind a proxy of the instance's list: who spoke to it. */
static enum err find_address(struct exchange *x) {
    const char *proxies;
    if (!*x->req->forwarded) return ERR_OK;
    TRY(setting_get(x->ctx, "proxies", &proxies));
    x->address = address_behind(x->ctx->arena, x->req->address, x->req->forwarded, proxies);
    return ERR_OK;
}

static enum err once(struct exchange *x, const struct route *route) {
    if (route->needs == NEEDS_LIVE) TRY(store_live(x->ctx->store));
    return route->handle(x);
}

static enum err run(struct server *server, struct exchange *x) {
    const struct route *route;
    bool host_ok;
    TRY(x->req->body_error);
    TRY(find(x->req, &route, &x->rest));
    enum err e = open_store(server, x->ctx);
    x->ctx->store = server->store;
    x->unopened = e;
    if (e != ERR_OK && route->needs == NEEDS_NOTHING) return route->handle(x);
    TRY(e);
    TRY(store_enter(server->store, x->req->host, &host_ok));
    if (!host_ok && route->needs != NEEDS_NOTHING) return ERR_HOST_UNKNOWN;
    if (store_retired(server->store) && route->needs != NEEDS_NOTHING) return farewell(x); /* the owner may undo it */
    TRY(find_address(x));
    if (route->needs == NEEDS_NOTHING) store_leave(server->store); /* an owner's request may take long */
    e = once(x, route);
    if (e != ERR_LIVE_LOST) return e;
    TRY(store_renew(server->store));
    response_start(x->res, x->req);
    e = once(x, route);
    return e == ERR_LIVE_LOST ? fault_set(&x->ctx->fault, ERR_BUSY, "%s", err_text(e, NULL)) : e;
}

static void answer_error(struct exchange *x, enum err e) {
    json_t *body = json_pack("{s:i, s:s, s:s}", "polycircle", 1, "error", err_name(e), "text",
                             owner_told(x->ctx, x->server->data, err_text(e, &x->ctx->fault)));
    if (e == ERR_REJOIN) (void)json_object_set_new(body, "after_ms", json_integer(randombytes_uniform(SPAN_REJOIN)));
    struct buf headers = x->res->headers;
    bool secret = x->res->secret;
    response_start(x->res, x->req);
    x->res->secret = secret;
    if (e == ERR_RANGE) x->res->headers = headers; /* Content-Range is there */
    x->res->status = err_status(e);
    if (e == ERR_INTERNAL)
        (void)fprintf(stderr, "polycircle: internal: %s %s: %s\n", jsn_shown(x->ctx->arena, x->req->method),
                      jsn_shown(x->ctx->arena, x->req->path), err_text(e, &x->ctx->fault));
    if (e == ERR_METHOD) response_header(x->res, "Allow", "GET, HEAD, POST");
    if (page_wanted(x->req) && e != ERR_RANGE)
        page_error(x, e);
    else
        (void)!answer_json(x, body); /* an error is never a part */
}

enum err answer_json(struct exchange *x, const json_t *value) {
    struct buf text = {.arena = x->ctx->arena};
    jsn_dump(&text, value);
    return response_body(x->res, "application/json", text.data, text.len);
}

const char *without(struct exchange *x, const char *ending) {
    size_t len = strlen(x->rest), tail = strlen(ending);
    if (len < tail || strcmp(x->rest + len - tail, ending) != 0) return NULL;
    return arena_copy(x->ctx->arena, x->rest, len - tail);
}

void dispatch(void *context, struct request *req, struct response *res) {
    struct server *server = context;
    struct ctx ctx = {.arena = req->arena, .now = clock_now()};
    struct exchange x = {.req = req, .res = res, .ctx = &ctx, .server = server, .address = req->address, .rest = ""};
    jsn_use(req->arena);
    response_start(res, req);
    enum err e = run(server, &x);
    if (server->store) store_rollback(server->store); /* what a failure left open, and the read of store_enter */
    if (e != ERR_OK) answer_error(&x, e);
    server->touched = ctx.touched;
    if (strcmp(req->method, "POST") == 0) res->timing = ctx.store && store_wrote(ctx.store) ? "write" : "read";
    if (e == ERR_READ_ONLY && server->store) { /* the owner may put that right: open it anew next time */
        store_close(server->store);
        server->store = NULL;
    }
}
