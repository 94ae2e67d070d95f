/* Leases, schedules, roles and the poll budget; time is an argument, nothing waits. */
#include "meet/signal.h"
#include "tap.h"
#include "util/caps.h"
#include "world.h"

enum { S = 1000, MINUTE = 60 * S };

static void arithmetic(void) {
    enum { LEASE = SPAN_GREETER_LEASE, LONG = SPAN_PEER_LEASE };
    static const struct {
        const char *name;
        struct signal s;
        int64_t now, due;
        bool alive, stale;
    } cases[] = {
        {"a greeter that has just spoken", {.role = GREETER, .since = 0, .interval = 4000, .expires = LEASE}, 0, 4000, 1, 0},
        {"a little later", {.role = GREETER, .since = 0, .interval = 4000, .expires = LEASE}, 1000, 3000, 1, 0},
        {"half its time later", {.role = GREETER, .since = 0, .interval = 4000, .expires = LEASE}, 2000, 2000, 1, 0},
        {"early: not twice in one round", {.role = GREETER, .since = 0, .interval = 4000, .expires = LEASE}, 2001, 5999, 1, 0},
        {"in the next round", {.role = GREETER, .since = 0, .interval = 4000, .expires = LEASE}, 4000, 4000, 1, 0},
        {"the clock was set back", {.role = GREETER, .since = 9000, .interval = 4000, .expires = LEASE}, 8000, 5000, 1, 0},
        {"the clock was set back a day",
         {.role = GREETER, .since = 86400000, .interval = 4000, .expires = 86400000 + LEASE},
         1000,
         3000,
         1,
         1},
        {"no interval in the row", {.role = GREETER, .since = 0, .interval = 0, .expires = LEASE}, 0, 2000, 1, 0},
        {"a negative one", {.role = GREETER, .since = 0, .interval = -5, .expires = LEASE}, 0, 2000, 1, 0},
        {"half the lease is over", {.role = GREETER, .since = 0, .interval = 4000, .expires = LEASE}, LEASE / 2 + 1000, 2000, 1, 1},
        {"a neighbour doubts it",
         {.role = GREETER, .since = 0, .interval = 4000, .expires = LEASE, .suspect = true},
         0,
         4000,
         1,
         1},
        {"the lease is over", {.role = GREETER, .since = 0, .interval = 4000, .expires = LEASE}, LEASE, 2000, 0, 1},
        {"a peer that has just joined", {.role = PEER, .since = 0, .expires = LONG}, 0, SPAN_NEWCOMER_DUE, 1, 0},
        {"a peer that was a greeter a second ago", {.role = PEER, .since = 0, .resigned = true, .expires = LONG}, 1000, 2000, 1, 0},
        {"three seconds ago", {.role = PEER, .since = 0, .resigned = true, .expires = LONG}, 3000, SPAN_NEWCOMER_DUE, 1, 0},
        {"a peer whose clock was set back",
         {.role = PEER, .since = 9000, .resigned = true, .expires = LONG},
         0,
         SPAN_NEWCOMER_DUE,
         1,
         0},
        {"a peer a minute later", {.role = PEER, .since = 0, .expires = LONG}, MINUTE, SPAN_PEER_DUE, 1, 0},
        {"a peer at half its lease", {.role = PEER, .since = 0, .expires = LONG}, LONG / 2 + 1, SPAN_PEER_DUE, 1, 1},
        {"a peer's lease is over", {.role = PEER, .since = 0, .expires = LONG}, LONG, SPAN_PEER_DUE, 0, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        same_int(signal_due(&cases[i].s, cases[i].now), cases[i].due, "due: %s", cases[i].name);
        same_int(signal_alive(&cases[i].s, cases[i].now), cases[i].alive, "alive: %s", cases[i].name);
        same_int(signal_stale(&cases[i].s, cases[i].now), cases[i].stale, "stale: %s", cases[i].name);
    }
    uint8_t raw[32] = {1};
    struct token a = token_make(raw), b = token_make(raw);
    raw[31] = 1;
    struct token c = token_make(raw);
    ok(memcmp(&a, &b, sizeof a) == 0 && memcmp(&a, &c, sizeof a) != 0, "a token's hash tells tokens apart");
}

/* A sync as a client does it: a greeter keeps three offers standing, and answers those it is given. */
static enum err stay(struct world *w, int k, struct synced *out) {
    static struct sync in;
    static char ids[3][16];
    static int fresh;
    enum err e = world_poll(w, k, out);
    if (e != ERR_OK || out->signal.role != GREETER || (out->standing == 3 && !out->n_peers)) return e;
    world_sync(&in, k);
    for (; in.n_mail < out->n_peers; in.n_mail++)
        in.mail[in.n_mail] = (struct mail_out){"m", out->peers[in.n_mail].offer.id, "answer", out->peers[in.n_mail].sig};
    for (; in.n_offers < 3 - (size_t)out->standing; in.n_offers++) {
        (void)snprintf(ids[in.n_offers], sizeof ids[0], "o%d", fresh++);
        in.offers[in.n_offers] = (struct offer){ids[in.n_offers], "sdp"};
    }
    return world_run(w, &in, out);
}

static void greeters(void) {
    static const struct {
        int n, greeters;
    } cases[] = {{1, 1}, {2, 2}, {4, 2}, {5, 3}, {12, 3}, {13, 4}, {20, 4}, {21, 5}, {44, 7}, {45, 8}, {90, 8}};
    struct world w;
    struct synced out;
    size_t at = 0;
    int refused = 0;
    world_open(&w, "wal");
    for (int k = 1; k <= 90; k++) {
        refused += world_join(&w, k, &out) != ERR_OK;
        for (int j = 1; j <= k; j++) refused += stay(&w, j, &out) != ERR_OK;
        if (k == cases[at].n)
            same_int(world_live(&w, "SELECT count(*) FROM signal WHERE role = 1"), cases[at++].greeters, "greeters of %d signals",
                     k);
    }
    same_int(refused, 0, "all may join");
    same_int(world_live(&w, "SELECT n FROM pulse"), 90, "and are counted");
    world_close(&w);
}

/* Everybody syncs when it was told to, for five minutes; greeters' polls are counted. offers: none of them are
 * clients that never deposit what newcomers need. */
static void budget(bool offers, const char *who) {
    enum { N = 40, LENGTH = 5 * MINUTE };
    struct world w;
    struct synced out;
    int64_t due[N], polls = 0, writes = 0, failures = 0;
    world_open(&w, "wal");
    int64_t start = w.ctx.now;
    for (int k = 0; k < N; k++, w.ctx.now += 50) {
        failures += world_join(&w, k, &out) != ERR_OK;
        due[k] = w.ctx.now + (offers ? 1 : out.due_ms);
    }
    for (w.ctx.now = start; w.ctx.now < start + LENGTH; w.ctx.now += 10)
        for (int k = 0; k < N; k++)
            if (due[k] <= w.ctx.now) {
                failures += (offers ? stay(&w, k, &out) : world_poll(&w, k, &out)) != ERR_OK;
                due[k] = w.ctx.now + out.due_ms;
                if (w.ctx.now >= start + 3 * MINUTE) {
                    polls++;
                    writes += store_wrote(w.ctx.store);
                }
            }
    same_int(failures, 0, "%s: every poll is answered", who);
    int greeter_count = (int)world_live(&w, "SELECT count(*) FROM signal WHERE role = 1");
    ok(greeter_count >= 7 && greeter_count <= 8, "%s: greeters of %d: %d", who, N, greeter_count);
    ok(polls <= 2 * 2 * 60 * 11 / 10, "%s: no more than 2 polls a second: %d in 2 minutes", who, (int)polls);
    ok(polls >= 2 * 60, "%s: and no fewer than 1: %d", who, (int)polls);
    ok(writes <= 8 * 4 + N, "%s: which hardly ever write: %d", who, (int)writes);
    world_close(&w);
}

static void leases(void) {
    struct world w;
    struct synced out;
    struct sync in;
    world_open(&w, "truncate");
    same_text(err_name(world_join(&w, 1, &out)), "ok", "join");
    struct sig first = out.signal.sig;
    w.ctx.now += SPAN_GREETER_LEASE - 1;
    same_text(err_name(world_poll(&w, 1, &out)), "ok", "just in time");
    ok(store_wrote(w.ctx.store), "the lease is renewed");
    same_text(err_name(world_poll(&w, 1, &out)), "ok", "again");
    ok(!store_wrote(w.ctx.store), "a poll with nothing new writes nothing");
    w.ctx.now += SPAN_GREETER_LEASE;
    same_text(err_name(world_poll(&w, 1, &out)), "rejoin", "too late");
    same_text(err_name(world_join(&w, 1, &out)), "ok", "the same token joins again");
    ok(memcmp(&first, &out.signal.sig, sizeof first) == 0, "and is the same signal");
    world_sync(&in, 1);
    in.run = 2;
    same_text(err_name(world_run(&w, &in, &out)), "rejoin", "another run is not this one");
    in.key = w.circle.api_key;
    same_text(err_name(world_run(&w, &in, &out)), "ok", "until it joins");
    ok(memcmp(&first, &out.signal.sig, sizeof first) == 0, "as the same signal");
    same_text(err_name(world_poll(&w, 1, &out)), "rejoin", "then the old run is over");
    w.ctx.now -= 86400 * (int64_t)S;
    world_sync(&in, 1);
    in.run = 2;
    same_text(err_name(world_run(&w, &in, &out)), "ok", "the clock set back a day: it stays");
    ok(out.due_ms > 0 && out.due_ms <= 2 * SPAN_QUIET_MIN, "with a due time that makes sense: %d", (int)out.due_ms);
    same_int(out.signal.expires, w.ctx.now + SPAN_GREETER_LEASE, "and a lease of now");
    w.ctx.now += 86400 * (int64_t)S;
    same_text(err_name(world_run(&w, &in, &out)), "rejoin", "set forward again: rejoin");
    same_text(err_name(world_poll(&w, 99, &out)), "rejoin", "a token that nobody knows");
    world_close(&w);
}

static void greet(void) {
    struct world w;
    struct synced out;
    struct sync in;
    world_open(&w, "wal");
    world_sync(&in, 1);
    in.key = w.circle.api_key;
    in.greet = 0;
    same_text(err_name(world_run(&w, &in, &out)), "ok", "a join that will not greet");
    same_int(out.signal.role, PEER, "is a peer, though it is alone");
    in.key = NULL;
    in.greet = -1;
    same_text(err_name(world_run(&w, &in, &out)), "ok", "nothing said");
    same_int(out.signal.role, PEER, "it is remembered");
    in.greet = 0;
    same_text(err_name(world_run(&w, &in, &out)), "ok", "said again");
    ok(!store_wrote(w.ctx.store), "which writes nothing");
    in.greet = 1;
    same_text(err_name(world_run(&w, &in, &out)), "ok", "now it will");
    same_int(out.signal.role, GREETER, "and is a greeter");
    world_sync(&in, 2);
    in.key = w.circle.api_key;
    in.greet = 0;
    same_text(err_name(world_run(&w, &in, &out)), "ok", "another one that will not, and is given nothing");
    same_int(out.signal.role, GREETER, "is one while it waits");
    in.key = NULL;
    w.ctx.now += SPAN_GREETER_LEASE / 2 + 1;
    same_text(err_name(world_run(&w, &in, &out)), "ok", "half a lease later");
    same_int(out.signal.role, PEER, "it is a peer");
    world_close(&w);
}

/* Two newcomers whom no greeter had an offer for: each deposits its own, one answers the other's. */
static void handover(void) {
    struct world w;
    struct synced out;
    struct sync in;
    int failures = 0;
    world_open(&w, "wal");
    for (int k = 1; k <= 5; k++) failures += world_join(&w, k, &out) != ERR_OK; /* nobody offers: all wait */
    same_int(out.signal.role, GREETER, "who waits is a greeter");
    world_sync(&in, 5);
    in.n_mail = 1;
    in.mail[0] = (struct mail_out){.id = "m", .to = out.signal.sig, .re = "o", .body = "-"};
    for (int k = 1; k <= 4; k++) failures += stay(&w, k, &out) != ERR_OK;
    failures += world_run(&w, &in, &out) != ERR_OK;
    same_int(out.signal.role, PEER, "who has found somebody is none");
    same_int(out.due_ms, SPAN_HANDOVER, "and comes once more, for answers under way");
    w.ctx.now += SPAN_HANDOVER;
    failures += world_poll(&w, 5, &out) != ERR_OK;
    same_int(out.due_ms, SPAN_NEWCOMER_DUE, "then it is a peer as others are");
    w.ctx.now += SPAN_NEWCOMER_DUE - SPAN_HANDOVER;
    world_live_sql(&w, "UPDATE pulse SET needy = 1");
    failures += world_poll(&w, 5, &out) != ERR_OK;
    same_int((int64_t)out.n_peers, 0, "while others wait they come first");
    world_live_sql(&w, "UPDATE pulse SET needy = 0");
    failures += world_poll(&w, 5, &out) != ERR_OK;
    same_int((int64_t)out.n_peers, 1, "then it has an offer of a greeter");
    failures += world_poll(&w, 5, &out) != ERR_OK;
    same_int((int64_t)out.n_peers, 0, "once");
    ok(!store_wrote(w.ctx.store), "and writes no more");
    same_int(failures, 0, "all of it is answered");
    world_close(&w);
}

/* Its interval is the span after which who has resigned comes once more: a schedule of its own all the same. */
static void greets_again(void) {
    struct world w;
    struct synced out;
    static struct sync in; /* large */
    int failures = 0;
    world_open(&w, "wal");
    for (int k = 1; k <= 6; k++) failures += world_join(&w, k, &out) != ERR_OK;
    world_live_sql(&w, "UPDATE signal SET role = id > 1, needy = 2 * (id = 1), since = since - 1000, interval "
                       "= 3000 * (id > 1), resigned = id = 1, surplus = 0,"
                       " expires = expires + 2310000 * (id = 1)"); /* a peer's lease */
    world_sync(&in, 1);
    in.shares = true;
    failures += world_run(&w, &in, &out) != ERR_OK;
    same_int(out.signal.role, GREETER, "who has resigned greets again");
    same_int(out.signal.interval, SPAN_HANDOVER, "as one of six");
    same_int(out.signal.since, w.ctx.now, "from now on");
    same_int(failures, 0, "all of it is answered");
    world_close(&w);
}

/* Signals that are only there to be counted: n of them, from these networks. */
static void crowd(struct world *w, int n, int64_t bucket, int64_t wider, int64_t widest, int64_t expires) {
    static int first;
    world_live_sql(w, arena_text(&w->arena,
                                 "WITH RECURSIVE k(n) AS (SELECT %d UNION ALL SELECT n + 1 FROM k WHERE n < %d)"
                                 " INSERT INTO signal(circle, token, sig, run, role, greet, bucket, wider, "
                                 "widest, since, interval, expires, version, have)"
                                 " SELECT %" PRId64 ", 'token' || n, 'sig' || n, 1, 0, 1, %" PRId64 ", %" PRId64 ", %" PRId64
                                 ", 0, 1000, %" PRId64 ", 0, '' FROM k",
                                 first, first + n - 1, w->circle.id, bucket, wider, widest, expires));
    world_live_sql(w, arena_text(&w->arena,
                                 "INSERT INTO net(circle, net, n) SELECT %" PRId64 ", column1, %d FROM (VALUES(%" PRId64
                                 "), (%" PRId64 "), (%" PRId64 ")) WHERE column1 <> 0 ON CONFLICT DO UPDATE SET n = n + excluded.n;"
                                 "INSERT INTO pulse(circle, n, joined, needy) VALUES(%" PRId64 ", %d, 0, 0)"
                                 " ON CONFLICT DO UPDATE SET n = n + excluded.n",
                                 w->circle.id, n, bucket, wider, widest, w->circle.id, n));
    first += n;
}

static enum err join_from(struct world *w, int k, const char *address) {
    struct synced out;
    return world_join_at(w, k, address, &out);
}

static struct nets nets_at(struct world *w, const char *address, int days) {
    static const uint8_t pepper[32] = {7};
    return nets_of(address, pepper, w->ctx.now / SPAN_DAY + days);
}

static void caps(void) {
    struct world w;
    struct nets net;
    world_open(&w, "wal");
    net = nets_at(&w, "192.0.2.1", 0);
    int64_t later = w.ctx.now + SPAN_PEER_LEASE;
    same_text(err_name(join_from(&w, 1, "192.0.2.1")), "ok", "one is there");
    crowd(&w, 499, net.id[0], net.id[1], 0, later);
    same_text(err_name(join_from(&w, 2, "192.0.2.1")), "too_many", "the 501st of an address is refused");
    same_text(err_name(join_from(&w, 3, "192.0.2.2")), "ok", "another address is not");
    same_text(err_name(join_from(&w, 1, "192.0.2.1")), "ok", "nor one that is there already");
    crowd(&w, 1499, 1, net.id[1], 0, later);
    same_text(err_name(join_from(&w, 4, "192.0.2.3")), "too_many", "the 2,001st of a /24 is refused");
    same_text(err_name(join_from(&w, 4, "192.0.3.3")), "ok", "the next /24 is not");
    net = nets_at(&w, "2001:db8::1", 0);
    crowd(&w, 500, 2, net.id[1], net.id[2], later);
    same_text(err_name(join_from(&w, 5, "2001:db8:0:1::1")), "too_many", "the 501st of a /56 is refused, whatever its /64");
    crowd(&w, 1500, 3, 4, net.id[2], later);
    same_text(err_name(join_from(&w, 5, "2001:db8:0:f00::1")), "too_many", "and the 2,001st of a /48");
    crowd(&w, 4999, 5, 0, 0, later);
    same_int(world_live(&w, "SELECT sum(n) FROM net"), world_live(&w, "SELECT sum(1 + (wider <> 0) + (widest <> 0)) FROM signal"),
             "counted is what is there");
    w.ctx.now = later + 1;
    same_text(err_name(join_from(&w, 9, "192.0.2.1")), "ok", "only what lives counts: there is room");
    world_close(&w);
}

/* The fuller a circle, the less one network may have. */
static void fuller(int there, int address, int network) {
    struct world w;
    world_open(&w, "wal");
    struct nets net = nets_at(&w, "192.0.2.1", 0);
    int64_t later = w.ctx.now + SPAN_PEER_LEASE;
    crowd(&w, there - address, 7, 8, 0, later);
    crowd(&w, address - 1, net.id[0], net.id[1], 0, later);
    same_text(err_name(join_from(&w, 1, "192.0.2.1")), "ok", "of %d signals an address may have %d", there, address);
    same_text(err_name(join_from(&w, 2, "192.0.2.1")), "too_many", "and no more");
    world_live_sql(&w, arena_text(&w.arena, "UPDATE net SET n = %d WHERE net = %" PRId64, network, net.id[1]));
    same_text(err_name(join_from(&w, 3, "192.0.2.2")), "too_many", "a /24 may have %d", network);
    same_text(err_name(join_from(&w, 3, "192.0.3.2")), "ok", "the next one comes in");
    world_close(&w);
}

/* Fifty junk origins hide nobody's, and go. */
static void refused_origins(void) {
    struct world w;
    struct texts all;
    int shown = 0;
    world_open(&w, "wal");
    for (int i = 0; i < 3; i++) (void)!circle_origin(&w.ctx, &w.circle, "https://second.example");
    for (int i = 0; i < 2 * CAP_REFUSED; i++, w.ctx.now++)
        (void)!circle_origin(&w.ctx, &w.circle, arena_text(&w.arena, "https://junk%d.example", i));
    same_text(err_name(circle_origin(&w.ctx, &w.circle, "https://third.example")), "origin_refused", "one more is refused");
    same_text(err_name(circle_refused(&w.ctx, &w.circle, &all)), "ok", "what is shown");
    for (size_t i = 0; i < all.n; i++)
        shown += strcmp(all.all[i], "https://second.example") == 0 || strcmp(all.all[i], "https://third.example") == 0;
    same_int((int64_t)all.n, CAP_REFUSED, "fifty");
    same_int(shown, 2, "among them who asked often, and who asked last");
    same_text(all.all[0], "https://second.example", "who asked most is the first");
    w.ctx.now += SPAN_REFUSED + 1;
    (void)!circle_origin(&w.ctx, &w.circle, "https://third.example");
    same_text(err_name(circle_refused(&w.ctx, &w.circle, &all)), "ok", "a week later");
    same_int((int64_t)all.n, 1, "who asks no more is forgotten");
    world_close(&w);
}

/* Whose leases have ended makes room also for one that is refused at first; and midnight gives nobody twice as many. */
static void rooms(void) {
    struct world w;
    struct nets net;
    world_open(&w, "wal");
    net = nets_at(&w, "192.0.2.1", 0);
    crowd(&w, 3000, 7, 8, 0, w.ctx.now - 1000);
    crowd(&w, 500, net.id[0], net.id[1], 0, w.ctx.now + SPAN_PEER_LEASE);
    same_text(err_name(join_from(&w, 1, "192.0.2.1")), "too_many", "refused");
    same_int(world_live(&w, "SELECT n FROM pulse"), 3500 - CAP_SWEEP, "and yet some of what had ended was removed");
    w.ctx.now += SPAN_PEER_LEASE - (w.ctx.now + SPAN_PEER_LEASE) % SPAN_DAY + SPAN_DAY;
    world_live_sql(&w, "DELETE FROM signal");
    same_int(world_live(&w, "SELECT count(*) FROM net"), 0, "nothing is counted");
    int64_t midnight = w.ctx.now - w.ctx.now % SPAN_DAY;
    w.ctx.now = midnight - 1000;
    net = nets_at(&w, "192.0.2.1", 0);
    same_text(err_name(join_from(&w, 1, "192.0.2.1")), "ok", "one comes before midnight");
    crowd(&w, 499, net.id[0], net.id[1], 0, midnight + SPAN_PEER_LEASE);
    w.ctx.now = midnight + 1000;
    same_text(err_name(join_from(&w, 2, "192.0.2.1")), "too_many", "the 501st comes after it, and is refused");
    world_live_sql(&w, "UPDATE signal SET role = 0, expires = (SELECT max(expires) FROM signal)");
    w.ctx.now = midnight + SPAN_PEER_LEASE - 2000;
    static struct sync in; /* large */
    struct synced out;
    world_sync(&in, 1);
    same_text(err_name(world_run(&w, &in, &out)), "ok", "who stays");
    struct nets today = nets_at(&w, "192.0.2.1", 0);
    ok(out.signal.bucket == today.id[0] && today.id[0] != net.id[0], "counts under the new day");
    same_int(world_live(&w, "SELECT sum(n) FROM net"), 1000, "once");
    world_close(&w);
}

/* How a signal renews its lease, and whether it joins to do so. */
static enum err renewed(struct world *w, int k, bool join, const char *address) {
    static struct sync in; /* large */
    struct synced out;
    world_sync(&in, k);
    in.shares = true;
    if (join) in.key = w->circle.api_key;
    in.address = address;
    return world_run(w, &in, &out);
}

/* All of one address, for days: by their requests alone they are as many on the last day as on the first. */
static void days(bool join, const char *then, const char *what) {
    enum { MANY = 500, DAYS = 3 };
    struct world w;
    int refused = 0;
    world_open(&w, "wal");
    w.ctx.now += SPAN_DAY - w.ctx.now % SPAN_DAY;
    for (int k = 0; k < MANY; k++) refused += join_from(&w, k, "192.0.2.1") != ERR_OK;
    for (int day = 0; day < DAYS; day++) {
        world_live_sql(&w, "UPDATE signal SET expires = expires + 86400000");
        w.ctx.now += SPAN_DAY;
        for (int k = 0; k < MANY; k++) refused += renewed(&w, k, join, then) != ERR_OK;
    }
    same_int(refused, 0, "%s: they stay", what);
    same_int(world_live(&w, "SELECT sum(n) FROM net WHERE net IN (SELECT bucket FROM signal)"), MANY, "%s: and all count", what);
    same_int(world_live(&w, "SELECT sum(n) FROM net"), world_live(&w, "SELECT sum(1 + (wider <> 0) + (widest <> 0)) FROM signal"),
             "%s: once", what);
    same_text(err_name(join_from(&w, MANY, then)), "too_many", "%s: one more is too many", what);
    world_close(&w);
}

/* Whoever moves counts where it is; where there is no room it does not stay. */
static void moves(void) {
    struct world w;
    world_open(&w, "wal");
    for (int k = 0; k < 3; k++) (void)!join_from(&w, k, "192.0.2.1");
    struct nets there = nets_at(&w, "198.51.100.1", 0);
    crowd(&w, 499, there.id[0], there.id[1], 0, w.ctx.now + SPAN_PEER_LEASE);
    same_text(err_name(renewed(&w, 0, false, "198.51.100.1")), "ok", "one moves to where there is one place");
    same_text(err_name(renewed(&w, 1, false, "198.51.100.1")), "too_many", "the next is refused, when it stays");
    same_text(err_name(renewed(&w, 1, true, "198.51.100.1")), "too_many", "when it joins");
    same_text(err_name(world_poll(&w, 1, &(struct synced){0})), "ok", "but may still be heard where it was");
    same_text(err_name(renewed(&w, 0, false, "198.51.100.1")), "ok", "who is there stays");
    same_int(world_live(&w, "SELECT sum(n) FROM net"), 2 * (499 + 3), "each counts once");
    w.ctx.now += SPAN_PEER_LEASE + 1;
    same_text(err_name(renewed(&w, 1, true, "198.51.100.1")), "ok", "only what lives takes the room");
    same_int(world_live(&w, "SELECT sum(n) FROM net"), 2 * world_live(&w, "SELECT count(*) FROM signal"), "and is counted, once");
    world_close(&w);
}

/* A crowd that has announced much, its leases over: nobody waits for its rows to go, and they do not count. */
static void behind(void) {
    struct world w;
    int refused = 0, most = 0, rounds = 0;
    world_open(&w, "wal");
    struct nets net = nets_at(&w, "192.0.2.1", 0);
    crowd(&w, 500, net.id[0], net.id[1], 0, w.ctx.now - 1000);
    crowd(&w, 9500, 7, 8, 0, w.ctx.now - 1000);
    world_live_sql(
        &w,
        "WITH RECURSIVE k(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM k WHERE n < 12999)"
        " INSERT INTO mail(circle, signal, sender, id, re, body, expires) SELECT 1, s.id, 'x', 'p' || k.n, 'r', 'body', 1 << 60"
        " FROM k, (SELECT min(id) AS id FROM signal) s;"
        "INSERT INTO mail(circle, signal, sender, id, re, body, expires) SELECT 1, id, 'x', 'p', 'r', 'body', 1 << 60 FROM signal"
        " WHERE id > (SELECT min(id) FROM signal);"
        "INSERT INTO offer(signal, id, sdp, expires) SELECT signal, id, 'sdp', 1 FROM mail;"
        "UPDATE pulse SET mail = (SELECT sum(length(body)) FROM mail)");
    static const char rows[] = "SELECT (SELECT count(*) FROM signal) + (SELECT count(*) FROM mail) + "
                               "(SELECT count(*) FROM offer)";
    int64_t all = world_live(&w, rows), left = all;
    for (int k = 0;
         k < 400 && world_live(&w, "SELECT EXISTS(SELECT 1 FROM ended) OR EXISTS(SELECT 1 FROM signal WHERE token LIKE 'token%')");
         k++, rounds++) {
        refused += join_from(&w, k, "192.0.2.1") != ERR_OK;
        int64_t now = world_live(&w, rows);
        most = left - now > most ? (int)(left - now) : most;
        left = now;
    }
    same_int(refused, 0, "a circle and a network full of ended leases have room");
    ok(rounds > 1 && most > 0 && most <= CAP_SWEEP + CAP_SWEEP_ROWS, "a join removes some of %d rows: %d at the most", (int)all,
       most);
    same_int(left, rounds, "after %d joins all are gone, but for those who joined", rounds);
    same_int(world_live(&w, "SELECT mail FROM pulse"), 0, "and the bytes of their mail count no more");
    same_int(world_live(&w, "SELECT sum(n) FROM net"), 2 * left, "nor do they in their networks");
    world_close(&w);
}

static void ends(void) {
    struct world w;
    struct synced out;
    struct sync in;
    world_open(&w, "wal");
    same_text(err_name(world_join(&w, 1, &out)), "ok", "join");
    world_sync(&in, 1);
    in.run = 7;
    in.leave = true;
    same_text(err_name(world_run(&w, &in, &out)), "rejoin", "another run cannot leave for it");
    in.run = 1;
    same_text(err_name(world_run(&w, &in, &out)), "ok", "it leaves");
    ok(out.left, "and hears so");
    same_int(world_live(&w, "SELECT count(*) FROM signal"), 0, "nothing is left");
    same_int(world_live(&w, "SELECT n FROM pulse"), 0, "and the count is 0");
    same_text(err_name(world_join(&w, 1, &out)), "ok", "join again");
    same_text(err_name(circle_remove(&w.ctx, &w.circle)), "ok", "the circle is removed");
    same_text(err_name(world_poll(&w, 1, &out)), "rejoin", "its signals are gone");
    same_text(err_name(world_join(&w, 1, &out)), "removed", "and cannot come back");
    world_close(&w);
}

int main(void) {
    arithmetic();
    greeters();
    budget(true, "clients");
    budget(false, "clients without offers");
    leases();
    greet();
    handover();
    greets_again();
    caps();
    fuller(9000, 20, 80);
    fuller(9990, 8, 33);
    refused_origins();
    rooms();
    days(false, "192.0.2.1", "staying");
    days(true, "192.0.2.1", "joining again");
    days(false, "2001:db8::1", "by another address");
    days(true, "2001:db8::1", "joining by another address");
    moves();
    behind();
    ends();
    return done();
}
