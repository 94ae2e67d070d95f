/* Standing offers and mail: claimed once, delivered at least once, bounded. */
#include "meet/mailbox.h"
#include "tap.h"
#include "util/caps.h"
#include "world.h"
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sync in; /* large */
static int failed; /* requests that no test looks at more closely */

static enum err deposit(struct world *w, int k, const char *const *ids, size_t n, struct synced *out) {
    world_sync(&in, k);
    for (size_t i = 0; i < n; i++) in.offers[i] = (struct offer){ids[i], "sdp"};
    in.n_offers = n;
    return world_run(w, &in, out);
}

static const char *homes[64]; /* addresses of signals that joined by join_at() */

static enum err mail(struct world *w, int k, const struct sig *to, const char *id, const char *body, struct synced *out) {
    world_sync(&in, k);
    in.mail[0] = (struct mail_out){.id = id, .re = "r", .body = body, .to = *to};
    in.n_mail = 1;
    if (homes[k]) in.address = homes[k];
    return world_run(w, &in, out);
}

static enum err read_from(struct world *w, int k, int64_t gen, int64_t n, struct synced *out) {
    world_sync(&in, k);
    in.cursor = (struct cursor){gen, {n, n, n}};
    return world_run(w, &in, out);
}

static void offers(void) {
    static const char *const ids[] = {"a", "b", "c"}, *const more[] = {"d", "e", "f"};
    struct world w;
    struct synced out;
    world_open(&w, "wal");
    same_text(err_name(world_join(&w, 1, &out)), "ok", "a greeter joins");
    struct sig greeter = out.signal.sig;
    same_text(err_name(deposit(&w, 1, ids, 2, &out)), "ok", "and deposits two offers");
    same_int(out.standing, 2, "which stand");
    same_text(err_name(deposit(&w, 1, ids, 2, &out)), "ok", "the same again");
    same_int(out.standing, 2, "are the same");
    same_text(err_name(deposit(&w, 1, more, 3, &out)), "ok", "three more");
    same_int(out.standing, 3, "take their place: only three stand");
    same_text(err_name(world_join(&w, 2, &out)), "ok", "a newcomer");
    same_int((int64_t)out.n_peers, 1, "claims one of them");
    ok(memcmp(&out.peers[0].sig, &greeter, sizeof greeter) == 0 && out.peers[0].near, "whose it is, and that it is near");
    same_text(out.peers[0].offer.id, "d", "the oldest");
    same_text(err_name(world_poll(&w, 1, &out)), "ok", "the greeter looks");
    same_int(out.standing, 2, "it has two left");
    w.ctx.now += SPAN_OFFER - 5000 - 1;
    same_text(err_name(world_join(&w, 1, &out)), "ok", "the greeter is still there");
    same_int(out.standing, 2, "115 s old: they stand");
    w.ctx.now += 2;
    same_text(err_name(world_join(&w, 3, &out)), "ok", "older than that");
    same_int((int64_t)out.n_peers, 0, "they are not given away");
    same_text(err_name(deposit(&w, 1, ids, 3, &out)), "ok", "fresh ones");
    same_int(out.standing, 3, "take their place");
    w.ctx.now -= 3600000;
    same_text(err_name(world_join(&w, 4, &out)), "ok", "the clock set back an hour");
    same_int((int64_t)out.n_peers, 0, "offers of the future are not given away");
    world_close(&w);
}

static enum err blame(struct world *w, int k, const struct sig *who, size_t n, struct synced *out) {
    world_sync(&in, k);
    memcpy(in.gone, who, n * sizeof *who);
    in.n_gone = n;
    return world_run(w, &in, out);
}

static void suspects(void) {
    static const char *const ids[] = {"a", "b", "c"};
    struct world w;
    struct synced out;
    world_open(&w, "wal");
    same_text(err_name(world_join(&w, 1, &out)), "ok", "a greeter");
    struct sig greeter = out.signal.sig;
    (void)!deposit(&w, 1, ids, 3, &out);
    same_text(err_name(world_join(&w, 2, &out)), "ok", "a neighbour has one of its offers");
    struct sig gone[] = {greeter, out.signal.sig};
    same_text(err_name(blame(&w, 2, gone, 2, &out)), "ok", "who says at once that the greeter is gone");
    same_int(world_live(&w, "SELECT sum(suspect) FROM signal"), 0, "is not believed: it has just spoken");
    w.ctx.now += SPAN_SPOKE + 1;
    same_text(err_name(blame(&w, 2, gone, 2, &out)), "ok", "but a moment later");
    same_int(world_live(&w, "SELECT sum(suspect) FROM signal"), 1, "it is");
    same_int(world_live(&w, "SELECT count(*) FROM offer WHERE taker IS NULL"), 2, "and the offers stand");
    same_text(err_name(world_join(&w, 3, &out)), "ok", "the only greeter");
    same_int((int64_t)out.n_peers, 1, "is still given to a newcomer");
    same_int(out.signal.role, GREETER, "who waits for others, too");
    same_text(err_name(world_poll(&w, 1, &out)), "ok", "until it speaks");
    same_int(world_live(&w, "SELECT sum(suspect) FROM signal"), 0, "nobody is suspected any more, nor by oneself");
    w.ctx.now += SPAN_SPOKE + 1;
    same_text(err_name(blame(&w, 2, gone, 2, &out)), "ok", "a second word for the same offer");
    same_int(world_live(&w, "SELECT sum(suspect) FROM signal"), 0, "is not heard");
    same_text(err_name(blame(&w, 3, gone, 2, &out)), "ok", "another has an offer of its own");
    same_int(world_live(&w, "SELECT sum(suspect) FROM signal"), 1, "and is heard");
    world_live_sql(&w, "UPDATE signal SET role = 1, interval = 2000, needy = 0,"
                       " suspect = 0, expires = (SELECT min(expires) FROM signal); DELETE FROM offer");
    (void)!deposit(&w, 1, ids, 3, &out);
    (void)!deposit(&w, 3, ids, 3, &out);
    world_live_sql(&w, "UPDATE signal SET suspect = id = 1");
    same_text(err_name(world_join(&w, 4, &out)), "ok", "a newcomer");
    same_int((int64_t)out.n_peers, 2, "gets an offer of each");
    ok(memcmp(&out.peers[1].sig, &greeter, sizeof greeter) == 0 && out.peers[1].suspect && !out.peers[0].suspect,
       "and who is suspected last");
    world_close(&w);
}

/* Names taken from the roster are no reason; a mail that nobody fetches is one. */
static void strangers(void) {
    static const char *const ids[] = {"a", "b"};
    struct world w;
    struct synced out;
    struct sig all[8];
    world_open(&w, "wal");
    for (int k = 0; k < 8; k++) {
        (void)!world_join(&w, k, &out);
        all[k] = out.signal.sig;
        (void)!deposit(&w, k, ids, 2, &out);
    }
    world_live_sql(&w, "DELETE FROM offer WHERE taker IS NOT NULL");
    w.ctx.now += SPAN_SPOKE + 1;
    int64_t greeters = world_live(&w, "SELECT sum(role) FROM signal");
    (void)!world_join_at(&w, 9, "192.0.2.9", &out);
    int64_t has = (int64_t)out.n_peers;
    same_text(err_name(blame(&w, 9, all, 8, &out)), "ok", "one names the whole roster");
    same_int(world_live(&w, "SELECT sum(suspect) FROM signal"), has, "those whose offers it has are suspected, no others");
    ok(world_live(&w, "SELECT sum(role) FROM signal") >= greeters, "and all go on greeting");
    world_live_sql(&w, "UPDATE signal SET suspect = 0");
    (void)!mail(&w, 9, &all[7], "m", "x", &out);
    same_text(err_name(blame(&w, 9, all, 8, &out)), "ok", "a mail that waits");
    same_int(world_live(&w, "SELECT sum(suspect) FROM signal"), 1, "is a reason, for its recipient");
    world_close(&w);
}

static size_t join_run(struct world *w, int k, int64_t run, struct synced *out) {
    world_sync(&in, k);
    in.key = w->circle.api_key;
    in.run = run;
    failed += world_run(w, &in, out) != ERR_OK;
    return out->n_peers;
}

static void again(void) {
    static const char *const ids[] = {"a", "b", "c"};
    struct world w;
    struct synced out;
    char first[16];
    world_open(&w, "wal");
    (void)!world_join(&w, 1, &out);
    struct sig greeter = out.signal.sig;
    (void)!deposit(&w, 1, ids, 3, &out);
    same_int((int64_t)join_run(&w, 2, 1, &out), 1, "a newcomer has an offer");
    (void)snprintf(first, sizeof first, "%s", out.peers[0].offer.id);
    for (int i = 0; i < 5; i++) {
        w.ctx.now += 1000;
        same_int((int64_t)join_run(&w, 2, 1, &out), 1, "its answer was lost, it joins again");
        same_text(out.peers[0].offer.id, first, "and has the same");
    }
    world_sync(&in, 2);
    in.mail[0] = (struct mail_out){.id = "m1", .re = first, .body = "x", .to = greeter};
    in.n_mail = 1;
    failed += world_run(&w, &in, &out) != ERR_OK;
    w.ctx.now += 1000;
    same_int((int64_t)join_run(&w, 2, 1, &out), 1, "that one is answered, and the link is lost: it joins again");
    ok(strcmp(out.peers[0].offer.id, first) != 0, "and has another");
    w.ctx.now += 1000;
    same_int((int64_t)join_run(&w, 2, 2, &out), 1, "the page is loaded again: a third");
    same_int(world_live(&w, "SELECT count(*) FROM offer WHERE taker IS NULL"), 0, "was the last");
    (void)!deposit(&w, 1, (const char *const[]){"d", "e", "f"}, 3, &out);
    for (int run = 3; run < 9; run++) {
        w.ctx.now += 1000;
        same_int((int64_t)join_run(&w, 2, run, &out), run < 5, "loaded again and again, it takes no last one");
    }
    same_int(out.signal.role, GREETER, "and waits as one for whom none was there");
    same_int((int64_t)join_run(&w, 3, 1, &out), 0, "nor does another of its address");
    failed += world_join_at(&w, 4, "203.0.113.9", &out) != ERR_OK;
    same_int((int64_t)out.n_peers, 1, "others find it");
    world_close(&w);
}

/* A network that asks and asks leaves each greeter an offer for the next. */
static void share(const char *front, const char *back, const char *what) {
    static const char *const ids[2][3] = {{"a", "b", "c"}, {"d", "e", "f"}};
    struct world w;
    struct synced out;
    world_open(&w, "wal");
    for (int k = 0; k < 4; k++) (void)!world_join(&w, k, &out);
    world_live_sql(&w, "UPDATE signal SET role = 1, interval = 2000, needy = 0");
    for (int round = 0; round < 2; round++) {
        for (int k = 0; k < 4; k++) (void)!deposit(&w, k, ids[round], 3, &out);
        for (int k = 1; k <= 30; k++) {
            const char *address = back ? arena_text(&w.arena, "%s%02d%s", front, k, back) : front;
            failed += world_join_at(&w, 100 * (round + 1) + k, address, &out) != ERR_OK;
        }
    }
    int64_t greeters = world_live(&w, "SELECT count(DISTINCT signal) FROM offer");
    same_int(world_live(&w, "SELECT count(*) FROM offer WHERE taker IS NULL"), greeters, "%s: one offer of each greeter is left",
             what);
    failed += world_join_at(&w, 50, "203.0.113.1", &out) != ERR_OK;
    same_int((int64_t)out.n_peers, greeters < CAP_CLAIM ? greeters : CAP_CLAIM, "%s: somebody from elsewhere finds them", what);
    world_close(&w);
}

static void shares(void) {
    share("198.51.100.7", NULL, "an address");
    share("198.51.100.1", "", "a /24");
    share("2001:db8:1:1::", "", "a /64");
    share("2001:db8:1:1", "::1", "a /56");
    share("2001:db8:1:", "00::1", "a /48");
}

/* The newcomer finds no offer, deposits its own, and a greeter takes one. */
static void needy(void) {
    static const char *const ids[] = {"n1", "n2", "n3"};
    struct world w;
    struct synced out;
    world_open(&w, "wal");
    (void)!world_join(&w, 1, &out);
    same_int(out.signal.role, GREETER, "a greeter without offers");
    same_text(err_name(world_join(&w, 2, &out)), "ok", "a newcomer");
    same_int((int64_t)out.n_peers, 0, "finds none");
    struct sig newcomer = out.signal.sig;
    same_text(err_name(deposit(&w, 2, ids, 3, &out)), "ok", "and deposits its own");
    same_int(out.standing, 3, "as a greeter does");
    same_text(err_name(world_poll(&w, 1, &out)), "ok", "the greeter polls");
    same_int((int64_t)out.n_peers, 1, "and gets one of them");
    ok(memcmp(&out.peers[0].sig, &newcomer, sizeof newcomer) == 0, "of the newcomer");
    same_text(err_name(world_poll(&w, 1, &out)), "ok", "the next poll");
    same_int((int64_t)out.n_peers, 0, "gets no more of it");
    world_sync(&in, 1);
    in.n_mail = 1;
    in.mail[0] = (struct mail_out){.id = "m", .re = "n1", .body = "x", .to = newcomer};
    same_text(err_name(world_run(&w, &in, &out)), "ok", "it answers");
    same_text(err_name(world_poll(&w, 1, &out)), "ok", "the next poll");
    same_int((int64_t)out.n_peers, 0, "gets nothing");
    ok(!store_wrote(w.ctx.store), "and writes nothing");
    world_close(&w);
}

/* A newcomer that deposited offers and then vanished does not make greeters write for ever. */
static void vanished(void) {
    static const char *const ids[] = {"n1"};
    struct world w;
    struct synced out;
    int writes = 0;
    world_open(&w, "wal");
    (void)!world_join(&w, 1, &out);
    (void)!world_join(&w, 2, &out);
    (void)!deposit(&w, 2, ids, 1, &out);
    for (int i = 0; i < 60; i++, w.ctx.now += 1000) /* the newcomer's offer is claimed by nobody meanwhile */
        world_live_sql(&w, "UPDATE offer SET expires = 0");
    same_text(err_name(world_poll(&w, 1, &out)), "ok", "a greeter goes on");
    w.ctx.now += SPAN_GREETER_LEASE - 60000;
    for (int i = 0; i < 20; i++, w.ctx.now += 1000) {
        (void)!world_poll(&w, 1, &out);
        writes += store_wrote(w.ctx.store);
    }
    ok(writes <= 3, "and hardly writes once the newcomer's lease is over: %d of 20", writes);
    same_int(world_live(&w, "SELECT needy FROM pulse"), 0, "nobody is waited for");
    world_close(&w);
}

static void letters(void) {
    struct world w;
    struct synced out;
    struct sig a, b;
    world_open(&w, "wal");
    (void)!world_join(&w, 1, &out);
    a = out.signal.sig;
    (void)!world_join(&w, 2, &out);
    b = out.signal.sig;
    same_text(err_name(mail(&w, 2, &a, "m1", "hello", &out)), "ok", "a mail");
    same_int(out.sent[0].error, ERR_OK, "is taken");
    ok(out.sent[0].due_ms > 0 && out.sent[0].due_ms <= 3000, "with the time of its reading: %d", (int)out.sent[0].due_ms);
    (void)!mail(&w, 2, &a, "m1", "hello", &out);
    same_int(out.sent[0].error, ERR_OK, "the same again");
    same_text(err_name(read_from(&w, 1, 1, 0, &out)), "ok", "the recipient reads");
    same_int((int64_t)out.n_mail, 1, "one mail");
    same_text(out.mail[0].body, "hello", "whole");
    ok(memcmp(&out.mail[0].from, &b, sizeof b) == 0, "from whom it came");
    ok(!store_wrote(w.ctx.store), "reading writes nothing");
    int64_t cursor = out.cursor.n[STRANGER];
    (void)!read_from(&w, 1, 1, 0, &out);
    same_int((int64_t)out.n_mail, 1, "the answer was lost: again");
    (void)!read_from(&w, 1, 1, cursor, &out);
    same_int((int64_t)out.n_mail, 0, "acknowledged: not again");
    (void)!read_from(&w, 1, 99, cursor, &out);
    same_int((int64_t)out.n_mail, 1, "a cursor of another generation acknowledges nothing");
    (void)!mail(&w, 1, &b, "x", "y", &out);
    same_int(world_live(&w, "SELECT count(*) FROM mail WHERE id = 'm1'"), 1, "a write without a cursor deletes nothing");
    world_sync(&in, 1);
    in.cursor = (struct cursor){1, {0, 0, cursor}};
    in.mail[0] = (struct mail_out){.id = "x2", .re = "r", .body = "y", .to = b};
    in.n_mail = 1;
    (void)!world_run(&w, &in, &out);
    same_int(world_live(&w, "SELECT count(*) FROM mail WHERE id = 'm1'"), 0, "the next write deletes what is acknowledged");
    (void)!world_join(&w, 3, &out);
    struct sig c = out.signal.sig;
    (void)!mail(&w, 2, &a, "two", "for a", &out);
    (void)!mail(&w, 2, &c, "two", "for c", &out);
    same_int(out.sent[0].error, ERR_OK, "one id for two recipients");
    same_text(err_name(read_from(&w, 3, 1, 0, &out)), "ok", "is two mails");
    ok(out.n_mail == 1 && strcmp(out.mail[0].body, "for c") == 0, "and the second arrives");
    (void)!mail(&w, 2, &b, "self", "y", &out);
    same_int(out.sent[0].error, ERR_NOT_FOUND, "mail to oneself is not taken");
    b.b[0] ^= 1;
    (void)!mail(&w, 2, &b, "none", "y", &out);
    same_int(out.sent[0].error, ERR_NOT_FOUND, "nor mail to nobody");
    world_close(&w);
}

static enum err join_at(struct world *w, int k, const char *address, struct synced *out) {
    homes[k] = address;
    return world_join_at(w, k, address, out);
}

/* Mails from signal k; how many were taken. */
static int send(struct world *w, int k, const struct sig *to, int n) {
    static int drawn;
    struct synced out;
    int taken = 0;
    for (int i = 0; i < n; i++)
        taken += mail(w, k, to, arena_text(&w->arena, "n%d", ++drawn), "x", &out) == ERR_OK && out.sent[0].error == ERR_OK;
    return taken;
}

static void limits(void) {
    struct world w;
    struct synced out;
    world_open(&w, "wal");
    (void)!world_join(&w, 1, &out);
    struct sig a = out.signal.sig;
    (void)!world_join(&w, 2, &out);
    same_int(send(&w, 2, &a, CAP_MAIL_NET - 1), CAP_MAIL_NET - 1, "an address may send some mail to one who does not know it");
    (void)!mail(&w, 2, &a, "m7", "x", &out);
    same_int(out.sent[0].error, ERR_OK, "eight of them");
    same_int(send(&w, 2, &a, 1), 0, "no more");
    (void)!mail(&w, 2, &a, "m7", "x", &out);
    same_int(out.sent[0].error, ERR_OK, "one that waits already is not refused when it is sent again");
    for (int k = 3; k < 10; k++) {
        (void)!join_at(&w, k, arena_text(&w.arena, "10.0.%d.1", k), &out);
        failed += send(&w, k, &a, CAP_MAIL_NET) != CAP_MAIL_NET;
    }
    (void)!join_at(&w, 10, "10.0.10.1", &out);
    same_int(send(&w, 10, &a, 1), 0, "nor from other networks, when 64 wait");
    int64_t total = 0;
    int rounds = 0;
    for (out.cursor = (struct cursor){0}; rounds < 9; rounds++) {
        struct cursor at = out.cursor;
        world_sync(&in, 1);
        in.cursor = at;
        failed += world_run(&w, &in, &out) != ERR_OK;
        total += (int64_t)out.n_mail;
        if (out.n_mail == 0) break;
    }
    same_int(total, CAP_MAIL_WAITING, "all are read");
    same_int(rounds, 4, "16 at a time");
    w.ctx.now += SPAN_MAIL + 8000; /* the leases are over; the same tokens come back. The last ones were told to be read later */
    (void)!world_join(&w, 1, &out);
    same_int((int64_t)out.n_mail, 0, "mail that has expired is not delivered");
    (void)!world_join(&w, 2, &out);
    (void)!mail(&w, 2, &a, "m65", "x", &out);
    same_int(out.sent[0].error, ERR_OK, "nor is it counted");
    world_close(&w);
}

/* What one network may have waiting for a stranger, whatever it has of signals: front and back stand around a number. */
static void mail_share(const char *front, const char *back, int most, const char *what) {
    struct world w;
    struct synced out;
    int taken = 0;
    world_open(&w, "wal");
    (void)!join_at(&w, 1, "203.0.113.1", &out);
    struct sig to = out.signal.sig;
    for (int k = 2; k < 8; k++) {
        (void)!join_at(&w, k, arena_text(&w.arena, "%s%d%s", front, k, back), &out);
        taken += send(&w, k, &to, CAP_MAIL_NET);
    }
    same_int(taken, most, "%s has so many places", what);
    (void)!join_at(&w, 8, "192.0.2.8", &out);
    same_int(send(&w, 8, &to, 1), 1, "%s: and others have theirs", what);
    world_close(&w);
}

static void mail_shares(void) {
    mail_share("2001:db8:1:1::", "", CAP_MAIL_NET, "a /64");
    mail_share("198.51.100.", "", CAP_MAIL_WIDER, "a /24");
    mail_share("2001:db8:1:10", "::1", CAP_MAIL_WIDER, "a /56");
    mail_share("2001:db8:1:", "00::1", CAP_MAIL_WIDEST, "a /48");
}

/* An answer of signal k to a greeter's offer. */
static enum err answer(struct world *w, int k, const struct sig *to, const char *id, const char *offer, const char *body,
                       struct synced *out) {
    world_sync(&in, k);
    if (homes[k]) in.address = homes[k];
    in.mail[0] = (struct mail_out){.id = id, .re = offer, .body = body, .to = *to};
    in.n_mail = 1;
    return world_run(w, &in, out);
}

/* A greeter in a flood: who answers it is read first, whom it knows next. */
static void ranks(void) {
    static const char *const ids[] = {"a", "b", "c"};
    struct world w;
    struct synced out;
    world_open(&w, "wal");
    (void)!join_at(&w, 1, "203.0.113.1", &out);
    struct sig greeter = out.signal.sig;
    (void)!deposit(&w, 1, ids, 3, &out);
    (void)!join_at(&w, 2, "198.51.100.2", &out);
    const char *offer = out.n_peers ? out.peers[0].offer.id : "";
    struct sig newcomer = out.signal.sig;
    (void)!join_at(&w, 3, "198.51.101.3", &out);
    struct sig neighbour = out.signal.sig;
    same_int((int64_t)out.n_peers, 1, "two have an offer of a greeter");
    for (int k = 10; k < 18; k++) {
        (void)!join_at(&w, k, arena_text(&w.arena, "10.0.%d.1", k), &out);
        (void)!store_run(w.ctx.store, SQL_OFFER_FORGET, ARGS(I(out.signal.id)));
        world_live_sql(&w, arena_text(&w.arena, "DELETE FROM offer WHERE taker = %d", (int)out.signal.id));
        failed += send(&w, k, &greeter, CAP_MAIL_NET) != CAP_MAIL_NET;
    }
    (void)!mail(&w, 3, &greeter, "known", "x", &out);
    same_int(out.sent[0].error, ERR_OK, "64 strangers' mails: one of a neighbour is taken");
    (void)!answer(&w, 2, &greeter, "answer", offer, "sdp", &out);
    same_int(out.sent[0].error, ERR_OK, "and an answer");
    int64_t due = out.sent[0].due_ms;
    (void)!world_poll(&w, 1, &out);
    ok(due <= 2 * out.signal.interval, "which is read at the next poll: in %d ms", (int)due);
    same_int((int64_t)out.n_mail, 1 + CAP_MAIL_OTHERS, "the greeter reads");
    ok(memcmp(&out.mail[0].from, &newcomer, sizeof newcomer) == 0, "the answer first");
    ok(memcmp(&out.mail[1].from, &neighbour, sizeof neighbour) == 0, "then the neighbour's");
    struct cursor at = out.cursor;
    world_sync(&in, 1);
    in.cursor = at;
    (void)!world_run(&w, &in, &out);
    same_int((int64_t)out.n_mail, CAP_MAIL_OTHERS, "then, once, the next of the others");
    same_int(out.mail[0].at.n[STRANGER] - at.n[STRANGER], 1, "from where it was");
    world_sync(&in, 1);
    in.cursor = at;
    in.mail[0] = (struct mail_out){.id = "r", .re = "x", .body = "x", .to = newcomer};
    in.n_mail = 1;
    (void)!world_run(&w, &in, &out);
    same_int(world_live(&w, "SELECT count(*) FROM mail WHERE rank < 2 AND signal = (SELECT min(id) FROM signal)"), 0,
             "what it has goes");
    same_int(world_live(&w, "SELECT count(*) FROM mail WHERE signal = (SELECT min(id) FROM signal)"),
             CAP_MAIL_WAITING - CAP_MAIL_OTHERS + 1, "and nothing else");
    world_close(&w);
}

static int64_t ranked(struct world *w, const char *id) {
    return world_live(w, arena_text(&w->arena, "SELECT rank FROM mail WHERE id = '%s'", id));
}

/* What is kept free for answers is for those that somebody may still wait for. */
static void late_answers(void) {
    static const char *const ids[] = {"a", "b", "c"};
    struct world w;
    struct synced out;
    world_open(&w, "wal");
    (void)!join_at(&w, 1, "203.0.113.1", &out);
    struct sig to = out.signal.sig;
    (void)!deposit(&w, 1, ids, 3, &out);
    for (int k = 2; k < 4; k++) (void)!join_at(&w, k, arena_text(&w.arena, "198.51.%d.1", k), &out);
    world_live_sql(&w,
                   arena_text(&w.arena,
                              "UPDATE signal SET role = 0, since = %" PRId64 ", interval = %d, expires = %" PRId64 " WHERE id = 1",
                              w.ctx.now - SPAN_NEWCOMER_DUE, SPAN_PEER_DUE, w.ctx.now + SPAN_PEER_LEASE));
    (void)!answer(&w, 2, &to, "first", "a", "sdp", &out);
    ok(out.sent[0].due_ms > SPAN_OFFER && ranked(&w, "first") == ANSWER, "an answer to one who reads in %d ms",
       (int)out.sent[0].due_ms);
    same_int(world_live(&w, "SELECT expires FROM mail") - w.ctx.now, SPAN_OFFER, "is kept as long as an offer");
    w.ctx.now += SPAN_OFFER - 4000;
    (void)!answer(&w, 3, &to, "second", "b", "sdp", &out);
    same_int(ranked(&w, "second"), NEIGHBOUR, "what comes when its offer has expired is a neighbour's mail");
    world_close(&w);
}

/* However many signals a network has: others have their place in the circle. */
static void circle_share(void) {
    static const char *const ids[] = {"a", "b", "c"};
    static const char counted[] = "SELECT total(mail) - (SELECT mail FROM pulse) FROM net WHERE net IN (SELECT whole FROM mail)";
    struct world w;
    struct synced out;
    world_open(&w, "wal");
    (void)!join_at(&w, 1, "203.0.113.1", &out);
    struct sig to = out.signal.sig;
    (void)!deposit(&w, 1, ids, 3, &out);
    (void)!join_at(&w, 2, "198.51.100.2", &out);
    (void)!join_at(&w, 3, "198.51.100.3", &out);
    (void)!join_at(&w, 4, "192.0.2.4", &out);
    same_int(send(&w, 2, &to, 2) + send(&w, 4, &to, 2), 4, "mail of two networks");
    same_int(world_live(&w, counted), 0, "is counted in each, and in the circle");
    world_live_sql(&w, arena_text(&w.arena, "UPDATE net SET mail = mail + %d WHERE net = (SELECT whole FROM signal WHERE id = 2)",
                                  CAP_MAIL_CIRCLE / MAIL_SHARE - 2));
    same_int(send(&w, 3, &to, 1), 0, "a network that has its share of the circle's mail has no more");
    same_int(send(&w, 4, &to, 1), 1, "others have");
    (void)!answer(&w, 3, &to, "answer", "b", "sdp", &out);
    same_int(out.sent[0].error, ERR_OK, "and it has as much for answers");
    world_live_sql(&w, arena_text(&w.arena, "UPDATE net SET mail = mail + %d WHERE net = (SELECT whole FROM signal WHERE id = 2)",
                                  CAP_MAIL_CIRCLE / MAIL_SHARE - 2));
    (void)!answer(&w, 2, &to, "more", "a", "sdp", &out);
    same_int(out.sent[0].error, ERR_MAILBOX_FULL, "and no more");
    world_live_sql(&w, arena_text(&w.arena, "UPDATE net SET mail = mail - %d WHERE net = (SELECT whole FROM signal WHERE id = 2)",
                                  2 * (CAP_MAIL_CIRCLE / MAIL_SHARE - 2)));
    world_live_sql(&w, "DELETE FROM signal WHERE id > 1");
    same_int(world_live(&w, counted), 0, "who leaves is counted as long as its mail lies there");
    world_live_sql(&w, "DELETE FROM mail");
    same_int(world_live(&w, "SELECT mail FROM pulse"), 0, "it goes");
    same_int(world_live(&w, "SELECT count(*) FROM net WHERE n < 1"), 0, "and nothing stays of its networks");
    world_close(&w);
}

/* How long mail waits behind other mail, and who writes first. */
static void queue(void) {
    struct world w;
    struct synced out, first;
    world_open(&w, "wal");
    (void)!join_at(&w, 1, "203.0.113.1", &out);
    struct sig a = out.signal.sig;
    for (int k = 10; k < 14; k++) {
        (void)!join_at(&w, k, arena_text(&w.arena, "10.0.%d.1", k), &out);
        if (k < 13) failed += send(&w, k, &a, CAP_MAIL_NET) != CAP_MAIL_NET;
    }
    (void)!world_poll(&w, 1, &first);
    (void)!mail(&w, 13, &a, "late", "x", &out);
    same_int(out.sent[0].due_ms, first.due_ms + first.signal.interval, "behind 24 others it is read at the poll after the next");
    (void)!mail(&w, 1, &out.signal.sig, "hello", "x", &first);
    (void)!mail(&w, 13, &a, "back", "x", &out);
    same_int(world_live(&w, "SELECT rank FROM mail WHERE id = 'back'"), NEIGHBOUR, "who was written to is no stranger");
    char large[CAP_ANSWER + 2];
    memset(large, 'x', sizeof large);
    large[sizeof large - 1] = '\0';
    static const char *const ids[] = {"a"};
    (void)!deposit(&w, 1, ids, 1, &first);
    (void)!join_at(&w, 20, "192.0.2.20", &out);
    same_int((int64_t)out.n_peers, 1, "an offer");
    (void)!answer(&w, 20, &a, "large", "a", large, &out);
    same_int(world_live(&w, "SELECT rank FROM mail WHERE id = 'large'"), NEIGHBOUR,
             "what is too long is no answer that goes first");
    world_close(&w);
}

/* Nobody fetches it, and nobody joins. */
static void growth(void) {
    struct world w;
    struct synced out;
    struct sig all[8];
    char id[16], body[CAP_MAIL_BODY + 1];
    int refused = 0;
    int64_t most = 0, lie;
    memset(body, 'x', CAP_MAIL_BODY);
    body[CAP_MAIL_BODY] = '\0';
    world_open(&w, "wal");
    for (int k = 0; k < 8; k++) {
        (void)!world_join(&w, k, &out);
        all[k] = out.signal.sig;
    }
    for (int i = 0; i < 2000; i++) {
        (void)snprintf(id, sizeof id, "m%d", i);
        failed += mail(&w, i % 2, &all[2 + i % 6], id, body, &out) != ERR_OK;
        refused += out.sent[0].error == ERR_MAILBOX_FULL;
        lie = i % 50 ? 0 : world_live(&w, "SELECT count(*) FROM mail");
        most = lie > most ? lie : most;
        w.ctx.now += 1000; /* the leases of greeters end, those of peers do not */
    }
    ok(refused > 0, "one sender has no more than %d characters under way: %d were refused", CAP_MAIL_SENDER, refused);
    ok(most <= 2 * CAP_MAIL_SENDER / CAP_MAIL_BODY + 50, "what has expired goes: %d lay there at the most", (int)most);
    same_int(world_live(&w, "SELECT mail - (SELECT coalesce(sum(length(body)), 0) FROM mail) FROM pulse"), 0, "the count is right");
    world_live_sql(&w, "UPDATE pulse SET mail = 64 << 20");
    (void)!world_join(&w, 20, &out);
    (void)!mail(&w, 20, &all[3], "late", "x", &out);
    ok(out.sent[0].error != ERR_OK, "a circle has its bound, too");
    world_close(&w);
}

static void expiry(void) {
    struct world w;
    struct synced out;
    world_open(&w, "wal");
    world_sync(&in, 1);
    in.key = w.circle.api_key;
    in.greet = 0;
    (void)!world_run(&w, &in, &out);
    struct sig peer = out.signal.sig;
    (void)!world_join(&w, 2, &out);
    w.ctx.now += SPAN_NEWCOMER_DUE;
    (void)!mail(&w, 2, &peer, "m1", "x", &out);
    same_int(out.sent[0].due_ms, SPAN_PEER_DUE, "a peer reads in 20 minutes");
    w.ctx.now += SPAN_PEER_DUE + SPAN_MAIL_AFTER_DUE - 1;
    (void)!read_from(&w, 1, 1, 0, &out);
    same_int((int64_t)out.n_mail, 1, "its mail is kept until then, and 30 s more");
    w.ctx.now += 1;
    (void)!read_from(&w, 1, 1, 0, &out);
    same_int((int64_t)out.n_mail, 0, "and no longer");
    world_sql(world_path(&w, "live-1.db"),
              "WITH i(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM i WHERE k < 100) INSERT INTO mail"
              "(circle, signal, sender, id, re, body, expires) SELECT 1, 1, x'00', k, 'r', 'x', 1 FROM i");
    (void)!world_join(&w, 2, &out);
    (void)!mail(&w, 2, &peer, "m1", "x", &out);
    same_int(out.sent[0].error, ERR_OK, "however much has expired, the same is sent again");
    (void)!read_from(&w, 1, 1, 0, &out);
    same_int((int64_t)out.n_mail, 1, "and comes");
    world_close(&w);
}

static void new_run(void) {
    static const char *const ids[] = {"a"};
    struct world w;
    struct synced out;
    world_open(&w, "wal");
    (void)!world_join(&w, 1, &out);
    struct sig a = out.signal.sig;
    (void)!deposit(&w, 1, ids, 1, &out);
    (void)!world_join(&w, 2, &out);
    (void)!mail(&w, 2, &a, "m", "x", &out);
    world_sync(&in, 1);
    in.key = w.circle.api_key;
    in.run = 2;
    same_text(err_name(world_run(&w, &in, &out)), "ok", "a new run takes over");
    same_int((int64_t)out.n_mail, 0, "without the mail of the old one");
    same_int(out.standing, 0, "or its offers");
    world_close(&w);
}

/* Eight processes join at once; three offers stand. */
static void concurrent(const char *journal) {
    enum { PROCESSES = 8 };
    static const char *const ids[] = {"a", "b", "c"};
    struct world w;
    struct synced out;
    int go[2], result[2], bad = 0, times[3] = {0};
    char got;
    world_open(&w, journal);
    (void)!world_join(&w, 1000, &out);
    (void)!deposit(&w, 1000, ids, 3, &out);
    same_int(out.standing, 3, "%s: three offers stand", journal);
    store_close(w.ctx.store);
    w.ctx.store = NULL;
    if (pipe(go) != 0 || pipe(result) != 0) exit(99);
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0) {
            world_reopen(&w);
            (void)close(go[1]);
            (void)!read(go[0], &got, 1);
            enum err e = world_join(&w, i, &out);
            for (size_t k = 0; k < out.n_peers; k++) e = write(result[1], out.peers[k].offer.id, 1) == 1 ? e : ERR_INTERNAL;
            _exit(e == ERR_OK ? 0 : 1);
        }
    (void)close(go[0]);
    (void)close(go[1]);
    (void)close(result[1]);
    for (int i = 0, status; i < PROCESSES; i++) bad += wait(&status) < 0 || status != 0;
    while (read(result[0], &got, 1) == 1)
        if (got >= 'a' && got <= 'c') times[got - 'a']++;
    (void)close(result[0]);
    same_int(bad, 0, "%s: all %d join", journal, PROCESSES);
    ok(times[0] == 1 && times[1] == 1 && times[2] == 1, "%s: each offer is claimed once: %d %d %d", journal, times[0], times[1],
       times[2]);
    same_int(world_live(&w, "SELECT count(*) FROM offer WHERE taker IS NULL"), 0, "%s: and none is left", journal);
    same_int(world_live(&w, "SELECT n FROM pulse"), PROCESSES + 1, "%s: the count is right", journal);
    world_close(&w);
}

int main(void) {
    offers();
    suspects();
    strangers();
    again();
    shares();
    needy();
    vanished();
    letters();
    limits();
    mail_shares();
    ranks();
    queue();
    late_answers();
    circle_share();
    memset(homes, 0, sizeof homes);
    growth();
    expiry();
    new_run();
    concurrent("wal");
    concurrent("truncate");
    same_int(failed, 0, "every request is answered");
    return done();
}
