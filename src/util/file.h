/* Files: whole reads, the data directory's modes, a media file's identity. */
#pragma once
#include "util/arena.h"
#include "util/err.h"
#include <stdbool.h>
#include <stdint.h>

struct file_id {
    int64_t size; /* bytes */
    int64_t mtime; /* seconds */
};

/* Opens a regular file for reading, no symbolic link at its end; -1 with errno. */
int file_open(const char *path, struct file_id *id);
/* false: no regular file there. */
bool file_look(const char *path, struct file_id *id);
/* Reads len bytes at offset; false when the file is shorter or fails. */
bool file_read(int fd, void *data, size_t len, int64_t offset);
/* Milliseconds since 1970 by the wall clock; the only place that reads it. */
int64_t clock_now(void);
