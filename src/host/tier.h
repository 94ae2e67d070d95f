/* Tiers beyond the one that always works: .htaccess texts (those of cgi-bin/) that make the program quicker (2: FastCGI) or
 * its addresses shorter (3). The short ones are /signal with a key and one folder, /polycircle/; an earlier version took a list
 * of names in the site's top folder (TOP), which goes on as it is until its owner activates the tier again. Each is tried in a
 * folder of its own first. What is activated stands between two marks in the .htaccess that is there; all else of it is kept
 * byte for byte, and the old one is put back unless the change is confirmed by a request that came through it. */
#pragma once
#include "circle/ctx.h"

#define TIER_FOLDER "polycircle"
enum { TIER_FASTCGI = 2, TIER_PRETTY = 3 };
/* What stands in an .htaccess of ours. */
enum tier_state { TIER_NONE, TIER_ACTIVE, TIER_TOP };

struct tier {
    int64_t number;
    bool options; /* with "Options +ExecCGI", which some hosts want and others forbid */
    bool kept; /* with what tags, workers and open pages of TOP ask */
    const char *dir; /* whose .htaccess it is: the program's, or the document root */
    const char *program; /* the running program's path */
    const char *script; /* where it is reached, /cgi-bin/polycircle.fcgi */
};

/* A folder polycircle-try-XXXXXXXX below dir with the text, and a copy of the program for tier 2. One at a time. */
enum err tier_try(struct ctx *ctx, const char *data, const struct tier *t, const char **name);
/* Removes it. */
void tier_untry(struct ctx *ctx, const char *data);

/* Writes the block into dir's .htaccess (in place of one that is there), the old file goes into backups/. */
enum err tier_write(struct ctx *ctx, const char *data, const struct tier *t);
/* Takes the block out for good. */
enum err tier_drop(struct ctx *ctx, const char *data, const struct tier *t);
/* A request came through what tier_write() wrote: it stays. Nothing waits for that: ERR_NOT_FOUND. */
enum err tier_confirm(struct ctx *ctx, const char *data);
bool tier_confirmed(struct ctx *ctx, const char *data);
/* Puts the old file back, unless it was confirmed. */
enum err tier_undo(struct ctx *ctx, const char *data);
/* With t->kept: from now on they are answered whenever the tier is activated (the setting kept). */
enum err tier_remember(struct ctx *ctx, const struct tier *t);
enum tier_state tier_state(struct ctx *ctx, const char *dir);
/* Waits a change that nobody confirmed in time? Its request was killed. */
bool tier_left(struct ctx *ctx, const char *data);
/* What a request that died left behind: a try older than ten minutes, a change that nobody confirmed. */
void tier_sweep(struct ctx *ctx, const char *data);
