/* A walk's rows of the table found, a unit at a time: a folder is listed, names are looked at, files are read (content/index.h). */
#pragma once
#include "content/below.h"
#include "content/manifest.h"
#include "content/omitted.h"
#include <sodium.h>

enum { BATCH = 200 }; /* rows of a unit */
enum kind { NEW, DIRECTORY, FILE_FOUND };

/* One row of found. */
struct item {
    const char *path;
    enum kind kind;
    struct file_id file;
    int64_t piece, at;
    crypto_hash_sha256_state state;
    struct buf sha256;
    bool changed, unreadable;
    const char *listed; /* of a folder: the last of its names that was taken, in the order of bytes; "": none yet */
    const char **names; /* those to take now; more: there are others behind them */
    size_t n_names;
    bool more, shut;
    int why; /* it is shut: errno, or 0 (below.h) */
};

struct indexer {
    struct ctx *ctx;
    struct arena *scratch; /* goes with the unit */
    const struct circle *circle;
    const char *dir, *url, *sought, *refused;
    struct below below; /* dir */
    bool patient, may_be_empty, published, comparing; /* published: something is, from dir */
    bool put_back; /* the job is of a copy that was restored: no walk has ended, or is at work */
    struct item *items;
    size_t n;
    int64_t hashed; /* by this unit */
    struct omitted omitted[OMIT_REASONS];
};

/* x->items: the next rows of one kind that are to be worked off; x->n = 0: there are none. */
enum err scan_next(struct indexer *x);
/* Works them off, as many as the budget (bytes read) allows, and writes down how far it came. */
enum err scan_unit(struct indexer *x, int64_t budget);
