/* Who greets when one network has many, and who is given to newcomers; time is an argument, nothing waits. */
#include "meet/mailbox.h"
#include "tap.h"
#include "util/caps.h"
#include "world.h"

enum { S = 1000, EVIL = 1, MANY = 40, HONEST = 100, NEW = 1000 };

static struct sync in; /* large */
static int failed; /* requests that no test looks at more closely */

/* One address has them all, or each has its own network. */
static const char *address_of(struct world *w, int k) {
    return k < HONEST ? "203.0.113.66" : arena_text(&w->arena, "10.%d.%d.1", k / 256, k % 256);
}

static void say(struct world *w, int k, struct synced *out) {
    in.address = address_of(w, k);
    failed += world_run(w, &in, out) != ERR_OK;
}

static void join(struct world *w, int k, struct synced *out) {
    world_sync(&in, k);
    in.key = w->circle.api_key;
    say(w, k, out);
}

/* As a client does it: a greeter keeps three offers standing. renew: it asks for a new lease each time. */
static void stay(struct world *w, int k, bool renew) {
    static char ids[CAP_OFFERS][16];
    static int fresh;
    struct synced out;
    world_sync(&in, k);
    in.shares = renew;
    say(w, k, &out);
    if (out.signal.role != GREETER || out.standing == CAP_OFFERS) return;
    world_sync(&in, k);
    for (; in.n_offers < CAP_OFFERS - (size_t)out.standing; in.n_offers++) {
        (void)snprintf(ids[in.n_offers], sizeof ids[0], "o%d", fresh++);
        in.offers[in.n_offers] = (struct offer){ids[in.n_offers], k < HONEST ? "evil" : "sdp"};
    }
    say(w, k, &out);
}

/* Forty of one address ask for a new lease all the time, a dozen others as clients do. */
static void places(void) {
    struct world w;
    struct synced out;
    int given = 0, evil = 0, most = 0;
    world_open(&w, "wal");
    join(&w, HONEST, &out);
    for (int k = EVIL; k < EVIL + MANY; k++) join(&w, k, &out);
    for (int i = 0; i < 100; i++, w.ctx.now += 1200) {
        if (i < 12) join(&w, HONEST + i, &out);
        for (int k = EVIL; k < EVIL + MANY; k++) stay(&w, k, true);
        for (int k = HONEST; k < HONEST + 12 && k <= HONEST + i; k++) stay(&w, k, false);
    }
    int honest = (int)world_live(&w, "SELECT count(*) FROM signal s WHERE role = 1 AND"
                                     " EXISTS(SELECT 1 FROM offer o WHERE o.signal = s.id AND sdp <> 'evil' AND taker IS NULL)");
    ok(honest >= GREETERS_MAX - GREETERS_MAX / GREETERS_SHARE, "of eight places one address leaves others theirs: %d", honest);
    for (int i = 0; i < 30; i++, w.ctx.now += 1200) {
        int bad = 0;
        join(&w, NEW + i, &out);
        for (size_t p = 0; p < out.n_peers; p++) bad += strcmp(out.peers[p].offer.sdp, "evil") == 0;
        given += (int)out.n_peers;
        evil += bad;
        most = bad > most ? bad : most;
        for (int k = EVIL; k < EVIL + MANY; k++) stay(&w, k, true);
        for (int k = HONEST; k < HONEST + 12; k++) stay(&w, k, false);
    }
    same_int(given, 30 * CAP_CLAIM, "newcomers have three offers each");
    ok(most <= 1, "of one network one at the most: %d, %d in all", most, evil);
    world_close(&w);
}

/* Thirty of one address alone, then two others: no place is empty. */
static void school(void) {
    struct world w;
    struct synced out;
    world_open(&w, "wal");
    for (int k = EVIL; k < EVIL + 30; k++) join(&w, k, &out);
    for (int i = 0; i < 100; i++, w.ctx.now += 1200) {
        if (i == 50)
            for (int k = HONEST; k < HONEST + 2; k++) join(&w, k, &out);
        for (int k = EVIL; k < EVIL + 30; k++) stay(&w, k, false);
        for (int k = HONEST; i >= 50 && k < HONEST + 2; k++) stay(&w, k, false);
        if (i == 49) same_int(world_live(&w, "SELECT sum(role) FROM signal"), 6, "a school that is alone has all places");
    }
    int greeters = (int)world_live(&w, "SELECT sum(role) FROM signal");
    ok(greeters >= 6 && greeters <= GREETERS_MAX, "with two others there it keeps what these leave: %d", greeters);
    world_close(&w);
}

/* A greeter that speaks all the time, and what those say who were given its offers. */
static void words(const char *front, const char *back, int dead, int silent, enum suspicion want, const char *what) {
    struct world w;
    struct synced out;
    world_open(&w, "wal");
    join(&w, EVIL, &out);
    struct sig evil = out.signal.sig;
    for (int k = 0; k < dead + silent; k++, w.ctx.now += S) {
        stay(&w, EVIL, true);
        world_sync(&in, NEW + k);
        in.key = w.circle.api_key;
        in.greet = 0;
        in.address = arena_text(&w.arena, "%s%d%s", front, k + 1, back);
        failed += world_run(&w, &in, &out) != ERR_OK || out.n_peers != 1;
        if (k < silent) continue;
        world_sync(&in, NEW + k);
        in.address = arena_text(&w.arena, "%s%d%s", front, k + 1, back);
        in.n_gone = 1;
        in.gone[0] = evil;
        failed += world_run(&w, &in, &out) != ERR_OK;
    }
    stay(&w, EVIL, true);
    same_int(world_live(&w, "SELECT suspect FROM signal ORDER BY id LIMIT 1"), want, "%s", what);
    if (want == AVOIDED) {
        join(&w, HONEST, &out);
        same_int(out.signal.role, GREETER, "%s: others greet", what);
        stay(&w, HONEST, false);
        join(&w, HONEST + 1, &out);
        ok(out.n_peers == 2 && !out.peers[0].suspect && out.peers[1].suspect, "%s: it is chosen last", what);
        w.ctx.now += SPAN_OFFER / 2;
        stay(&w, EVIL, true);
        w.ctx.now += SPAN_OFFER / 2;
        stay(&w, EVIL, true);
        same_int(world_live(&w, "SELECT suspect FROM signal ORDER BY id LIMIT 1"), TRUSTED, "%s: until these offers end", what);
    }
    world_close(&w);
}

/* Those who wait for a greeter, thirty of one address, who come back to wait as soon as they were taken; then another. */
static void waiting(void) {
    struct world w;
    struct synced out;
    int polls = 0;
    world_open(&w, "wal");
    join(&w, HONEST, &out);
    for (int k = EVIL; k < EVIL + 30; k++) {
        world_live_sql(&w, "UPDATE offer SET expires = expires - 120000"); /* there are none to be given */
        join(&w, k, &out);
        stay(&w, k, false);
    }
    world_live_sql(&w, "UPDATE offer SET expires = 0");
    join(&w, HONEST + 1, &out);
    stay(&w, HONEST + 1, false);
    for (bool taken = false; !taken && polls < 60; polls++) {
        world_live_sql(&w, "UPDATE offer SET taker = NULL, expires = (SELECT max(expires) FROM offer);"
                           "UPDATE signal SET needy = 1 WHERE id > 1");
        world_sync(&in, HONEST);
        say(&w, HONEST, &out);
        taken = out.n_peers == 1 && strcmp(out.peers[0].offer.sdp, "sdp") == 0;
    }
    ok(polls < 60, "one who waits among thirty of another network is taken: by poll %d", polls);
    world_close(&w);
}

int main(void) {
    places();
    school();
    words("10.1.", ".1", WORDS_HEARD, 0, AVOIDED, "named dead by three networks");
    words("10.1.", ".1", WORDS_HEARD - 1, 0, TRUSTED, "by two, when it had just spoken");
    words("10.1.", ".1", WORDS_HEARD, WORDS_HEARD, TRUSTED, "by no more than half of those who were given its offers");
    words("10.1.1.", "", 2 * WORDS_HEARD, 0, TRUSTED, "by one /24");
    words("2001:db8:1:", "::1", 2 * WORDS_HEARD, 0, TRUSTED, "by one /48");
    waiting();
    same_int(failed, 0, "every request is answered");
    return done();
}
