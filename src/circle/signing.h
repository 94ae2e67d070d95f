/* A circle's signing key (store/keys.h): made, used, renewed. What verifies it, sign_public, stands in the circle's row and in
 * every loader. */
#pragma once
#include "circle/circle.h"

/* A key that no circle came to have. */
void signing_unmake(struct ctx *ctx, const struct cid *cid);
/* A new key for a circle that has none yet; its public half goes into out. */
enum err signing_make(struct ctx *ctx, const struct cid *cid, uint8_t public[static 32]);
/* Ed25519 of text. A key that is not there, or is not the one that sign_public verifies: ERR_DAMAGED, with words. */
enum err signing_sign(struct ctx *ctx, const struct circle *c, const char *text, uint8_t signature[static 64]);
/* Is the key there, and the right one? unfinished: it is still CID.new, since a renewal was killed behind its commit. */
enum err signing_check(struct ctx *ctx, const struct circle *c, bool *unfinished);
/* What such a renewal has left becomes CID, in all circles. Begins a transaction of MAIN; the caller rolls back on an error. */
enum err signing_finish(struct ctx *ctx);
/* Inside a transaction of MAIN, after a restore: the key that is there counts, and where there is none, or nothing that is one,
 * a new one is made. c and its row follow it. */
enum err signing_adopt(struct ctx *ctx, struct circle *c);
/* Inside a transaction of MAIN, c as it is in there: a key that is to follow, as CID.new; its public half goes into out. It
 * counts once c's row knows it, and is CID after signing_finish(). */
enum err signing_next(struct ctx *ctx, const struct circle *c, uint8_t public[static 32]);
void signing_next_drop(struct ctx *ctx, const struct circle *c);
/* Inside a transaction of MAIN: c and its row know this public half. */
enum err signing_know(struct ctx *ctx, struct circle *c, const uint8_t public[static 32], bool exposed);
