/* What of a folder is looked at, and what of it may be shared: the same for who indexes it and for who compares it. */
#pragma once
#include "content/below.h"
#include "content/omitted.h"

/* May a path below the folder be looked at? OMIT_NOT, else why not: OMIT_NAME when it cannot stand in a manifest (not UTF-8, too
 * long, too deep); OMIT_EXCLUDED when the owner leaves it out. exclude has a pattern a line, as in fnmatch(3): without a slash it
 * is for each name of the path, with one for the path from the folder on; what is below a folder goes with it. Hidden names are not
 * asked about. */
enum omit walk_name(const char *path, const char *exclude);
/* Why a folder or file that below.h did not let in is left out. */
enum omit walk_shut(int why);
/* What there is at path: OMIT_NOT: a file that may be shared, with its type; OMIT_NOT_FOLDER, OMIT_NOTHING, or why it is left out.
 */
enum omit walk_look(struct below *b, const char *path, struct file_id *file, const char **type);
/* Patient, who leaves a file alone that may still be written to. */
bool walk_young(const struct ctx *ctx, bool patient, const struct file_id *file);
