/* What this machine lets a program do, found out by doing it with scratch files that are removed at once. */
#pragma once
#include "util/libc.h"

/* PLACE_COPYING: of one machine, too, but blocks are copied on write: full, a touched page of shared memory is SIGBUS. */
enum trial_place { PLACE_LOCAL, PLACE_COPYING, PLACE_FAR };
/* The kind of file system that dir lies on, by statfs: a name for people. *place: PLACE_LOCAL where one machine has it, and
 * locks and shared memory are known to work. */
const char *trial_file_system(const char *dir, enum trial_place *place);
/* Writes bytes (zeros) to a new file in dir, syncs it, renames it: how an answer that must not be lost is kept. *ms: how long
 * that took; *mode: of the file, asked for with 0666. 0 or errno. */
int trial_write(const char *dir, size_t bytes, int64_t *ms, mode_t *mode);
/* Is there room for so many bytes (zeros) in dir? In a file whose name is gone at once, and not synced: cheap enough for whoever
 * asks. 0 or errno. */
int trial_room(const char *dir, size_t bytes);
/* Does another process see a lock (fcntl) of ours? 1 yes, 0 no; -1 with errno: that could not be tried. */
int trial_lock(const char *dir);
/* No interpreter was loaded with it: it runs on any userland. */
bool trial_static(void);
