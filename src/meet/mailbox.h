/* What signals leave for each other at the instance: standing offers, and mail that answers them. */
#pragma once
#include "meet/signal.h"

struct offer {
    const char *id, *sdp;
};

/* An offer claimed for a signal, and whose it is. */
struct invitation {
    int64_t n; /* its row */
    struct sig sig;
    bool near;
    bool suspect; /* somebody says that its signal is dead, or who is given it has said so of its network */
    const char *have;
    struct offer offer;
};

struct mail_out {
    const char *id, *re, *body;
    struct sig to;
};

/* Mail is read by rank, and by number in each. */
enum mail_rank {
    ANSWER, /* of an offer of the reader's that the sender was given; of at most CAP_ANSWER bytes */
    NEIGHBOUR, /* the sender was given an offer of the reader's or the reader one of the sender's, or has mailed it */
    STRANGER,
    MAIL_RANKS,
};

/* What a reader has: of each rank up to n, in a live database. */
struct cursor {
    int64_t gen, n[MAIL_RANKS];
};

struct mail_in {
    struct cursor at; /* who has this one and those before it in the list */
    struct sig from;
    const char *re, *body;
};

/* What became of a mail that was sent: due_ms until the recipient reads, or why it was not taken. */
struct receipt {
    const char *id;
    enum err error;
    int64_t due_ms;
};

/* Adds offers, at most CAP_OFFERS: so many stand, the newest; expired ones go. */
enum err offers_deposit(struct ctx *ctx, const struct signal *s, const struct offer *offers, size_t n);
enum err offers_standing(struct ctx *ctx, const struct signal *s, int64_t *out);
/* Those that still stand go; who has one may answer it. */
enum err offers_withdraw(struct ctx *ctx, const struct signal *s);
/* Claims up to max offers for s, one a signal, out has room for them: those of greeters that are doubted least and due soonest, of
 * different networks where there are, suspected ones last. */
enum err offers_claim(struct ctx *ctx, const struct signal *s, size_t max, struct invitation *out, size_t *n);
/* One of a signal that waits for a greeter, whoever waits longest or not: s helps, so it is no share of its networks'. Of each that
 * waits a network has one at a time, but for its own; whoever has it may not answer. */
enum err offers_help(struct ctx *ctx, const struct signal *s, struct invitation *out, size_t *n);
/* For a join: what s has and has not answered, while it holds; else fresh ones. */
enum err offers_join(struct ctx *ctx, const struct signal *s, struct invitation *out, size_t *n);

/* Boxes that a request has changed: each is written once, at its end. */
struct boxes {
    struct {
        struct signal *of; /* lives as long as the request */
        bool call; /* its owner is wanted by the instance: somebody waits for a greeter */
    } all[CAP_MAIL_REQUEST + 4]; /* recipients; whoever is called, at most once a step; one's own */
    size_t n;
};

struct mail_from {
    const struct signal *signal;
    const struct pulse *pulse;
    struct boxes *boxes; /* the recipient's, when something new came */
};

/* The same id from the same sender to the same recipient twice is one mail. Answers the offer that it speaks of. */
enum err mail_send(struct ctx *ctx, const struct mail_from *from, const struct mail_out *mail, struct receipt *out);

struct mail_read {
    struct mail_in *all;
    size_t n;
    struct cursor last; /* where the reader is then */
    bool more; /* waits */
};

/* What is behind after (NULL: all), CAP_MAIL_READ at most. */
enum err mail_read(struct ctx *ctx, const struct signal *s, const struct cursor *after, struct mail_read *out);
const char *cursor_text(struct arena *a, const struct cursor *c); /* GEN.N.N.N */
/* As clients read it, in answers and in boxes: [{"n","from","re","body"}, ...]. Here, for a box is a file that boxes_write()
 * writes. */
json_t *mail_json(struct ctx *ctx, const struct mail_in *mail, size_t n);
void boxes_want(struct boxes *boxes, struct signal *s, bool call);
/* The next edition of each: the mail that waits, in CAP_BOX bytes; if that is not all, its owner is called, too. Who has no box is
 * passed over. */
enum err boxes_write(struct ctx *ctx, struct boxes *boxes);
/* Somebody waits for a greeter: asks one that reads a box, if there is one. */
enum err mail_call_greeter(struct ctx *ctx, int64_t circle, int64_t except, struct boxes *boxes);
enum err mail_acknowledge(struct ctx *ctx, const struct signal *s, const struct cursor *upto);
/* A new run of the page: what its old life deposited, was sent and had claimed is dead. */
enum err mailbox_clear(struct ctx *ctx, const struct signal *s);
/* What has expired goes: all that s has sent, so that none of it counts as waiting when it is sent again; some of the others'.
 * pulse is that of its circle, read again when it may have changed. */
enum err mail_sweep(struct ctx *ctx, const struct signal *s, struct pulse *pulse);
