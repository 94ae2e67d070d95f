/* What a handler gets and what a route says of it. A handler reads the request, calls the rules, shapes the
 * answer; dispatch() does what every route needs, once. */
#pragma once
#include "circle/ctx.h"
#include "http/response.h"

struct exchange {
    const struct request *req;
    struct response *res;
    struct ctx *ctx;
    struct server *server;
    enum err unopened; /* why ctx->store is NULL, on a route that needs nothing */
    const char *address; /* the visitor's, used for this request and forgotten */
    const char *rest; /* of the path, behind the route's prefix */
};

typedef enum err handler_function(struct exchange *x);

/* NEEDS_NOTHING: also before anything is set up, with a database that cannot be opened, and under any Host; then
 * ctx->store may be NULL. */
enum needs { NEEDS_NOTHING, NEEDS_MAIN, NEEDS_LIVE };

struct route {
    const char *method; /* "GET" stands for HEAD too */
    const char *path; /* ending in '/': a prefix */
    handler_function *handle;
    enum needs needs;
};
extern const struct route routes[];
extern const size_t routes_count;

/* The server's state between requests: where the data is, and the store once it is open. */
struct server {
    const char *data;
    const char *(*claim)(void); /* the same, before the first file is made in it; NULL: data is the place */
    struct store *store;
    int64_t touched; /* the circle that the last request changed; 0: none */
    int64_t turn; /* when it last asked whether the chores are its turn */
};
/* A serve_function; context is a struct server. */
void dispatch(void *context, struct request *req, struct response *res);
/* An after_function: a bounded step of indexing and housekeeping. */
void chores(void *context, struct arena *arena);

handler_function handle_signal, handle_package, handle_asset, handle_circles, handle_roster, handle_roster_members, handle_sync,
    handle_manifest, handle_mirror, handle_health, handle_home, handle_page, handle_probe, handle_measure, handle_owner;

/* Brings the spool's files of a circle (0: none) up to date, unless they are SPAN_SPOOL young. */
enum err spool_refresh(struct ctx *ctx, int64_t circle);
/* Is it an owner's browser that asks, and for a page? Then an error is one: what it is, and what to do. */
bool page_wanted(const struct request *req);
void page_error(struct exchange *x, enum err e);
/* Answers with this JSON. */
enum err answer_json(struct exchange *x, const struct json_t *value);
/* A copy of rest without this ending, or NULL when it ends otherwise. */
const char *without(struct exchange *x, const char *ending);
