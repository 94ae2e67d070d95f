/* Whole copies of a database. What one carries besides is the caller's. */
#pragma once
#include "store/store.h"

/* VACUUM INTO path, which must not exist. */
enum err copy_make(struct store *s, const char *path, struct fault *fault);
/* Adds what goes along from dir, the data directory, to a copy that has no name yet. ERR_FILES: with words; another failure is
 * SQLite's. */
typedef enum err copy_more(struct store *copy, const char *dir, struct fault *fault);
/* A copy, whole on the disk or not at all, in place of what is at path (in a directory that is made, 0700). more: NULL: nothing
 * goes along. */
enum err copy_save(struct store *s, const char *path, copy_more *more, struct fault *fault);
/* The same while s is locked for writing: by a connection of its own, which only reads. */
enum err copy_save_locked(const struct store *s, const char *path, copy_more *more, struct fault *fault);

/* A working copy of file, to be changed and put in another's place: made at path, opened, whole. ERR_NEWER; ERR_DAMAGED: file is no
 * whole database of a form that this program makes or has made, perhaps with words; nothing that is in it has run then. *out: NULL
 * unless it is ERR_OK, and then nothing is left of it. */
enum err copy_take(struct store **out, const char *file, const char *path, struct fault *fault);
/* Brings it to our version. */
enum err copy_update(struct store *copy, struct fault *fault);
/* Do both have the same tables and indexes, and nothing else (views, triggers)? */
bool copy_alike(const struct store *a, const struct store *b);
/* Closes it, and removes its file, if that is still there. NULL: nothing. */
void copy_drop(struct store *copy);
