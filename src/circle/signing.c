#include "circle/signing.h"
#include "store/keys.h"
#include <sodium.h>

struct pair {
    uint8_t seed[KEY_SEED], public[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
};

/* In memory that sodium_free() wipes. */
static struct pair *pair_new(void) {
    struct pair *p = sodium_malloc(sizeof *p);
    if (p) return p;
    (void)fputs("polycircle: out of memory\n", stderr);
    abort();
}

static const char *name_of(struct ctx *ctx, const struct cid *cid, const char *ending) {
    return arena_text(ctx->arena, "%s%s", hex_text(ctx->arena, cid->b, sizeof cid->b), ending);
}

static enum err words(struct ctx *ctx, enum err e, const struct circle *c) {
    if (e == ERR_OK) return e;
    const char *why = e == ERR_NOT_FOUND ? "is not there"
                      : e == ERR_DAMAGED ? "is not the one that its pages know"
                                         : "cannot be read";
    return fault_set(&ctx->fault, ERR_DAMAGED,
                     "The signing key of %.63s %s (signing/%s in the data directory): put it back, or make a new one: polycircle "
                     "circle rekey %.63s",
                     c->can, why, name_of(ctx, &c->cid, ""), c->can);
}

static enum err read_pair(struct ctx *ctx, const char *name, struct pair *out) {
    TRY(key_read(store_dir(ctx->store), name, out->seed));
    (void)crypto_sign_seed_keypair(out->public, out->secret, out->seed);
    return ERR_OK;
}

/* The circle's own: CID, or during a renewal, and after one that was broken off behind its commit, CID.new. */
static enum err load(struct ctx *ctx, const struct circle *c, struct pair *out, bool *renewed) {
    enum err e = ERR_OK;
    for (int i = 0; i < 2; i++) {
        enum err now = read_pair(ctx, name_of(ctx, &c->cid, i ? ".new" : ""), out);
        *renewed = i;
        if (now == ERR_OK && memcmp(out->public, c->sign_public, sizeof out->public) == 0) return ERR_OK;
        if (i == 0) e = now == ERR_OK ? ERR_DAMAGED : now;
    }
    return e;
}

static enum err make(struct ctx *ctx, const char *name, uint8_t public[static 32]) {
    struct pair *p = pair_new();
    randombytes_buf(p->seed, sizeof p->seed);
    (void)crypto_sign_seed_keypair(p->public, p->secret, p->seed);
    enum err e = key_write(store_dir(ctx->store), name, p->seed);
    if (e == ERR_OK) memcpy(public, p->public, sizeof p->public);
    sodium_free(p);
    if (e == ERR_OK) return e;
    return fault_errno(&ctx->fault, e, arena_text(ctx->arena, "signing/%s in the data directory", name));
}

enum err signing_make(struct ctx *ctx, const struct cid *cid, uint8_t public[static 32]) {
    return make(ctx, name_of(ctx, cid, ""), public);
}

enum err signing_sign(struct ctx *ctx, const struct circle *c, const char *text, uint8_t signature[static 64]) {
    struct pair *p = pair_new();
    bool renewed;
    enum err e = load(ctx, c, p, &renewed);
    if (e == ERR_OK) (void)crypto_sign_detached(signature, NULL, (const uint8_t *)text, strlen(text), p->secret);
    sodium_free(p);
    return words(ctx, e, c);
}

enum err signing_check(struct ctx *ctx, const struct circle *c, bool *unfinished) {
    struct pair *p = pair_new();
    enum err e = load(ctx, c, p, unfinished);
    sodium_free(p);
    return words(ctx, e, c);
}

/* Inside a transaction of MAIN that may write, c as it is in there: only so nobody's next CID.new is taken for this one. A CID.new
 * beside the key that counts is of a renewal that was broken off before its commit: nobody has seen it. */
static void finish(struct ctx *ctx, const struct circle *c) {
    struct pair *p = pair_new();
    bool renewed;
    if (load(ctx, c, p, &renewed) == ERR_OK) {
        if (renewed)
            (void)key_promote(store_dir(ctx->store), name_of(ctx, &c->cid, ""));
        else
            key_drop(store_dir(ctx->store), name_of(ctx, &c->cid, ".new"));
    }
    sodium_free(p);
}

void signing_unmake(struct ctx *ctx, const struct cid *cid) {
    key_drop(store_dir(ctx->store), name_of(ctx, cid, ""));
}

enum err signing_finish(struct ctx *ctx) {
    struct circle_list all;
    TRY(store_begin(ctx->store, MAIN, true));
    TRY(circle_list(ctx, &all));
    for (size_t i = 0; i < all.n; i++)
        if (!all.all[i].removed) finish(ctx, &all.all[i]);
    return store_commit(ctx->store, MAIN);
}

enum err signing_know(struct ctx *ctx, struct circle *c, const uint8_t public[static 32], bool exposed) {
    memcpy(c->sign_public, public, sizeof c->sign_public);
    c->exposed = exposed;
    return store_run(ctx->store, SQL_CIRCLE_SIGN, ARGS(I(c->id), B(c->sign_public, sizeof c->sign_public), I(exposed)));
}

enum err signing_adopt(struct ctx *ctx, struct circle *c) {
    uint8_t public[crypto_sign_PUBLICKEYBYTES];
    (void)key_promote(store_dir(ctx->store), name_of(ctx, &c->cid, "")); /* the one that counted, or one that nobody has seen */
    struct pair *p = pair_new();
    enum err e = read_pair(ctx, name_of(ctx, &c->cid, ""), p);
    memcpy(public, p->public, sizeof public);
    sodium_free(p);
    if (e == ERR_NOT_FOUND || e == ERR_DAMAGED) {
        TRY(signing_make(ctx, &c->cid, public));
        return signing_know(ctx, c, public, false);
    }
    TRY(words(ctx, e, c));
    return memcmp(public, c->sign_public, sizeof public) == 0 ? ERR_OK : signing_know(ctx, c, public, c->exposed);
}

enum err signing_next(struct ctx *ctx, const struct circle *c, uint8_t public[static 32]) {
    finish(ctx, c);
    return make(ctx, name_of(ctx, &c->cid, ".new"), public);
}

void signing_next_drop(struct ctx *ctx, const struct circle *c) {
    key_drop(store_dir(ctx->store), name_of(ctx, &c->cid, ".new"));
}
