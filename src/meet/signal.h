/* A signal: one browser profile's presence in a circle, its lease and, if it is a greeter, its polling schedule (PROTOCOL 1.4). */
#pragma once
#include "circle/circle.h"
#include "meet/box.h"
#include "meet/need.h"

enum role { PEER, GREETER };

struct token {
    uint8_t hash[16]; /* BLAKE2b-128 of the client's 32 bytes; the token itself is not kept */
};

/* How a circle is doing. */
struct pulse {
    int64_t n; /* signals */
    int64_t joined; /* when somebody joined last */
    int64_t needy; /* signals that wait for a greeter to take their offer */
    int64_t mail; /* bytes of mail under way */
    bool ended; /* signals that are gone have left something (pulse_get only, whose n has none of ended leases) */
};

struct signal {
    int64_t id, circle;
    struct sig sig;
    int64_t run;
    enum role role;
    bool greet; /* may be a greeter */
    bool surplus; /* its networks have their share of the greeters' places without it: it greets where nobody else does */
    bool moved; /* in this request: its lease is to be asked for anew, of the networks that it is in now */
    bool suspect; /* who claimed its offer, or mailed it, says it is dead: until it speaks */
    enum need needy;
    int64_t bucket, wider, widest; /* the networks it renewed its lease from (circle/ids.h), today's or yesterday's; 0: none */
    int64_t since; /* when its schedule began: a peer joined or resigned, a greeter was given its interval */
    int64_t interval; /* a greeter polls at since + k * interval; 0 for a peer */
    bool resigned; /* a peer that was a greeter until since, and has not had its late offer */
    int64_t expires;
    int64_t version; /* of the manifest that have speaks of */
    const char *have; /* "[3,7]": indices, as JSON */
    bool boxes; /* it can read its mail from the spool */
    struct box box;
};

struct token token_make(const uint8_t raw[static 32]);

/* Not there: ERR_REJOIN. pulse may be NULL. */
enum err signal_by_token(struct ctx *ctx, const struct token *token, struct signal *out, struct pulse *pulse);
/* *found: whether there is one, in this circle, with a lease that has not ended. */
enum err signal_by_sig(struct ctx *ctx, int64_t circle, const struct sig *sig, struct signal *out, bool *found);
/* Reads the columns SIGNAL_COLUMNS of a row. */
void signal_row(struct ctx *ctx, enum sql id, struct signal *out);

/* A new one with fresh SIG and lease, unless the circle or one of the address's networks has too many that live. Some ended leases
 * are removed first, and stay so when it is refused, if the caller commits. */
enum err signal_add(struct ctx *ctx, const struct circle *c, const struct token *token, int64_t run, const char *address);
/* Decides role, schedule, lease and box anew and writes the row. readable: its page may read the spool. */
enum err signal_renew(struct ctx *ctx, struct signal *s, const struct pulse *pulse, bool readable);
/* Before each lease: it counts in the networks that it now speaks from, under today's hashes, or has no room there (ERR_TOO_MANY).
 * No lease outlives a day: so whoever lives is counted under today's or yesterday's, and nobody has more of a circle by moving. */
enum err signal_here(struct ctx *ctx, struct signal *s, const char *address);
enum err pulse_get(struct ctx *ctx, int64_t circle, struct pulse *out);
/* Ended leases, at most CAP_SWEEP: they are nobody's from then on. What was theirs goes by rows, CAP_SWEEP_ROWS a request: whoever
 * leaves much behind must not keep the next one waiting. */
enum err signal_sweep(struct ctx *ctx);
enum err signal_sweep_rows(struct ctx *ctx);

bool signal_alive(const struct signal *s, int64_t now);
/* Half of the lease is over, or the clock was set back, or a neighbour doubts it: time to write. */
bool signal_stale(const struct signal *s, int64_t now);
/* An offer of its is answered: it waits no longer, and whether it goes on greeting is decided at its next request. */
enum err signal_reached(struct ctx *ctx, const struct signal *s);
/* Its lease is of this moment: a link to it that died is no sign. When a network breaks, all name all others dead, and those
 * who are back already would lose the offers that the next ones need. */
bool signal_spoke(const struct signal *s, int64_t now);
/* The widest of its networks: what one may rent as a whole. */
int64_t signal_net(const struct signal *s);
/* How many whole networks say that links to greeters of its network die, in threes (WORDS_HEARD): a word holds for an hour,
 * whatever becomes of the signal that it was said of. One that is doubted less goes before it. */
enum err signal_doubt(struct ctx *ctx, const struct signal *s, int64_t *out);
/* It resigned a minute ago, most likely a greeter for want of one; nobody waits now: it may have an offer, lest a few who found
 * each other in a crowd stay among themselves. */
bool signal_late(const struct signal *s, const struct pulse *pulse, int64_t now);
/* Milliseconds until it should sync next. */
int64_t signal_due(const struct signal *s, int64_t now);
/* And from there to the time after that. */
int64_t signal_period(const struct signal *s);
