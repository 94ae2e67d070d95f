/* A circle's content: which files, their pieces' hashes, the signed list of them (PROTOCOL 1.5). */
#pragma once
#include "circle/circle.h"

struct media {
    const char *path; /* below the published directory, '/' between segments */
    const char *type;
    struct file_id file;
    int64_t piece; /* bytes */
    const uint8_t *sha256; /* 32 bytes a piece */
    size_t sha256_len;
};

struct manifest {
    int64_t version; /* 0: nothing is published */
    const char *dir, *url;
    const void *packed; /* gzip of what is given out: text, signature and key (PROTOCOL 1.5) */
    size_t packed_len;
    int64_t size; /* unpacked; 0: not counted */
};

/* MIME type by the name's ending; NULL for what is never shared: a host's program or configuration. */
const char *media_type(const char *path);
enum { LEAST_PIECE = 128 << 10 };
/* A power of two from LEAST_PIECE to 4 MiB, so that a file has at most 2,048 pieces where possible. */
int64_t media_piece(int64_t size);
/* Bytes of files of which the hashes alone fill a manifest (6.6 TB): more is in none. */
int64_t media_most(void);
/* The entry of the database. Absent: ERR_NOT_FOUND. */
enum err media_get(struct ctx *ctx, int64_t circle, const char *path, struct media *out);
/* Files as they were published, a page at a time, in the order of bytes of their paths: page has those behind after, which may be
 * of the page before, and is none but these. Fewer than MEDIA_PAGE: they are the last. */
enum { MEDIA_PAGE = 512 };
struct media_page {
    struct arena arena; /* theirs; arena_free() at the end */
    struct published {
        const char *path, *type;
        struct file_id file;
        bool doubted;
    } * all;
    size_t n;
};
enum err media_turn(struct ctx *ctx, int64_t circle, const char *after, struct media_page *page);
/* How many are published, and their bytes. */
enum err media_sums(struct ctx *ctx, int64_t circle, int64_t *files, int64_t *bytes);
/* By its number in the current manifest; NULL: there is none. */
enum err media_path(struct ctx *ctx, int64_t circle, int64_t index, const char **out);

/* All but what is packed; version 0 when nothing is published. */
enum err manifest_head(struct ctx *ctx, int64_t circle, struct manifest *out);
enum err manifest_version(struct ctx *ctx, int64_t circle, int64_t *version);
/* The head, once files that are no longer as they were published are withdrawn; looks at no more than CAP_STAT of them. */
enum err manifest_current(struct ctx *ctx, const struct circle *c, struct manifest *out);
/* Files of what m, the head, is of, and how many of them have another size or time now, or are gone. */
enum err manifest_stale(struct ctx *ctx, const struct circle *c, const struct manifest *m, size_t *n, size_t *stale);
/* The version and what is packed. Nothing is published: ERR_NOT_FOUND, with words. */
enum err manifest_read(struct ctx *ctx, const struct circle *c, struct manifest *out);
/* Inside a transaction of MAIN: what content/index.c has found becomes the content, signed as the next version. url "":
 * nothing serves dir but our own mirror. */
enum err manifest_replace(struct ctx *ctx, const struct circle *c, const char *dir, const char *url, int64_t *version);
/* The content is to be another folder's: what was published of the one before is withdrawn, at once. */
enum err manifest_move(struct ctx *ctx, const struct circle *c, const char *dir, const char *url);
/* Inside a transaction of MAIN: signs what is published once more, as the next version; nothing when nothing is. */
enum err manifest_again(struct ctx *ctx, const struct circle *c);
