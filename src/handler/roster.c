/* Who is in a circle: by GET where everybody may know, by POST with a token for its signals. */
#include "handler/handler.h"
#include "meet/signal.h"

/* Written as text, for there may be 200: hex digits, a word of ours and numbers are JSON as they are. */
static enum err signals(struct exchange *x, const struct circle *c, struct buf *out) {
    struct store *s = x->ctx->store;
    bool row;
    TRY(store_find(s, SQL_ROSTER, ARGS(I(c->id), I(x->ctx->now), I(CAP_ROSTER)), &row));
    for (const char *comma = ""; row; comma = ",") {
        size_t len;
        const uint8_t *sig = store_blob(s, SQL_ROSTER, 0, &len);
        buf_format(out, "%s{\"sig\":\"%s\",\"role\":\"%s\",\"have\":[%s]}", comma, hex_text(x->ctx->arena, sig, len),
                   store_int(s, SQL_ROSTER, 1) ? "greeter" : "peer", store_text(s, SQL_ROSTER, 2));
        TRY(store_next(s, SQL_ROSTER, &row));
    }
    return ERR_OK;
}

static enum err gather(struct exchange *x, const struct circle *c, struct buf *body) {
    struct pulse pulse;
    TRY(store_begin(x->ctx->store, LIVE, false));
    TRY(pulse_get(x->ctx, c->id, &pulse));
    buf_format(body, "{\"polycircle\":1,\"cid\":\"%s\",\"n\":%" PRId64 ",\"signals\":[",
               hex_text(x->ctx->arena, c->cid.b, sizeof c->cid.b), pulse.n);
    TRY(signals(x, c, body));
    TRY(store_commit(x->ctx->store, LIVE));
    buf_text(body, "]}");
    return ERR_OK;
}

static enum err find(struct exchange *x, struct circle *c) {
    const char *cid = without(x, ".json");
    return cid ? circle_by_cid(x->ctx, cid, c) : ERR_NOT_FOUND;
}

enum err handle_roster(struct exchange *x) {
    struct circle c;
    struct buf body = {.arena = x->ctx->arena};
    TRY(find(x, &c));
    if (strcmp(c.roster, "public") != 0) return ERR_NOT_MEMBER;
    TRY(gather(x, &c, &body));
    x->res->cache = "no-cache";
    return response_tagged(x->res, "application/json", body.data, body.len);
}

enum err handle_roster_members(struct exchange *x) {
    struct circle c;
    struct signal me;
    struct buf body = {.arena = x->ctx->arena};
    json_t *in;
    uint8_t raw[32];
    TRY(find(x, &c));
    TRY(request_json(x->req, &in, &x->ctx->fault));
    TRY(jsn_hex(in, "token", raw, sizeof raw, &x->ctx->fault));
    struct token token = token_make(raw);
    TRY(signal_by_token(x->ctx, &token, &me, NULL));
    if (me.circle != c.id || !signal_alive(&me, x->ctx->now) || strcmp(c.roster, "hidden") == 0) return ERR_NOT_MEMBER;
    TRY(gather(x, &c, &body));
    return response_body(x->res, "application/json", body.data, body.len);
}
