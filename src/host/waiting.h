/* A copy that its owner has laid into the data directory as polycircle.restore, by FTP: any request takes it in. */
#pragma once
#include "circle/ctx.h"

/* Does a file polycircle.restore lie in dir? One look at the disk. */
bool waiting_there(const char *dir);
/* What was restored within the last day, in whichever way, for the owner, who has seen no log: *before the name of what was
 * there in backups/, *restored that of a polycircle.restore, or "". *refused: one was, and lies there still. *waits: one could
 * not be restored yet, for want of room mostly. */
void waiting_told(struct ctx *ctx, const char *dir, const char **before, const char **restored, bool *refused, bool *waits);
/* Restores it, exactly once, and moves it into backups/. One that is refused is renamed to polycircle.restore-refused. Says
 * in the log what it did. Does nothing while it is being written (10 s), another process is at it, or it was tried in vain less
 * than SPAN_RESTORE_AGAIN ago. */
void waiting_take(struct ctx *ctx, const char *dir);
