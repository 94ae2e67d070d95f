#include "util/gzip.h"
#include <libdeflate.h>
#include <zlib.h>

enum { WINDOW = 15 + 16, MEMORY = 9 }; /* the largest window, in a gzip member */

enum err gzip_pack(struct buf *out, const void *data, size_t len) {
    enum { SMALLEST = 12 };
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(SMALLEST);
    if (!c) return ERR_INTERNAL;
    size_t most = libdeflate_gzip_compress_bound(c, len),
           packed = libdeflate_gzip_compress(c, data, len, buf_room(out, most), most);
    libdeflate_free_compressor(c);
    out->len += packed;
    return packed ? ERR_OK : ERR_INTERNAL;
}

enum err gzip_pack_slices(struct buf *out, gzip_source *next, void *context, size_t about) {
    enum { LEVEL = 6 };
    z_stream z = {.zalloc = Z_NULL};
    const char *slice;
    size_t room = about / 3 + 64;
    int rc;
    if (deflateInit2(&z, LEVEL, Z_DEFLATED, WINDOW, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) return ERR_INTERNAL;
    do {
        z.avail_in = (uInt)next(context, &slice);
        z.next_in = (Bytef *)(uintptr_t)slice;
        int flush = z.avail_in ? Z_NO_FLUSH : Z_FINISH;
        do {
            z.next_out = (Bytef *)buf_room(out, room);
            z.avail_out = (uInt)(out->cap - out->len - 1);
            rc = deflate(&z, flush);
            out->len = (size_t)((char *)z.next_out - out->data);
            room = 1;
        } while (z.avail_out == 0);
    } while (rc == Z_OK || rc == Z_BUF_ERROR); /* the latter: it had nothing more to give */
    (void)deflateEnd(&z);
    return rc == Z_STREAM_END ? ERR_OK : ERR_INTERNAL;
}

enum { LEAST = 18 }; /* bytes of a member: head and end */

size_t gzip_size(const void *data, size_t len) {
    const Bytef *end = (const Bytef *)data + len;
    return len < LEAST ? 0 : end[-4] | (size_t)end[-3] << 8 | (size_t)end[-2] << 16 | (size_t)end[-1] << 24;
}

enum err gzip_unpack_part(const void *data, size_t data_len, size_t first, char *into, size_t len) {
    Bytef passed[1 << 14];
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)data_len};
    int rc = inflateInit2(&z, WINDOW);
    for (size_t left = first; rc == Z_OK && left; left -= (size_t)(z.next_out - passed)) {
        z.next_out = passed;
        z.avail_out = (uInt)(left < sizeof passed ? left : sizeof passed);
        rc = inflate(&z, Z_NO_FLUSH);
    }
    z.next_out = (Bytef *)into;
    z.avail_out = (uInt)len;
    while (rc == Z_OK && z.avail_out) rc = inflate(&z, Z_NO_FLUSH);
    bool whole = z.avail_out == 0;
    (void)inflateEnd(&z);
    return whole ? ERR_OK : ERR_DAMAGED;
}

enum err gzip_unpack(struct buf *out, const void *data, size_t len, size_t most) {
    size_t size = gzip_size(data, len);
    if (len < LEAST || size > most) return ERR_DAMAGED;
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)len};
    if (inflateInit2(&z, WINDOW) != Z_OK) return ERR_INTERNAL;
    z.next_out = (Bytef *)buf_room(out, size);
    z.avail_out = (uInt)size + 1; /* inflate wants room to see the end; what it writes there is too much */
    int rc = inflate(&z, Z_FINISH);
    (void)inflateEnd(&z);
    if (rc != Z_STREAM_END || z.total_out != size || z.avail_in) return ERR_DAMAGED;
    out->len += size;
    out->data[out->len] = '\0';
    return ERR_OK;
}
