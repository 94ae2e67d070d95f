/* gzip (RFC 1952) by zlib, deterministic: no time, no name, level 9. The only place that knows zlib. */
#pragma once
#include "util/buf.h"
#include "util/err.h"

enum err gzip_pack(struct buf *out, const void *data, size_t len);
