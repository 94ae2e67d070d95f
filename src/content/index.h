/* A circle's folder made its content, in bounded steps that can be broken off anywhere and go on later: by the command
 * line, by the set-up page, after answers. What is found stands in polycircle.db (tables job and found) until the walk is
 * finished; then it replaces the media and is signed as the next version, unless nothing has changed.
 *
 * Hidden names, symbolic links, empty files, names that are not UTF-8, programs and settings of the host (media_type) are
 * left out. What is published from this folder already, or was in the last month, is not read again while it is the same file
 * (file_same). What was published and is missing is withdrawn when it surely is gone (file_gone) and others are there; else it
 * stays until the second walk that does not find it. */
#pragma once
#include "content/manifest.h"
#include "content/omitted.h"

struct walk {
    int64_t files, bytes, done; /* found so far; bytes hashed or known already */
    int64_t skipped, changed; /* left out; of those, files that changed while they were read. Not in so_far */
    struct omitted omitted[OMIT_REASONS]; /* which, and why. Not in so_far */
    int64_t hashed; /* files read */
    int64_t doubted; /* of files: not found, and published nevertheless, until the next walk */
    int64_t finished; /* when; 0: not yet */
    int64_t version; /* of the manifest, once finished */
    bool same; /* finished, and nothing had changed */
    const char *current; /* the file being read, or "" */
};

/* How many bytes the next unit of work may read; 0: stop here. Called before each unit. */
typedef int64_t index_budget(void *context, const struct walk *so_far);

/* How to walk, added up. PATIENT: files younger than 10 s are left for the next walk (an upload goes on). EMPTY: a folder with
 * nothing to share is meant to be so: it may become the content, and what was published of it is withdrawn at once. */
enum { INDEX_PATIENT = 1, INDEX_EMPTY = 2 };

/* Inside a transaction of MAIN: the folder is shared no more, and no walk through it is begun but by index_begin(): it waits for
 * its owner's word. */
enum err index_wait(struct ctx *ctx, const struct circle *c);
/* The folder of a circle that waits so; "": it does not. */
enum err index_waits(struct ctx *ctx, const struct circle *c, const char **dir);
/* Folders that are shared, or are to be; none that waits. */
enum err index_folders(struct ctx *ctx, struct texts *out);

/* Starts the walk anew; what an earlier one has hashed is kept where the file is still the same. dir is absolute; url ""
 * when only our own mirror serves it. */
enum err index_begin(struct ctx *ctx, const struct circle *c, const char *dir, const char *url, int how);
/* Goes on until finished or out of budget. No walk was begun: ERR_NOT_FOUND; a restore has put another in its place: ERR_BUSY,
 * with words. The folder is not there and nothing of it was published, it is none to publish, or another than before and holds
 * nothing to share: ERR_FILES, ERR_USAGE, and the walk goes back to the folder that is published. */
enum err index_run(struct ctx *ctx, const struct circle *c, index_budget *budget, void *context, struct walk *out);
/* The folder of the last walk and where it is served. None: ERR_NOT_FOUND. */
enum err index_folder(struct ctx *ctx, const struct circle *c, const char **dir, const char **url);
/* How the walk stands. */
enum err index_look(struct ctx *ctx, const struct circle *c, struct walk *out);
/* A few units of whatever walk goes on, or is to begin again because its last end is SPAN_RESCAN ago. *worked: there was one. */
enum err index_background(struct ctx *ctx, bool *worked);
