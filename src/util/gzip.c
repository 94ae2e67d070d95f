#include "util/gzip.h"
#include <zlib.h>

enum err gzip_pack(struct buf *out, const void *data, size_t len) {
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)len};
    enum { GZIP_WINDOW = 15 + 16 };
    if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 9, Z_DEFAULT_STRATEGY) != Z_OK) return ERR_INTERNAL;
    uLong bound = deflateBound(&z, len);
    z.next_out = (Bytef *)buf_room(out, bound);
    z.avail_out = (uInt)bound;
    int rc = deflate(&z, Z_FINISH);
    out->len += z.total_out;
    (void)deflateEnd(&z);
    return rc == Z_STREAM_END ? ERR_OK : ERR_INTERNAL;
}
