/* A new program takes this one's place. The owner uploads it as polycircle.new beside the program; nothing of it is
 * run before its signature is checked.
 *
 * A released program ends with a trailer of 80 bytes: the 16 characters "polycircle-sig-1", then an Ed25519 signature
 * (RFC 8032) over "polycircle program 1\n" and the SHA-256 of all bytes before the trailer. tools/release makes it;
 * the public key is compiled in (configure --with-release-key). */
#pragma once
#include "circle/ctx.h"

struct upgrade {
    const char *program, *next, *old; /* paths: the running one, polycircle.new, polycircle.old */
    const char *version; /* of polycircle.new */
    int64_t database; /* the form that it gives polycircle.db; see store_form() */
};

/* May polycircle.new take this program's place? It must be a regular file with the release key's signature, for this
 * processor, run here, and not be older. Makes it executable (0755). Otherwise ERR_UPGRADE with words. */
enum err upgrade_check(struct ctx *ctx, struct upgrade *out);
/* Checks, keeps the running program as polycircle.old, and renames polycircle.new over it. Requests that are under way
 * are finished by the old one; see transport/fastcgi.c for what follows. */
enum err upgrade_activate(struct ctx *ctx, struct upgrade *out);

/* Does the file of size bytes end with a trailer that key (64 hex digits) has signed? */
bool upgrade_signed(int fd, int64_t size, const char *key);
