/* A walk of a folder. What it has found, and how far it is, stands in two tables alone, so that whoever comes next goes on: job, a
 * row a circle, and found, a row for each name below the folder. In this order; each line is one or more units, each unit one
 * transaction, and a unit that finds its rows changed by another process leaves them to it.
 *
 *     compare   job.comparing: is all as it was published?    yes: finished (JOB_COMPARED); no: list (JOB_WALK, SCAN_ROOT)
 *     list      found DIRECTORY: its names, a part at a time  NEW for each (SCAN_NEW); at its end the row goes (SCAN_LISTED_ALL)
 *     look      found NEW                                     FILE_FOUND (SCAN_FILE; its hash is known: SCAN_KNOWN, SCAN_KEPT),
 *                                                             DIRECTORY (SCAN_ADD), or it goes, with a reason (SCAN_DROP)
 *     read      FILE_FOUND, at < size: pieces are hashed      at = size (SCAN_HASHED), or it changed and goes (SCAN_CHANGED)
 *     seek      published, and not in found                   stays or is doubted (SCAN_STAYS), or goes (JOB_SOUGHT says how far)
 *     finish    nothing of these is left                      found is the content from now on (manifest_replace) */
#include "content/index.h"
#include "content/compare.h"
#include "content/scan.h"
#include "content/walk.h"

enum {
    BACKGROUND_UNITS = 8,
    BACKGROUND_BYTES = 512 << 10,
    COMPARE_BYTES = 1024, /* to compare a name takes as long as to read so many */
};

enum err index_begin(struct ctx *ctx, const struct circle *c, const char *dir, const char *url, int how) {
    TRY(store_scans(ctx->store));
    TRY(store_begin(ctx->store, MAIN, true));
    TRY(store_run(ctx->store, SQL_SCAN_OTHER, ARGS(I(c->id), T(dir))));
    TRY(store_run(ctx->store, SQL_JOB_SET, ARGS(I(c->id), T(dir), T(url), I(how))));
    TRY(store_run(ctx->store, SQL_OMITTED_CLEAR, ARGS(I(c->id))));
    TRY(store_run(ctx->store, SQL_SCAN_AGAIN, ARGS(I(c->id))));
    TRY(store_run(ctx->store, SQL_SCAN_ROOT, ARGS(I(c->id))));
    TRY(store_run(ctx->store, SQL_JOB_COUNT, ARGS(I(c->id))));
    return store_commit(ctx->store, MAIN);
}

/* How the walk stands; *work_left: there is a row to be looked at, listed or read. */
static enum err read_job(struct indexer *x, struct walk *out, bool *work_left) {
    struct store *s = x->ctx->store;
    const enum sql id = SQL_JOB_GET;
    bool row;
    *out = (struct walk){.current = ""};
    *work_left = false;
    TRY(store_first(s, id, ARGS(I(x->circle->id)), &row));
    if (!row) return fault_set(&x->ctx->fault, ERR_NOT_FOUND, "No folder of %s is being indexed.", x->circle->can);
    x->dir = store_copy(s, id, 0, x->scratch);
    x->url = store_copy(s, id, 1, x->scratch);
    x->patient = store_int(s, id, 2) & INDEX_PATIENT;
    x->may_be_empty = store_int(s, id, 2) & INDEX_EMPTY;
    x->put_back = store_int(s, id, 4) == 1 || store_int(s, id, 2) & 4; /* by SQL_COPY_JOBS_DUE and SQL_JOB_WAIT */
    *out = (struct walk){
        .hashed = store_int(s, id, 3),
        .finished = store_int(s, id, 4),
        .files = store_int(s, id, 5),
        .bytes = store_int(s, id, 6),
        .done = store_int(s, id, 7),
        .doubted = store_int(s, id, 8),
        .same = store_int(s, id, 11),
        .current = "",
    };
    x->sought = store_copy(s, id, 9, x->scratch);
    x->comparing = store_int(s, id, 10);
    x->published = store_int(s, id, 12);
    *work_left = store_int(s, id, 13);
    x->refused = store_copy(s, id, 14, x->scratch);
    x->below = below_begin(x->ctx, x->dir);
    store_reset(s, id);
    return ERR_OK;
}

static enum err look(struct indexer *x, struct walk *out, bool *work_left) {
    TRY(read_job(x, out, work_left));
    if (!out->finished) return ERR_OK;
    TRY(media_sums(x->ctx, x->circle->id, &out->files, &out->bytes));
    out->done = out->bytes;
    return manifest_version(x->ctx, x->circle->id, &out->version);
}

/* What was published of this folder and was not found: the next of these. */
static enum err next_missed(struct indexer *x) {
    struct store *s = x->ctx->store;
    const enum sql id = SQL_MEDIA_MISSED;
    bool row;
    x->n = 0;
    x->items = arena_alloc(x->scratch, BATCH * sizeof *x->items);
    TRY(store_first(s, id, ARGS(I(x->circle->id), T(x->dir), T(x->sought), I(BATCH)), &row));
    while (row) {
        x->items[x->n++] = (struct item){.path = store_copy(s, id, 0, x->scratch),
                                         .file = {.size = store_int(s, id, 1),
                                                  .mtime = store_int(s, id, 2),
                                                  .dev = store_int(s, id, 3),
                                                  .ino = store_int(s, id, 4)},
                                         .changed = store_int(s, id, 5)};
        TRY(store_next(s, id, &row));
    }
    return ERR_OK;
}

/* What was left out by the walk and is there as it was (a young file by its time, one that was touched while it was read) stays;
 * its hash is that of before. Whether what is missing is gone: a disk may not be mounted, a folder may be renamed for a moment, or
 * no folder lets us in. What is doubtful, or would leave nothing at all, stays published until a second walk does not find it
 * either. */
static enum err seek(struct indexer *x, bool none) {
    enum { GOES, STAYS, DOUBTED } verdict[BATCH];
    int64_t doubted = 0;
    for (size_t i = 0; i < x->n; i++) {
        const struct item *item = &x->items[i];
        bool missing, gone = below_gone(&x->below, item->path, &item->file, &missing);
        if (!gone && !missing)
            verdict[i] = walk_name(item->path, x->circle->exclude) == OMIT_NOT && media_type(item->path) ? STAYS : GOES;
        else
            verdict[i] = !item->changed && (!gone || (none && missing)) ? DOUBTED : GOES;
    }
    TRY(store_begin(x->ctx->store, MAIN, true));
    for (size_t i = 0; i < x->n; i++) {
        if (verdict[i] == GOES) continue;
        TRY(store_run(x->ctx->store, SQL_SCAN_STAYS, ARGS(I(x->circle->id), T(x->items[i].path), I(verdict[i] == DOUBTED))));
        doubted += verdict[i] == DOUBTED && store_changes(x->ctx->store, MAIN);
    }
    TRY(store_run(x->ctx->store, SQL_JOB_SOUGHT, ARGS(I(x->circle->id), T(x->sought), T(x->items[x->n - 1].path), I(doubted))));
    return store_commit(x->ctx->store, MAIN);
}

static enum err replace(struct indexer *x, const struct manifest *m, struct walk *out) {
    struct store *s = x->ctx->store;
    int64_t id = x->circle->id, differ, published;
    TRY(store_number(s, SQL_SCAN_DIFFERS, ARGS(I(id)), &differ, 0));
    TRY(store_number(s, SQL_MEDIA_COUNT, ARGS(I(id)), &published, 0));
    out->same = m->version && differ == 0 && published == out->files && strcmp(m->url, x->url) == 0 && strcmp(m->dir, x->dir) == 0;
    out->version = m->version;
    if (out->same) return store_run(s, SQL_MEDIA_NOTE, ARGS(I(id)));
    return manifest_replace(x->ctx, x->circle, x->dir, x->url, &out->version);
}

/* Probably not the folder that was meant: what is published already stays. */
static enum err nothing_to_share(struct indexer *x) {
    struct omitted all[OMIT_REASONS];
    TRY(omitted_get(x->ctx, x->circle->id, all));
    const char *text = omitted_text(x->ctx->arena, all, "; ");
    return fault_set(&x->ctx->fault, ERR_FILES, "There is nothing to share in %.150s%s%s.", x->dir,
                     *text ? ", but " : ": it is empty", text);
}

/* A part at a time, so that nobody waits long; unless somebody has begun anew, whose rows they are then. */
static enum err clear(struct indexer *x, int64_t finished) {
    enum { PART = 2000 };
    int64_t n;
    do {
        TRY(store_run(x->ctx->store, SQL_SCAN_CLEAR_SOME, ARGS(I(x->circle->id), I(finished), I(PART))));
        n = store_changes(x->ctx->store, MAIN);
    } while (n == PART);
    return ERR_OK;
}

/* Nothing is left to do: what was found is the content now. */
static enum err finish(struct indexer *x, struct walk *out) {
    struct ctx *ctx = x->ctx;
    int64_t id = x->circle->id;
    bool work_left;
    struct manifest m;
    TRY(store_begin(ctx->store, MAIN, true));
    TRY(look(x, out, &work_left)); /* somebody may have begun anew, or finished */
    TRY(manifest_head(ctx, id, &m));
    TRY(next_missed(x));
    if (!out->finished && !x->comparing && !work_left && x->n == 0) {
        bool before = m.version && strcmp(m.dir, x->dir) == 0;
        if (out->files == 0 && !before && !x->may_be_empty) return nothing_to_share(x);
        TRY(replace(x, &m, out));
        TRY(store_run(ctx->store, SQL_JOB_FINISH, ARGS(I(id), T(x->dir), I(ctx->now), I(out->same))));
        out->finished = ctx->now;
    }
    TRY(store_commit(ctx->store, MAIN));
    enum err e = out->finished ? clear(x, out->finished) : ERR_OK;
    return e == ERR_BUSY ? ERR_OK : e; /* it is published; the next walk begins with what is left */
}

enum err index_wait(struct ctx *ctx, const struct circle *c) {
    const struct arg id = I(c->id), now = I(ctx->now);
    TRY(store_run(ctx->store, SQL_MEDIA_CLEAR, ARGS(id)));
    TRY(store_run(ctx->store, SQL_JOB_OF_MANIFEST, ARGS(id, now)));
    return store_run(ctx->store, SQL_JOB_WAIT, ARGS(id, now));
}

enum err index_waits(struct ctx *ctx, const struct circle *c, const char **dir) {
    const char *text = NULL;
    enum err e = store_string(ctx->store, SQL_JOB_WAITS, ARGS(I(c->id)), ctx->arena, &text);
    *dir = text ? text : "";
    return e;
}

enum err index_folders(struct ctx *ctx, struct texts *out) {
    return store_texts(ctx->store, SQL_FOLDERS, NULL, 0, ctx->arena, out);
}

enum err index_folder(struct ctx *ctx, const struct circle *c, const char **dir, const char **url) {
    struct indexer x = {.ctx = ctx, .circle = c, .scratch = ctx->arena};
    struct walk w;
    bool work_left;
    TRY(read_job(&x, &w, &work_left));
    *dir = x.dir;
    *url = x.url;
    return ERR_OK;
}

static enum err look_omitted(struct ctx *ctx, const struct circle *c, struct walk *out) {
    TRY(omitted_get(ctx, c->id, out->omitted));
    out->skipped = omitted_total(out->omitted);
    out->changed = out->omitted[OMIT_CHANGED].n;
    return ERR_OK;
}

enum err index_look(struct ctx *ctx, const struct circle *c, struct walk *out) {
    bool work_left;
    TRY(look(&(struct indexer){.ctx = ctx, .circle = c, .scratch = ctx->arena, .dir = "", .url = ""}, out, &work_left));
    return look_omitted(ctx, c, out);
}

struct allowance {
    index_budget *budget;
    void *context;
};

/* What most walks find is that nothing has changed; only if not, all is listed and written down. */
static enum err unchanged(struct indexer *x, struct walk *out, int64_t budget, bool *more) {
    struct store *s = x->ctx->store;
    int64_t id = x->circle->id, most = budget / COMPARE_BYTES + 1;
    struct compare k = {.arena = x->scratch, .dir = x->dir, .patient = x->patient, .after = x->sought};
    enum compared is;
    k.most = (size_t)(most < CAP_FILES ? most : CAP_FILES);
    TRY(compare(x->ctx, x->circle, &k, &is));
    int64_t finished = is == COMPARED_SAME ? x->ctx->now : 0;
    bool work_left, ours = false;
    TRY(store_begin(s, MAIN, true));
    if (is == COMPARED_OTHER) {
        TRY(store_run(s, SQL_JOB_WALK, ARGS(I(id))));
        if (store_changes(s, MAIN)) TRY(store_run(s, SQL_OMITTED_CLEAR, ARGS(I(id))));
        TRY(store_run(s, SQL_SCAN_ROOT, ARGS(I(id))));
    } else {
        TRY(store_run(s, SQL_JOB_COMPARED, ARGS(I(id), T(x->sought), T(k.after), I(finished))));
        ours = store_changes(s, MAIN);
        if (ours) TRY(omitted_add(x->ctx, id, k.omitted));
    }
    *more = finished == 0 || !ours; /* somebody has begun anew, or was quicker */
    TRY(store_commit(s, MAIN));
    return *more ? ERR_OK : look(x, out, &work_left);
}

/* *more: a unit was worked off, and there may be another. */
static enum err step(struct indexer *x, const struct allowance *allowed, struct walk *out, bool *more) {
    bool work_left;
    int64_t bytes;
    *more = false;
    TRY(look(x, out, &work_left));
    if (out->finished && *x->refused) return fault_set(&x->ctx->fault, ERR_FILES, "%s", x->refused); /* by a visitor's request */
    if (out->finished && x->put_back)
        return fault_set(&x->ctx->fault, ERR_BUSY, "A copy of the database was put back meanwhile: read the folder of %s again.",
                         x->circle->can);
    if (out->finished) return ERR_OK;
    if (x->comparing) return (bytes = allowed->budget(allowed->context, out)) > 0 ? unchanged(x, out, bytes, more) : ERR_OK;
    TRY(work_left ? scan_next(x) : next_missed(x));
    if (x->n == 0) return finish(x, out);
    if (work_left && x->items[0].kind == FILE_FOUND)
        out->current = arena_copy(x->ctx->arena, x->items[0].path, strlen(x->items[0].path));
    if ((bytes = allowed->budget(allowed->context, out)) <= 0) return ERR_OK;
    *more = true;
    return work_left ? scan_unit(x, bytes) : seek(x, out->files == out->doubted && !x->may_be_empty);
}

/* A folder that cannot be published leaves nothing of itself behind; unless its owner has chosen another one meanwhile. */
static enum err give_up(struct indexer *x) {
    struct store *s = x->ctx->store;
    const struct arg id = I(x->circle->id);
    bool ours;
    store_rollback(s);
    TRY(store_begin(s, MAIN, true));
    TRY(store_has(s, SQL_JOB_OF, ARGS(id, T(x->dir)), &ours));
    if (ours) {
        TRY(store_run(s, SQL_SCAN_CLEAR, ARGS(id)));
        TRY(store_run(s, SQL_OMITTED_CLEAR, ARGS(id)));
        TRY(store_run(s, SQL_JOB_BACK, ARGS(id, I(x->ctx->now), T(x->ctx->fault.text))));
        TRY(store_run(s, SQL_JOB_DROP, ARGS(id)));
    }
    return store_commit(s, MAIN);
}

enum err index_run(struct ctx *ctx, const struct circle *c, index_budget *budget, void *context, struct walk *out) {
    enum err e = store_scans(ctx->store);
    for (bool more = true; e == ERR_OK && more;) {
        struct arena scratch = {0};
        struct indexer x = {.ctx = ctx, .circle = c, .scratch = &scratch, .dir = "", .url = "", .below = below_begin(ctx, "")};
        e = step(&x, &(struct allowance){budget, context}, out, &more);
        if ((e == ERR_USAGE || e == ERR_FILES) && give_up(&x) != ERR_OK) store_rollback(ctx->store);
        below_end(&x.below);
        arena_free(&scratch);
    }
    return e == ERR_OK ? look_omitted(ctx, c, out) : e;
}

/* Names are listed and looked at a few units at a time; a unit that reads a file is enough for one visitor's request. */
static int64_t a_little(void *context, const struct walk *next) {
    int *units = context;
    if (*units == 0) return 0;
    *units = *next->current ? 0 : *units - 1;
    return BACKGROUND_BYTES;
}

enum err index_background(struct ctx *ctx, bool *worked) {
    struct store *s = ctx->store;
    struct circle c;
    struct walk walk;
    int units = BACKGROUND_UNITS;
    TRY(store_first(s, SQL_JOB_DUE, ARGS(I(ctx->now), I(SPAN_RESCAN)), worked));
    if (!*worked) return ERR_OK;
    int64_t id = store_int(s, SQL_JOB_DUE, 0), finished = store_int(s, SQL_JOB_DUE, 1);
    const char *dir = store_copy(s, SQL_JOB_DUE, 2, ctx->arena), *url = store_copy(s, SQL_JOB_DUE, 3, ctx->arena);
    store_reset(s, SQL_JOB_DUE);
    TRY(circle_by_id(ctx, id, &c));
    if (finished) TRY(index_begin(ctx, &c, dir, url, INDEX_PATIENT));
    enum err e = index_run(ctx, &c, a_little, &units, &walk);
    if (e == ERR_OK && walk.finished && walk.doubted)
        (void)fprintf(stderr,
                      "polycircle: %" PRId64
                      " files of %s are missing in %s; unless they are back, they are withdrawn in ten minutes\n",
                      walk.doubted, c.can, dir);
    if (e == ERR_OK || e == ERR_BUSY) return e;
    /* no folder, too large a one, no key to sign with ...: not again at once, for other circles wait */
    (void)fprintf(stderr, "polycircle: the folder of %s is not indexed; it is tried again in ten minutes: %s\n", c.can,
                  err_text(e, &ctx->fault));
    store_rollback(s);
    return store_run(s, SQL_JOB_FINISH, ARGS(I(id), T(dir), I(ctx->now), I(false)));
}
