#include "domain/mailbox.h"
#include "domain/spool.h"

enum err offers_standing(struct ctx *ctx, const struct signal *s, int64_t *out) {
    return store_number(ctx->store, SQL_OFFER_COUNT, ARGS(I(s->id), I(ctx->now)), out, 0);
}

enum err offers_deposit(struct ctx *ctx, const struct signal *s, const struct offer *offers, size_t n) {
    TRY(store_run(ctx->store, SQL_OFFER_OLD, ARGS(I(s->id), I(ctx->now), I(CAP_OFFERS - (int64_t)n))));
    for (size_t i = 0; i < n; i++)
        TRY(store_run(ctx->store, SQL_OFFER_ADD, ARGS(I(s->id), T(offers[i].id), T(offers[i].sdp), I(ctx->now + SPAN_OFFER))));
    return ERR_OK;
}

enum err offers_clear(struct ctx *ctx, const struct signal *s) {
    return store_run(ctx->store, SQL_OFFER_CLEAR, ARGS(I(s->id)));
}

enum err offers_claim(struct ctx *ctx, const struct signal *s, enum sql from, size_t max, struct invitation *out, size_t *n) {
    bool row;
    int64_t offer[CAP_CLAIM], owner[CAP_CLAIM];
    *n = 0;
    TRY(store_find(ctx->store, from, ARGS(I(s->circle), I(ctx->now), I(s->id), I((int64_t)max)), &row));
    while (row && *n < max && *n < CAP_CLAIM) {
        struct invitation *i = &out[*n];
        offer[*n] = store_int(ctx->store, from, 0);
        owner[*n] = store_int(ctx->store, from, 3);
        i->offer = (struct offer){store_copy(ctx->store, from, 1, ctx->arena), store_copy(ctx->store, from, 2, ctx->arena)};
        (void)store_bytes(ctx->store, from, 4, i->sig.b, sizeof i->sig.b);
        i->near = store_int(ctx->store, from, 5) == s->bucket;
        /* a newcomer may not have seen the manifest yet */
        i->have =
            s->version == 0 || store_int(ctx->store, from, 6) == s->version ? store_copy(ctx->store, from, 7, ctx->arena) : "";
        ++*n;
        TRY(store_next(ctx->store, from, &row));
    }
    store_reset(ctx->store, from);
    for (size_t i = 0; i < *n; i++) {
        TRY(store_run(ctx->store, SQL_OFFER_TAKE, ARGS(I(offer[i]))));
        if (from == SQL_OFFER_NEEDY) TRY(store_run(ctx->store, SQL_SIGNAL_UNNEED, ARGS(I(owner[i]))));
    }
    return ERR_OK;
}

enum err mail_send(struct ctx *ctx, const struct signal *from, const struct mail_out *mail, struct receipt *out) {
    struct signal to;
    int64_t waiting;
    bool found;
    *out = (struct receipt){.id = mail->id};
    TRY(signal_by_sig(ctx, from->circle, &mail->to, &to, &found));
    if (!found || to.id == from->id) {
        out->error = ERR_NOT_FOUND;
        return ERR_OK;
    }
    TRY(store_number(ctx->store, SQL_MAIL_WAITING, ARGS(I(to.id), I(ctx->now), B(from->sig.b, sizeof from->sig.b), T(mail->id)),
                     &waiting, 0));
    if (waiting >= CAP_MAIL_WAITING) {
        out->error = ERR_MAILBOX_FULL;
        return ERR_OK;
    }
    out->due_ms = signal_due(&to, ctx->now);
    int64_t keep = out->due_ms + SPAN_MAIL_AFTER_DUE;
    TRY(store_run(ctx->store, SQL_MAIL_ADD,
                  ARGS(I(to.id), B(from->sig.b, sizeof from->sig.b), T(mail->id), T(mail->re), T(mail->body),
                       I(ctx->now + (keep > SPAN_MAIL ? keep : SPAN_MAIL)))));
    return spool_box_write(ctx, &to, false);
}

enum err mail_read(struct ctx *ctx, const struct signal *s, int64_t after, struct mail_in **out, size_t *n, int64_t *last) {
    enum { BATCH = 16 };
    bool row;
    *n = 0;
    *last = after;
    TRY(store_find(ctx->store, SQL_MAIL_READ, ARGS(I(s->id), I(after), I(ctx->now)), &row));
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

enum err mail_acknowledge(struct ctx *ctx, const struct signal *s, int64_t upto) {
    return store_run(ctx->store, SQL_MAIL_ACKNOWLEDGE, ARGS(I(s->id), I(upto)));
}

enum err mailbox_clear(struct ctx *ctx, const struct signal *s) {
    TRY(offers_clear(ctx, s));
    return store_run(ctx->store, SQL_MAIL_CLEAR, ARGS(I(s->id)));
}

enum err mail_sweep(struct ctx *ctx) {
    return store_run(ctx->store, SQL_MAIL_SWEEP, ARGS(I(ctx->now)));
}
