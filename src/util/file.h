/* Files: whole reads, the data directory's modes, a media file's identity. */
#pragma once
#include "util/arena.h"
#include "util/err.h"

struct file_id {
    int64_t size; /* bytes */
    int64_t mtime; /* seconds */
    int64_t dev, ino, ctime_ns; /* ino 0: not known */
};

/* Opens a regular file for reading, no symbolic link at its end; -1 with errno. */
int file_open(const char *path, struct file_id *id);
/* The same from an open directory on, or AT_FDCWD. */
int file_open_at(int dir, const char *path, struct file_id *id);
/* What is known of it (lstat); false: it is no regular file. */
bool file_identify(const struct stat *st, struct file_id *id);
/* false: no regular file there. */
bool file_look(const char *path, struct file_id *id);
/* Is it the file that it was, and untouched since? Size and mtime alone are kept by `cp -p` and `rsync -t`, too. Of the device
 * nothing is asked: its number changes when it is mounted again. */
bool file_same(const struct file_id *a, const struct file_id *b);
/* Reads len bytes at offset; false when the file is shorter or fails. */
bool file_read(int fd, void *data, size_t len, int64_t offset);
/* Writes all of it; false with errno. */
bool file_write(int fd, const void *data, size_t len);
/* Makes a file that was not there (no symbolic link either), whole and on the disk, with this mode; false with errno, and
 * then nothing of it is left. */
bool file_make(const char *path, const void *data, size_t len, mode_t mode);
/* What stands behind a path's last slash, and before it ("" where there is none). */
const char *file_name(const char *path);
const char *file_folder(struct arena *a, const char *path);
/* A small text file, whole; NULL when there is none, or it is larger than most, or holds a NUL. */
char *file_text(struct arena *a, const char *path, size_t most);
/* A turn at something that one process does at a time, and not more often than every_ms: the descriptor to close when it is
 * done, or -1: another process is at it, or was a moment ago. path is a file made for that. */
int file_turn(const char *path, int64_t now, int64_t every_ms);
/* Writes a file whole or not at all (a temporary one beside it, renamed), without waiting for the disk. */
bool file_put(const char *path, const void *data, size_t len, mode_t mode);
/* Gives a file that somebody owns another content, the whole old one or the whole new one at each moment, on the disk, in the mode
 * that it has; of no bytes it is removed. false with errno. */
bool file_replace(const char *path, const void *data, size_t len);
/* Does the file hold just this? */
bool file_says(const char *path, const void *data, size_t len);
/* Copies a regular file to a new one (0600), and waits until it is on the disk. false, with errno: nothing is left. */
bool file_copy(const char *from, const char *to);
/* fsync of a file or directory by name; false with errno. */
bool file_sync(const char *path);
/* A file that one process at a time holds, until close() of what this returns or its end; -1: somebody else does (EAGAIN), or
 * it cannot be opened. A new one is of the year 1970: its time is the owner's to use. */
int file_lock(const char *path);
/* The path of the running program, by /proc; false where that is not there, or when another file is there by now. */
bool file_program(char *path, size_t size);
/* "." or "..". */
bool directory_itself(const char *name);
/* The names in a directory but for these two, in order of bytes; NULL, with errno and *n = 0, when it cannot be read. */
const char **directory_names(struct arena *a, const char *dir, size_t *n);
/* The same of one that is open, which is closed; of NULL: NULL. */
const char **directory_list(struct arena *a, DIR *dir, size_t *n);
/* Makes a directory for secrets: 0700, and in it what keeps a web server from showing it, should it be served. One that
 * is there already gets the latter, too. false with errno. */
bool directory_make(const char *dir);
/* Milliseconds since 1970 by the wall clock; the only place that reads it. */
int64_t clock_now(void);
