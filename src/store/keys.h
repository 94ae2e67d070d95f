/* Signing keys, each a file of its own: signing/<CID> in the data directory (0700, 0600), one line of 64 hex digits, the seed of
 * Ed25519 (RFC 8032 5.1.5). No database holds one, but for a backup, which carries them to a host that has none. A key is read
 * when something is signed, and wiped.
 *
 * The file that is there counts. A restore brings a key only where there is none, so that no older one comes back by itself. */
#pragma once
#include "util/err.h"

struct store;

enum { KEY_SEED = 32 };

/* cid: 16 lower-case hex digits, perhaps with ".new". ERR_NOT_FOUND: there is no such file; ERR_DAMAGED: it holds no key.
 * Writes seed for ERR_OK alone. */
enum err key_read(const char *dir, const char *cid, uint8_t seed[static KEY_SEED]);
/* In the place of what is there; whole and on the disk, or not at all (ERR_FILES, ERR_DISK_FULL, ERR_READ_ONLY). */
enum err key_write(const char *dir, const char *cid, const uint8_t seed[static KEY_SEED]);
/* Removes it, if it is there. */
void key_drop(const char *dir, const char *cid);
/* CID.new becomes CID. */
enum err key_promote(const char *dir, const char *cid);

/* Puts all of them into a copy of the database, in a table that only copies have (store/copy.h: copy_more). One that cannot be read
 * is named in the log. */
enum err key_pack(struct store *copy, const char *dir, struct fault *fault);
struct key_list {
    struct key {
        char cid[17];
        uint8_t seed[KEY_SEED];
    } * all;
    size_t n;
};
/* Takes them out of a copy, of whatever version and of our form (copy_take), 10,000 at most; out: all 0, to be given to
 * key_forget(), also when it failed. */
enum err key_unpack(struct store *copy, struct key_list *out);
void key_forget(struct key_list *list);
