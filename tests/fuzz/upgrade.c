/* A file that claims to be a new program: without the key no bytes are signed; a signed file is, and with one bit
 * changed, or a byte more or less, it is not. */
#define _GNU_SOURCE
#include "host/upgrade.h"
#include "fuzz.h"
#include "util/codec.h"
#include <sodium.h>
#include <sys/mman.h>
#include <unistd.h>

static bool holds(const uint8_t *data, size_t size, const char *key) {
    int fd = memfd_create("program", MFD_CLOEXEC);
    MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    bool ok = upgrade_signed(fd, (int64_t)size, key);
    (void)close(fd);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t seed[crypto_sign_SEEDBYTES] = {7};
    static const char domain[] = "polycircle program 1\n", magic[] = "polycircle-sig-1";
    uint8_t public[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES], message[21 + 32];
    char key[2 * sizeof public + 1];
    MUST(sodium_init() >= 0 && crypto_sign_seed_keypair(public, secret, seed) == 0);
    hex_encode(key, public, sizeof public);
    MUST(!holds(data, size, key));
    if (!size) return 0;
    uint8_t *whole = malloc(size + 80 + 1);
    memcpy(whole, data, size);
    memcpy(whole + size, magic, 16);
    memcpy(message, domain, 21);
    MUST(crypto_hash_sha256(message + 21, data, size) == 0);
    MUST(crypto_sign_detached(whole + size + 16, NULL, message, sizeof message, secret) == 0);
    size += 80;
    whole[size] = 0;
    MUST(holds(whole, size, key) && !holds(whole, size, "") && !holds(whole, size + 1, key) && !holds(whole + 1, size - 1, key));
    whole[data[0] * 257UL % size] ^= 1;
    MUST(!holds(whole, size, key));
    free(whole);
    return 0;
}
