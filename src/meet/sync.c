#include "meet/sync.h"
#include "circle/tally.h"
#include "content/manifest.h"
#include "meet/word.h"

static bool writes(const struct sync *in) {
    return in->key || in->shares || in->n_offers || in->n_mail || in->n_gone || in->leave || in->box_v;
}

/* The signal of this request, if it is still this run's. */
static enum err current(struct ctx *ctx, const struct sync *in, struct synced *out) {
    TRY(signal_by_token(ctx, &in->token, &out->signal, &out->pulse));
    return out->signal.run == in->run && signal_alive(&out->signal, ctx->now) ? ERR_OK : ERR_REJOIN;
}

/* The mail that it has; NULL: none. */
static const struct cursor *acknowledged(struct ctx *ctx, const struct sync *in) {
    return in->cursor.gen == store_gen(ctx->store) ? &in->cursor : NULL;
}

static enum err tell_box(struct ctx *ctx, struct synced *out) {
    const struct spool *spool;
    if (!out->signal.box.open) return ERR_OK;
    TRY(spool_get(ctx, &spool));
    if (!*spool->dir) return ERR_OK; /* switched off meanwhile: its mail is read here until the lease is renewed */
    int64_t half = out->signal.expires - SPAN_BOX_LEASE / 2 - ctx->now; /* of its lease is over then */
    out->box = box_url(ctx, spool, &out->signal.box);
    out->poll_ms = out->signal.interval;
    out->due_ms = half < SPAN_ACTIVE_MIN ? SPAN_ACTIVE_MIN : half;
    return ERR_OK;
}

/* What every answer ends with. */
static enum err finish(struct ctx *ctx, const struct sync *in, struct synced *out) {
    struct mail_read mail;
    TRY(mail_read(ctx, &out->signal, acknowledged(ctx, in), &mail));
    out->mail = mail.all;
    out->n_mail = mail.n;
    out->cursor = mail.last;
    out->due_ms = signal_due(&out->signal, ctx->now);
    TRY(tell_box(ctx, out));
    if (out->box && mail.more) out->due_ms = out->poll_ms; /* no edition of its box will say so */
    if (out->signal.role == GREETER) TRY(offers_standing(ctx, &out->signal, &out->standing));
    return ERR_OK;
}

/* It says something new of what it can do. */
static bool turns(const struct sync *in, const struct signal *s) {
    return (in->greet >= 0 && in->greet != s->greet) || (in->box >= 0 && in->box != s->boxes);
}

/* It greets, and another one waits for that. */
static bool wanted(const struct synced *out) {
    return out->signal.role == GREETER && out->pulse.needy > (out->signal.needy == NEEDY);
}

/* It has a new lease, though it neither joins nor ceases to need somebody. */
static bool renews(const struct ctx *ctx, const struct sync *in, const struct synced *out) {
    const struct signal *s = &out->signal;
    return in->shares || turns(in, s) || signal_stale(s, ctx->now) || signal_late(s, &out->pulse, ctx->now);
}

/* A poll with nothing new writes nothing. *done: this was one. */
static enum err poll(struct ctx *ctx, const struct sync *in, struct synced *out, bool *done) {
    TRY(store_begin(ctx->store, LIVE, false));
    TRY(current(ctx, in, out));
    *done = !wanted(out) && !renews(ctx, in, out);
    if (*done) TRY(finish(ctx, in, out));
    return store_commit(ctx->store, LIVE);
}

static enum err step(struct ctx *ctx, struct synced *out, enum need_event event) {
    struct signal *s = &out->signal;
    const struct need_row *row = need_row(s->needy, event);
    s->needy = row->next;
    return row->action == CALL_GREETER ? mail_call_greeter(ctx, s->circle, s->id, &out->boxes) : ERR_OK;
}

/* A new run of its page: as one that joins for the first time. */
static enum err reload(struct ctx *ctx, struct synced *out, int64_t run) {
    struct signal *s = &out->signal;
    TRY(mailbox_clear(ctx, s));
    s->run = run;
    s->role = PEER;
    s->since = ctx->now;
    s->resigned = false;
    return step(ctx, out, EVENT_RELOADED);
}

/* Finds or makes the signal of a join. */
static enum err enter(struct ctx *ctx, const struct sync *in, struct synced *out) {
    enum err e = signal_by_token(ctx, &in->token, &out->signal, &out->pulse);
    if (e == ERR_REJOIN) {
        TRY(signal_add(ctx, &out->circle, &in->token, in->run, in->address));
        return signal_by_token(ctx, &in->token, &out->signal, &out->pulse);
    }
    TRY(e);
    if (out->signal.circle != out->circle.id)
        return fault_set(&ctx->fault, ERR_BAD_FIELD, "This token is a signal of another circle: make a new one.");
    if (!in->leave) TRY(signal_here(ctx, &out->signal, in->address));
    if (out->signal.run != in->run) TRY(reload(ctx, out, in->run));
    out->pulse.joined = ctx->now;
    return store_run(ctx->store, SQL_PULSE_JOINED, ARGS(I(out->circle.id), I(ctx->now)));
}

/* Not whoever stands in the roster: only whom this one has tried to reach. */
static enum err suspects(struct ctx *ctx, const struct sync *in, const struct signal *me) {
    for (size_t i = 0; i < in->n_gone; i++) {
        struct signal gone;
        bool found;
        TRY(signal_by_sig(ctx, me->circle, &in->gone[i], &gone, &found));
        if (!found)
            TRY(word_dead_ended(ctx, me, &in->gone[i]));
        else if (gone.id != me->id)
            TRY(word_dead(ctx, me, &gone));
    }
    return ERR_OK;
}

static enum err post(struct ctx *ctx, const struct sync *in, struct synced *out) {
    if (!in->n_mail) return ERR_OK;
    TRY(mail_sweep(ctx, &out->signal, &out->pulse));
    const struct mail_from from = {&out->signal, &out->pulse, &out->boxes};
    for (size_t i = 0; i < in->n_mail; i++) TRY(mail_send(ctx, &from, &in->mail[i], &out->sent[out->n_sent++]));
    return ERR_OK;
}

static enum err acknowledge(struct ctx *ctx, const struct sync *in, struct synced *out) {
    const struct cursor *has = acknowledged(ctx, in);
    if (!has || !(has->n[ANSWER] || has->n[NEIGHBOUR] || has->n[STRANGER])) return ERR_OK;
    TRY(mail_acknowledge(ctx, &out->signal, has));
    if (store_changes(ctx->store, LIVE)) boxes_want(&out->boxes, &out->signal, false);
    return ERR_OK;
}

static const char *indices(struct ctx *ctx, const struct sync *in) {
    struct buf b = {.arena = ctx->arena};
    for (size_t i = 0; i < in->n_have; i++) buf_format(&b, "%s%" PRId64, i ? "," : "", in->have[i].index);
    return b.len ? b.data : "";
}

/* What signal_late() allows, once. */
static enum err claim_late(struct ctx *ctx, struct synced *out) {
    TRY(offers_claim(ctx, &out->signal, 1, out->peers, &out->n_peers));
    if (!out->n_peers) return ERR_OK;
    out->signal.resigned = false;
    return signal_renew(ctx, &out->signal, &out->pulse, false);
}

/* Claims: a newcomer from greeters; a greeter from those that found none. */
static enum err claim(struct ctx *ctx, const struct sync *in, struct synced *out) {
    struct signal *s = &out->signal;
    if (in->key) return offers_join(ctx, s, out->peers, &out->n_peers);
    if (wanted(out)) {
        TRY(offers_help(ctx, s, out->peers, &out->n_peers));
        return out->n_peers ? ERR_OK : signal_sweep(ctx); /* it has left without a word: stop looking for it */
    }
    return signal_late(s, &out->pulse, ctx->now) ? claim_late(ctx, out) : ERR_OK;
}

/* A join has an offer of one who is not suspected, or is alone. */
static bool given(const struct synced *out) {
    for (size_t i = 0; i < out->n_peers; i++)
        if (!out->peers[i].suspect) return true;
    return out->pulse.n <= 1;
}

/* What the request says, besides that it joins. */
static enum err said(struct ctx *ctx, const struct sync *in, const struct signal *s, enum need_event *out) {
    static const enum need_event events[2][2] = {{EVENT_OTHER, EVENT_ANSWERS}, {EVENT_OFFERS, EVENT_BOTH}};
    int64_t standing = 0;
    *out = events[in->n_offers > 0][in->n_mail > 0 && !in->key]; /* a join asks anew, whatever it still answers */
    if (*out != EVENT_OTHER || in->key || !signal_stale(s, ctx->now)) return ERR_OK;
    TRY(offers_standing(ctx, s, &standing));
    if (!standing) *out = EVENT_LAPSED;
    return ERR_OK;
}

static enum err need(struct ctx *ctx, const struct sync *in, struct synced *out) {
    enum need_event event;
    if (in->key) TRY(step(ctx, out, given(out) ? EVENT_GIVEN : EVENT_MISSED));
    TRY(said(ctx, in, &out->signal, &event));
    return step(ctx, out, event);
}

static enum err can_read(struct ctx *ctx, const struct sync *in, bool *out) {
    const struct spool *spool;
    TRY(spool_get(ctx, &spool));
    *out = spool_serves(ctx, spool, in->origin);
    return ERR_OK;
}

/* Decides anew what it is, when something has changed or half of its lease is over. */
static enum err renew(struct ctx *ctx, const struct sync *in, struct synced *out) {
    struct signal *s = &out->signal;
    enum need before = s->needy;
    bool turned = turns(in, s), readable = false;
    if (in->greet >= 0) s->greet = in->greet;
    if (in->box >= 0) s->boxes = in->box;
    TRY(need(ctx, in, out));
    if (s->needy == before && !turned && !in->key && !in->shares && !signal_stale(s, ctx->now)) return ERR_OK;
    if (s->boxes) TRY(can_read(ctx, in, &readable));
    boxes_want(&out->boxes, s, false); /* a lease has a box of its own */
    return signal_renew(ctx, s, &out->pulse, readable);
}

static enum err deposit(struct ctx *ctx, const struct sync *in, const struct signal *s) {
    if (s->role == PEER) return offers_withdraw(ctx, s);
    return in->n_offers ? offers_deposit(ctx, s, in->offers, in->n_offers) : ERR_OK;
}

/* Media ids for what a join announces with the current version, since it alone is told: in->have and in->want -> out->mids. */
static enum err mids(struct ctx *ctx, const struct sync *in, struct synced *out) {
    int64_t version, *indices;
    size_t n = 0;
    if (!in->key || !in->shares) return ERR_OK;
    TRY(manifest_version(ctx, out->signal.circle, &version));
    if (version != in->version || version == 0) return ERR_OK;
    indices = arena_alloc(ctx->arena, (in->n_have + in->n_want + 1) * sizeof *indices);
    for (size_t i = 0; i < in->n_have; i++) indices[n++] = in->have[i].index;
    for (size_t i = 0; i < in->n_want; i++) indices[n++] = in->want[i];
    return mids_name(ctx, &out->signal, indices, n, &out->mids, &out->n_mids);
}

static enum err leave(struct ctx *ctx, struct synced *out) {
    out->left = true;
    box_close(ctx, &out->signal.box);
    TRY(store_run(ctx->store, SQL_SIGNAL_DELETE, ARGS(I(out->signal.id))));
    return signal_sweep_rows(ctx);
}

static enum err act(struct ctx *ctx, const struct sync *in, struct synced *out) {
    struct signal *s = &out->signal;
    TRY(in->key ? enter(ctx, in, out) : current(ctx, in, out));
    if (in->leave) return leave(ctx, out);
    if (!in->key && (s->needy != CONTENT || renews(ctx, in, out))) TRY(signal_here(ctx, s, in->address));
    if (in->shares) {
        s->version = in->version;
        s->have = indices(ctx, in);
    }
    TRY(suspects(ctx, in, s));
    TRY(post(ctx, in, out));
    TRY(acknowledge(ctx, in, out)); /* not before: who answers a mail is a neighbour of its sender */
    TRY(claim(ctx, in, out));
    TRY(renew(ctx, in, out));
    TRY(deposit(ctx, in, s));
    TRY(mids(ctx, in, out));
    bool read = in->box_v && in->box_v == s->box.v;
    if (read || out->n_peers) boxes_want(&out->boxes, s, false); /* another edition, once; it was called for them */
    TRY(boxes_write(ctx, &out->boxes));
    return finish(ctx, in, out);
}

enum err sync_run(struct ctx *ctx, const struct sync *in, struct synced *out) {
    bool done = false, fold = false;
    *out = (struct synced){0};
    if (!writes(in)) TRY(poll(ctx, in, out, &done));
    if (done) return ERR_OK;
    if (in->key) {
        TRY(circle_by_key(ctx, in->key, &out->circle));
        TRY(circle_origin(ctx, &out->circle, in->origin));
        TRY(manifest_version(ctx, out->circle.id, &out->version));
    }
    TRY(store_begin(ctx->store, LIVE, true));
    enum err e = act(ctx, in, out);
    if (e == ERR_CIRCLE_FULL || e == ERR_TOO_MANY) TRY(store_commit(ctx->store, LIVE)); /* what was swept stays so */
    TRY(e);
    ctx->touched = out->signal.circle;
    if (in->key) TRY(tally_due(ctx, &fold));
    TRY(store_commit(ctx->store, LIVE));
    return fold ? tally_fold(ctx) : ERR_OK;
}
