/* Copies of the instance: polycircle.db and its signing keys, one a day in backups/. The times of names are UTC. One process at a
 * time is at it, or at the way back (host/restore.h): keep.lock in the data directory. Its mtime is when a
 * backup failed last, its atime when a polycircle.restore did: a full disk lets us write nothing else. */
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
/* The same now, whether due or not, with the failure; *path: the file. One of today that was there is polycircle-earlier-TIME.db
 * then, of which as many are kept. ERR_BUSY: another process is at it. */
enum err backup_now(struct ctx *ctx, const char **path);
/* The lock of backup and restore, until close(). ERR_BUSY: another process is at it; else, with words, it cannot be had. */
enum err backup_lock(struct ctx *ctx, const char *dir, int *lock);
/* The same for what nobody has asked for: false: not now. That it cannot be had is said in the log, once a day. */
bool backup_turn(struct ctx *ctx, const char *dir, int *lock);
/* backups/ of the data directory dir. */
const char *backup_folder(struct ctx *ctx, const char *dir);
/* polycircle-DATE.db in the folder; or with a kind polycircle-KIND-DATETIME.db, a name that is free there. */
const char *backup_path(struct ctx *ctx, const char *folder, const char *kind);
