/* The three ids and the pad they are made with (DESIGN 3).
 *
 * OTP_n(m) = first n bytes of BLAKE2b(m) XOR n bytes of pad used once. The pad of a CID is kept, so the
 * instance can check it; those of SIG and MID are wiped at once, which leaves an id that is provably
 * independent of the address and path it came from: in effect, random. */
#pragma once
#include "util/libc.h"

struct cid {
    uint8_t b[8];
};
struct sig {
    uint8_t b[32];
};
struct mid {
    uint8_t b[2];
};

/* A circle app namespace is a DNS label: [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])? */
bool can_valid(const char *can);

/* out[0..n) from m and pad[0..n); n at most 64. Pure: the vectors are in tests/vectors/otp.txt. */
void otp(uint8_t *out, size_t n, const void *m, size_t len, const uint8_t *pad);

/* n bytes of libsodium's generator XOR what the entropy source gives (entropyd by EGD socket, or a file,
 * FIFO or device): a bad source cannot weaken the good one. */
void pad_take(uint8_t *out, size_t n);
/* The source's path; NULL or "": none. Opened at each use, never waited for. The text must stay. */
void pad_source(const char *path);

struct cid cid_make(const char *can, uint8_t pad[static 8]); /* pad is filled and to be kept */
bool cid_check(const struct cid *cid, const char *can, const uint8_t pad[static 8]);
struct sig sig_make(const char *address, const struct cid *cid);
struct mid mid_make(const struct sig *sig, const char *path);

/* Address bucket: keyed hash of the /32 of an IPv4 address or the /64 of an IPv6 one, and of the day, so that
 * it is forgotten daily. An address of neither form is hashed as text. */
int64_t bucket_of(const char *address, const uint8_t key[static 32], int64_t now);
