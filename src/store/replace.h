/* A working copy (store/copy.h) takes the place of a database that others may have open. */
#pragma once
#include "store/copy.h"

/* Opens dir/polycircle.db and locks it for writing. ERR_DAMAGED: there is none, or none that SQLite can read. *out: to be
 * closed behind all of this, also when it failed: SQLite writes a journal back when it closes a file. */
enum err replace_lock(struct store **out, const char *dir, const struct store *copy, struct fault *fault);
/* The copy's rows in place of all that there holds, which is alike (copy_alike) and locked; in one transaction, or not at all:
 * whoever has it open sees one more commit. */
enum err replace_rows(struct store *there);
/* The copy's file in place of the one at path, by rename. saved: what was there is at kept, and is whole at its own place until
 * then; else the file gets this name, with its journals. copy has no connection any longer. */
enum err replace_file(struct store *copy, const char *path, const char *kept, bool saved, struct fault *fault);
