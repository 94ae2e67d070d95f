/* Circles: names claimed once, their keys, which pages may use them. */
#pragma once
#include "circle/ctx.h"
#include "circle/ids.h"

struct circle {
    int64_t id;
    const char *can;
    struct cid cid;
    const char *api_key;
    uint8_t sign_public[32]; /* Ed25519 */
    const char *roster; /* "public", "members", "hidden" */
    bool listed;
    const char *ice; /* a JSON array for RTCPeerConnection's iceServers */
    const char *p2p; /* "on", "ask", "off": whether visitors are connected, or asked first; the page's tag may say otherwise */
    int64_t up_kbps; /* upload limit beyond the own network; 0: the client's default */
    bool mirror; /* false: nobody's browser mirrors, for now */
    const char *exclude; /* patterns of files that are left out, a line each (walk.h) */
    const char *worker; /* of the site's own: "unknown", "none", "own", or the path of its script once that imports ours, too */
    int64_t removed; /* when; 0: not */
    bool exposed; /* its signing key was made by a version that could give it away: to be renewed */
};

/* Not there: ERR_UNKNOWN_KEY (by key) or ERR_NOT_FOUND. Removed: ERR_REMOVED. Texts live in the arena. */
enum err circle_by_key(struct ctx *ctx, const char *key, struct circle *out);
enum err circle_by_can(struct ctx *ctx, const char *can, struct circle *out);
enum err circle_by_id(struct ctx *ctx, int64_t id, struct circle *out);
enum err circle_by_cid(struct ctx *ctx, const char *hex, struct circle *out); /* 16 hex digits */

/* The circles in order of name, removed ones too. */
struct circle_list {
    struct circle *all;
    size_t n;
};
enum err circle_list(struct ctx *ctx, struct circle_list *out);

/* What an owner chooses of a circle. NULL, -1: as it is; of a new circle: ask, the first of stun_servers, public, listed,
 * mirroring, a worker of the site unknown. */
struct choices {
    const char *p2p, *ice, *roster, *exclude, *worker; /* ice as circle_ice() gives it */
    int64_t listed, mirror, up_kbps;
};
#define AS_IT_IS ((struct choices){.listed = -1, .mirror = -1, .up_kbps = -1})

struct circle_new {
    const char *can;
    struct choices chosen;
    const char *const *origins;
    size_t n_origins;
};
/* In a transaction: what lies under numbers of no circle goes, in all tables. */
enum err circle_orphans_drop(struct ctx *ctx);
/* Makes CID, api key and signing key. The origins of the instance's own base URLs are allowed without being named. */
enum err circle_add(struct ctx *ctx, const struct circle_new *in, struct circle *out);
/* Changes what is chosen, leaves the rest; one that is not to be had: ERR_USAGE with words. */
enum err circle_change(struct ctx *ctx, const struct circle *c, const struct choices *in);
/* Texts stun:host:port (stun_valid) become the JSON of iceServers, which is kept as it is given out. */
enum err circle_ice(struct ctx *ctx, const struct texts *urls, const char **out);
/* Its name stays claimed, its signals end, its key answers ERR_REMOVED. */
enum err circle_remove(struct ctx *ctx, const struct circle *c);

enum err circle_allow(struct ctx *ctx, const struct circle *c, const char *url);
/* No longer. Not an origin, or none that was allowed: ERR_USAGE. */
enum err circle_refuse(struct ctx *ctx, const struct circle *c, const char *url);
/* Whose pages may use it; and whose tried and may not, most often first. */
enum err circle_origins(struct ctx *ctx, const struct circle *c, struct texts *out);
enum err circle_refused(struct ctx *ctx, const struct circle *c, struct texts *out);
/* How many origins are allowed besides this one. */
enum err circle_others(struct ctx *ctx, const struct circle *c, const char *origin, int64_t *n);
/* An Origin header: "" (not a browser's cross-origin request) and allowed ones are ERR_OK; another is
 * remembered, so that the owner sees it, and ERR_ORIGIN_REFUSED. */
enum err circle_origin(struct ctx *ctx, const struct circle *c, const char *origin);
/* Could each of its values have been chosen? ERR_USAGE: the first that could not, in words. */
enum err circle_valid(struct ctx *ctx, const struct circle *c);
