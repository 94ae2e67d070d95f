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

enum { NETS = 3 };
/* The networks that an address is in, narrowest first, each a keyed hash of its first bits and of the day, so that it is forgotten
 * daily; the first is called the address's bucket, what is not there is 0. An address of neither form is hashed as text, and is in
 * one. */
struct nets {
    size_t n;
    int64_t id[NETS];
    int64_t cap[NETS]; /* signals a circle */
};
/* How many offers are given to each of such networks, in the same order, in an offer's life, before it leaves others their last
 * ones; six: of an IPv6 address. */
void net_shares(bool six, int64_t out[static NETS]);
struct nets nets_of(const char *address, const uint8_t key[static 32], int64_t day);
