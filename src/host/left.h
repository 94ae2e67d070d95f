/* What kills and crashes leave in a data directory: parts of copies, trials of processes that are gone, live files of other
 * generations. The daily backup takes it away, or it would grow with each day on which something is killed; so does doctor. */
#pragma once
#include "circle/ctx.h"

/* How many files. The store was entered (store_enter()). */
size_t left_count(struct ctx *ctx, const char *dir);
/* Removes them. The caller has the lock of backups and restores: parts of theirs are at work otherwise. */
enum err left_drop(struct ctx *ctx, const char *dir);
