/* check looks, doctor looks and mends: one table of what may be wrong with an instance, and what is done about it. */
#include "circle/signing.h"
#include "cli/cli.h"
#include "content/folder.h"
#include "content/manifest.h"
#include "host/backup.h"
#include "host/left.h"
#include "host/restore.h"
#include "host/rows.h"
#include "host/waiting.h"
#include <stdarg.h>

enum level { OK, MENDED, WARN, FAIL };

struct patient {
    struct cli *cli;
    const char *dir;
    bool mends; /* doctor, and not --dry-run */
    bool mending; /* each_file is to put right what it finds */
    json_t *lines;
    enum level worst;
    bool open; /* polycircle.db can be read */
};

/* What a look found. text: what is right or wrong; done: by mend, what was done about it. */
struct finding {
    enum level level;
    const char *text, *done;
};

static struct ctx *ctx_of(struct patient *p) {
    return &p->cli->ctx;
}

static enum err say(struct patient *p, struct finding *f, enum level level, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static enum err say(struct patient *p, struct finding *f, enum level level, const char *format, ...) {
    va_list args;
    va_start(args, format);
    *f = (struct finding){.level = level, .text = arena_text_va(ctx_of(p)->arena, format, args)};
    va_end(args);
    return ERR_OK;
}

static void line(struct patient *p, const char *what, const struct finding *f) {
    static const char *const names[] = {"ok", "mended", "warn", "fail"};
    const char *text = f->done ? arena_text(ctx_of(p)->arena, "%s: %s", f->text, f->done) : f->text;
    if (f->level > p->worst) p->worst = f->level;
    (void)json_array_append_new(
        p->lines, json_pack("{s:s, s:s, s:s}", "level", names[f->level], "what", what, "text", jsn_shown(ctx_of(p)->arena, text)));
    cli_rest();
    if (!p->cli->json) (void)printf("%-6s %-13s %s\n", names[f->level], what, text);
}

/* Calls each for every name in DIR, DIR/backups and DIR/signing; returns how many are not as they should be. */
typedef bool each_file(struct patient *p, const char *path, const char *name);
static size_t files(struct patient *p, each_file *each, bool mending) {
    static const char *const below[] = {"", "/backups", "/signing"};
    size_t n = 0, found;
    p->mending = mending;
    for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
        const char *dir = arena_text(ctx_of(p)->arena, "%s%s", p->dir, below[i]);
        const char **names = directory_names(ctx_of(p)->arena, dir, &found);
        for (size_t k = 0; k < found; k++) n += each(p, arena_path(ctx_of(p)->arena, dir, names[k]), names[k]);
    }
    return n;
}

static enum err look_directory(struct patient *p, struct finding *f) {
    struct stat st;
    if (stat(p->dir, &st) != 0 || !S_ISDIR(st.st_mode)) return ERR_NOT_SET_UP;
    if (st.st_uid != geteuid())
        return say(
            p, f, FAIL,
            "%s belongs to user %ld, and this runs as user %ld. Run it as whom the web server runs the program; where it is so "
            "already, the folder is to be that user's: chown -R %ld %s, as root",
            p->dir, (long)st.st_uid, (long)geteuid(), (long)geteuid(), p->dir);
    if (st.st_mode & 077) return say(p, f, FAIL, "%s may be read by others: chmod 700 %s", p->dir, p->dir);
    return say(p, f, OK, "%s", p->dir);
}

/* Where processes of an earlier version could not agree on a name that is drawn: its second one. */
static enum err look_others(struct patient *p, struct finding *f) {
    const char *strays[FOLDER_STRAYS];
    size_t n = folder_strays(ctx_of(p), p->dir, "", strays);
    if (n == 0) return say(p, f, OK, "no other folder of data beside it");
    return say(p, f, WARN, "%s is used by nothing%s: look what it holds, then delete it", strays[0],
               n > 1 ? ", nor are others" : "");
}

static enum err mend_directory(struct patient *p, struct finding *) {
    if (chmod(p->dir, 0700) == 0) return ERR_OK;
    return fault_errno(&ctx_of(p)->fault, ERR_READ_ONLY, arena_text(ctx_of(p)->arena, "chmod 700 %s", p->dir));
}

static bool is_open(struct patient *p, const char *path, const char *) {
    struct stat st;
    bool open = lstat(path, &st) == 0 && !S_ISLNK(st.st_mode) && (st.st_mode & 077);
    if (open && p->mending) (void)chmod(path, S_ISDIR(st.st_mode) ? 0700 : 0600);
    return open;
}

static bool is_others(struct patient *p, const char *path, const char *) {
    struct stat st, dir;
    return lstat(path, &st) == 0 && stat(p->dir, &dir) == 0 && st.st_uid != dir.st_uid;
}

/* What root has made there, say: the program cannot write it, perhaps not even its lock. */
static enum err look_modes(struct patient *p, struct finding *f) {
    struct stat st;
    size_t n = files(p, is_others, false);
    if (n && stat(p->dir, &st) == 0)
        return say(p, f, FAIL, "%zu belong to another user than the directory: chown -R %ld %s, as root", n, (long)st.st_uid,
                   p->dir);
    n = files(p, is_open, false);
    return n ? say(p, f, FAIL, "%zu may be read by others", n) : say(p, f, OK, "nobody else may read them");
}

static enum err mend_modes(struct patient *p, struct finding *) {
    (void)files(p, is_open, true);
    return ERR_OK;
}

/* A journal that SQLite would apply to polycircle.db though it cannot be its own: of the other kind than the header says,
 * as it is there when somebody has put a copy in the place of the file only. Looked at before anything opens the file. */
static const char *foreign_journal(struct patient *p) {
    struct stat st;
    enum header header = store_header(arena_path(ctx_of(p)->arena, p->dir, "polycircle.db"));
    if (header != HEADER_WAL && header != HEADER_JOURNAL) return NULL;
    const char *path = arena_path(ctx_of(p)->arena, p->dir, header == HEADER_WAL ? "polycircle.db-journal" : "polycircle.db-wal");
    return stat(path, &st) == 0 && st.st_size ? path : NULL;
}

static enum err look_journal(struct patient *p, struct finding *f) {
    const char *path = foreign_journal(p);
    return path ? say(p, f, FAIL, "%s is not polycircle.db's own", path) : say(p, f, OK, "none that is not polycircle.db's own");
}

static enum err mend_journal(struct patient *p, struct finding *) {
    const char *path = foreign_journal(p), *to = path ? arena_text(ctx_of(p)->arena, "%s.foreign", path) : NULL;
    if (!path || rename(path, to) == 0) return ERR_OK;
    return fault_errno(&ctx_of(p)->fault, ERR_FILES, path);
}

static enum err look_main(struct patient *p, struct finding *f) {
    struct ctx *ctx = ctx_of(p);
    bool host_ok;
    if (foreign_journal(p)) return say(p, f, FAIL, "not opened: the journal beside it would be written into it");
    enum err e = store_open(&ctx->store, p->dir, &ctx->fault);
    if (e == ERR_OK) e = store_check(ctx->store, MAIN, &ctx->fault);
    if (e == ERR_OK) e = store_enter(ctx->store, "", &host_ok);
    p->open = e == ERR_OK;
    if (p->open) store_leave(ctx->store);
    if (p->open)
        return say(p, f, OK, "whole, journal %s%s", store_journal(ctx->store), store_retired(ctx->store) ? ", uninstalled" : "");
    if (e == ERR_BUSY) return e; /* of which nothing is known: no copy is to be put in its place */
    const char *newest = restore_newest(ctx, p->dir), *why = err_text(e, &ctx->fault);
    if (e == ERR_NOT_SET_UP && !newest && !waiting_there(p->dir)) return e;
    if (ctx->store) store_close(ctx->store);
    ctx->store = NULL;
    if (!newest) return say(p, f, FAIL, "%s (there is no whole backup in %s/backups)", why, p->dir);
    return say(p, f, FAIL, "%s (the newest whole backup is %s; polycircle doctor --restore puts it in its place)", why, newest);
}

/* Only with --restore: what came after the backup is not in it. */
static enum err mend_main(struct patient *p, struct finding *f) {
    if (!cli_flag(p->cli, "--restore")) return ERR_OK;
    const char *newest = restore_newest(ctx_of(p), p->dir), *kept = NULL;
    if (!newest) return ERR_OK;
    TRY(restore_file(ctx_of(p), p->dir, newest, &kept));
    f->done = arena_text(ctx_of(p)->arena, "restored; what was there is in %s", kept ? kept : "nothing");
    return ERR_OK;
}

static enum err look_live(struct patient *p, struct finding *f) {
    struct ctx *ctx = ctx_of(p);
    enum err e = store_live(ctx->store);
    if (e == ERR_OK) e = store_check(ctx->store, LIVE, &ctx->fault);
    if (e == ERR_OK) return say(p, f, OK, "whole");
    return say(p, f, FAIL, "%s", *ctx->fault.text ? ctx->fault.text : "damaged or gone");
}

static enum err mend_live(struct patient *p, struct finding *) {
    return store_renew(ctx_of(p)->store);
}

static enum err look_left(struct patient *p, struct finding *f) {
    size_t n = left_count(ctx_of(p), p->dir);
    return n ? say(p, f, WARN, "%zu left by what was interrupted", n) : say(p, f, OK, "none");
}

static enum err mend_left(struct patient *p, struct finding *) {
    int lock;
    TRY(backup_lock(ctx_of(p), p->dir, &lock));
    enum err e = left_drop(ctx_of(p), p->dir);
    (void)close(lock);
    return e;
}

static enum err look_ids(struct patient *p, struct finding *f) {
    size_t n, wrong;
    TRY(rows_ids(ctx_of(p), &n, &wrong));
    return say(p, f, wrong ? FAIL : OK, "%zu, %zu with a wrong CID", n, wrong);
}

static enum err mend_ids(struct patient *p, struct finding *) {
    return rows_ids_mend(ctx_of(p));
}

static enum err look_keys(struct patient *p, struct finding *f) {
    struct circle_list all;
    size_t n = 0;
    bool unfinished;
    TRY(circle_list(ctx_of(p), &all));
    for (size_t i = 0; i < all.n; i++) {
        if (all.all[i].removed) continue;
        if (signing_check(ctx_of(p), &all.all[i], &unfinished) != ERR_OK) return say(p, f, FAIL, "%s", ctx_of(p)->fault.text);
        if (unfinished) return say(p, f, WARN, "%s: its renewal was broken off behind the commit", all.all[i].can);
        n++;
    }
    return say(p, f, OK, "%zu, each there and the right one", n);
}

static enum err look_exposed(struct patient *p, struct finding *f) {
    struct circle_list all;
    TRY(circle_list(ctx_of(p), &all));
    for (size_t i = 0; i < all.n; i++)
        if (!all.all[i].removed && all.all[i].exposed)
            return say(p, f, WARN,
                       "%s has the signing key of an earlier version, which could give it away: polycircle circle rekey %s",
                       all.all[i].can, all.all[i].can);
    return say(p, f, OK, "none is of a version that could give it away");
}

static enum err mend_keys(struct patient *p, struct finding *) {
    return signing_finish(ctx_of(p));
}

static enum err look_orphans(struct patient *p, struct finding *f) {
    int64_t n;
    TRY(rows_orphans(ctx_of(p), &n));
    return n ? say(p, f, WARN, "%" PRId64 " rows of no circle", n) : say(p, f, OK, "every row has its circle");
}

static enum err mend_orphans(struct patient *p, struct finding *) {
    return rows_orphans_drop(ctx_of(p));
}

static enum err look_spool(struct patient *p, struct finding *f) {
    const char *dir;
    TRY(setting_get(ctx_of(p), "spool_dir", &dir));
    if (*dir && access(dir, W_OK | X_OK) != 0) return say(p, f, FAIL, "%s: %s", dir, strerror(errno));
    return say(p, f, OK, "%s", *dir ? dir : "none");
}

/* In this order: what opens polycircle.db comes behind what must be right before. */
static const struct {
    const char *what;
    enum err (*look)(struct patient *p, struct finding *f);
    enum err (*mend)(struct patient *p, struct finding *f); /* NULL: nobody but the owner can */
    const char *done; /* unless mend said more */
    bool needs_main;
} tests[] = {
    {"directory", look_directory, mend_directory, "is 0700 now", false},
    {"files", look_modes, mend_modes, "they are 0600 now", false},
    {"journal", look_journal, mend_journal, "renamed to *.foreign", false},
    {"polycircle.db", look_main, mend_main, NULL, false},
    {"live", look_live, mend_live, "the next one is made; clients join again by themselves", true},
    {"left-overs", look_left, mend_left, "removed", true},
    {"circles", look_ids, mend_ids, "their pads are such now that the CIDs, which browsers know, are right", true},
    {"signing keys", look_keys, mend_keys, "finished", true},
    {"exposed keys", look_exposed, NULL, NULL, true},
    {"rows", look_orphans, mend_orphans, "removed", true},
    {"spool", look_spool, NULL, NULL, true},
    {"other data", look_others, NULL, NULL, true},
};

/* What it mended is looked at again, so that nothing is called mended that is not. */
static enum err examine(struct patient *p, size_t i) {
    struct finding f = {0}, again = {0};
    struct fault *fault = &ctx_of(p)->fault;
    fault->text[0] = '\0';
    cli_work(p->cli, tests[i].what);
    TRY(tests[i].look(p, &f));
    if (f.level != OK && p->mends && tests[i].mend) {
        fault->text[0] = '\0';
        enum err e = tests[i].mend(p, &f);
        if (ctx_of(p)->store) store_rollback(ctx_of(p)->store);
        if (e != ERR_OK || !f.done) f.done = e == ERR_OK ? tests[i].done : err_text(e, fault);
        if (e == ERR_OK && f.done && tests[i].look(p, &again) == ERR_OK && again.level == OK) f.level = MENDED;
    }
    line(p, tests[i].what, &f);
    fault->text[0] = '\0';
    return ERR_OK;
}

static enum err look_content(struct patient *p, const struct circle *c) {
    struct ctx *ctx = ctx_of(p);
    struct finding f;
    struct manifest m;
    size_t stale, n;
    TRY(manifest_head(ctx, c->id, &m));
    if (m.version == 0 || c->removed) return ERR_OK;
    cli_work(p->cli, c->can);
    TRY(manifest_stale(ctx, c, &m, &n, &stale));
    TRY(stale ? say(p, &f, WARN, "%zu of %zu files have changed: polycircle publish %s %s", stale, n, c->can, m.dir)
              : say(p, &f, OK, "%zu files as published", n));
    line(p, c->can, &f);
    return ERR_OK;
}

static enum err run(struct cli *cli) {
    bool doctor = cli->command == &command_doctor;
    struct patient p = {.cli = cli, .dir = cli->data, .lines = json_array(), .mends = doctor && !cli_flag(cli, "--dry-run")};
    struct circle_list all = {0};
    if (cli->n_words) return fault_set(&cli->ctx.fault, ERR_USAGE, "usage: polycircle %s", doctor ? "doctor" : "check");
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        if (!tests[i].needs_main || p.open) TRY(examine(&p, i));
    if (p.open) TRY(circle_list(&cli->ctx, &all));
    for (size_t i = 0; i < all.n; i++) TRY(look_content(&p, &all.all[i]));
    bool bad = doctor ? p.worst > MENDED : p.worst == FAIL;
    if (cli->json) cli_print_json(cli, json_pack("{s:b, s:O}", "ok", !bad, "checks", p.lines));
    cli->told = bad && cli->json;
    return bad ? fault_set(&cli->ctx.fault, ERR_DAMAGED, "Something is wrong; the lines above say what.") : ERR_OK;
}

const struct command command_check = {run, "", "check",
                                      "Looks whether the data is whole: files, modes, ids, content. Changes nothing.\n"};

const struct command command_doctor = {
    run, "--dry-run --restore", "doctor [--dry-run] [--restore]",
    "`check`, and mends what it can: modes, journals, left-overs, the live database, ids, rows.\n\n"
    "  --dry-run   only says what is wrong\n"
    "  --restore   a damaged polycircle.db: put the newest whole backup in its place\n"};
