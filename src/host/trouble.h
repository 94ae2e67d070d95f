/* What keeps the program from working on this host and what its owner does about it, in words for a page: which folder, which
 * user, which step. It looks by itself (a scratch file in the data directory), so anybody may ask at any time. */
#pragma once
#include "circle/ctx.h"

enum { TROUBLE_STEPS = 3 };
struct trouble {
    enum err error; /* ERR_OK: there is none, and no words */
    const char *title, *text;
    const char *steps[TROUBLE_STEPS]; /* in this order; NULL: no more */
};

/* met: what has just failed, with its words in ctx->fault; or ERR_OK, ERR_NOT_SET_UP: nothing has. Folders are
 * told by name, and by what lies beside them: strangers read it, too. */
void trouble_find(struct ctx *ctx, const char *data, enum err met, struct trouble *out);
/* Which error it is when a file cannot be written for this errno. */
enum err trouble_error(int why);
