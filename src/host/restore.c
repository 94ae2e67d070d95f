/* A restore writes the copy's rows into the file that is there, in one transaction: whoever has the file open sees one more commit.
 * Only where there is no file, or one that SQLite cannot read, or one of another form, is it replaced by rename; store_begin()
 * refuses to write into one that was replaced. */
#include "host/restore.h"
#include "circle/instance.h"
#include "circle/setting.h"
#include "circle/signing.h"
#include "circle/spool.h"
#include "content/index.h"
#include "host/backup.h"
#include "host/settings.h"
#include "host/values.h"
#include "store/keys.h"
#include "store/replace.h"
#include <sodium.h>

/* What is there, which says what is to be done. */
enum there {
    UNSEEN = 1,
    ALIKE = 2, /* locked, and of the copy's form: it takes the rows */
    OTHER = 4, /* locked, and of another form: it is replaced */
    LOST = 8, /* no file, or none that can be read: it is replaced */
    DONE = 16, /* restored already, by one that was killed before it could say so */
};

struct restore {
    struct ctx *ctx;
    const char *dir, *file, *kept, *mark;
    const char *path, *part; /* polycircle.db; the working copy's */
    enum there is;
    struct store *copy, *there; /* a working copy of file; what is there, once it was looked at */
    struct key_list keys; /* that the copy has brought along */
    int64_t gen, version; /* the generation of what is there, and the highest version of its lists */
    struct texts folders, urls; /* that are shared there; of the instance there */
    struct texts held; /* folders of the copy that are not, in words */
    bool saved; /* kept is written */
};

/* A step that has found what is there to be damaged does without it. */
static enum err lost(struct restore *r, enum err e) {
    if (e != ERR_DAMAGED) return e;
    r->is = LOST;
    return ERR_OK;
}

static enum err look_at_values(struct restore *r) {
    struct ctx copy = {.arena = r->ctx->arena, .store = r->copy, .now = r->ctx->now};
    enum err e = values_valid(&copy);
    r->ctx->fault = copy.fault;
    return e;
}

static enum err take(struct restore *r) {
    struct stat a, b;
    struct fault *fault = &r->ctx->fault;
    fault->text[0] = '\0';
    if (stat(r->file, &a) == 0 && stat(r->path, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev)
        return fault_set(fault, ERR_USAGE, "%.200s is polycircle.db itself: name a backup.", r->file);
    enum err e = copy_take(&r->copy, r->file, r->part, fault);
    if (e == ERR_OK) e = key_unpack(r->copy, &r->keys);
    if (e == ERR_OK) e = copy_update(r->copy, fault);
    if (e == ERR_OK) e = look_at_values(r);
    if (e != ERR_DAMAGED) return e;
    const char *why = arena_text(r->ctx->arena, "%s", fault->text);
    return fault_set(fault, ERR_DAMAGED, "%.160s is no whole polycircle.db%s%.199s; nothing was changed.", r->file,
                     *why ? ": " : "", why);
}

/* Only where there is none: what is there is newer, or the same. Before the rows, which need them. */
static enum err bring_keys(struct restore *r) {
    for (size_t i = 0; i < r->keys.n; i++) {
        const struct key *key = &r->keys.all[i];
        uint8_t there[KEY_SEED];
        enum err e = key_read(r->dir, key->cid, there);
        explicit_bzero(there, sizeof there);
        if (e == ERR_NOT_FOUND || e == ERR_DAMAGED) e = key_write(r->dir, key->cid, key->seed);
        if (e != ERR_OK) return fault_errno(&r->ctx->fault, e, arena_text(r->ctx->arena, "signing/%s", key->cid));
    }
    return ERR_OK;
}

static enum err lock(struct restore *r) {
    struct ctx there = {.arena = r->ctx->arena};
    const char *mark;
    enum err e = replace_lock(&r->there, r->dir, r->copy, &r->ctx->fault);
    there.store = r->there;
    if (e == ERR_OK) e = setting_number(&there, "gen", 0, &r->gen);
    if (e == ERR_OK) e = setting_get(&there, "restored", &mark);
    if (e == ERR_OK && index_folders(&there, &r->folders) != ERR_OK) r->folders.n = 0; /* of another form: none is known */
    if (e == ERR_OK && instance_urls(&there, &r->urls) != ERR_OK) r->urls.n = 0;
    if (e == ERR_OK && store_number(r->there, SQL_VERSION_MOST, ARGS(I(UINT32_MAX - 1)), &r->version, 0) != ERR_OK) r->version = 0;
    if (e != ERR_OK) return lost(r, e);
    r->is = *mark && strcmp(mark, r->mark) == 0 ? DONE : copy_alike(r->there, r->copy) ? ALIKE : OTHER;
    return ERR_OK;
}

static enum err save(struct restore *r) {
    enum err e = copy_save_locked(r->there, r->kept, key_pack, &r->ctx->fault);
    r->saved = e == ERR_OK;
    return lost(r, e);
}

static bool shared_there(const struct restore *r, const char *dir) {
    for (size_t i = 0; i < r->folders.n; i++)
        if (strcmp(r->folders.all[i], dir) == 0) return true;
    return false;
}

static enum err say_held(struct restore *r, struct ctx *copy, const struct circle *c) {
    const char *dir;
    TRY(index_waits(copy, c, &dir));
    if (*dir && !c->removed)
        texts_add(copy->arena, &r->held,
                  arena_text(copy->arena,
                             "polycircle: the copy shares %s in %s, which was not shared here: nothing of it is, until you press "
                             "\"Read the folder again\" in the console, or: polycircle publish %s %s\n",
                             jsn_shown(copy->arena, dir), c->can, c->can, jsn_shown(copy->arena, dir)));
    return ERR_OK;
}

/* Who made the copy may have been another than who restores it: what was not shared here is not, until its owner says so. Where
 * nothing was there, or nothing that can be read, there is nothing to compare it with. */
static enum err hold(struct restore *r) {
    struct ctx copy = {.arena = r->ctx->arena, .store = r->copy, .now = r->ctx->now};
    struct circle_list list;
    if (r->is == LOST) return ERR_OK;
    TRY(circle_list(&copy, &list));
    for (size_t i = 0; i < list.n; i++) {
        struct texts dirs;
        bool held = false;
        TRY(store_texts(r->copy, SQL_FOLDERS_OF, ARGS(I(list.all[i].id)), copy.arena, &dirs));
        for (size_t k = 0; k < dirs.n; k++) held = held || !shared_there(r, dirs.all[k]);
        if (!held) continue;
        TRY(index_wait(&copy, &list.all[i]));
        TRY(say_held(r, &copy, &list.all[i]));
    }
    return ERR_OK;
}

/* What would be believed and can be made anew goes: programs for visitors, hashes of files, how far was counted. Each file is read
 * again before it is signed: a little at a time as visitors come, or by `polycircle publish` at once. And what is of no circle, or
 * the next one, by its number, would have a folder and origins of the copy's. */
static enum err forget(struct restore *r) {
    static const enum sql all[] = {SQL_COPY_PACKAGES, SQL_COPY_MEDIA,    SQL_COPY_FOUND,    SQL_COPY_OMITTED,   SQL_COPY_KEPT,
                                   SQL_COPY_JOBS,     SQL_COPY_JOBS_DUE, SQL_COPY_VERSIONS, SQL_COPY_STATISTICS};
    struct ctx copy = {.arena = r->ctx->arena, .store = r->copy};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) TRY(store_run(r->copy, all[i], NULL, 0));
    return circle_orphans_drop(&copy);
}

/* As far as it may be counted on from: what is there may be damaged, too. */
static int64_t later(int64_t gen, int64_t other) {
    return other > gen && other <= COUNTED_GEN ? other : gen;
}

/* Versions of lists that no browser has seen go on above all that are known; and, since what is there may be lost, and may have
 * been restored before, above the time in seconds: nobody publishes more often. Neither who made the copy nor a clock that is ahead
 * brings them to their end. */
static enum err advance_versions(struct restore *r) {
    int64_t seen;
    TRY(store_number(r->copy, SQL_VERSION_MOST, ARGS(I(VALUES_VERSION)), &seen, 0));
    if (r->ctx->now / 1000 > seen) seen = r->ctx->now / 1000;
    if (seen > COUNTED_VERSION) seen = COUNTED_VERSION;
    if (r->version > seen) seen = r->version;
    return store_run(r->copy, SQL_INSTANCE_SET, ARGS(T("versions"), I(seen)));
}

/* Who made the copy may have been another, as hold() says: where the instance is reached, to whom mail goes and who is believed
 * stays as it is here. Where nothing is there, the self-test finds a spool again. */
static enum err keep_settings(struct restore *r) {
    struct ctx copy = {.arena = r->ctx->arena, .store = r->copy}, there = {.arena = r->ctx->arena, .store = r->there};
    const char *value;
    if (r->is == LOST) return setting_put(&copy, "spool_dir", "");
    if (r->urls.n) TRY(store_run(r->copy, SQL_COPY_BASES, NULL, 0));
    for (size_t i = 0; i < r->urls.n; i++) {
        struct base base;
        TRY(instance_base(&copy, r->urls.all[i], &base));
        TRY(store_run(r->copy, SQL_BASE_ADD, ARGS(T(base.url), T(base.host))));
    }
    for (size_t i = 0; i < settings_count; i++) {
        if (!settings[i].here) continue;
        TRY(setting_get(&there, settings[i].name, &value));
        TRY(setting_put(&copy, settings[i].name, value));
    }
    return ERR_OK;
}

/* The versions that the copy's lists have are ones that browsers may have seen with other content; and the keys that are here may
 * be newer ones. In the copy, so that it is never there without. */
static enum err sign(struct restore *r) {
    struct ctx copy = {.arena = r->ctx->arena, .store = r->copy, .now = r->ctx->now};
    struct circle_list all;
    enum err e = circle_list(&copy, &all);
    for (size_t i = 0; e == ERR_OK && i < all.n; i++) {
        if (all.all[i].removed) continue;
        e = signing_adopt(&copy, &all.all[i]);
        if (e == ERR_OK) e = manifest_again(&copy, &all.all[i]);
    }
    r->ctx->fault = copy.fault;
    return e;
}

/* A generation that was never used, and what else must not be as it is in the copy. */
static enum err advance(struct restore *r) {
    struct store *s = r->copy;
    int64_t gen;
    uint8_t pepper[32]; /* whoever made the copy may know its own */
    randombytes_buf(pepper, sizeof pepper);
    TRY(store_begin(s, MAIN, true));
    TRY(store_number(s, SQL_INSTANCE_GET, ARGS(T("gen")), &gen, 0));
    gen = later(later(later(0, gen), store_newest_live(r->dir)), r->gen);
    TRY(store_run(s, SQL_INSTANCE_SET, ARGS(T("gen"), I(gen + 1))));
    TRY(store_run(s, SQL_INSTANCE_SET, ARGS(T("restored"), T(r->mark))));
    TRY(store_run(s, SQL_INSTANCE_SET, ARGS(T("pepper"), B(pepper, sizeof pepper))));
    TRY(advance_versions(r));
    TRY(keep_settings(r));
    TRY(forget(r));
    TRY(hold(r));
    TRY(sign(r));
    return store_commit(s, MAIN);
}

static enum err put_rows(struct restore *r) {
    return lost(r, replace_rows(r->there));
}

static enum err put_file(struct restore *r) {
    (void)mkdir(backup_folder(r->ctx, r->dir), 0700);
    return replace_file(r->copy, r->path, r->kept, r->saved, &r->ctx->fault);
}

/* In this order. Behind each: what it does, and what of it is left when it fails, or when the process is killed at it. The working
 * copy goes in any case: at the end, with the next restore, or by doctor. */
static const struct {
    enum err (*run)(struct restore *r);
    unsigned when; /* in these states */
} steps[] = {
    {take, UNSEEN}, /* a working copy of the file, whole, brought to our version and form | nothing */
    {bring_keys, UNSEEN}, /* the signing keys that it has, where there is none | those stay */
    {lock, UNSEEN}, /* keeps writers from what is there, and says what that is | nothing: the lock ends with the process */
    {save, ALIKE | OTHER}, /* what is there, into backups/ | killed: one copy more, or a part of one */
    {advance, ALIKE | OTHER | LOST}, /* generation, versions, nothing to be believed, signed, in the working copy | new keys */
    {put_rows, ALIKE}, /* in one transaction | nothing: SQLite rolls it back */
    {put_file, OTHER | LOST}, /* by rename | the old file; the journals of one that is lost may lie in backups/ by then */
};

/* What was saved goes when nothing can have been replaced: it is tried again, each time with one copy more. */
static enum err run(struct restore *r) {
    enum err e = ERR_OK;
    size_t i = 0;
    for (; e == ERR_OK && i < sizeof steps / sizeof *steps; i++)
        if (steps[i].when & r->is) e = steps[i].run(r);
    if (e != ERR_OK && r->saved && steps[i - 1].run != put_file) (void)unlink(r->kept);
    return e;
}

static struct restore begin(struct ctx *ctx, const char *dir, const char *file, const char *part) {
    return (struct restore){.ctx = ctx,
                            .dir = dir,
                            .file = file,
                            .path = arena_path(ctx->arena, dir, "polycircle.db"),
                            .part = arena_path(ctx->arena, dir, part),
                            .is = UNSEEN};
}

static void end(struct restore *r) {
    if (r->there) store_close(r->there);
    copy_drop(r->copy);
    key_forget(&r->keys);
}

/* Without the lock, so by a name of its own: a restore that is at work would put this copy in place of its. */
enum err restore_possible(struct ctx *ctx, const char *dir, const char *file) {
    struct restore r = begin(ctx, dir, file, arena_text(ctx->arena, "look-%ld.part", (long)getpid()));
    enum err e = take(&r);
    end(&r);
    return e;
}

/* While it is there: a renewal of keys that was broken off is settled by the database that knows which one counts, and the spool
 * may have files of its circles. */
static void look_before(struct ctx *ctx, const char *dir, struct circle_list *circles) {
    const struct spool *spool;
    *circles = (struct circle_list){0};
    if (store_open(&ctx->store, dir, &ctx->fault) != ERR_OK) return;
    if (signing_finish(ctx) != ERR_OK) store_rollback(ctx->store);
    if (spool_get(ctx, &spool) != ERR_OK || circle_list(ctx, circles) != ERR_OK) circles->n = 0;
    store_close(ctx->store);
    ctx->store = NULL;
}

enum err restore_once(struct ctx *ctx, const char *dir, const char *file, const char *mark, const char **kept) {
    struct restore r = begin(ctx, dir, file, "restore.part");
    r.mark = mark;
    r.kept = backup_path(ctx, backup_folder(ctx, dir), "before-restore");
    struct circle_list before;
    look_before(ctx, dir, &before);
    enum err e = run(&r);
    end(&r);
    TRY(e);
    for (size_t i = 0; i < before.n; i++) spool_drop(ctx, &before.all[i]); /* the copy may not have it */
    ctx->touched = 0;
    if (kept) *kept = access(r.kept, F_OK) == 0 ? r.kept : NULL;
    for (size_t i = 0; i < r.held.n; i++) (void)fputs(r.held.all[i], stderr);
    return ERR_OK;
}

enum err restore_file(struct ctx *ctx, const char *dir, const char *file, const char **kept) {
    int lock;
    TRY(backup_lock(ctx, dir, &lock));
    enum err e = restore_once(ctx, dir, file, "", kept);
    (void)close(lock);
    return e;
}

static bool is_copy(const char *name) {
    size_t len = strlen(name);
    return strncmp(name, "polycircle-", 11) == 0 && len > 3 && strcmp(name + len - 3, ".db") == 0;
}

const char *restore_newest(struct ctx *ctx, const char *dir) {
    const char *best = NULL, *folder = backup_folder(ctx, dir);
    struct file_id id;
    int64_t time = INT64_MIN;
    size_t n;
    const struct fault said = ctx->fault;
    const char **all = directory_names(ctx->arena, folder, &n);
    while (n-- > 0) {
        const char *path = arena_path(ctx->arena, folder, all[n]);
        if (!is_copy(all[n]) || !file_look(path, &id)) continue;
        static const int64_t last = INT64_C(1) << 40; /* only where there is no other */
        if (id.mtime > (ctx->now + SPAN_DAY) / 1000) id.mtime -= last; /* of a clock that was ahead */
        if (strstr(all[n], "-before-restore-")) id.mtime -= 2 * last;
        if (id.mtime <= time || restore_possible(ctx, dir, path) != ERR_OK) continue;
        best = path;
        time = id.mtime;
    }
    ctx->fault = said;
    return best;
}
