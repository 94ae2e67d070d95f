/* Keeping an instance: a copy of polycircle.db a day in backups/, and the way back from one. The times of names are
 * UTC. One process at a time is at it (keep.lock in the data directory). */
#pragma once
#include "circle/ctx.h"

/* Is today's copy missing? At most one look a minute. For what runs after an answer. */
bool backup_due(struct ctx *ctx);
/* Makes today's copy and removes all but the newest BACKUPS_KEPT of the daily ones. When it cannot, it says so in the log
 * once a day and is due again after an hour; when another process is at it, it does nothing. ERR_OK in any case. */
enum err backup_daily(struct ctx *ctx);
/* The same after an answer: a large copy is made apart from this process, which does not wait for it (util/apart.h). */
enum err backup_after(struct ctx *ctx);
/* The copy of today, made while somebody waits for the answer; *done: it is written, else it will be. */
enum err backup_asked(struct ctx *ctx, const char **path, bool *done);
/* Into a file that is not there yet, wherever the owner wants it. */
enum err backup_file(struct ctx *ctx, const char *path);
/* The same now, whether due or not, with the failure; *path: the file. ERR_BUSY: another process is at it. */
enum err backup_now(struct ctx *ctx, const char **path);
/* The lock of both, until close(); -1: another process is at it. */
int backup_lock(struct ctx *ctx, const char *dir);
/* The newest file of backups/ that can be restored, one of before a restore only where there is no other; NULL: there is none. */
const char *backup_newest(struct ctx *ctx, const char *dir);

/* Makes file's content that of polycircle.db in dir. What that held is in *kept; NULL: there was nothing to keep. Every
 * manifest is signed anew, as a version that no browser has seen. ctx->store must not be open. */
enum err restore_file(struct ctx *ctx, const char *dir, const char *file, const char **kept);
/* Does a file polycircle.restore lie in dir? One look at the disk. */
bool restore_waits(const char *dir);
/* Restores it, exactly once, and moves it into backups/. One that is refused is renamed to polycircle.restore-refused. Says
 * in the log what it did. Does nothing while it is being written (10 s) or another process is at it. */
void restore_waiting(struct ctx *ctx, const char *dir);
