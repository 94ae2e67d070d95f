#include "content/scan.h"
#include "content/walk.h"

/* The next items of one kind. Their hashing state comes along: it is NULL or whole. */
enum err scan_next(struct indexer *x) {
    struct store *s = x->ctx->store;
    const enum sql id = SQL_SCAN_WORK;
    bool row;
    x->n = 0;
    x->items = arena_alloc(x->scratch, BATCH * sizeof *x->items);
    TRY(store_first(s, id, ARGS(I(x->circle->id), I(BATCH)), &row));
    while (row && (x->n == 0 || (enum kind)store_int(s, id, 1) == x->items[0].kind)) {
        struct item *item = &x->items[x->n++];
        size_t len;
        *item = (struct item){.path = store_copy(s, id, 0, x->scratch),
                              .kind = (enum kind)store_int(s, id, 1),
                              .file = {.size = store_int(s, id, 2),
                                       .mtime = store_int(s, id, 3),
                                       .ino = store_int(s, id, 8),
                                       .ctime_ns = store_int(s, id, 9)},
                              .piece = store_int(s, id, 4),
                              .at = store_int(s, id, 5),
                              .listed = store_copy(s, id, 10, x->scratch),
                              .sha256 = {.arena = x->scratch}};
        if (!store_bytes(s, id, 6, &item->state, sizeof item->state)) (void)crypto_hash_sha256_init(&item->state);
        const void *sha256 = store_blob(s, id, 7, &len);
        if (len) buf_add(&item->sha256, sha256, len);
        TRY(store_next(s, id, &row));
    }
    store_reset(s, id);
    return ERR_OK;
}

static enum err drop(struct indexer *x, const struct item *item, enum omit why) {
    const char *slash = item->kind == DIRECTORY ? "/" : "";
    if (why < OMIT_REASONS)
        omit(x->scratch, x->omitted, why, arena_text(x->scratch, "%s%s", *item->path ? item->path : ".", slash));
    return store_run(x->ctx->store, SQL_SCAN_DROP, ARGS(I(x->circle->id), T(item->path)));
}

/* A file's type, size and time; what is known of it need not be read. */
static enum err look_at(struct indexer *x, const struct item *item) {
    struct file_id now;
    struct store *s = x->ctx->store;
    const char *type;
    int64_t id = x->circle->id, taken;
    enum omit is = walk_name(item->path, x->circle->exclude); /* a walk that began before the owner said so may have met it */
    if (is == OMIT_NOT) is = walk_look(&x->below, item->path, &now, &type);
    if (is == OMIT_NOT_FOLDER) return store_run(s, SQL_SCAN_ADD, ARGS(I(id), T(item->path), I(DIRECTORY)));
    TRY(store_number(s, SQL_JOB_BYTES, ARGS(I(id)), &taken, 0));
    if (is == OMIT_NOT && taken - item->file.size > media_most() - now.size) is = OMIT_LARGE;
    if (is == OMIT_NOT && walk_young(x->ctx, x->patient, &now)) is = OMIT_YOUNG;
    if (is != OMIT_NOT) return drop(x, item, is);
    TRY(store_run(s, SQL_SCAN_FILE,
                  ARGS(I(id), T(item->path), T(type), I(now.size), I(now.mtime), I(media_piece(now.size)), I(now.dev), I(now.ino),
                       I(now.ctime_ns))));
    TRY(store_run(s, SQL_SCAN_KNOWN, ARGS(I(id), T(item->path), T(x->dir))));
    if (store_changes(s, MAIN)) return ERR_OK;
    return store_run(s, SQL_SCAN_KEPT, ARGS(I(id), T(item->path), T(x->dir)));
}

/* What a folder holds behind item->listed, in the order of bytes: a part of it at a time is written down, so that nobody waits
 * long for the database; and not too small a part, for each time the folder is listed whole. */
static void read_names(struct indexer *x, struct item *item) {
    enum { PART = 16, LEAST = 200 };
    size_t all, taken = 0;
    const char **names = directory_list(x->scratch, below_list(&x->below, item->path), &all);
    item->shut = !names;
    item->why = errno;
    if (item->shut) return;
    while (taken < all && strcmp(names[taken], item->listed) <= 0) taken++;
    size_t left = all - taken, most = all / PART > LEAST ? all / PART : LEAST;
    item->names = names + taken;
    item->more = left > most;
    item->n_names = item->more ? most : left;
}

static enum err add_names(struct indexer *x, const struct item *in) {
    int64_t found;
    TRY(store_number(x->ctx->store, SQL_SCAN_COUNT, ARGS(I(x->circle->id)), &found, 0));
    for (size_t i = 0; i < in->n_names; i++) {
        const char *slash = *in->path ? "/" : "", *path = arena_text(x->scratch, "%s%s%s", in->path, slash, in->names[i]);
        enum omit is = in->names[i][0] == '.' ? OMIT_HIDDEN : walk_name(path, x->circle->exclude);
        if (is != OMIT_NOT) {
            omit(x->scratch, x->omitted, is, path);
            continue;
        }
        TRY(store_run(x->ctx->store, SQL_SCAN_NEW, ARGS(I(x->circle->id), T(path))));
        found += store_changes(x->ctx->store, MAIN);
        if (found > CAP_FILES + in->more) /* the folder itself is a row, until it is listed */
            return fault_set(&x->ctx->fault, ERR_USAGE, "%.150s holds more than %d files: publish a smaller folder.", x->dir,
                             CAP_FILES);
    }
    return ERR_OK;
}

/* Names that were taken stay so when it is broken off here; what another process took meanwhile is not taken twice. */
static enum err list(struct indexer *x, const struct item *item) {
    struct store *s = x->ctx->store;
    const struct arg id = I(x->circle->id), path = T(item->path), listed = T(item->listed);
    if (item->shut) {
        if (*item->path || (item->why && x->published)) return drop(x, item, walk_shut(item->why));
        errno = item->why;
        if (item->why) return fault_errno(&x->ctx->fault, ERR_FILES, x->dir);
        return fault_set(&x->ctx->fault, ERR_FILES,
                         "Choose another folder: %.180s is for Polycircle's own files (by its name or where it lies, or by "
                         "polycircle.db, owner-code or setup-code in it).",
                         x->dir);
    }
    if (item->more)
        TRY(store_run(s, SQL_SCAN_LISTED, ARGS(id, path, listed, T(item->names[item->n_names - 1]))));
    else
        TRY(store_run(s, SQL_SCAN_LISTED_ALL, ARGS(id, path, listed)));
    return store_changes(s, MAIN) ? add_names(x, item) : ERR_OK;
}

/* Bytes [at, at + len) of a file into its hash; a piece that ends adds 32 bytes to the list. */
static void feed(struct item *item, const uint8_t *bytes, int64_t len) {
    (void)crypto_hash_sha256_update(&item->state, bytes, (unsigned long long)len);
    item->at += len;
    if (item->at % item->piece && item->at < item->file.size) return;
    (void)crypto_hash_sha256_final(&item->state, (uint8_t *)buf_room(&item->sha256, crypto_hash_sha256_BYTES));
    item->sha256.len += crypto_hash_sha256_BYTES;
    (void)crypto_hash_sha256_init(&item->state);
}

static void read_some(struct indexer *x, struct item *item, int64_t *budget) {
    static uint8_t bytes[LEAST_PIECE]; /* so none ends inside one read */
    struct file_id now;
    int fd = below_open(&x->below, item->path, &now);
    item->unreadable = fd < 0 && walk_shut(errno) == OMIT_UNREADABLE && errno != EINVAL;
    bool good = fd >= 0 && file_same(&now, &item->file);
    while (good && *budget > 0 && item->at < item->file.size) {
        int64_t left = item->file.size - item->at, len = left < (int64_t)sizeof bytes ? left : (int64_t)sizeof bytes;
        errno = 0; /* shorter than it was: a change */
        good = file_read(fd, bytes, (size_t)len, item->at);
        item->unreadable = !good && errno;
        if (good) feed(item, bytes, len);
        *budget -= len;
    }
    if (fd >= 0) (void)close(fd);
    bool whole = item->at == item->file.size;
    item->changed = !good || (whole && (!below_look(&x->below, item->path, &now) || !file_same(&now, &item->file)));
}

static enum err save_hash(struct indexer *x, const struct item *item, int64_t from) {
    const struct file_id *f = &item->file;
    const struct arg id = I(x->circle->id), path = T(item->path), at = I(from);
    bool whole = item->at == f->size;
    if (item->changed)
        TRY(store_run(x->ctx->store, SQL_SCAN_CHANGED, ARGS(id, path, at, I(f->size), I(f->mtime), I(f->ino), I(f->ctime_ns))));
    else
        TRY(store_run(x->ctx->store, SQL_SCAN_HASHED,
                      ARGS(id, path, at, I(f->size), I(f->mtime), I(f->ino), I(f->ctime_ns), I(item->at),
                           B(whole ? NULL : &item->state, sizeof item->state),
                           B(item->sha256.len ? item->sha256.data : "", item->sha256.len))));
    bool ours = store_changes(x->ctx->store, MAIN) > 0;
    if (ours && item->changed) omit(x->scratch, x->omitted, item->unreadable ? OMIT_UNREADABLE : OMIT_CHANGED, item->path);
    x->hashed += ours && !item->changed && whole;
    return ERR_OK;
}

/* Reading is slow, of folders too: it happens before the transaction, and what another process did meanwhile stands (SCAN_HASHED).
 */
enum err scan_unit(struct indexer *x, int64_t budget) {
    int64_t from[BATCH];
    size_t n = 0;
    bool reading = x->items[0].kind == FILE_FOUND;
    for (; reading && n < x->n && budget > 0; n++) {
        from[n] = x->items[n].at;
        read_some(x, &x->items[n], &budget);
    }
    if (!reading) n = x->items[0].kind == DIRECTORY ? 1 : x->n;
    if (x->items[0].kind == DIRECTORY) read_names(x, &x->items[0]);
    TRY(store_begin(x->ctx->store, MAIN, true));
    for (size_t i = 0; i < n; i++) {
        const struct item *item = &x->items[i];
        TRY(reading ? save_hash(x, item, from[i]) : item->kind == NEW ? look_at(x, item) : list(x, item));
    }
    TRY(omitted_add(x->ctx, x->circle->id, x->omitted));
    TRY(store_run(x->ctx->store, SQL_JOB_ADD, ARGS(I(x->circle->id), I(x->hashed))));
    return store_commit(x->ctx->store, MAIN);
}
