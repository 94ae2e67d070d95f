#include "meet/signal.h"
#include <sodium.h>

struct token token_make(const uint8_t raw[static 32]) {
    struct token token;
    (void)crypto_generichash(token.hash, sizeof token.hash, raw, 32, NULL, 0);
    return token;
}

void signal_row(struct ctx *ctx, enum sql id, struct signal *out) {
    struct store *s = ctx->store;
    *out = (struct signal){
        .id = store_int(s, id, 0),
        .circle = store_int(s, id, 1),
        .run = store_int(s, id, 3),
        .role = (enum role)store_int(s, id, 4),
        .greet = store_int(s, id, 5),
        .suspect = store_int(s, id, 6),
        .needy = (enum need)store_int(s, id, 7),
        .bucket = store_int(s, id, 8),
        .since = store_int(s, id, 9),
        .interval = store_int(s, id, 10),
        .expires = store_int(s, id, 11),
        .version = store_int(s, id, 12),
        .have = store_copy(s, id, 13, ctx->arena),
        .boxes = store_int(s, id, 14),
        .box.v = store_int(s, id, 16),
        .wider = store_int(s, id, 17),
        .widest = store_int(s, id, 18),
        .surplus = store_int(s, id, 19),
        .resigned = store_int(s, id, 20),
    };
    (void)store_bytes(s, id, 2, out->sig.b, sizeof out->sig.b);
    out->box.open = store_bytes(s, id, 15, out->box.name, sizeof out->box.name);
}

/* Reads the columns n, joined, needy, mail of a row, from the one numbered first on. */
static struct pulse pulse_row(struct ctx *ctx, enum sql id, int first) {
    struct store *s = ctx->store;
    return (struct pulse){.n = store_int(s, id, first),
                          .joined = store_int(s, id, first + 1),
                          .needy = store_int(s, id, first + 2),
                          .mail = store_int(s, id, first + 3)};
}

enum err signal_by_token(struct ctx *ctx, const struct token *token, struct signal *out, struct pulse *pulse) {
    const enum sql id = SQL_SIGNAL_BY_TOKEN;
    bool row;
    TRY(store_first(ctx->store, id, ARGS(B(token->hash, sizeof token->hash)), &row));
    if (!row) return ERR_REJOIN;
    signal_row(ctx, id, out);
    if (pulse) *pulse = pulse_row(ctx, id, 21);
    store_reset(ctx->store, id);
    return ERR_OK;
}

enum err signal_by_sig(struct ctx *ctx, int64_t circle, const struct sig *sig, struct signal *out, bool *found) {
    const enum sql id = SQL_SIGNAL_BY_SIG;
    TRY(store_first(ctx->store, id, ARGS(B(sig->b, sizeof sig->b)), found));
    if (!*found) return ERR_OK;
    signal_row(ctx, id, out);
    store_reset(ctx->store, id);
    *found = out->circle == circle && signal_alive(out, ctx->now);
    return ERR_OK;
}

/* Leases due later than this are of a clock that was ahead. */
static int64_t ahead(const struct ctx *ctx) {
    return ctx->now + SPAN_PEER_LEASE + SPAN_PEER_LEASE;
}

enum err pulse_get(struct ctx *ctx, int64_t circle, struct pulse *out) {
    bool row;
    *out = (struct pulse){0};
    TRY(store_first(ctx->store, SQL_PULSE_GET, ARGS(I(circle), I(ctx->now), I(ahead(ctx))), &row));
    if (!row) return ERR_OK;
    *out = pulse_row(ctx, SQL_PULSE_GET, 0);
    out->ended = store_int(ctx->store, SQL_PULSE_GET, 4);
    store_reset(ctx->store, SQL_PULSE_GET);
    return ERR_OK;
}

/* Today's and yesterday's. */
static enum err networks(struct ctx *ctx, const char *address, struct nets *today, struct nets *yesterday) {
    uint8_t key[32] = {0};
    bool row;
    TRY(store_first(ctx->store, SQL_INSTANCE_GET, ARGS(T("pepper")), &row));
    if (row) (void)store_bytes(ctx->store, SQL_INSTANCE_GET, 0, key, sizeof key);
    if (row) store_reset(ctx->store, SQL_INSTANCE_GET);
    *today = nets_of(address, key, ctx->now / SPAN_DAY);
    *yesterday = nets_of(address, key, ctx->now / SPAN_DAY - 1);
    sodium_memzero(key, sizeof key);
    return ERR_OK;
}

enum err signal_sweep(struct ctx *ctx) {
    TRY(store_run(ctx->store, SQL_WORD_SWEEP, ARGS(I(ctx->now), I(ctx->now + SPAN_WORD))));
    return store_run(ctx->store, SQL_SIGNAL_SWEEP, ARGS(I(CAP_SWEEP), I(ctx->now), I(ahead(ctx))));
}

/* Takes from *left what it has removed, and something for having looked. */
static enum err sweep_one(struct ctx *ctx, int64_t ended, int64_t *left) {
    static const enum sql rows[] = {SQL_ENDED_OFFERS, SQL_ENDED_MAIL};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        TRY(store_run(ctx->store, rows[i], ARGS(I(ended), I(*left))));
        *left -= store_changes(ctx->store, LIVE) + 1;
        if (*left <= 0) return ERR_OK; /* perhaps not all */
    }
    return store_run(ctx->store, SQL_ENDED_DROP, ARGS(I(ended)));
}

enum err signal_sweep_rows(struct ctx *ctx) {
    int64_t left = CAP_SWEEP_ROWS, ended = 1;
    while (left > 0 && ended) {
        TRY(store_number(ctx->store, SQL_ENDED_FIRST, ARGS(I(ctx->now)), &ended, 0));
        if (ended) TRY(sweep_one(ctx, ended, &left));
    }
    return ERR_OK;
}

/* How many of one network live. The count that is kept has those, too, whose leases have ended: these are looked for only where it
 * is too high. */
static enum err net_count(struct ctx *ctx, int64_t circle, int64_t today, int64_t yesterday, int64_t cap, int64_t *n) {
    int64_t ended;
    TRY(store_number(ctx->store, SQL_NET_COUNT, ARGS(I(circle), I(today), I(yesterday)), n, 0));
    if (*n < cap) return ERR_OK;
    TRY(store_number(ctx->store, SQL_NET_ENDED, ARGS(I(circle), I(ctx->now), I(ahead(ctx)), I(today), I(yesterday)), &ended, 0));
    *n -= ended;
    return ERR_OK;
}

/* Of what a network may have: all while a circle is half empty, then ever less, down to a sixtieth (8 for an address): who rents
 * few of them gets none full. */
static int64_t may_have(int64_t cap, int64_t n) {
    int64_t left = 2 * (CAP_SIGNALS - n), less = cap * left / CAP_SIGNALS * left / CAP_SIGNALS;
    return left >= CAP_SIGNALS ? cap : less > cap / 60 ? less : cap / 60;
}

/* For one that counts in the networks held (none: a new one) to count in today's. */
static enum err room(struct ctx *ctx, const struct pulse *pulse, int64_t circle, const struct nets *held, const struct nets *today,
                     const struct nets *yesterday) {
    if (!held->n && pulse->n >= CAP_SIGNALS) return ERR_CIRCLE_FULL;
    for (size_t i = 0; i < today->n && i < NETS; i++) {
        int64_t n, cap = may_have(today->cap[i], pulse->n);
        if (held->n && (held->id[i] == today->id[i] || held->id[i] == yesterday->id[i])) continue; /* it is among these */
        TRY(net_count(ctx, circle, today->id[i], yesterday->id[i], cap, &n));
        if (n >= cap) return ERR_TOO_MANY;
    }
    return ERR_OK;
}

static enum err count_in(struct ctx *ctx, int64_t circle, const struct nets *nets) {
    for (size_t i = 0; i < nets->n; i++) TRY(store_run(ctx->store, SQL_NET_ADD, ARGS(I(circle), I(nets->id[i]))));
    return ERR_OK;
}

static enum err count_out(struct ctx *ctx, int64_t circle, const struct nets *nets) {
    const int64_t *id = nets->id;
    TRY(store_run(ctx->store, SQL_NET_LEAVE, ARGS(I(circle), I(id[0]), I(id[1]), I(id[2]))));
    return store_run(ctx->store, SQL_NET_DROP, ARGS(I(circle), I(id[0]), I(id[1]), I(id[2])));
}

enum err signal_add(struct ctx *ctx, const struct circle *c, const struct token *token, int64_t run, const char *address) {
    static const struct nets none;
    struct nets today, yesterday;
    struct pulse pulse;
    TRY(networks(ctx, address, &today, &yesterday));
    TRY(signal_sweep(ctx));
    TRY(pulse_get(ctx, c->id, &pulse));
    if (pulse.ended) TRY(signal_sweep_rows(ctx));
    TRY(room(ctx, &pulse, c->id, &none, &today, &yesterday));
    struct sig sig = sig_make(address, &c->cid);
    TRY(store_run(ctx->store, SQL_SIGNAL_ADD,
                  ARGS(I(c->id), B(token->hash, sizeof token->hash), B(sig.b, sizeof sig.b), I(run), I(today.id[0]), I(ctx->now),
                       I(ctx->now + SPAN_PEER_LEASE), I(today.id[1]), I(today.id[2]))));
    TRY(store_run(ctx->store, SQL_PULSE_ADD, ARGS(I(c->id), I(ctx->now))));
    return count_in(ctx, c->id, &today);
}

enum err signal_here(struct ctx *ctx, struct signal *s, const char *address) {
    struct nets today, yesterday, held = {.n = NETS, .id = {s->bucket, s->wider, s->widest}};
    struct pulse pulse;
    TRY(networks(ctx, address, &today, &yesterday));
    if (memcmp(held.id, today.id, sizeof held.id) == 0) return ERR_OK;
    TRY(pulse_get(ctx, s->circle, &pulse));
    TRY(room(ctx, &pulse, s->circle, &held, &today, &yesterday));
    s->moved = true;
    s->bucket = today.id[0];
    s->wider = today.id[1];
    s->widest = today.id[2];
    TRY(count_out(ctx, s->circle, &held));
    TRY(count_in(ctx, s->circle, &today));
    return store_run(ctx->store, SQL_SIGNAL_NETS, ARGS(I(s->id), I(today.id[0]), I(today.id[1]), I(today.id[2])));
}

static int64_t lease(const struct signal *s) {
    return s->role != GREETER ? SPAN_PEER_LEASE : s->box.open ? SPAN_BOX_LEASE : SPAN_GREETER_LEASE;
}

bool signal_alive(const struct signal *s, int64_t now) {
    return s->expires > now;
}

bool signal_stale(const struct signal *s, int64_t now) {
    int64_t left = s->expires - now;
    return s->suspect || s->moved || left < lease(s) / 2 || left > lease(s);
}

enum err signal_reached(struct ctx *ctx, const struct signal *s) {
    return store_run(ctx->store, SQL_SIGNAL_NEED,
                     ARGS(I(s->id), I(need_row(s->needy, EVENT_REACHED)->next), I(ctx->now + lease(s) / 2 - 1)));
}

bool signal_spoke(const struct signal *s, int64_t now) {
    return s->expires - now > lease(s) - SPAN_SPOKE;
}

int64_t signal_net(const struct signal *s) {
    return s->widest ? s->widest : s->wider ? s->wider : s->bucket;
}

enum err signal_doubt(struct ctx *ctx, const struct signal *s, int64_t *out) {
    int64_t words;
    TRY(store_number(ctx->store, SQL_WORD_COUNT, ARGS(I(s->circle), I(signal_net(s)), I(ctx->now), I(ctx->now + SPAN_WORD)), &words,
                     0));
    *out = words / WORDS_HEARD;
    return ERR_OK;
}

bool signal_late(const struct signal *s, const struct pulse *pulse, int64_t now) {
    return s->resigned && !pulse->needy && now - s->since >= SPAN_NEWCOMER_DUE;
}

static int64_t peer_due(const struct signal *s, int64_t age) {
    if (s->resigned && age >= 0 && age < SPAN_HANDOVER) return SPAN_HANDOVER - age;
    return age < SPAN_NEWCOMER_DUE ? SPAN_NEWCOMER_DUE : SPAN_PEER_DUE;
}

int64_t signal_period(const struct signal *s) {
    return s->role == PEER ? SPAN_PEER_DUE : s->interval > 0 ? s->interval : SPAN_QUIET_MIN;
}

static int64_t greeter_due(const struct signal *s, int64_t age) {
    int64_t interval = signal_period(s);
    int64_t due = interval - (age % interval + interval) % interval;
    return due < interval / 2 ? due + interval : due; /* it has just spoken */
}

int64_t signal_due(const struct signal *s, int64_t now) {
    return s->role == PEER ? peer_due(s, now - s->since) : greeter_due(s, now - s->since);
}

/* 1 for one signal, 2 up to four, one more for every 8 after that (PROTOCOL 1.4). */
static int64_t greeters_wanted(int64_t n) {
    int64_t wanted = n <= 1 ? 1 : n <= 4 ? 2 : 2 + (n + 3) / 8;
    return wanted < GREETERS_MAX ? wanted : GREETERS_MAX;
}

/* The greeters of a circle, but for one signal: for one that has offers, standing or given of late, only those that have some, too.
 * (Those without a place of their own are not asked.) Of its own networks all are near, or each of its neighbours could have a
 * place while the offers of the others have just expired. */
struct greeters {
    int64_t all;
    int64_t own; /* those that have places of their own, and are doubted no more than that one */
    int64_t near; /* the most places that one of its networks has */
};

/* By how many greeters the poll budget is divided for this one. Half of it is kept for those with places of their own: so nobody's
 * many make them slow. */
static int64_t sharers(const struct signal *s, const struct greeters *others) {
    int64_t all = others->all + 1, own = others->own + !s->surplus, half = 2 * (s->surplus ? all - own : own);
    if (2 * own >= all) return all;
    return half < GREETERS_COUNTED ? half : GREETERS_COUNTED;
}

/* Greeters share the poll budget; reading a box is no dynamic request, so it does not count. A schedule goes on while role and
 * interval are those of before. */
static enum err schedule(struct ctx *ctx, struct signal *s, const struct signal *before, const struct pulse *pulse,
                         const struct greeters *others) {
    int64_t budget, least = ctx->now - pulse->joined < SPAN_ACTIVE ? SPAN_ACTIVE_MIN : SPAN_QUIET_MIN;
    s->interval = 0;
    if (s->role == GREETER) {
        TRY(setting_number(ctx, "budget", POLL_BUDGET, &budget));
        int64_t share = s->box.open ? 0 : 1000 * sharers(s, others) / budget;
        s->interval = share < least ? least : share;
    }
    s->resigned = s->role == PEER && (before->role == GREETER || before->resigned);
    if (s->role != before->role || s->interval != before->interval || s->since > ctx->now) s->since = ctx->now;
    return ERR_OK;
}

/* Whoever is named dead and has not spoken since is none. */
static enum err greeters_but(struct ctx *ctx, const struct signal *s, int64_t doubt, struct greeters *out) {
    const enum sql id = SQL_SIGNAL_GREETERS;
    const int64_t mine[NETS] = {s->bucket, s->wider, s->widest};
    int64_t near[NETS] = {0};
    bool row;
    TRY(store_first(ctx->store, id, ARGS(I(s->circle), I(ctx->now), I(s->id), I(GREETERS_COUNTED)), &row));
    while (row) {
        bool counts = store_int(ctx->store, id, 5), own = !store_int(ctx->store, id, 0);
        out->all += counts;
        out->own += counts && own && store_int(ctx->store, id, 1) <= doubt;
        for (int i = 0; i < NETS; i++) near[i] += own && mine[i] && store_int(ctx->store, id, 2 + i) == mine[i];
        TRY(store_next(ctx->store, id, &row));
    }
    store_reset(ctx->store, id);
    for (int i = 0; i < NETS; i++) out->near = near[i] > out->near ? near[i] : out->near;
    return ERR_OK;
}

/* A network has places of its own; beyond these its signals have those that are free. So nobody's many keep others from greeting,
 * and a school that is alone greets as anybody. */
static bool may_greet(struct signal *s, const struct greeters *others, int64_t wanted) {
    int64_t share = wanted / GREETERS_SHARE;
    s->surplus = others->near >= (share > 1 ? share : 1);
    return s->greet && (s->surplus ? others->all : others->own) < wanted;
}

enum err signal_renew(struct ctx *ctx, struct signal *s, const struct pulse *pulse, bool readable) {
    struct greeters others = {0};
    int64_t doubt;
    const struct signal before = *s;
    TRY(signal_doubt(ctx, s, &doubt));
    TRY(greeters_but(ctx, s, doubt, &others));
    s->suspect = false;
    s->role = may_greet(s, &others, greeters_wanted(pulse->n)) || s->needy != CONTENT ? GREETER : PEER;
    bool box = s->role == GREETER && s->boxes && readable;
    if (box)
        TRY(box_open(ctx, &s->box));
    else
        box_close(ctx, &s->box);
    TRY(schedule(ctx, s, &before, pulse, &others));
    s->expires = ctx->now + lease(s);
    return store_run(ctx->store, SQL_SIGNAL_SET,
                     ARGS(I(s->id), I(s->run), I(s->role), I(s->greet), I(s->needy), I(s->since), I(s->interval), I(s->expires),
                          I(s->version), T(s->have), I(s->boxes), B(s->box.open ? s->box.name : NULL, sizeof s->box.name), I(doubt),
                          I(s->surplus), I(s->resigned)));
}
