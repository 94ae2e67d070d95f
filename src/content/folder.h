/* The document root, and the folders below it that an owner may choose from: found where the program lies, never outside.
 * Names that the walk of content/index.c leaves out (hidden ones, symbolic links) are left out here, too. */
#pragma once
#include "circle/ctx.h"

/* Folders of data beside this one, or beside the program (its directory; may be ""), that nothing uses: an earlier version could
 * leave such a one behind. At most as many as out holds; returns how many. */
enum { FOLDER_STRAYS = 8 };
size_t folder_strays(struct ctx *ctx, const char *data, const char *program, const char *out[static FOLDER_STRAYS]);

enum { FOLDER_ROOTS = 12 };
/* Directories that may be the document root, likely ones first: what the web server says, and what lies around the program.
 * Absolute, without symbolic links. Returns how many. */
size_t folder_roots(struct ctx *ctx, const char *document_root, const char *program, const char *out[static FOLDER_ROOTS]);

/* rel: "films/new", below root; "": root itself. Anything else (.., a link that leads out, a hidden name): ERR_BAD_FIELD. */
enum err folder_resolve(struct ctx *ctx, const char *root, const char *rel, const char **dir);

struct folder {
    const char *path; /* below root; "": root itself */
    int64_t files, bytes; /* directly in it, that the walk would share */
    int64_t media; /* of these films, sounds, pictures, downloads: what a folder is shared for */
    int why; /* errno, where it or something in it may not be looked at; else 0 */
};
struct folder_list {
    struct folder *all;
    size_t n;
    const char *next; /* go on behind this one; NULL: these were the last */
};
/* false: stop soon. */
typedef bool folder_time(void);
/* Depth first, names in order, at most CAP_FOLDERS at a time; after: "next" of the list before, NULL at first. */
enum err folder_list(struct ctx *ctx, const char *root, const char *after, folder_time *more, struct folder_list *out);
/* A file in dir or a little below it that a visitor could load, for a try; "" when there is none. Where there is none, but
 * something may not be read: ERR_BAD_FIELD, with its name, why, and what to do. */
enum err folder_sample(struct ctx *ctx, const char *dir, const char **path, struct file_id *id);
