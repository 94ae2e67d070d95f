/* POST /sync: JSON in, JSON out (PROTOCOL 1.4). The rules are in meet/sync.c. */
#include "meet/sync.h"
#include "handler/handler.h"

struct reader {
    struct fault *fault;
    struct sync *in;
};

typedef enum err item_reader(struct reader *r, const json_t *item, size_t i);

static enum err each(struct reader *r, const json_t *object, const char *key, size_t max, item_reader *read, size_t *n) {
    json_t *list;
    TRY(jsn_list(object, key, max, &list, r->fault));
    *n = list ? json_array_size(list) : 0;
    for (size_t i = 0; i < *n; i++) TRY(read(r, json_array_get(list, i), i));
    return ERR_OK;
}

static bool in_bounds(const json_t *value, int64_t min, int64_t max) {
    return json_is_integer(value) && json_integer_value(value) >= min && json_integer_value(value) <= max;
}

static enum err read_have(struct reader *r, const json_t *item, size_t i) {
    const json_t *index = json_array_get(item, 0), *percent = json_array_get(item, 1);
    if (json_array_size(item) != 2 || !in_bounds(index, 0, CAP_FILES - 1) || !in_bounds(percent, 1, 100))
        return fault_set(r->fault, ERR_BAD_FIELD, "Field \"have\" must be [[index, percent 1..100], ...].");
    r->in->have[i] = (struct share){.index = json_integer_value(index), .percent = json_integer_value(percent)};
    return ERR_OK;
}

static enum err read_want(struct reader *r, const json_t *item, size_t i) {
    if (!in_bounds(item, 0, CAP_FILES - 1)) return fault_set(r->fault, ERR_BAD_FIELD, "Field \"want\" must be [index, ...].");
    r->in->want[i] = json_integer_value(item);
    return ERR_OK;
}

static enum err read_offer(struct reader *r, const json_t *item, size_t i) {
    TRY(jsn_id(item, "id", &r->in->offers[i].id, r->fault));
    return jsn_text(item, "sdp", 1, CAP_SDP, &r->in->offers[i].sdp, r->fault);
}

static enum err read_mail(struct reader *r, const json_t *item, size_t i) {
    struct mail_out *mail = &r->in->mail[i];
    TRY(jsn_id(item, "id", &mail->id, r->fault));
    TRY(jsn_id(item, "re", &mail->re, r->fault));
    TRY(jsn_hex(item, "to", mail->to.b, sizeof mail->to.b, r->fault));
    return jsn_text(item, "body", 1, CAP_MAIL_BODY, &mail->body, r->fault);
}

static enum err read_gone(struct reader *r, const json_t *item, size_t i) {
    if (!json_is_string(item) || !hex_decode(r->in->gone[i].b, sizeof r->in->gone[i].b, json_string_value(item)))
        return fault_set(r->fault, ERR_BAD_FIELD, "Field \"gone\" must be [sig, ...].");
    return ERR_OK;
}

/* A number and what stands behind it; NULL: there is none, or a longer one than we give. */
static const char *read_number(const char *text, int64_t *out) {
    size_t digits = strspn(text, "0123456789");
    *out = strtoll(text, NULL, 10);
    return digits > 0 && digits <= 18 ? text + digits : NULL;
}

/* GEN.N.N.N; GEN.N is of an earlier version, and of another generation. */
static enum err read_cursor(struct reader *r, const json_t *object) {
    const char *text = "0.0";
    struct cursor *c = &r->in->cursor;
    size_t n = 0;
    TRY(jsn_optional_text(object, "cursor", 3, 80, &text, r->fault));
    text = read_number(text, &c->gen);
    while (text && *text == '.' && n < MAIL_RANKS) text = read_number(text + 1, &c->n[n++]);
    if (text && !*text && (n == 1 || n == MAIL_RANKS)) return ERR_OK;
    return fault_set(r->fault, ERR_BAD_FIELD, "Field \"cursor\" must be as it was received.");
}

static enum err read_identity(struct reader *r, const json_t *object) {
    uint8_t token[32], run[4];
    int64_t v = 0;
    TRY(jsn_int(object, "v", 1, 1, &v, r->fault));
    if (v != 1) return fault_set(r->fault, ERR_BAD_FIELD, "Field \"v\" must be 1.");
    TRY(jsn_hex(object, "token", token, sizeof token, r->fault));
    TRY(jsn_hex(object, "run", run, sizeof run, r->fault));
    r->in->token = token_make(token);
    r->in->run = (int64_t)run[0] << 24 | run[1] << 16 | run[2] << 8 | run[3];
    return jsn_optional_text(object, "key", 1, CAP_KEY, &r->in->key, r->fault);
}

static enum err read_sync(struct reader *r, const json_t *object) {
    struct sync *in = r->in;
    bool greet = false, box = false;
    TRY(read_identity(r, object));
    TRY(read_cursor(r, object));
    TRY(jsn_int(object, "version", 0, INT64_MAX, &in->version, r->fault));
    TRY(jsn_bool(object, "greet", &greet, r->fault));
    TRY(jsn_bool(object, "box", &box, r->fault));
    TRY(jsn_int(object, "box_v", 0, INT64_MAX, &in->box_v, r->fault));
    TRY(jsn_bool(object, "leave", &in->leave, r->fault));
    TRY(each(r, object, "have", CAP_MEDIA, read_have, &in->n_have));
    TRY(each(r, object, "want", CAP_MEDIA, read_want, &in->n_want));
    TRY(each(r, object, "offers", CAP_OFFERS, read_offer, &in->n_offers));
    TRY(each(r, object, "mail", CAP_MAIL_REQUEST, read_mail, &in->n_mail));
    TRY(each(r, object, "gone", CAP_GONE, read_gone, &in->n_gone));
    in->shares = json_object_get(object, "have") || json_object_get(object, "want");
    in->greet = json_object_get(object, "greet") ? greet : -1;
    in->box = json_object_get(object, "box") ? box : -1;
    return ERR_OK;
}

static void put(json_t *object, const char *key, json_t *value) {
    (void)json_object_set_new(object, key, value);
}

static json_t *hex(struct exchange *x, const uint8_t *bytes, size_t len) {
    return json_string(hex_text(x->ctx->arena, bytes, len));
}

static void put_join(struct exchange *x, json_t *body, const struct synced *out) {
    const struct circle *c = &out->circle;
    json_t *mids = json_object(), *ice = json_loads(c->ice, 0, NULL);
    put(body, "cid", hex(x, c->cid.b, sizeof c->cid.b));
    put(body, "sig", hex(x, out->signal.sig.b, sizeof out->signal.sig.b));
    put(body, "n", json_integer(out->pulse.n));
    put(body, "version", json_integer(out->version));
    put(body, "ice", ice ? ice : json_array());
    for (size_t i = 0; i < out->n_mids; i++)
        put(mids, arena_text(x->ctx->arena, "%" PRId64, out->mids[i].index), hex(x, out->mids[i].mid.b, sizeof out->mids[i].mid.b));
    if (out->n_mids) put(body, "mids", mids);
}

static void put_peers(struct exchange *x, json_t *body, const struct synced *out) {
    json_t *list = json_array();
    for (size_t i = 0; i < out->n_peers; i++) {
        const struct invitation *p = &out->peers[i];
        json_t *have = json_loads(arena_text(x->ctx->arena, "[%s]", p->have), 0, NULL);
        (void)json_array_append_new(list,
                                    json_pack("{s:o, s:b, s:o, s:{s:s, s:s}}", "sig", hex(x, p->sig.b, sizeof p->sig.b), "near",
                                              (int)p->near, "have", have, "offer", "id", p->offer.id, "sdp", p->offer.sdp));
    }
    if (out->n_peers) put(body, "peers", list);
}

static void put_mail(struct exchange *x, json_t *body, const struct synced *out) {
    json_t *sent = json_array();
    for (size_t i = 0; i < out->n_sent; i++) {
        const struct receipt *r = &out->sent[i];
        (void)json_array_append_new(sent, r->error == ERR_OK ? json_pack("{s:s, s:I}", "id", r->id, "due_ms", (json_int_t)r->due_ms)
                                                             : json_pack("{s:s, s:s}", "id", r->id, "error", err_name(r->error)));
    }
    if (out->n_mail) put(body, "mail", mail_json(x->ctx, out->mail, out->n_mail));
    if (out->n_sent) put(body, "sent", sent);
}

static enum err answer(struct exchange *x, const struct synced *out) {
    json_t *body = json_object();
    put(body, "polycircle", json_integer(1));
    if (out->left) return answer_json(x, body);
    if (out->circle.id) put_join(x, body, out);
    put(body, "role", json_string(out->signal.role == GREETER ? "greeter" : "peer"));
    put(body, "cursor", json_string(cursor_text(x->ctx->arena, &out->cursor)));
    put(body, "due_ms", json_integer(out->due_ms));
    if (out->signal.role == GREETER) put(body, "standing", json_integer(out->standing));
    if (out->box) {
        put(body, "box", json_string(out->box));
        put(body, "box_v", json_integer(out->signal.box.v));
        put(body, "poll_ms", json_integer(out->poll_ms));
    }
    put_peers(x, body, out);
    put_mail(x, body, out);
    return answer_json(x, body);
}

enum err handle_sync(struct exchange *x) {
    struct sync *in = arena_alloc(x->ctx->arena, sizeof *in);
    struct synced out;
    struct reader r = {&x->ctx->fault, in};
    json_t *body;
    TRY(request_json(x->req, &body, r.fault));
    TRY(read_sync(&r, body));
    in->origin = x->req->origin;
    in->address = x->address;
    TRY(sync_run(x->ctx, in, &out));
    return answer(x, &out);
}
