#include "meet/mailbox.h"
#include <sodium.h>

enum err offers_standing(struct ctx *ctx, const struct signal *s, int64_t *out) {
    return store_number(ctx->store, SQL_OFFER_COUNT, ARGS(I(s->id), I(ctx->now)), out, 0);
}

enum err offers_deposit(struct ctx *ctx, const struct signal *s, const struct offer *offers, size_t n) {
    TRY(store_run(ctx->store, SQL_OFFER_OLD, ARGS(I(s->id), I(ctx->now), I(CAP_OFFERS - (int64_t)n))));
    for (size_t i = 0; i < n; i++)
        TRY(store_run(ctx->store, SQL_OFFER_ADD, ARGS(I(s->id), T(offers[i].id), T(offers[i].sdp), I(ctx->now + SPAN_OFFER))));
    return ERR_OK;
}

enum err offers_withdraw(struct ctx *ctx, const struct signal *s) {
    return store_run(ctx->store, SQL_OFFER_WITHDRAW, ARGS(I(s->id)));
}

static void invitation_row(struct ctx *ctx, enum sql id, const struct signal *s, struct invitation *i) {
    i->n = store_int(ctx->store, id, 0);
    i->owner = store_int(ctx->store, id, 3);
    i->offer = (struct offer){store_copy(ctx->store, id, 1, ctx->arena), store_copy(ctx->store, id, 2, ctx->arena)};
    (void)store_bytes(ctx->store, id, 4, i->sig.b, sizeof i->sig.b);
    i->near = store_int(ctx->store, id, 5) == s->bucket;
    /* a newcomer may not have seen the manifest yet */
    i->have = s->version == 0 || store_int(ctx->store, id, 6) == s->version ? store_copy(ctx->store, id, 7, ctx->arena) : "";
    i->suspect = store_int(ctx->store, id, 8);
}

/* 1: its networks have had their share of late, and leave each greeter its last offer: that is for others. */
static enum err share_taken(struct ctx *ctx, const struct signal *s, int64_t *taken) {
    int64_t most[NETS];
    net_shares(s->widest != 0, most);
    return store_number(ctx->store, SQL_OFFER_SHARE,
                        ARGS(I(s->bucket), I(ctx->now), I(s->wider), I(most[0]), I(s->widest), I(most[1]), I(most[2])), taken, 0);
}

static enum err invitations(struct ctx *ctx, const struct signal *s, enum sql from, size_t max, struct invitation *out, size_t *n) {
    bool row;
    int64_t leave = 0;
    *n = 0;
    if (from == SQL_OFFER_GREETERS) TRY(share_taken(ctx, s, &leave));
    TRY(store_first(ctx->store, from, ARGS(I(s->circle), I(ctx->now), I(s->id), I((int64_t)max), I(leave)), &row));
    while (row && *n < max) {
        invitation_row(ctx, from, s, &out[(*n)++]);
        TRY(store_next(ctx->store, from, &row));
    }
    store_reset(ctx->store, from);
    return ERR_OK;
}

enum err offers_claim(struct ctx *ctx, const struct signal *s, enum sql from, size_t max, struct invitation *out, size_t *n) {
    TRY(invitations(ctx, s, from, max < CAP_CLAIM ? max : CAP_CLAIM, out, n));
    bool needy = from == SQL_OFFER_NEEDY; /* helps; it is no share of what there is */
    for (size_t i = 0; i < *n; i++) {
        TRY(store_run(ctx->store, SQL_OFFER_TAKE,
                      ARGS(I(out[i].n), I(s->id), I(needy ? 0 : s->bucket), I(needy ? 0 : s->wider), I(needy ? 0 : s->widest))));
        if (needy) TRY(store_run(ctx->store, SQL_SIGNAL_NEED, ARGS(I(out[i].owner), I(need_row(NEEDY, EVENT_CLAIMED)->next))));
    }
    return ERR_OK;
}

enum err offers_join(struct ctx *ctx, const struct signal *s, struct invitation *out, size_t *n) {
    TRY(invitations(ctx, s, SQL_OFFER_AGAIN, CAP_CLAIM, out, n));
    return *n ? ERR_OK : offers_claim(ctx, s, SQL_OFFER_GREETERS, CAP_CLAIM, out, n);
}

/* The column spent of an offer that was given (store/schema.h). */
enum spent { SPENT = 1, BLAMED };

enum err offers_blame(struct ctx *ctx, const struct signal *s, const struct signal *other) {
    int64_t mailed = 0;
    bool spoke = signal_spoke(other, ctx->now);
    TRY(store_run(ctx->store, SQL_OFFER_BLAME, ARGS(I(s->id), I(ctx->now), I(other->id), I(spoke ? SPENT : BLAMED))));
    bool blamed = store_changes(ctx->store, LIVE) > 0;
    if (!spoke && !blamed)
        TRY(store_number(ctx->store, SQL_MAIL_TO, ARGS(B(s->sig.b, sizeof s->sig.b), I(other->id), I(ctx->now)), &mailed, 0));
    return !spoke && (blamed || mailed) ? store_run(ctx->store, SQL_SIGNAL_SUSPECT, ARGS(I(other->id))) : ERR_OK;
}

/* Has its sender room for it? The mail itself does not count, when it is sent again. */
static enum err sender_room(struct ctx *ctx, const struct signal *from, const struct signal *to, const struct mail_out *mail,
                            bool *room) {
    const enum sql id = SQL_MAIL_SENT;
    int64_t more = (int64_t)strlen(mail->body);
    TRY(store_first(ctx->store, id, ARGS(B(from->sig.b, sizeof from->sig.b), I(ctx->now), I(to->id), T(mail->id)), room));
    *room = *room && store_int(ctx->store, id, 0) < CAP_MAIL_SENT && store_int(ctx->store, id, 1) + more <= CAP_MAIL_SENDER;
    store_reset(ctx->store, id);
    return ERR_OK;
}

/* Have its recipient and the circle? An answer to an offer which the sender was given always has its place there: these are few,
 * and whoever fills a greeter's mailbox must not keep newcomers out. */
static enum err recipient_room(struct ctx *ctx, const struct signal *from, const struct signal *to, const struct pulse *pulse,
                               const struct mail_out *mail, bool *room) {
    const struct arg sender = B(from->sig.b, sizeof from->sig.b);
    int64_t place, waiting = 0, bytes = pulse->mail + (int64_t)strlen(mail->body);
    TRY(store_number(ctx->store, SQL_MAIL_PLACE, ARGS(I(to->id), T(mail->re), I(from->id), sender, T(mail->id)), &place, 0));
    if (!place) TRY(store_number(ctx->store, SQL_MAIL_WAITING, ARGS(I(to->id), I(ctx->now)), &waiting, 0));
    *room = waiting < CAP_MAIL_WAITING && bytes <= (place ? CAP_MAIL_CIRCLE + CAP_MAIL_CIRCLE : CAP_MAIL_CIRCLE);
    return ERR_OK;
}

enum err mail_send(struct ctx *ctx, const struct signal *from, const struct pulse *pulse, const struct mail_out *mail,
                   struct receipt *out) {
    struct signal to;
    bool found, room;
    *out = (struct receipt){.id = mail->id, .error = ERR_NOT_FOUND};
    TRY(signal_by_sig(ctx, from->circle, &mail->to, &to, &found));
    if (!found || to.id == from->id) return ERR_OK;
    out->error = ERR_MAILBOX_FULL;
    TRY(sender_room(ctx, from, &to, mail, &room));
    if (room) TRY(recipient_room(ctx, from, &to, pulse, mail, &room));
    if (!room) return ERR_OK;
    out->error = ERR_OK;
    TRY(store_run(ctx->store, SQL_OFFER_ANSWERED, ARGS(I(to.id), T(mail->re), I(from->id))));
    out->due_ms = signal_due(&to, ctx->now);
    int64_t keep = out->due_ms + SPAN_MAIL_AFTER_DUE;
    TRY(store_run(ctx->store, SQL_MAIL_ADD,
                  ARGS(I(to.id), B(from->sig.b, sizeof from->sig.b), T(mail->id), T(mail->re), T(mail->body),
                       I(ctx->now + (keep > SPAN_MAIL ? keep : SPAN_MAIL)))));
    if (store_changes(ctx->store, LIVE))
        TRY(store_run(ctx->store, SQL_PULSE_MAIL, ARGS(I(to.circle), I((int64_t)strlen(mail->body)))));
    return mail_box(ctx, &to, false);
}

enum err mail_read(struct ctx *ctx, const struct signal *s, int64_t after, struct mail_in **out, size_t *n, int64_t *last) {
    enum { BATCH = 16 };
    bool row;
    *out = NULL;
    *n = 0;
    *last = after;
    TRY(store_first(ctx->store, SQL_MAIL_READ, ARGS(I(s->id), I(after), I(ctx->now)), &row));
    if (row) *out = arena_alloc(ctx->arena, BATCH * sizeof **out);
    while (row && *n < BATCH) {
        struct mail_in *mail = &(*out)[(*n)++];
        mail->n = *last = store_int(ctx->store, SQL_MAIL_READ, 0);
        (void)store_bytes(ctx->store, SQL_MAIL_READ, 1, mail->from.b, sizeof mail->from.b);
        mail->re = store_copy(ctx->store, SQL_MAIL_READ, 2, ctx->arena);
        mail->body = store_copy(ctx->store, SQL_MAIL_READ, 3, ctx->arena);
        TRY(store_next(ctx->store, SQL_MAIL_READ, &row));
    }
    return ERR_OK;
}

json_t *mail_json(struct ctx *ctx, int64_t gen, const struct mail_in *mail, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:s}", "n", arena_text(ctx->arena, "%" PRId64 ".%" PRId64, gen, mail[i].n), "from",
                            hex_text(ctx->arena, mail[i].from.b, sizeof mail[i].from.b), "re", mail[i].re, "body", mail[i].body));
    return list;
}

enum err mail_box(struct ctx *ctx, struct signal *s, bool call) {
    const struct spool *spool;
    struct mail_in *mail;
    struct buf text = {.arena = ctx->arena};
    size_t n;
    int64_t last;
    if (!s->box.open) return ERR_OK;
    TRY(spool_get(ctx, &spool));
    if (!*spool->dir) return ERR_OK;
    s->box.v++;
    TRY(store_run(ctx->store, SQL_SIGNAL_BOX, ARGS(I(s->id), I(s->box.v))));
    TRY(mail_read(ctx, s, 0, &mail, &n, &last));
    jsn_dump(&text, json_pack("{s:i, s:I, s:b, s:o}", "polycircle", 1, "v", (json_int_t)s->box.v, "call", (int)call, "mail",
                              mail_json(ctx, store_gen(ctx->store), mail, n)));
    box_put(ctx, spool, &s->box, &text);
    return ERR_OK;
}

enum err mail_call_greeter(struct ctx *ctx, int64_t circle, int64_t except) {
    struct signal s;
    bool row;
    int64_t turn = randombytes_uniform(8); /* not always the same one */
    TRY(store_first(ctx->store, SQL_SIGNAL_CALL, ARGS(I(circle), I(ctx->now), I(except), I(turn)), &row));
    if (!row) return ERR_OK;
    signal_row(ctx, SQL_SIGNAL_CALL, &s);
    store_reset(ctx->store, SQL_SIGNAL_CALL);
    return mail_box(ctx, &s, true);
}

enum err mail_acknowledge(struct ctx *ctx, const struct signal *s, int64_t upto) {
    return store_run(ctx->store, SQL_MAIL_ACKNOWLEDGE, ARGS(I(s->id), I(upto)));
}

enum err mailbox_clear(struct ctx *ctx, const struct signal *s) {
    TRY(store_run(ctx->store, SQL_OFFER_CLEAR, ARGS(I(s->id))));
    TRY(store_run(ctx->store, SQL_OFFER_FORGET, ARGS(I(s->id))));
    return store_run(ctx->store, SQL_MAIL_CLEAR, ARGS(I(s->id)));
}

enum err mail_sweep(struct ctx *ctx, int64_t circle, struct pulse *pulse) {
    TRY(store_run(ctx->store, SQL_MAIL_SWEEP, ARGS(I(ctx->now))));
    return store_changes(ctx->store, LIVE) ? pulse_get(ctx, circle, pulse) : ERR_OK;
}
