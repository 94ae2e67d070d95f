/* The way back from a copy (host/backup.h), with the same lock. */
#pragma once
#include "circle/ctx.h"

/* Makes what file holds, a whole polycircle.db of a version that this program knows, that of polycircle.db in dir; else
 * ERR_DAMAGED or ERR_NEWER, with words, and nothing has changed. What was there is in *kept; NULL: there was nothing to keep. The
 * generation advances, and every manifest is signed anew, as a version that no browser has seen. ctx->store must not be open; in
 * other processes polycircle.db may be, and they go on. */
enum err restore_file(struct ctx *ctx, const char *dir, const char *file, const char **kept);
/* The same under a lock that the caller has. mark: a text that stands for this restore; one that has been made is not made again
 * (""; always). */
enum err restore_once(struct ctx *ctx, const char *dir, const char *file, const char *mark, const char **kept);
/* The newest file of backups/ that can be restored, one of before a restore or of the future only where there is no other; NULL:
 * there is none. */
const char *restore_newest(struct ctx *ctx, const char *dir);
/* ERR_OK: file would do for restore_file(); a copy of it was made and removed again. */
enum err restore_possible(struct ctx *ctx, const char *dir, const char *file);
