/* Who is in a circle: by GET where everybody may know, by POST with a token for its signals. */
#include "meet/roster.h"
#include "handler/handler.h"

/* Written as text and without format, for there may be 200: hex digits, a word of ours and numbers are JSON as they are. */
static void member(struct buf *out, const struct member *m, const char *comma) {
    buf_text(out, comma);
    buf_text(out, "{\"sig\":\"");
    hex_encode(buf_room(out, 2 * sizeof m->sig.b), m->sig.b, sizeof m->sig.b);
    out->len += 2 * sizeof m->sig.b;
    buf_text(out, m->role == GREETER ? "\",\"role\":\"greeter\",\"have\":[" : "\",\"role\":\"peer\",\"have\":[");
    buf_text(out, m->have);
    buf_text(out, "]}");
}

static enum err gather(struct exchange *x, const struct circle *c, struct buf *body) {
    struct roster roster;
    TRY(roster_get(x->ctx, c->id, &roster));
    (void)buf_room(body, 128 * (roster.n_members + 1));
    buf_format(body, "{\"polycircle\":1,\"cid\":\"%s\",\"n\":%" PRId64 ",\"signals\":[",
               hex_text(x->ctx->arena, c->cid.b, sizeof c->cid.b), roster.n);
    for (size_t i = 0; i < roster.n_members; i++) member(body, &roster.members[i], i ? "," : "");
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
