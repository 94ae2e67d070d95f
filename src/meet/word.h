/* What signals say of greeters whose links died. Whether a link opens the instance cannot see, and any word may be a lie: it counts
 * as that of a whole network, of a whole network (signal_doubt). */
#pragma once
#include "meet/signal.h"

/* s says that the link to other is dead: the offer of other's that it has is not given to it again, and other is suspected, once
 * for each such offer and while a mail of s waits there, unless it has just spoken. Whoever was given an offer has said it of
 * other's whole network, too, and is given offers of that one last. */
enum err word_dead(struct ctx *ctx, const struct signal *s, const struct signal *other);
/* The last of this, of a signal that has ended. */
enum err word_dead_ended(struct ctx *ctx, const struct signal *s, const struct sig *ended);
/* Has the network of s said so of that one? */
enum err word_said(struct ctx *ctx, const struct signal *s, int64_t net, int64_t *said);
