#include "meet/mailbox.h"
#include "meet/word.h"
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
    i->offer = (struct offer){store_copy(ctx->store, id, 1, ctx->arena), store_copy(ctx->store, id, 2, ctx->arena)};
    (void)store_bytes(ctx->store, id, 3, i->sig.b, sizeof i->sig.b);
    i->near = store_int(ctx->store, id, 4) == s->bucket;
    /* a newcomer may not have seen the manifest yet */
    i->have = s->version == 0 || store_int(ctx->store, id, 5) == s->version ? store_copy(ctx->store, id, 6, ctx->arena) : "";
    i->suspect = store_int(ctx->store, id, 7);
}

/* 1: its networks have had their share of late, and leave each greeter its last offer: that is for others. */
static enum err share_taken(struct ctx *ctx, const struct signal *s, int64_t *taken) {
    int64_t most[NETS];
    net_shares(s->widest != 0, most);
    return store_number(ctx->store, SQL_OFFER_SHARE,
                        ARGS(I(s->bucket), I(ctx->now), I(s->wider), I(most[0]), I(s->widest), I(most[1]), I(most[2])), taken, 0);
}

/* Of a statement that gives no more than out has room for; what: its last argument. */
static enum err invitations(struct ctx *ctx, const struct signal *s, enum sql from, int64_t what, struct invitation *out,
                            size_t *n) {
    bool row;
    *n = 0;
    TRY(store_first(ctx->store, from, ARGS(I(s->circle), I(ctx->now), I(s->id), I(what)), &row));
    while (row) {
        invitation_row(ctx, from, s, &out[(*n)++]);
        TRY(store_next(ctx->store, from, &row));
    }
    store_reset(ctx->store, from);
    return ERR_OK;
}

/* A greeter that has an offer to give. */
struct candidate {
    int64_t id;
    int64_t suspect; /* named dead, or its network by that of the one who asks: choose() */
    int64_t doubt;
    int64_t due; /* milliseconds until its next poll, if the clock was not set back */
    int64_t whole; /* the widest of its networks */
    int64_t asked; /* how many of that network were chosen before it */
};
enum { CANDIDATES = 24 };

static struct candidate candidate_row(struct ctx *ctx, enum sql id) {
    struct store *s = ctx->store;
    int64_t interval = store_int(s, id, 2), since = store_int(s, id, 3);
    return (struct candidate){.id = store_int(s, id, 0),
                              .suspect = store_int(s, id, 1),
                              .due = interval > 0 ? interval + (since - ctx->now) % interval : 0,
                              .doubt = store_int(s, id, 4),
                              .whole = store_int(s, id, 5)};
}

static enum err candidates(struct ctx *ctx, const struct signal *s, struct candidate *out, size_t *n) {
    const enum sql id = SQL_OFFER_GREETERS;
    bool row;
    int64_t leave;
    TRY(share_taken(ctx, s, &leave));
    TRY(store_first(ctx->store, id, ARGS(I(s->circle), I(ctx->now), I(s->id), I(leave), I(CANDIDATES)), &row));
    for (*n = 0; row && *n < CANDIDATES; (*n)++) {
        out[*n] = candidate_row(ctx, id);
        TRY(store_next(ctx->store, id, &row));
    }
    store_reset(ctx->store, id);
    return ERR_OK;
}

static bool before(const struct candidate *a, const struct candidate *b) {
    if (a->asked != b->asked)
        return a->asked < b->asked; /* first of all: no word of others sends a newcomer to one network alone */
    if (a->suspect != b->suspect) return a->suspect < b->suspect;
    return a->doubt != b->doubt ? a->doubt < b->doubt : a->due < b->due;
}

/* Of n > 0. */
static size_t best(const struct candidate *of, size_t n) {
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (before(&of[i], &of[best])) best = i;
    return best;
}

/* Takes the best out of n > 0. One whose network that of s has named dead goes behind the others, as soon as it would be chosen. */
static enum err choose(struct ctx *ctx, const struct signal *s, struct candidate *of, size_t n, struct candidate *chosen) {
    size_t which = best(of, n);
    while (!of[which].suspect) {
        TRY(word_said(ctx, s, of[which].whole, &of[which].suspect));
        if (!of[which].suspect) break;
        which = best(of, n);
    }
    *chosen = of[which];
    of[which] = of[n - 1];
    for (size_t i = 0; i + 1 < n; i++) of[i].asked += of[i].whole == chosen->whole;
    return ERR_OK;
}

/* One of each: of a network a second only when all others have given one, of those that are doubted less, or due sooner. */
static enum err from_greeters(struct ctx *ctx, const struct signal *s, size_t max, struct invitation *out, size_t *n) {
    struct candidate of[CANDIDATES], chosen;
    size_t left;
    bool row;
    *n = 0;
    TRY(candidates(ctx, s, of, &left));
    for (; left && *n < max; left--) {
        TRY(choose(ctx, s, of, left, &chosen));
        TRY(store_first(ctx->store, SQL_OFFER_OF, ARGS(I(chosen.id), I(ctx->now)), &row));
        invitation_row(ctx, SQL_OFFER_OF, s, &out[*n]);
        out[(*n)++].suspect = chosen.suspect;
        store_reset(ctx->store, SQL_OFFER_OF);
    }
    return ERR_OK;
}

enum err offers_claim(struct ctx *ctx, const struct signal *s, size_t max, struct invitation *out, size_t *n) {
    TRY(from_greeters(ctx, s, max < CAP_CLAIM ? max : CAP_CLAIM, out, n));
    for (size_t i = 0; i < *n; i++)
        TRY(store_run(ctx->store, SQL_OFFER_TAKE, ARGS(I(out[i].n), I(s->id), I(s->bucket), I(s->wider), I(s->widest), I(0))));
    return ERR_OK;
}

enum err offers_help(struct ctx *ctx, const struct signal *s, struct invitation *out, size_t *n) {
    TRY(invitations(ctx, s, SQL_OFFER_NEEDY, signal_net(s), out, n));
    return *n ? store_run(ctx->store, SQL_OFFER_TAKE, ARGS(I(out->n), I(s->id), I(0), I(0), I(0), I(signal_net(s)))) : ERR_OK;
}

enum err offers_join(struct ctx *ctx, const struct signal *s, struct invitation *out, size_t *n) {
    TRY(invitations(ctx, s, SQL_OFFER_AGAIN, CAP_CLAIM, out, n));
    return *n ? ERR_OK : offers_claim(ctx, s, CAP_CLAIM, out, n);
}

/* A mail on its way. */
struct post {
    const struct signal *from, *to;
    const struct mail_out *mail;
    int64_t bytes;
    enum mail_rank rank;
    bool waits; /* already: sent once more */
    int64_t ahead; /* read before it, but for answers */
};

static enum err place(struct ctx *ctx, struct post *p) {
    const enum sql id = SQL_MAIL_PLACE;
    bool row;
    TRY(store_first(ctx->store, id,
                    ARGS(I(p->to->id), I(ctx->now), I(p->from->id), B(p->from->sig.b, sizeof p->from->sig.b), T(p->mail->id),
                         B(p->to->sig.b, sizeof p->to->sig.b), I(p->bytes <= CAP_ANSWER), T(p->mail->re)),
                    &row));
    p->waits = row && store_text(ctx->store, id, 0)[0];
    p->rank = row ? (enum mail_rank)store_int(ctx->store, id, p->waits ? 0 : 1) : STRANGER;
    store_reset(ctx->store, id);
    return ERR_OK;
}

/* Has its sender room for it? */
static enum err sender_room(struct ctx *ctx, const struct post *p, bool *room) {
    const enum sql id = SQL_MAIL_SENT;
    TRY(store_first(ctx->store, id, ARGS(B(p->from->sig.b, sizeof p->from->sig.b), I(ctx->now)), room));
    *room = *room && store_int(ctx->store, id, 0) < CAP_MAIL_SENT && store_int(ctx->store, id, 1) + p->bytes <= CAP_MAIL_SENDER;
    store_reset(ctx->store, id);
    return ERR_OK;
}

/* Has its recipient? An answer always has its place there: these are few, and whoever fills a greeter's mailbox must not keep
 * newcomers out. A network that sends much is in its own way. */
static enum err recipient_room(struct ctx *ctx, struct post *p, bool *room) {
    static const int64_t most[] = {CAP_MAIL_WAITING, CAP_MAIL_NET, CAP_MAIL_WIDER, CAP_MAIL_WIDEST};
    const enum sql id = SQL_MAIL_WAITING;
    const struct signal *from = p->from;
    *room = true;
    if (p->rank == ANSWER) return ERR_OK;
    TRY(store_first(ctx->store, id, ARGS(I(p->to->id), I(ctx->now), I(p->rank), I(from->bucket), I(from->wider), I(from->widest)),
                    room));
    p->ahead = store_int(ctx->store, id, 0);
    for (int i = 0; i < 4; i++) *room = *room && store_int(ctx->store, id, 1 + i) < most[i];
    store_reset(ctx->store, id);
    return ERR_OK;
}

/* Has the circle, and its sender's network in it? */
static enum err circle_room(struct ctx *ctx, const struct post *p, const struct pulse *pulse, bool *room) {
    const int64_t most = p->rank == ANSWER ? CAP_MAIL_CIRCLE + CAP_MAIL_CIRCLE : CAP_MAIL_CIRCLE;
    int64_t net;
    TRY(store_number(ctx->store, SQL_NET_MAIL, ARGS(I(p->to->circle), I(signal_net(p->from))), &net, 0));
    *room = pulse->mail + p->bytes <= most && net + p->bytes <= most / MAIL_SHARE;
    return ERR_OK;
}

/* What waits already is not refused when it is sent again. */
static enum err has_room(struct ctx *ctx, struct post *p, const struct pulse *pulse, bool *room) {
    TRY(recipient_room(ctx, p, room));
    if (!p->waits && *room) TRY(circle_room(ctx, p, pulse, room));
    if (!p->waits && *room) TRY(sender_room(ctx, p, room));
    *room = *room || p->waits;
    return ERR_OK;
}

static int64_t read_in(struct ctx *ctx, const struct post *p) {
    return signal_due(p->to, ctx->now) + p->ahead / CAP_MAIL_OTHERS * signal_period(p->to);
}

/* How long it waits to be read. What an answer is for is given up when its offer has expired. */
static int64_t keep(const struct post *p, int64_t due) {
    int64_t ms = due + SPAN_MAIL_AFTER_DUE;
    if (p->rank == ANSWER && ms > SPAN_OFFER) ms = SPAN_OFFER;
    return ms > SPAN_MAIL ? ms : SPAN_MAIL;
}

static enum err add(struct ctx *ctx, const struct post *p, int64_t due) {
    const struct signal *from = p->from;
    if (p->rank != STRANGER) TRY(store_run(ctx->store, SQL_OFFER_ANSWERED, ARGS(I(p->to->id), T(p->mail->re), I(from->id))));
    if (p->rank == ANSWER && p->to->needy != CONTENT) TRY(signal_reached(ctx, p->to));
    return store_run(ctx->store, SQL_MAIL_ADD,
                     ARGS(I(p->to->circle), I(p->to->id), B(from->sig.b, sizeof from->sig.b), T(p->mail->id), T(p->mail->re),
                          T(p->mail->body), I(ctx->now + keep(p, due)), I(p->rank), I(from->bucket), I(from->wider),
                          I(from->widest)));
}

enum err mail_send(struct ctx *ctx, const struct mail_from *from, const struct mail_out *mail, struct receipt *out) {
    struct signal *to = arena_alloc(ctx->arena, sizeof *to);
    struct post p = {.from = from->signal, .to = to, .mail = mail, .bytes = (int64_t)strlen(mail->body)};
    bool found, room;
    *out = (struct receipt){.id = mail->id, .error = ERR_NOT_FOUND};
    TRY(signal_by_sig(ctx, from->signal->circle, &mail->to, to, &found));
    if (!found || to->id == from->signal->id) return ERR_OK;
    TRY(place(ctx, &p));
    TRY(has_room(ctx, &p, from->pulse, &room));
    out->error = room ? ERR_OK : ERR_MAILBOX_FULL;
    if (!room) return ERR_OK;
    out->due_ms = read_in(ctx, &p);
    if (p.waits) return ERR_OK;
    boxes_want(from->boxes, to, false);
    return add(ctx, &p, out->due_ms);
}

static void mail_row(struct ctx *ctx, struct cursor *at, struct mail_in *out) {
    const enum sql id = SQL_MAIL_READ;
    at->n[store_int(ctx->store, id, 4)] = store_int(ctx->store, id, 0);
    *out = (struct mail_in){
        .at = *at, .re = store_copy(ctx->store, id, 2, ctx->arena), .body = store_copy(ctx->store, id, 3, ctx->arena)};
    (void)store_bytes(ctx->store, id, 1, out->from.b, sizeof out->from.b);
}

enum err mail_read(struct ctx *ctx, const struct signal *s, const struct cursor *after, struct mail_read *out) {
    const enum sql id = SQL_MAIL_READ;
    int others = 0;
    *out = (struct mail_read){.last = after ? *after : (struct cursor){0}};
    struct cursor *at = &out->last;
    at->gen = store_gen(ctx->store);
    TRY(store_first(ctx->store, id,
                    ARGS(I(s->id), I(ctx->now), I(at->n[ANSWER]), I(at->n[NEIGHBOUR]), I(at->n[STRANGER]), I(CAP_MAIL_READ + 1)),
                    &out->more));
    if (out->more) out->all = arena_alloc(ctx->arena, CAP_MAIL_READ * sizeof *out->all);
    while (out->more && out->n < CAP_MAIL_READ && (store_int(ctx->store, id, 4) == ANSWER || others++ < CAP_MAIL_OTHERS)) {
        mail_row(ctx, at, &out->all[out->n++]);
        TRY(store_next(ctx->store, id, &out->more));
    }
    store_reset(ctx->store, id);
    return ERR_OK;
}

const char *cursor_text(struct arena *a, const struct cursor *c) {
    return arena_text(a, "%" PRId64 ".%" PRId64 ".%" PRId64 ".%" PRId64, c->gen, c->n[ANSWER], c->n[NEIGHBOUR], c->n[STRANGER]);
}

static json_t *mail_item(struct ctx *ctx, const struct mail_in *mail) {
    return json_pack("{s:s, s:s, s:s, s:s}", "n", cursor_text(ctx->arena, &mail->at), "from",
                     hex_text(ctx->arena, mail->from.b, sizeof mail->from.b), "re", mail->re, "body", mail->body);
}

json_t *mail_json(struct ctx *ctx, const struct mail_in *mail, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) (void)json_array_append_new(list, mail_item(ctx, &mail[i]));
    return list;
}

/* The first of it, in CAP_BOX bytes. *all: that is all. */
static const char *box_mail(struct ctx *ctx, const struct mail_read *mail, bool *all) {
    struct buf list = {.arena = ctx->arena};
    buf_text(&list, "");
    *all = !mail->more;
    for (size_t i = 0; i < mail->n && *all; i++) {
        struct buf one = {.arena = ctx->arena};
        json_t *item = mail_item(ctx, &mail->all[i]);
        jsn_dump(&one, item);
        json_decref(item);
        *all = list.len + one.len < CAP_BOX;
        if (*all) buf_format(&list, "%s%s", i ? "," : "", one.data);
    }
    return list.data;
}

/* The next edition. */
static enum err box_write(struct ctx *ctx, const struct spool *spool, struct signal *s, bool call) {
    struct mail_read mail;
    struct buf text = {.arena = ctx->arena};
    bool all;
    s->box.v++;
    TRY(store_run(ctx->store, SQL_SIGNAL_BOX, ARGS(I(s->id), I(s->box.v))));
    TRY(mail_read(ctx, s, NULL, &mail));
    const char *list = box_mail(ctx, &mail, &all);
    buf_format(&text, "{\"polycircle\":1,\"v\":%" PRId64 ",\"call\":%s,\"mail\":[%s]}", s->box.v, call || !all ? "true" : "false",
               list);
    box_put(ctx, spool, &s->box, &text);
    return ERR_OK;
}

void boxes_want(struct boxes *boxes, struct signal *s, bool call) {
    size_t i = 0;
    while (i < boxes->n && boxes->all[i].of->id != s->id) i++;
    if (i == sizeof boxes->all / sizeof *boxes->all) return; /* there are no more than these */
    if (i == boxes->n) boxes->all[boxes->n++].of = s;
    boxes->all[i].call |= call;
}

enum err boxes_write(struct ctx *ctx, struct boxes *boxes) {
    const struct spool *spool;
    for (size_t i = 0; i < boxes->n; i++) {
        if (!boxes->all[i].of->box.open) continue;
        TRY(spool_get(ctx, &spool));
        if (*spool->dir) TRY(box_write(ctx, spool, boxes->all[i].of, boxes->all[i].call));
    }
    return ERR_OK;
}

enum err mail_call_greeter(struct ctx *ctx, int64_t circle, int64_t except, struct boxes *boxes) {
    struct signal *s = arena_alloc(ctx->arena, sizeof *s);
    bool row;
    int64_t turn = randombytes_uniform(8); /* not always the same one */
    TRY(store_first(ctx->store, SQL_SIGNAL_CALL, ARGS(I(circle), I(ctx->now), I(except), I(turn)), &row));
    if (!row) return ERR_OK;
    signal_row(ctx, SQL_SIGNAL_CALL, s);
    store_reset(ctx->store, SQL_SIGNAL_CALL);
    boxes_want(boxes, s, true);
    return ERR_OK;
}

enum err mail_acknowledge(struct ctx *ctx, const struct signal *s, const struct cursor *upto) {
    return store_run(ctx->store, SQL_MAIL_ACKNOWLEDGE,
                     ARGS(I(s->id), I(upto->n[ANSWER]), I(upto->n[NEIGHBOUR]), I(upto->n[STRANGER])));
}

enum err mailbox_clear(struct ctx *ctx, const struct signal *s) {
    TRY(offers_withdraw(ctx, s));
    TRY(store_run(ctx->store, SQL_OFFER_FORGET, ARGS(I(s->id))));
    return store_run(ctx->store, SQL_MAIL_CLEAR, ARGS(I(s->id)));
}

enum err mail_sweep(struct ctx *ctx, const struct signal *s, struct pulse *pulse) {
    TRY(store_run(ctx->store, SQL_MAIL_SWEEP, ARGS(I(ctx->now), B(s->sig.b, sizeof s->sig.b))));
    return store_changes(ctx->store, LIVE) ? pulse_get(ctx, s->circle, pulse) : ERR_OK;
}
