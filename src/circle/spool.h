/* The spool (DESIGN 7): what many read, written as files that the web server hands out without a process. The live database
 * stays the truth; a file here is derived, may vanish at any time, and is taken away when it is stale. */
#pragma once
#include "circle/circle.h"

struct spool {
    const char *dir, *url; /* "" when there is no spool */
    bool cors; /* pages of any origin may read it */
};

enum err spool_get(struct ctx *ctx, const struct spool **out); /* read once a request; lives in the arena */
/* May a page of this origin ("": not a browser's request) read the spool? */
bool spool_serves(struct ctx *ctx, const struct spool *spool, const char *origin);
/* One file of the spool, whole or not at all, unless it says that already. body NULL: it goes away. */
void spool_put(struct ctx *ctx, const struct spool *spool, const char *name, const void *body, size_t len);
/* An index, if there is none: where the owner has made the directory, the web server may list it. */
void spool_cover(struct ctx *ctx, const struct spool *spool);
/* Removes boxes whose greeters have not written for SPAN_BOX_OLD. */
void spool_sweep(struct ctx *ctx, const struct spool *spool);
/* What it holds of a circle's loader, manifest and package goes. It is made anew from what is now: behind this request's answer, of
 * several circles that of the last; the others', and what a command drops, behind the circle's next join or change. */
void spool_drop(struct ctx *ctx, const struct circle *c);
/* Makes the directory, with an .htaccess for pages of other origins or without. */
enum err spool_make(struct ctx *ctx, const char *dir, bool headers);
/* The same, and probe.json that holds value: can browsers read it? */
enum err spool_try(struct ctx *ctx, const char *dir, const char *value, bool headers);
/* The end of a spool: the files that we made in dir go, by their whole names, and dir itself if nothing else is in it. */
void spool_clear(struct ctx *ctx, const char *dir);
