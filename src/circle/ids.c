#include "circle/ids.h"
#include <arpa/inet.h>
#include <sodium.h>
#include <sys/socket.h>
#include <sys/un.h>

bool can_valid(const char *can) {
    size_t len = strlen(can);
    return len >= 1 && len <= 63 && strspn(can, "abcdefghijklmnopqrstuvwxyz0123456789-") == len && can[0] != '-' &&
           can[len - 1] != '-';
}

void otp(uint8_t *out, size_t n, const void *m, size_t len, const uint8_t *pad) {
    uint8_t hash[crypto_generichash_BYTES_MAX]; /* BLAKE2b-512; libsodium gives no fewer than 16 bytes */
    (void)crypto_generichash(hash, sizeof hash, m, len, NULL, 0);
    for (size_t i = 0; i < n; i++) out[i] = hash[i] ^ pad[i];
    sodium_memzero(hash, sizeof hash);
}

static const char *source;

void pad_source(const char *path) {
    source = path;
}

/* EGD protocol: command 1 (give what is there, do not wait), count; answered by a count and that many bytes. */
static int open_egd(const char *path, size_t n) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) return -1;
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_usec = 100000};
    uint8_t command[2] = {1, (uint8_t)n}, count = 0;
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 && /* connect() waits, too */
        connect(fd, (struct sockaddr *)&address, sizeof address) == 0 && write(fd, command, sizeof command) == sizeof command &&
        read(fd, &count, 1) == 1)
        return fd;
    if (fd >= 0) (void)close(fd);
    return -1;
}

void pad_take(uint8_t *out, size_t n) {
    uint8_t more[64] = {0};
    struct stat st;
    randombytes_buf(out, n);
    if (!source || !*source || n > sizeof more || stat(source, &st) != 0) return;
    int fd = S_ISSOCK(st.st_mode) ? open_egd(source, n) : open(source, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return;
    ssize_t got = read(fd, more, n);
    for (ssize_t i = 0; i < got; i++) out[i] ^= more[i];
    sodium_memzero(more, sizeof more);
    (void)close(fd);
}

struct cid cid_make(const char *can, uint8_t pad[static 8]) {
    struct cid cid;
    pad_take(pad, sizeof cid.b);
    otp(cid.b, sizeof cid.b, can, strlen(can), pad);
    return cid;
}

bool cid_check(const struct cid *cid, const char *can, const uint8_t pad[static 8]) {
    struct cid again;
    otp(again.b, sizeof again.b, can, strlen(can), pad);
    return sodium_memcmp(again.b, cid->b, sizeof again.b) == 0;
}

/* OTP_n(a || b), the pad wiped. Both are at most 64 and 1024 bytes; longer ones count with their beginning. */
static void once(uint8_t *out, size_t n, const void *a, size_t a_len, const void *b, size_t b_len) {
    uint8_t m[64 + 1024], pad[64];
    a_len = a_len < 64 ? a_len : 64;
    b_len = b_len < 1024 ? b_len : 1024;
    memcpy(m, a, a_len);
    memcpy(m + a_len, b, b_len);
    pad_take(pad, n);
    otp(out, n, m, a_len + b_len, pad);
    sodium_memzero(pad, sizeof pad);
    sodium_memzero(m, sizeof m);
}

struct sig sig_make(const char *address, const struct cid *cid) {
    struct sig sig;
    once(sig.b, sizeof sig.b, address, strlen(address), cid->b, sizeof cid->b);
    return sig;
}

struct mid mid_make(const struct sig *sig, const char *path) {
    struct mid mid;
    once(mid.b, sizeof mid.b, sig->b, sizeof sig->b, path, strlen(path));
    return mid;
}

/* What is believed of one network. A circle has CAP_SIGNALS; nobody who rents one thing of these fills it. */
static const struct {
    size_t bytes; /* of the address's binary form */
    size_t bits;
    int64_t cap, share;
} net_kinds[] = {
    {4, 32, 500, 3}, /* a household, an office, a school; more of a carrier's NAT than watch one site at a time */
    {4, 24, 2000, 6}, /* a company's range, a carrier's pool; the least that is routed, so the cheapest whole network */
    {16, 64, 500, 3}, /* one network: a phone, a LAN */
    {16, 56, 500, 6}, /* what a provider gives a household: 256 of the former, one customer */
    {16, 48, 2000, 12}, /* what a provider gives a company, a host or, generously, a household */
};

/* The address in network order; how many bytes it has, IPv4 within IPv6 as IPv4. 0: of neither form. */
static size_t binary(const char *address, uint8_t out[static 16]) {
    struct in6_addr six;
    if (inet_pton(AF_INET, address, out) == 1) return 4;
    if (inet_pton(AF_INET6, address, &six) != 1) return 0;
    bool four = IN6_IS_ADDR_V4MAPPED(&six);
    memcpy(out, six.s6_addr + (four ? 12 : 0), four ? 4 : 16);
    return four ? 4 : 16;
}

static int64_t net_hash(const uint8_t *net, size_t bits, const uint8_t key[static 32], int64_t day) {
    struct {
        int64_t day, bits;
        uint8_t net[16];
    } m = {.day = day, .bits = (int64_t)bits};
    int64_t id;
    uint8_t hash[16];
    memcpy(m.net, net, (bits + 7) / 8);
    (void)crypto_generichash(hash, sizeof hash, (const uint8_t *)&m, sizeof m, key, 32);
    memcpy(&id, hash, sizeof id);
    return id;
}

void net_shares(bool six, int64_t out[static NETS]) {
    size_t n = 0;
    for (size_t i = 0; i < sizeof net_kinds / sizeof *net_kinds && n < NETS; i++)
        if (net_kinds[i].bytes == (six ? 16 : 4)) out[n++] = net_kinds[i].share;
    while (n < NETS) out[n++] = 0; /* it is in no such network */
}

struct nets nets_of(const char *address, const uint8_t key[static 32], int64_t day) {
    struct nets nets = {0};
    uint8_t net[16] = {0};
    size_t bytes = binary(address, net);
    for (size_t i = 0; i < sizeof net_kinds / sizeof *net_kinds; i++) {
        if (net_kinds[i].bytes != bytes) continue;
        nets.id[nets.n] = net_hash(net, net_kinds[i].bits, key, day);
        nets.cap[nets.n++] = net_kinds[i].cap;
    }
    if (nets.n) return nets;
    (void)crypto_generichash(net, sizeof net, (const uint8_t *)address, strlen(address), NULL, 0);
    return (struct nets){.n = 1, .id = {net_hash(net, 128, key, day)}, .cap = {net_kinds[0].cap}};
}
