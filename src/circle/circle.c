#include "circle/circle.h"
#include "circle/instance.h"
#include "circle/origin.h"
#include "circle/signing.h"
#include "circle/stun.h"
#include <sodium.h>

static void read_row(struct ctx *ctx, enum sql id, struct circle *out) {
    *out = (struct circle){.id = store_int(ctx->store, id, 0), .can = store_copy(ctx->store, id, 1, ctx->arena)};
    (void)store_bytes(ctx->store, id, 2, out->cid.b, sizeof out->cid.b);
    out->api_key = store_copy(ctx->store, id, 3, ctx->arena);
    (void)store_bytes(ctx->store, id, 4, out->sign_public, sizeof out->sign_public);
    out->roster = store_copy(ctx->store, id, 5, ctx->arena);
    out->listed = store_int(ctx->store, id, 6);
    out->ice = store_copy(ctx->store, id, 7, ctx->arena);
    out->up_kbps = store_int(ctx->store, id, 8);
    out->removed = store_int(ctx->store, id, 9);
    out->p2p = store_copy(ctx->store, id, 10, ctx->arena);
    out->exposed = store_int(ctx->store, id, 11);
    out->mirror = store_int(ctx->store, id, 12);
    out->exclude = store_copy(ctx->store, id, 13, ctx->arena);
    out->worker = store_copy(ctx->store, id, 14, ctx->arena);
}

static enum err find(struct ctx *ctx, enum sql id, struct arg by, enum err absent, struct circle *out) {
    bool row;
    TRY(store_first(ctx->store, id, &by, 1, &row));
    if (!row) return absent;
    read_row(ctx, id, out);
    store_reset(ctx->store, id);
    if (out->removed) ctx->touched = out->id; /* whoever still asks for it carries what it left behind away */
    return out->removed ? ERR_REMOVED : ERR_OK;
}

enum err circle_by_key(struct ctx *ctx, const char *key, struct circle *out) {
    return find(ctx, SQL_CIRCLE_BY_KEY, T(key), ERR_UNKNOWN_KEY, out);
}

enum err circle_by_can(struct ctx *ctx, const char *can, struct circle *out) {
    return find(ctx, SQL_CIRCLE_BY_CAN, T(can), ERR_NOT_FOUND, out);
}

enum err circle_by_id(struct ctx *ctx, int64_t id, struct circle *out) {
    return find(ctx, SQL_CIRCLE_BY_ID, I(id), ERR_NOT_FOUND, out);
}

enum err circle_by_cid(struct ctx *ctx, const char *hex, struct circle *out) {
    struct cid cid;
    if (!hex_decode(cid.b, sizeof cid.b, hex)) return ERR_NOT_FOUND;
    return find(ctx, SQL_CIRCLE_BY_CID, B(cid.b, sizeof cid.b), ERR_NOT_FOUND, out);
}

enum err circle_list(struct ctx *ctx, struct circle_list *out) {
    bool row;
    size_t room = 0;
    *out = (struct circle_list){0};
    TRY(store_first(ctx->store, SQL_CIRCLE_LIST, NULL, 0, &row));
    for (; row; out->n++) {
        if (out->n == room) {
            struct circle *more = arena_alloc(ctx->arena, (room = room ? 2 * room : 16) * sizeof *more);
            if (out->n) memcpy(more, out->all, out->n * sizeof *more);
            out->all = more;
        }
        read_row(ctx, SQL_CIRCLE_LIST, &out->all[out->n]);
        TRY(store_next(ctx->store, SQL_CIRCLE_LIST, &row));
    }
    return ERR_OK;
}

enum err circle_origins(struct ctx *ctx, const struct circle *c, struct texts *out) {
    return store_texts(ctx->store, SQL_ORIGIN_LIST, ARGS(I(c->id)), ctx->arena, out);
}

enum err circle_refused(struct ctx *ctx, const struct circle *c, struct texts *out) {
    return store_texts(ctx->store, SQL_REFUSED_LIST, ARGS(I(c->id)), ctx->arena, out);
}

enum err circle_others(struct ctx *ctx, const struct circle *c, const char *origin, int64_t *n) {
    return store_number(ctx->store, SQL_ORIGIN_OTHERS, ARGS(I(c->id), T(origin)), n, 0);
}

enum err circle_allow(struct ctx *ctx, const struct circle *c, const char *url) {
    const char *origin;
    if (!origin_of(ctx->arena, url, &origin))
        return fault_set(&ctx->fault, ERR_USAGE, "%s is not an origin: give https://host or http://host:port", url);
    if (strchr(origin, '*')) /* one that a version before has kept may still be refused */
        return fault_set(&ctx->fault, ERR_USAGE,
                         "Name each site by itself, such as https://www.site.example: a browser says the whole name, which %.150s "
                         "never is.",
                         origin);
    int64_t others;
    TRY(circle_others(ctx, c, origin, &others));
    if (others >= CAP_ORIGINS) return fault_set(&ctx->fault, ERR_USAGE, "A circle allows at most %d origins.", CAP_ORIGINS);
    return store_run(ctx->store, SQL_ORIGIN_ADD, ARGS(I(c->id), T(origin)));
}

enum err circle_refuse(struct ctx *ctx, const struct circle *c, const char *url) {
    const char *origin;
    if (!origin_of(ctx->arena, url, &origin))
        return fault_set(&ctx->fault, ERR_USAGE, "%.150s is not an origin: give https://host or http://host:port", url);
    TRY(store_run(ctx->store, SQL_ORIGIN_DROP, ARGS(I(c->id), T(origin))));
    if (store_changes(ctx->store, MAIN)) return ERR_OK;
    return fault_set(&ctx->fault, ERR_USAGE, "Pages of %.150s were not allowed in %s.", origin, c->can);
}

enum err circle_ice(struct ctx *ctx, const struct texts *urls, const char **out) {
    json_t *list = json_array();
    for (size_t i = 0; i < urls->n; i++) {
        const char *url = urls->all[i];
        if (!stun_valid(url))
            return fault_set(&ctx->fault, ERR_USAGE, "%.80s is not the address of a STUN server: give stun:host:port, such as %s",
                             *url ? url : "It", stun_servers[0].url);
        (void)json_array_append_new(list, json_pack("{s:s}", "urls", url));
    }
    *out = json_dumps(list, JSON_COMPACT);
    return *out ? ERR_OK : ERR_INTERNAL;
}

static bool among(const char *value, const char *const names[static 3]) {
    return strcmp(value, names[0]) == 0 || strcmp(value, names[1]) == 0 || strcmp(value, names[2]) == 0;
}

/* NULL is one of them: nothing is chosen. */
static enum err one_of(struct ctx *ctx, const char *what, const char *value, const char *const names[static 3]) {
    if (!value || among(value, names)) return ERR_OK;
    return fault_set(&ctx->fault, ERR_USAGE, "%s is %s, %s or %s, not %.40s.", what, names[0], names[1], names[2], value);
}

static enum err exclude_valid(struct ctx *ctx, const char *exclude) {
    if (strlen(exclude) > CAP_EXCLUDE)
        return fault_set(&ctx->fault, ERR_USAGE, "The patterns of files to leave out are at most %d bytes in all.", CAP_EXCLUDE);
    if (!text_utf8(exclude)) return fault_set(&ctx->fault, ERR_USAGE, "The patterns of files to leave out must be UTF-8.");
    for (size_t len; *exclude; exclude += len + (exclude[len] == '\n')) {
        len = strcspn(exclude, "\n");
        if (len > CAP_PATTERN)
            return fault_set(&ctx->fault, ERR_USAGE, "A pattern of files to leave out is at most %d bytes.", CAP_PATTERN);
    }
    return ERR_OK;
}

/* A path is put into pages: it has nothing in it but what paths of scripts have. */
static enum err worker_valid(struct ctx *ctx, const char *worker) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-~%@+";
    bool path = *worker == '/', file = path && worker[1] != '/' && worker[strlen(worker) - 1] != '/' && !strstr(worker, "/../");
    if (file && strlen(worker) <= CAP_PATTERN && !worker[strspn(worker, letters)]) return ERR_OK;
    if (path)
        return fault_set(&ctx->fault, ERR_USAGE, "%.80s is no path of a script: give it as /sw.js, without what follows a ?.",
                         worker);
    if (among(worker, (const char *const[]){"unknown", "none", "own"})) return ERR_OK;
    return fault_set(&ctx->fault, ERR_USAGE,
                     "The site's worker is unknown, none, own, or the path of its script (/sw.js), not %.40s.", worker);
}

static enum err choices_valid(struct ctx *ctx, const struct choices *in) {
    TRY(one_of(ctx, "p2p", in->p2p, (const char *const[]){"on", "ask", "off"}));
    TRY(one_of(ctx, "The roster", in->roster, (const char *const[]){"public", "members", "hidden"}));
    if (in->worker) TRY(worker_valid(ctx, in->worker));
    return in->exclude ? exclude_valid(ctx, in->exclude) : ERR_OK;
}

/* Each entry as circle_ice() writes one. */
static enum err ice_valid(struct ctx *ctx, const char *ice) {
    json_t *list = json_loads(ice, JSON_REJECT_DUPLICATES, NULL), *one;
    size_t i;
    if (!json_is_array(list)) return fault_set(&ctx->fault, ERR_USAGE, "The STUN servers are no list.");
    json_array_foreach(list, i, one) {
        const char *url = json_string_value(json_object_get(one, "urls"));
        if (!url || json_object_size(one) != 1 || !stun_valid(url))
            return fault_set(&ctx->fault, ERR_USAGE, "%.80s is not the address of a STUN server", url ? url : "It");
    }
    return ERR_OK;
}

enum err circle_valid(struct ctx *ctx, const struct circle *c) {
    uint8_t key[16];
    size_t len = 0;
    if (!can_valid(c->can)) return fault_set(&ctx->fault, ERR_USAGE, "its name is none");
    if (strlen(c->api_key) != 22 || !base64url_decode(key, &len, c->api_key, 22) || c->up_kbps < 0)
        return fault_set(&ctx->fault, ERR_USAGE, "its public key or its upload limit is none");
    TRY(choices_valid(ctx, &(struct choices){.p2p = c->p2p, .roster = c->roster, .exclude = c->exclude, .worker = c->worker}));
    return ice_valid(ctx, c->ice);
}

enum err circle_change(struct ctx *ctx, const struct circle *c, const struct choices *in) {
    TRY(choices_valid(ctx, in));
    return store_run(ctx->store, SQL_CIRCLE_CHANGE,
                     ARGS(I(c->id), T(in->p2p), T(in->ice), T(in->roster), T(in->exclude), I(in->listed), I(in->mirror),
                          I(in->up_kbps), T(in->worker)));
}

static enum err choices_new(struct ctx *ctx, const struct choices *in, struct choices *out) {
    TRY(choices_valid(ctx, in));
    *out = *in;
    if (!in->p2p) out->p2p = "ask";
    if (!in->roster) out->roster = "public";
    if (!in->exclude) out->exclude = "";
    if (!in->worker) out->worker = "unknown";
    if (in->listed < 0) out->listed = true;
    if (in->mirror < 0) out->mirror = true;
    if (in->up_kbps < 0) out->up_kbps = 0;
    if (in->ice) return ERR_OK;
    const char *first = stun_servers[0].url;
    return circle_ice(ctx, &(struct texts){.all = &first, .n = 1}, &out->ice);
}

static enum err allow_own(struct ctx *ctx, const struct circle *c) {
    struct texts urls;
    TRY(instance_urls(ctx, &urls));
    for (size_t i = 0; i < urls.n; i++) TRY(circle_allow(ctx, c, urls.all[i]));
    return ERR_OK;
}

enum err circle_orphans_drop(struct ctx *ctx) {
    for (enum sql id = SQL_ORPHAN_ORIGINS; id <= SQL_ORPHAN_SCANS; id++) TRY(store_run(ctx->store, id, NULL, 0));
    return ERR_OK;
}

static enum err insert(struct ctx *ctx, const struct circle_new *in, const struct cid *cid, const uint8_t pad[static 8],
                       struct circle *out) {
    uint8_t raw[16], public[32];
    struct choices chosen;
    randombytes_buf(raw, sizeof raw);
    TRY(choices_new(ctx, &in->chosen, &chosen));
    TRY(signing_make(ctx, cid, public));
    TRY(circle_orphans_drop(ctx)); /* its number is that of no circle yet */
    TRY(store_run(ctx->store, SQL_CIRCLE_ADD,
                  ARGS(T(in->can), B(cid->b, sizeof cid->b), B(pad, 8), T(base64url_text(ctx->arena, raw, sizeof raw)),
                       B(public, sizeof public), T(chosen.roster), I(chosen.listed), T(chosen.ice), I(chosen.up_kbps), I(ctx->now),
                       T(chosen.p2p), I(chosen.mirror), T(chosen.exclude), T(chosen.worker))));
    TRY(circle_by_can(ctx, in->can, out));
    TRY(allow_own(ctx, out));
    for (size_t i = 0; i < in->n_origins; i++) TRY(circle_allow(ctx, out, in->origins[i]));
    return ERR_OK;
}

enum err circle_add(struct ctx *ctx, const struct circle_new *in, struct circle *out) {
    if (!can_valid(in->can))
        return fault_set(&ctx->fault, ERR_USAGE, "%s is not a name for a circle: use a-z, 0-9 and -, at most 63.", in->can);
    TRY(choices_valid(ctx, &in->chosen));
    TRY(store_begin(ctx->store, MAIN, true));
    enum err e = circle_by_can(ctx, in->can, out);
    if (e == ERR_OK || e == ERR_REMOVED)
        return fault_set(&ctx->fault, ERR_EXISTS, "The name %s is taken%s: choose another.", in->can,
                         e == ERR_REMOVED ? " (by a circle that was removed; names are never used again)" : "");
    if (e != ERR_NOT_FOUND) return e;
    uint8_t pad[8];
    struct cid cid = cid_make(in->can, pad);
    if ((e = insert(ctx, in, &cid, pad, out)) != ERR_OK) {
        signing_unmake(ctx, &cid);
        return e;
    }
    return store_commit(ctx->store, MAIN);
}

static enum err end_signals(struct ctx *ctx, const struct circle *c) {
    TRY(store_begin(ctx->store, LIVE, true));
    TRY(store_run(ctx->store, SQL_SIGNAL_CLEAR, ARGS(I(c->id))));
    return store_commit(ctx->store, LIVE);
}

enum err circle_remove(struct ctx *ctx, const struct circle *c) {
    TRY(store_begin(ctx->store, MAIN, true));
    TRY(store_run(ctx->store, SQL_CIRCLE_REMOVE, ARGS(I(c->id), I(ctx->now))));
    TRY(store_commit(ctx->store, MAIN));
    enum err e = end_signals(ctx, c);
    return e == ERR_LIVE_LOST ? store_renew(ctx->store) : e; /* a new live database has none */
}

enum err circle_origin(struct ctx *ctx, const struct circle *c, const char *origin) {
    bool allowed;
    if (!*origin) return ERR_OK;
    TRY(store_has(ctx->store, SQL_ORIGIN_OK, ARGS(I(c->id), T(origin)), &allowed));
    if (allowed) return ERR_OK;
    char *seen = arena_copy(ctx->arena, origin, strnlen(origin, 200));
    TRY(store_begin(ctx->store, LIVE, true));
    TRY(store_run(ctx->store, SQL_REFUSED_ADD, ARGS(I(c->id), T(seen), I(ctx->now))));
    TRY(store_run(ctx->store, SQL_REFUSED_OLD, ARGS(I(c->id), T(seen), I(ctx->now - SPAN_REFUSED), I(CAP_REFUSED - 1))));
    TRY(store_commit(ctx->store, LIVE));
    return fault_set(&ctx->fault, ERR_ORIGIN_REFUSED,
                     "Pages of %.80s may not use the circle %s; its owner allows them in the console (polycircle circle allow %s "
                     "--origin %.80s).",
                     seen, c->can, c->can, seen);
}
