/* What a signal needs, from request to request: each row of the table in meet/need.c. */
#include "host/settings.h"
#include "meet/sync.h"
#include "tap.h"
#include "util/caps.h"
#include "world.h"
#include <sys/stat.h>

/* Who is there, what has happened, what the request says. */
enum {
    ALONE = 1, /* else there are a greeter who reads a box, and a peer */
    GREETER_OFFERS = 2,
    SUSPECTED = 4, /* that greeter */
    STANDING = 8, /* an offer of its own */
    LATER = 16, /* half a lease is over */
    JOIN = 32,
    RELOADED = 64,
    OFFERS = 128,
    MAIL = 256,
    SHARES = 512,
};

static const struct {
    const char *name;
    enum need before;
    enum need_event event; /* the first that its request is */
    enum need after;
    bool calls;
    int how;
} cases[] = {
    {"content, joins, is given an offer", CONTENT, EVENT_GIVEN, CONTENT, 0, JOIN | GREETER_OFFERS},
    {"needy, joins, is given an offer", NEEDY, EVENT_GIVEN, CONTENT, 0, JOIN | GREETER_OFFERS},
    {"seeking, joins, is given an offer", SEEKING, EVENT_GIVEN, CONTENT, 0, JOIN | GREETER_OFFERS},
    {"seeking, joins, is alone", SEEKING, EVENT_GIVEN, CONTENT, 0, JOIN | ALONE},
    {"content, joins, is given nothing", CONTENT, EVENT_MISSED, SEEKING, 0, JOIN},
    {"needy, joins, is given nothing", NEEDY, EVENT_MISSED, NEEDY, 1, JOIN},
    {"seeking, joins, is given nothing", SEEKING, EVENT_MISSED, SEEKING, 0, JOIN},
    {"content, joins, is given a suspect's", CONTENT, EVENT_MISSED, SEEKING, 0, JOIN | GREETER_OFFERS | SUSPECTED},
    {"content, joins late, is given nothing", CONTENT, EVENT_MISSED, SEEKING, 0, JOIN | LATER},
    {"needy, joins late, is given nothing", NEEDY, EVENT_MISSED, NEEDY, 1, JOIN | LATER},
    {"content, joins, is given nothing, offers", CONTENT, EVENT_MISSED, NEEDY, 1, JOIN | OFFERS},
    {"needy, joins, is given nothing, offers", NEEDY, EVENT_MISSED, NEEDY, 1, JOIN | OFFERS},
    {"seeking, joins, is given nothing, offers", SEEKING, EVENT_MISSED, NEEDY, 1, JOIN | OFFERS},
    {"needy, joins, is given an offer, offers", NEEDY, EVENT_GIVEN, CONTENT, 0, JOIN | OFFERS | GREETER_OFFERS},
    {"seeking, joins, is given nothing, answers", SEEKING, EVENT_MISSED, SEEKING, 0, JOIN | MAIL},
    {"needy, joins, is given nothing, answers", NEEDY, EVENT_MISSED, NEEDY, 1, JOIN | MAIL},
    {"seeking, joins, is given nothing, offers and answers", SEEKING, EVENT_MISSED, NEEDY, 1, JOIN | OFFERS | MAIL},
    {"content, reloaded, is given nothing", CONTENT, EVENT_RELOADED, SEEKING, 0, JOIN | RELOADED},
    {"needy, reloaded, is given nothing", NEEDY, EVENT_RELOADED, SEEKING, 0, JOIN | RELOADED},
    {"seeking, reloaded, is given nothing", SEEKING, EVENT_RELOADED, SEEKING, 0, JOIN | RELOADED},
    {"content, offers", CONTENT, EVENT_OFFERS, CONTENT, 0, OFFERS},
    {"needy, offers", NEEDY, EVENT_OFFERS, NEEDY, 1, OFFERS},
    {"seeking, offers", SEEKING, EVENT_OFFERS, NEEDY, 1, OFFERS},
    {"content, answers", CONTENT, EVENT_ANSWERS, CONTENT, 0, MAIL},
    {"needy, answers", NEEDY, EVENT_ANSWERS, CONTENT, 0, MAIL | STANDING},
    {"seeking, answers", SEEKING, EVENT_ANSWERS, CONTENT, 0, MAIL},
    {"content, offers and answers", CONTENT, EVENT_BOTH, CONTENT, 0, OFFERS | MAIL},
    {"needy, offers and answers", NEEDY, EVENT_BOTH, CONTENT, 0, OFFERS | MAIL},
    {"seeking, offers and answers", SEEKING, EVENT_BOTH, NEEDY, 1, OFFERS | MAIL},
    {"content, offers nothing for half a lease", CONTENT, EVENT_LAPSED, CONTENT, 0, LATER},
    {"needy, offers nothing for half a lease", NEEDY, EVENT_LAPSED, CONTENT, 0, LATER},
    {"seeking, offers nothing for half a lease", SEEKING, EVENT_LAPSED, CONTENT, 0, LATER},
    {"needy, its offer stands after half a lease", NEEDY, EVENT_OTHER, NEEDY, 1, LATER | STANDING},
    {"seeking, its offer stands after half a lease", SEEKING, EVENT_OTHER, SEEKING, 0, LATER | STANDING},
    {"needy, offers after half a lease", NEEDY, EVENT_OFFERS, NEEDY, 1, LATER | OFFERS},
    {"content, says something else", CONTENT, EVENT_OTHER, CONTENT, 0, SHARES},
    {"needy, says something else", NEEDY, EVENT_OTHER, NEEDY, 1, SHARES},
    {"seeking, says something else", SEEKING, EVENT_OTHER, SEEKING, 0, SHARES},
};

enum { WHO, A_PEER, A_GREETER };
static struct sync in; /* large */
static bool gone_through[NEED_ROWS];

/* WHO needs what it needs, and whoever else is there is content. */
static void arrange(struct world *w, enum need before, int how) {
    world_live_sql(w, arena_text(&w->arena,
                                 "UPDATE signal SET needy = 0, role = box IS NOT NULL, suspect = box IS NOT NULL AND %d;"
                                 "UPDATE signal SET needy = %d, role = 1 WHERE id = (SELECT min(id) FROM signal);"
                                 "INSERT INTO offer(signal, id, sdp, expires) SELECT min(id), 'own', 'sdp', %" PRId64
                                 " FROM signal HAVING %d;",
                                 (how & SUSPECTED) != 0, (int)before, w->ctx.now + SPAN_OFFER, (how & STANDING) != 0));
}

static enum err others(struct world *w, int how, struct sig *peer) {
    struct synced out;
    world_sync(&in, A_PEER);
    in.key = w->circle.api_key;
    in.greet = 0;
    TRY(world_run(w, &in, &out));
    *peer = out.signal.sig;
    world_sync(&in, A_GREETER);
    in.key = w->circle.api_key;
    in.box = 1;
    in.n_offers = (how & GREETER_OFFERS) != 0;
    in.offers[0] = (struct offer){"o", "sdp"};
    return world_run(w, &in, &out);
}

static enum err begin(struct world *w, enum need before, int how, struct sig *peer) {
    struct synced out;
    world_live_sql(w, "DELETE FROM signal; DELETE FROM offer");
    TRY(world_join(w, WHO, &out));
    if (!(how & ALONE)) TRY(others(w, how, peer));
    arrange(w, before, how);
    if (how & LATER) w->ctx.now += SPAN_GREETER_LEASE / 2 + 1000;
    return ERR_OK;
}

static enum err say(struct world *w, int how, const struct sig *peer) {
    struct synced out;
    world_sync(&in, WHO);
    in.key = how & JOIN ? w->circle.api_key : NULL;
    in.run = how & RELOADED ? 2 : 1;
    in.shares = how & SHARES;
    in.n_offers = (how & OFFERS) != 0;
    in.offers[0] = (struct offer){"n", "sdp"};
    in.n_mail = (how & MAIL) != 0;
    in.mail[0] = (struct mail_out){.id = "m", .re = "r", .body = "x", .to = *peer};
    return world_run(w, &in, &out);
}

static void every(struct world *w) {
    struct sig peer = {{0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        same_text(err_name(begin(w, cases[i].before, cases[i].how, &peer)), "ok", "%s", cases[i].name);
        int64_t edition = world_live(w, "SELECT sum(box_v) FROM signal");
        same_text(err_name(say(w, cases[i].how, &peer)), "ok", "its request");
        gone_through[need_row(cases[i].before, cases[i].event) - need_rows] = true;
        same_int(world_live(w, "SELECT needy FROM signal ORDER BY id LIMIT 1"), cases[i].after, "what it needs then");
        same_int(world_live(w, "SELECT sum(box_v) FROM signal") - edition, cases[i].calls, "whether a greeter is called");
    }
}

static void claimed(struct world *w) {
    struct synced out;
    struct sig peer;
    same_text(err_name(begin(w, NEEDY, STANDING, &peer)), "ok", "one is needy");
    same_text(err_name(world_poll(w, A_GREETER, &out)), "ok", "a greeter comes");
    same_int((int64_t)out.n_peers, 1, "and takes its offer");
    same_int(world_live(w, "SELECT needy FROM signal ORDER BY id LIMIT 1"), NEEDY, "which helps nobody yet");
    struct sig needy = out.peers[0].sig;
    world_sync(&in, A_GREETER);
    in.n_mail = 1;
    in.mail[0] = (struct mail_out){.id = "m", .re = "own", .body = "x", .to = needy};
    same_text(err_name(world_run(w, &in, &out)), "ok", "it answers");
    same_int(world_live(w, "SELECT needy FROM signal ORDER BY id LIMIT 1"), CONTENT, "and the other one needs nothing any more");
    gone_through[need_row(NEEDY, EVENT_REACHED) - need_rows] = true;
}

static void rows(void) {
    for (int now = 0; now < NEEDS; now++)
        for (int event = 0; event < NEED_EVENTS; event++) {
            int n = 0;
            for (int i = 0; i < NEED_ROWS; i++)
                n += (int)need_rows[i].event == event && ((int)need_rows[i].now == now || need_rows[i].now == ANY_NEED);
            same_int(n, 1, "rows of need %d and event %d", now, event);
        }
    for (int i = 0; i < NEED_ROWS; i++) ok(gone_through[i], "row %d is gone through", i);
    same_int(need_row(NEEDY, EVENT_REACHED)->action, NO_ACTION, "nobody does what an answer's row would ask for");
    same_int(need_row((enum need)7, EVENT_OFFERS)->next, CONTENT, "a number that is no need becomes one");
}

int main(void) {
    struct world w;
    world_open(&w, "wal");
    const char *dir = arena_text(&w.arena, "%s/spool", w.dir);
    (void)mkdir(dir, 0755);
    same_text(err_name(settings_set(&w.ctx, "spool_dir", dir)), "ok", "a spool");
    same_text(err_name(settings_set(&w.ctx, "spool_url", "http://site.example/spool/")), "ok", "and its URL");
    every(&w);
    claimed(&w);
    rows();
    world_close(&w);
    return done();
}
