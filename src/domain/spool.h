/* The spool (DESIGN 7): what many read, written as files that the web server hands out without a process. The live database
 * stays the truth; a file here is derived, may vanish at any time, and is taken away when it is stale.
 *
 * A greeter's box is the mail that waits for it: box-<32 hex>.json. Its name is secret, new with each lease, told to the
 * greeter alone. It is written while the live database is locked for writing, so no older text replaces a newer one. */
#pragma once
#include "domain/signal.h"

struct spool {
    const char *dir, *url; /* "" when there is no spool */
    bool cors; /* pages of any origin may read it */
};

enum err spool_get(struct ctx *ctx, const struct spool **out); /* read once a request; lives in the arena */
/* May a page of this origin ("": not a browser's request) read the spool? */
bool spool_serves(struct ctx *ctx, const struct spool *spool, const char *origin);
const char *spool_box_url(struct ctx *ctx, const struct spool *spool, const struct signal *s);

/* Inside a transaction of LIVE. A new box, named anew; the old one is removed. */
enum err spool_box_open(struct ctx *ctx, struct signal *s);
/* The next edition of the box: the mail that waits. call: its owner is wanted by the instance (somebody waits for a greeter).
 * Without a box it does nothing; a file that cannot be written leaves the signal its ordinary polls. */
enum err spool_box_write(struct ctx *ctx, struct signal *s, bool call);
void spool_box_close(struct ctx *ctx, struct signal *s);
/* Somebody waits for a greeter: asks one that reads a box, if there is one. */
enum err spool_call_greeter(struct ctx *ctx, int64_t circle, int64_t except);

/* One file of the spool, whole or not at all, unless it says that already. body NULL: it goes away. */
void spool_put(struct ctx *ctx, const struct spool *spool, const char *name, const void *body, size_t len);
/* Removes boxes whose greeters have not written for SPAN_BOX_OLD. */
void spool_sweep(struct ctx *ctx, const struct spool *spool);
/* What it holds of a circle's loader, manifest and package goes: it is made anew from what is now. */
void spool_drop(struct ctx *ctx, const struct circle *c);
/* Makes the directory, with an .htaccess for pages of other origins or without. */
enum err spool_make(struct ctx *ctx, const char *dir, bool htaccess);
/* The same, and probe.json that holds value: can browsers read it? */
enum err spool_try(struct ctx *ctx, const char *dir, const char *value, bool htaccess);
/* The end of a spool: the files that we made in dir go, by their whole names, and dir itself if nothing else is in it. */
void spool_clear(struct ctx *ctx, const char *dir);
