/* The one way to what lies below a folder that is shared: part by part from a descriptor of it, through no symbolic link, and into
 * no folder of our own files, whatever stands in a path by now. Who may write into the folder may exchange anything in it at any
 * moment, and must not come to read with our rights what he cannot read with his. The folder itself is the owner's to name, and
 * may be reached through links, as long as it neither is nor lies in a folder of our own. Ours are this instance's data directory
 * and its spool, by device and inode; and what is another instance's by its name or a mark in it (util/named.h): that counts for
 * the shared folder and those below it alone, for in the folders above others may make such a name. */
#pragma once
#include "circle/ctx.h"
#include "util/file.h"

struct below {
    struct ctx *ctx;
    const char *dir;
    int top, fd; /* dir, and the folder that was entered last; -1: none */
    struct stat data, spool;
    char folder[CAP_PATH + 1]; /* the latter's path */
};

/* Opens nothing yet, so that only who asks for something has to end it. */
struct below below_begin(struct ctx *ctx, const char *dir);
void below_end(struct below *b);

/* What follows takes paths below dir, "" for dir itself, and fails with errno: ELOOP where a link stands in the way, ENOTDIR where
 * something else does (or a part of the path is "." or ".."), 0 where it leads into a folder of our own. As long as it cannot be
 * told what is ours, nothing is opened. */

/* A folder's descriptor, which stays b's; -1. */
int below_folder(struct below *b, const char *path);
/* A folder, to be listed, one at a time; NULL. */
DIR *below_list(struct below *b, const char *path);
/* What is there; of a link the link itself. */
bool below_stat(struct below *b, const char *path, struct stat *st);
/* As file_look() and file_open(); may_read: by this process. */
bool below_look(struct below *b, const char *path, struct file_id *id);
bool below_may_read(struct below *b, const char *path);
int below_open(struct below *b, const char *path, struct file_id *id);
/* A file that was there once surely is not now: another size or mtime stands in its place, or it is in a folder of our own below
 * dir, or it is missing from a folder, dir or below it, that can be listed and lies on the device where the file lay. Anything else
 * (no permission, a disk that fails or is not mounted, a link in the way, dir itself gone or ours) says nothing about the file:
 * false. *missing: nothing is in its place. */
bool below_gone(struct below *b, const char *path, const struct file_id *was, bool *missing);
/* Is that errno of a path where nothing is? */
bool below_absent(int why);
