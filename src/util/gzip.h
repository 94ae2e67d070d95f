/* gzip (RFC 1952), deterministic: no time, no name. The only place that knows zlib, and libdeflate, which finds what is
 * shorter still where all of it is in memory. */
#pragma once
#include "util/buf.h"
#include "util/err.h"

/* The smallest: for what is packed once and fetched by everybody. */
enum err gzip_pack(struct buf *out, const void *data, size_t len);

/* The next slice of what is to be packed, good until the next call; 0: there is no more. */
typedef size_t gzip_source(void *context, const char **slice);
/* What need not be in memory whole, of about so many bytes. Level 6: of a long list 9 takes off 1 % more, in twice the time. */
enum err gzip_pack_slices(struct buf *out, gzip_source *next, void *context, size_t about);

/* Bytes of one, unpacked, as its end says. */
size_t gzip_size(const void *data, size_t len);
/* The len bytes behind the first ones of what is unpacked; no more than these is in memory. */
enum err gzip_unpack_part(const void *data, size_t data_len, size_t first, char *into, size_t len);
/* One whole member and nothing behind it, whose end says how long it is. Another form, or more than most bytes: ERR_DAMAGED. */
enum err gzip_unpack(struct buf *out, const void *data, size_t len, size_t most);
