/* POST /sync: the one call of a signal (DESIGN 6, PROTOCOL 1.4), without HTTP and without JSON. */
#pragma once
#include "meet/mailbox.h"
#include "meet/mids.h"

struct share {
    int64_t index, percent;
};

struct sync {
    struct token token;
    int64_t run;
    const char *key; /* NULL: not a join */
    const char *origin; /* of the page */
    const char *address; /* REMOTE_ADDR; used for this call, not kept */
    int64_t version;
    bool shares; /* have or want was given */
    struct share have[CAP_MEDIA];
    int64_t want[CAP_MEDIA];
    size_t n_have, n_want;
    int64_t box_v; /* the edition of its box that it has read and wants to see followed by another; 0: none */
    int greet, box; /* may greet, can read a box: 0, 1, or -1 where not said */
    struct cursor cursor;
    struct offer offers[CAP_OFFERS];
    struct mail_out mail[CAP_MAIL_REQUEST];
    struct sig gone[CAP_GONE];
    size_t n_offers, n_mail, n_gone;
    bool leave;
};

struct synced {
    struct circle circle; /* id 0 unless joined */
    struct signal signal;
    struct pulse pulse;
    int64_t version; /* the manifest's; on a join */
    int64_t due_ms, standing;
    const char *box; /* where its mail may be read instead, every poll_ms; NULL: nowhere */
    int64_t poll_ms;
    struct cursor cursor;
    struct boxes boxes;
    struct named_mid *mids;
    struct invitation peers[CAP_CLAIM];
    struct mail_in *mail;
    struct receipt sent[CAP_MAIL_REQUEST];
    size_t n_mids, n_peers, n_mail, n_sent;
    bool left;
};

/* Reads only, when nothing needs to be written. After a failure the caller rolls back. */
enum err sync_run(struct ctx *ctx, const struct sync *in, struct synced *out);
