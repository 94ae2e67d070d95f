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

/* As a client does it: a greeter keeps three offers standing, and answers those it is given. renew: it asks for a new lease each
 * time. */
static void stay(struct world *w, int k, bool renew) {
    static char ids[CAP_OFFERS][16];
    static int fresh;
    struct synced out;
    world_sync(&in, k);
    in.shares = renew;
    say(w, k, &out);
    if (out.signal.role != GREETER || (out.standing == CAP_OFFERS && !out.n_peers)) return;
    world_sync(&in, k);
    for (; in.n_mail < out.n_peers; in.n_mail++)
        in.mail[in.n_mail] = (struct mail_out){"m", out.peers[in.n_mail].offer.id, "answer", out.peers[in.n_mail].sig};
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

/* Each of one address speaks while its own last offer still holds and those of the others have just expired. */
static void by_turns(void) {
    struct world w;
    struct synced out;
    world_open(&w, "wal");
    for (int k = EVIL; k < EVIL + 20; k++) join(&w, k, &out);
    world_live_sql(&w, "UPDATE signal SET role = 1, needy = 1, surplus = 1; DELETE FROM offer");
    for (int k = EVIL; k < EVIL + 20; k++, w.ctx.now += 2000) {
        world_live_sql(&w, arena_text(&w.arena, "INSERT INTO offer(signal, id, sdp, expires) VALUES(%d, 'o', 'sdp', %" PRId64 ")",
                                      k, w.ctx.now + 6000));
        world_sync(&in, k);
        in.shares = true;
        say(&w, k, &out);
    }
    same_int(world_live(&w, "SELECT count(*) FROM signal WHERE role = 1"), 20, "twenty of one address wait");
    same_int(world_live(&w, "SELECT count(*) FROM signal WHERE role = 1 AND surplus = 0"), 1, "and have the places of one network");
    world_close(&w);
}

/* Each is alone in its network, waits, and goes to the address where the others are. */
static void by_moving(void) {
    struct world w;
    struct synced out;
    world_open(&w, "wal");
    for (int k = HONEST; k < HONEST + 20; k++) join(&w, k, &out);
    world_live_sql(&w, "UPDATE signal SET role = 1, needy = 1, surplus = 0; DELETE FROM offer");
    for (int k = HONEST; k < HONEST + 20; k++) {
        world_sync(&in, k);
        in.address = address_of(&w, EVIL);
        failed += world_run(&w, &in, &out) != ERR_OK;
    }
    ok(world_live(&w, "SELECT max(n) FROM net") >= 19, "twenty came to one address");
    same_int(world_live(&w, "SELECT count(*) FROM signal WHERE role = 1 AND surplus = 0 AND whole ="
                            " (SELECT whole FROM signal GROUP BY whole ORDER BY count(*) DESC LIMIT 1)"),
             1, "and have the places of one network");
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

static void name_dead(struct world *w, int k, const struct sig *who, size_t n) {
    struct synced out;
    world_sync(&in, k);
    in.address = address_of(w, k);
    in.n_gone = n;
    memcpy(in.gone, who, n * sizeof *who);
    failed += world_run(w, &in, &out) != ERR_OK;
}

static void leave(struct world *w, int k) {
    struct synced out;
    world_sync(&in, k);
    in.leave = true;
    say(w, k, &out);
}

static int64_t doubt(struct world *w) {
    return world_live(w, "SELECT doubt FROM signal ORDER BY id DESC LIMIT 1");
}

/* A greeter that speaks all the time, and what those say who were given its offers; it begins anew before they do, or leaves. */
static void words(const char *front, const char *back, int dead, int64_t want, const char *what) {
    struct world w;
    struct synced out;
    world_open(&w, "wal");
    for (int k = 0; k < dead; k++, w.ctx.now += S) {
        join(&w, EVIL + k, &out);
        struct sig evil = out.signal.sig;
        stay(&w, EVIL + k, true);
        world_sync(&in, NEW + k);
        in.key = w.circle.api_key;
        in.greet = 0;
        in.address = arena_text(&w.arena, "%s%d%s", front, k + 1, back);
        failed += world_run(&w, &in, &out) != ERR_OK || out.n_peers != 1;
        leave(&w, EVIL + k);
        world_sync(&in, NEW + k);
        in.address = arena_text(&w.arena, "%s%d%s", front, k + 1, back);
        in.n_gone = 1;
        in.gone[0] = evil;
        failed += world_run(&w, &in, &out) != ERR_OK;
    }
    join(&w, EVIL + dead, &out);
    stay(&w, EVIL + dead, true);
    same_int(doubt(&w), want, "%s", what);
    world_sync(&in, EVIL + dead);
    in.key = w.circle.api_key;
    in.run = 2;
    say(&w, EVIL + dead, &out);
    same_int(doubt(&w), want, "%s: a new run washes nothing off", what);
    if (want) {
        for (in.n_offers = 0; in.n_offers < CAP_OFFERS; in.n_offers++)
            in.offers[in.n_offers] = (struct offer){arena_text(&w.arena, "new%zu", in.n_offers), "evil"};
        say(&w, EVIL + dead, &out);
        join(&w, HONEST, &out);
        stay(&w, HONEST, false);
        same_int(out.signal.role, GREETER, "%s: others greet", what);
        join(&w, HONEST + 1, &out);
        ok(out.n_peers == 2 && strcmp(out.peers[0].offer.sdp, "sdp") == 0, "%s: it is chosen last", what);
    }
    w.ctx.now += SPAN_WORD;
    join(&w, EVIL + MANY, &out);
    same_int(doubt(&w), 0, "%s: for an hour", what);
    world_close(&w);
}

/* It goes on greeting, with three offers more than it has. */
static void offer_more(struct world *w, int k, struct synced *out) {
    static int fresh = 1000;
    world_sync(&in, k);
    for (; in.n_offers < CAP_OFFERS; in.n_offers++)
        in.offers[in.n_offers] = (struct offer){arena_text(&w->arena, "%d", fresh++), k < HONEST ? "evil" : "sdp"};
    say(w, k, out);
}

/* One address has named all others dead, while it has offers itself. */
static void word_of_one(void) {
    static const int who[] = {HONEST, HONEST + 1, EVIL, EVIL + 1, EVIL + 2, EVIL + 3, EVIL + 4};
    struct world w;
    struct synced out;
    int good = 0;
    world_open(&w, "wal");
    for (size_t i = 0; i < 2; i++) {
        join(&w, who[i], &out);
        offer_more(&w, who[i], &out);
    }
    for (size_t i = 2; i < sizeof who / sizeof *who; i++) join(&w, who[i], &out);
    for (size_t i = 0; i < sizeof who / sizeof *who; i++) offer_more(&w, who[i], &out);
    world_live_sql(&w, "UPDATE signal SET suspect = 1 WHERE id IN (SELECT signal FROM offer WHERE sdp = 'sdp')");
    join(&w, NEW, &out);
    for (size_t p = 0; p < out.n_peers; p++) good += strcmp(out.peers[p].offer.sdp, "sdp") == 0;
    ok(out.n_peers == CAP_CLAIM && good == 2, "named dead by one address that greets, two others are given, too: %d of %zu", good,
       out.n_peers);
    world_close(&w);
}

/* Three addresses, each a greeter that answers nobody and begins anew once two have its offers, and that names dead every other
 * greeter whose offers it was given; visitors who come, go, and try again when none of those they were given answers. */
enum { SECONDS = 300, VISITORS = 25, HERE = 120, TRY = 10 };

struct visitor {
    struct sig given[CAP_CLAIM];
    size_t n;
    int tries, next;
    bool linked;
};

static void visit(struct world *w, int k, struct visitor *v, int now) {
    struct synced out;
    bool evil = true;
    if (v->n) name_dead(w, k, v->given, v->n);
    join(w, k, &out);
    v->tries++;
    v->next = now + TRY;
    v->n = out.n_peers;
    for (size_t i = 0; i < v->n; i++) {
        v->given[i] = out.peers[i].sig;
        evil = evil && strcmp(out.peers[i].offer.sdp, "evil") == 0;
    }
    v->linked = !evil;
}

static const char *three(struct world *w, int k) {
    return arena_text(&w->arena, "203.0.%d.66", k % 3);
}

static void say_evil(struct world *w, int k, struct synced *out) {
    in.address = three(w, k);
    failed += world_run(w, &in, out) != ERR_OK;
}

/* One second of an attacker: its greeter is number *k, which has given so many offers. */
static void attack(struct world *w, int *k, int *given, int *standing, int now) {
    static char ids[CAP_OFFERS][16];
    static int fresh, taker = 20000;
    struct synced out;
    world_sync(&in, *k);
    in.key = *given < 0 ? w->circle.api_key : NULL;
    in.shares = true;
    say_evil(w, *k, &out);
    *given = *given < 0 ? 0 : *given + (*standing > (int)out.standing ? *standing - (int)out.standing : 0);
    world_sync(&in, *k);
    in.leave = *given >= 2;
    for (; !in.leave && out.signal.role == GREETER && in.n_offers < CAP_OFFERS - (size_t)out.standing; in.n_offers++) {
        (void)snprintf(ids[in.n_offers], sizeof ids[0], "e%d", fresh++);
        in.offers[in.n_offers] = (struct offer){ids[in.n_offers], "evil"};
    }
    *standing = out.signal.role == GREETER ? CAP_OFFERS : 0;
    bool gone = in.leave;
    if (gone || in.n_offers) say_evil(w, *k, &out);
    if (gone) *k += 3, *given = -1;
    if (now % 3) return;
    taker += 3;
    world_sync(&in, taker + *k % 3);
    in.key = w->circle.api_key;
    in.greet = 0;
    say_evil(w, *k, &out);
    world_sync(&in, taker + *k % 3);
    for (size_t i = 0; i < out.n_peers; i++)
        if (strcmp(out.peers[i].offer.sdp, "evil") != 0) in.gone[in.n_gone++] = out.peers[i].sig;
    in.leave = in.n_gone == 0;
    say_evil(w, *k, &out);
}

static void silence(void) {
    struct world w;
    struct visitor v[VISITORS] = {0};
    int k[3] = {10000, 10001, 10002}, given[3] = {-1, -1, -1}, standing[3] = {0}, linked = 0, quick = 0, all = 0;
    world_open(&w, "wal");
    for (int now = 0; now < SECONDS; now++, w.ctx.now += S) {
        for (int i = 0; i < 3 && now > 40; i++) attack(&w, &k[i], &given[i], &standing[i], now);
        for (int i = 0; i < VISITORS && i * 12 <= now; i++) {
            if (now == i * 12 + HERE) leave(&w, HONEST + i);
            if (now >= i * 12 + HERE) continue;
            if (now == i * 12 || (!v[i].linked && now == v[i].next))
                visit(&w, HONEST + i, &v[i], now);
            else
                stay(&w, HONEST + i, false);
        }
    }
    for (int i = 6; i < VISITORS - 2; i++, all++) {
        linked += v[i].linked;
        quick += v[i].linked && v[i].tries == 1;
    }
    ok(linked == all && quick * 3 >= all * 2, "three addresses silence no small circle: %d of %d visitors meet one, %d at once",
       linked, all, quick);
    world_close(&w);
}

/* One address has seventy who wait for a greeter, with offers or without, and never go; eight others greet. */
static void slow(bool offers) {
    struct world w;
    struct synced out;
    world_open(&w, "wal");
    for (int k = HONEST; k < HONEST + 8; k++) join(&w, k, &out);
    for (int i = 0; i < 50; i++, w.ctx.now += 2 * S) {
        for (int k = HONEST; k < HONEST + 8; k++) stay(&w, k, true);
        if (i == 10)
            for (int k = EVIL; k < EVIL + 70; k++) join(&w, k, &out);
        if (i >= 10 && i % 5 == 0)
            world_live_sql(&w,
                           arena_text(&w.arena, "UPDATE signal SET needy = %d, role = 1 WHERE id > 8", offers ? NEEDY : SEEKING));
        for (int k = EVIL; i >= 10 && i % 5 == 0 && k < EVIL + 70; k++) {
            world_sync(&in, k);
            in.shares = true;
            in.n_offers = offers;
            in.offers[0] = (struct offer){arena_text(&w.arena, "w%d", i), "evil"};
            say(&w, k, &out);
        }
    }
    ok(world_live(&w, "SELECT count(*) FROM signal WHERE role = 1 AND id > 8") > 60, "of one address many wait");
    int interval = (int)world_live(&w, "SELECT max(interval) FROM signal WHERE id <= 8");
    ok(interval <= 10 * S, "those who greet are not made slow, %s: %d ms", offers ? "by their offers" : "by their number",
       interval);
    world_close(&w);
}

/* Those above a number wait for a greeter, with three offers each. */
static void wait(struct world *w, int above) {
    world_live_sql(w, arena_text(&w->arena,
                                 "UPDATE signal SET needy = id > %d, role = 1;"
                                 "INSERT INTO offer(signal, id, sdp, expires) SELECT s.id, 'o' || n.id, 'sdp', %" PRId64
                                 " FROM signal s, signal n WHERE s.id > %d AND n.id <= %d",
                                 above, w->ctx.now + SPAN_OFFER, above, CAP_OFFERS));
}

/* How many of those who wait so many signals, which greet, take one after the other; one alone may answer them. */
static int take(struct world *w, int from, int signals, int polls, bool answer) {
    struct synced out = {0};
    int taken = 0;
    for (int i = 0; i < polls; i++, w->ctx.now += S / 4) {
        world_live_sql(w, "UPDATE signal SET role = 1");
        world_sync(&in, from + i % signals);
        for (; answer && in.n_mail < out.n_peers; in.n_mail++)
            in.mail[in.n_mail] = (struct mail_out){"m", out.peers[in.n_mail].offer.id, "answer", out.peers[in.n_mail].sig};
        say(w, from + i % signals, &out);
        taken += (int)out.n_peers;
    }
    return taken;
}

static int waiting_still(struct world *w) {
    return (int)world_live(w, "SELECT count(*) FROM signal WHERE needy = 1");
}

/* One address takes whoever waits, and answers nobody. */
static void claims(void) {
    struct world w;
    struct synced out;
    world_open(&w, "wal");
    for (int k = EVIL; k < EVIL + 3; k++) join(&w, k, &out);
    join(&w, NEW, &out);
    for (int k = HONEST; k < HONEST + 40; k++) join(&w, k, &out);
    wait(&w, 4);
    same_int(take(&w, EVIL, 3, 200, false), 40, "of each who waits one address has one offer, with as many signals as it likes");
    same_int(waiting_still(&w), 40, "whom it does not answer goes on waiting");
    (void)take(&w, NEW, 1, 60, true);
    same_int(waiting_still(&w), 0, "for somebody else");
    world_sync(&in, HONEST + 39);
    say(&w, HONEST + 39, &out);
    same_int(out.signal.role, PEER, "and is no greeter any more when it speaks next");
    world_close(&w);
}

/* Of one network many wait, as one after the other comes to an idle circle: somebody of it helps them all, and another one where he
 * does not answer. */
static void crowd(void) {
    struct world w;
    struct synced out;
    world_open(&w, "wal");
    for (int k = EVIL; k < EVIL + 60; k++) join(&w, k, &out);
    wait(&w, 3);
    same_int(take(&w, EVIL, 1, 10, false), 10, "one takes ten, and is gone");
    (void)take(&w, EVIL + 1, 1, 90, true);
    same_int(waiting_still(&w), 0, "a network helps its own, however many they are");
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
        world_live_sql(&w, "UPDATE offer SET taker = NULL, net = NULL, wider = NULL, expires = (SELECT max(expires) FROM offer);"
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
    by_turns();
    by_moving();
    school();
    words("10.1.", ".1", WORDS_HEARD, 1, "named dead by three networks");
    words("10.1.", ".1", 2 * WORDS_HEARD, 2, "by six");
    words("10.1.", ".1", WORDS_HEARD - 1, 0, "by two");
    words("10.1.1.", "", 2 * WORDS_HEARD, 0, "by one /24");
    words("2001:db8:1:", "::1", 2 * WORDS_HEARD, 0, "by one /48");
    word_of_one();
    silence();
    slow(false);
    slow(true);
    claims();
    crowd();
    waiting();
    same_int(failed, 0, "every request is answered");
    return done();
}
