/* A POSIX ustar archive (IEEE 1003.1), written deterministically: mode 0644, times and owners 0. */
#pragma once
#include "util/buf.h"

/* name: at most 99 bytes. */
void tar_add(struct buf *out, const char *name, const void *data, size_t len);
void tar_end(struct buf *out);
/* The file of this name in such an archive, or NULL. */
const char *tar_find(const char *tar, size_t len, const char *name, size_t *size);
