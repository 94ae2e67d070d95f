/* The walk through a folder: in small steps, broken off, begun again, while files come, change and go. */
#include "content/index.h"
#include "content/compare.h"
#include "content/walk.h"
#include "tap.h"
#include "util/caps.h"
#include "world.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OLD = 1700000000 };

static const char *site(struct world *w) {
    return arena_text(&w->arena, "%s/../site", w->dir);
}

static void put(struct world *w, const char *name, size_t len, int64_t mtime) {
    char *bytes = malloc(len + 1);
    for (size_t i = 0; i < len; i++) bytes[i] = (char)(i * 2654435761U >> 13 ^ (unsigned char)name[0]);
    const char *path = arena_text(&w->arena, "../site/%s", name);
    world_write(w, path, bytes, len);
    world_stamp(world_path(w, path), mtime);
    free(bytes);
}

static void fill(struct world *w) {
    world_open(w, "wal");
    (void)mkdir(site(w), 0700);
    (void)mkdir(world_path(w, "../site/films"), 0700);
    (void)mkdir(world_path(w, "../site/films/.secret"), 0700);
    put(w, "films/long.mp4", 9500000, OLD);
    put(w, "films/short.mp4", 300000, OLD);
    put(w, "films/.secret/x.mp4", 10, OLD);
    put(w, "one.png", 1, OLD);
    put(w, "empty.png", 0, OLD);
    put(w, "settings.php", 10, OLD);
    (void)!symlink("one.png", world_path(w, "../site/link.png"));
}

/* Units of so many bytes, and at most so many of them. */
struct spend {
    int64_t bytes;
    int units;
};

static int64_t spend(void *context, const struct walk *so_far) {
    struct spend *s = context;
    (void)so_far;
    return s->units-- > 0 ? s->bytes : 0;
}

static enum err run(struct world *w, int64_t bytes, int units, struct walk *out) {
    return index_run(&w->ctx, &w->circle, spend, &(struct spend){bytes, units}, out);
}

static enum err whole(struct world *w, struct walk *out) {
    TRY(index_begin(&w->ctx, &w->circle, site(w), "/", 0));
    return run(w, INT64_MAX, 1000, out);
}

static const char *hashes(struct world *w, const char *path) {
    struct media m;
    if (media_get(&w->ctx, w->circle.id, path, &m) != ERR_OK) return "";
    char *text = arena_alloc(&w->arena, 2 * m.sha256_len + 1);
    for (size_t i = 0; i < m.sha256_len; i++) (void)snprintf(text + 2 * i, 3, "%02x", m.sha256[i]);
    return text;
}

static void steps(void) {
    struct world w;
    struct walk walk;
    fill(&w);
    same_text(err_name(run(&w, 1, 1, &walk)), "not_found", "a walk that nobody began");
    same_text(err_name(whole(&w, &walk)), "ok", "at once");
    same_int(walk.files, 3, "three files");
    same_int(walk.bytes, 9800001, "of 9.8 MB");
    same_int(walk.hashed, 3, "are read");
    same_int(walk.skipped, 4, "four are left out");
    same_text(omitted_text(&w.arena, walk.omitted, "; "),
              "hidden, by a dot: 1 (films/.secret); symbolic links: 1 (link.png); empty files: 1 (empty.png); programs or settings "
              "of the "
              "host: 1 (settings.php)",
              "a hidden one, a link, an empty one, a program");
    ok(walk.finished && walk.version == 1 && !walk.same, "and published");
    const char *want = hashes(&w, "films/long.mp4");
    same_int((int64_t)strlen(want), 73 * 64, "73 pieces");

    (void)!store_run(w.ctx.store, SQL_MEDIA_CLEAR, ARGS(I(w.circle.id)));
    same_text(err_name(index_begin(&w.ctx, &w.circle, site(&w), "/", 0)), "ok", "in steps");
    int calls = 0;
    for (walk.finished = 0; !walk.finished && calls < 200; calls++) {
        if (run(&w, 300000, 1, &walk) != ERR_OK) break;
        store_close(w.ctx.store); /* the next step is another process */
        world_reopen(&w);
    }
    ok(walk.finished && calls > 10, "of one unit each: %d", calls);
    same_text(hashes(&w, "films/long.mp4"), want, "give the same hashes");
    same_int(walk.version, 2, "as the next version");
    same_text(err_name(whole(&w, &walk)), "ok", "again");
    ok(walk.same && walk.version == 2 && walk.hashed == 0 && walk.done == walk.bytes, "nothing has changed, nothing is read");
    same_int(world_number(world_path(&w, "polycircle.db"), "SELECT count(*) FROM found"), 0, "and nothing is left over");
    same_text(err_name(run(&w, 1, 1, &walk)), "ok", "once more, since the answer was lost");
    ok(walk.finished && walk.files == 3 && walk.bytes == 9800001 && walk.done == walk.bytes && walk.version == 2, "says the same");
    world_close(&w);
}

static void changes(void) {
    struct world w;
    struct walk walk;
    fill(&w);
    same_text(err_name(index_begin(&w.ctx, &w.circle, site(&w), "/", 0)), "ok", "begun");
    same_text(err_name(run(&w, 4 << 20, 5, &walk)), "ok", "and broken off");
    ok(!walk.finished && walk.done >= 4 << 20 && walk.done < walk.bytes, "in the middle of the long file: %d", (int)walk.done);
    int64_t done = walk.done;
    same_text(err_name(index_begin(&w.ctx, &w.circle, site(&w), "/", 0)), "ok", "begun again");
    same_text(err_name(index_look(&w.ctx, &w.circle, &walk)), "ok", "what was hashed");
    same_int(walk.done, done, "is kept");
    put(&w, "films/long.mp4", 9500000, OLD + 1);
    put(&w, "late.png", 5, OLD);
    same_text(err_name(run(&w, INT64_MAX, 1000, &walk)), "ok", "the file was replaced meanwhile");
    ok(walk.finished && walk.files == 4 && walk.changed == 0, "it is read from its beginning");
    const char *got = hashes(&w, "films/long.mp4");
    (void)!store_run(w.ctx.store, SQL_MEDIA_CLEAR, ARGS(I(w.circle.id)));
    same_text(err_name(whole(&w, &walk)), "ok", "at once");
    same_text(hashes(&w, "films/long.mp4"), got, "the hashes are of what is there");

    put(&w, "films/long.mp4", 9500000, OLD + 2);
    (void)!index_begin(&w.ctx, &w.circle, site(&w), "/", 0);
    (void)!run(&w, 4 << 20, 5, &walk);
    put(&w, "films/long.mp4", 100, OLD + 3);
    same_text(err_name(run(&w, INT64_MAX, 1000, &walk)), "ok", "replaced while it is read");
    ok(walk.finished && walk.changed == 1 && walk.files == 3, "it is left out");
    same_text(hashes(&w, "films/long.mp4"), "", "of what is published");
    ok(unlink(world_path(&w, "../site/one.png")) == 0, "one goes");
    same_text(err_name(whole(&w, &walk)), "ok", "the next walk");
    ok(walk.files == 3 && *hashes(&w, "films/long.mp4") && !*hashes(&w, "one.png"), "takes what is there");
    world_close(&w);
}

/* Two read one file; meanwhile another comes in its place, and one of them has looked at that. */
static void overtaken(void) {
    struct world w;
    struct walk walk;
    fill(&w);
    (void)!index_begin(&w.ctx, &w.circle, site(&w), "/", 0);
    (void)!run(&w, 4 << 20, 5, &walk);
    const char *db = world_path(&w, "polycircle.db"), *row = " FROM found WHERE path = 'films/long.mp4'";
    int64_t at = world_number(db, arena_text(&w.arena, "SELECT at%s", row)),
            ino = world_number(db, arena_text(&w.arena, "SELECT ino%s", row));
    int64_t ctime_ns = world_number(db, arena_text(&w.arena, "SELECT ctime_ns%s", row)), size = 9500000, id = w.circle.id;
    const struct arg path = T("films/long.mp4"), none = B(NULL, 0), wrong = B("x", 1);
    (void)!store_run(w.ctx.store, SQL_SCAN_HASHED,
                     ARGS(I(id), path, I(at), I(size), I(OLD), I(ino + 1), I(ctime_ns), I(size), none, wrong));
    same_int(store_changes(w.ctx.store, MAIN), 0, "what was read of another file is not taken for this one's");
    (void)!store_run(w.ctx.store, SQL_SCAN_CHANGED, ARGS(I(id), path, I(at), I(size), I(OLD), I(ino + 1), I(ctime_ns)));
    same_int(store_changes(w.ctx.store, MAIN), 0, "nor does it go because that one changed");
    (void)!store_run(w.ctx.store, SQL_SCAN_CHANGED, ARGS(I(id), path, I(at), I(size), I(OLD), I(ino), I(ctime_ns)));
    same_int(store_changes(w.ctx.store, MAIN), 1, "as it does when it is the same");
    world_close(&w);
}

static void background(void) {
    struct world w;
    struct walk walk;
    bool worked = true;
    fill(&w);
    same_text(err_name(index_background(&w.ctx, &worked)), "ok", "no folder was ever chosen");
    ok(!worked, "nothing to do");
    (void)!index_begin(&w.ctx, &w.circle, site(&w), "/", INDEX_PATIENT);
    put(&w, "young.png", 5, w.ctx.now / 1000 - 1);
    int steps = 0;
    while (index_background(&w.ctx, &worked) == ERR_OK && worked && steps < 100) steps++;
    same_text(err_name(index_look(&w.ctx, &w.circle, &walk)), "ok", "a walk in the background");
    ok(walk.finished && walk.version == 1 && steps > 15, "ends by itself: %d steps", steps);
    ok(*hashes(&w, "films/long.mp4") && !*hashes(&w, "young.png"), "an upload that goes on is left alone");
    w.ctx.now += SPAN_RESCAN + 1;
    put(&w, "films/short.mp4", 400000, OLD);
    for (worked = true, steps = 0; worked && steps < 100; steps++) (void)!index_background(&w.ctx, &worked);
    (void)!index_look(&w.ctx, &w.circle, &walk);
    ok(walk.version == 2 && *hashes(&w, "young.png") && walk.hashed == 2, "ten minutes later what is new is found");
    ok(steps <= 5, "by few visitors: %d", steps);
    w.ctx.now += SPAN_RESCAN + 1;
    ok(rename(site(&w), world_path(&w, "../moved")) == 0, "the folder goes");
    for (worked = true, steps = 0; worked && steps < 100; steps++) (void)!index_background(&w.ctx, &worked);
    ok(steps < 5 && *hashes(&w, "young.png"), "what is published stays, and nobody asks again at once: %d", steps);
    world_close(&w);
}

static enum compared compare_in_steps(struct world *w, size_t most, int64_t *skipped) {
    struct compare k = {.arena = &w->arena, .dir = site(w), .after = "", .most = most};
    enum compared is = COMPARED_SO_FAR;
    *skipped = 0;
    for (int steps = 0; is == COMPARED_SO_FAR && steps < 100; steps++) {
        if (compare(&w->ctx, &w->circle, &k, &is) != ERR_OK) abort();
        *skipped += omitted_total(k.omitted);
    }
    return is;
}

/* Each change of a published folder, as steps of any length see it. The names around '/' in the order of bytes are on purpose. */
static void compared(void) {
    static const struct {
        const char *what, *remove, *add;
        bool same;
    } cases[] = {
        {"nothing", NULL, NULL, true},
        {"the first file", "a.png", NULL, false},
        {"the last file", "one.png", NULL, false},
        {"the only file of a folder", "a/b.png", NULL, false},
        {"a file before all", NULL, "A.png", false},
        {"a file between", NULL, "films/m.mp4", false},
        {"a file behind all", NULL, "z.png", false},
        {"a file in a new folder", NULL, "new/x.png", false},
        {"a program", NULL, "films/x.php", true},
        {"a hidden file", NULL, "films/.x.png", true},
        {"an empty folder", NULL, "void/", true},
        {"the same bytes and time in another file", "one.png", "one.png", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        struct walk walk;
        int64_t skipped, skips = -1;
        fill(&w);
        (void)mkdir(world_path(&w, "../site/a"), 0700);
        (void)mkdir(world_path(&w, "../site/new"), 0700);
        put(&w, "a.png", 3, OLD);
        put(&w, "a/b.png", 4, OLD);
        put(&w, "a0.png", 5, OLD);
        same_text(err_name(whole(&w, &walk)), "ok", "published, then: %s", cases[i].what);
        if (cases[i].remove) (void)unlink(world_path(&w, arena_text(&w.arena, "../site/%s", cases[i].remove)));
        const char *add = cases[i].add;
        if (add && add[strlen(add) - 1] == '/') (void)mkdir(world_path(&w, arena_text(&w.arena, "../site/%s", add)), 0700);
        if (add && add[strlen(add) - 1] != '/') put(&w, add, 1, OLD);
        for (size_t most = 1; most < 20; most++) {
            enum compared is = compare_in_steps(&w, most, &skipped);
            if (skips < 0) skips = skipped;
            if ((is == COMPARED_SAME) != cases[i].same || (cases[i].same && skips != skipped))
                same_int(is, cases[i].same ? COMPARED_SAME : COMPARED_OTHER, "steps of %zu, %d left out", most, (int)skipped);
        }
        same_text(err_name(whole(&w, &walk)), "ok", "published again");
        bool replaced = cases[i].remove && cases[i].add; /* by what has the same hash */
        ok(walk.finished && walk.same == (cases[i].same || replaced), "a walk says the same of it");
        ok(walk.hashed == (cases[i].same || (cases[i].remove && !replaced) ? 0 : 1), "and reads what is new");
        if (cases[i].same) same_int(walk.skipped, skips, "with as many left out");
        world_close(&w);
    }
}

/* One circle whose walk always fails, before the others in every order. */
static void another_fails(void) {
    struct world w;
    struct walk walk;
    struct circle other;
    bool worked = true;
    fill(&w);
    struct circle_new new = {.can = "other", .chosen = {.ice = "[]", .listed = true, .mirror = true}};
    same_text(err_name(circle_add(&w.ctx, &new, &other)), "ok", "two circles");
    char name[64] = "signing/";
    for (size_t i = 0; i < sizeof w.circle.cid.b; i++)
        (void)snprintf(name + strlen(name), sizeof name - strlen(name), "%02x", w.circle.cid.b[i]);
    ok(unlink(world_path(&w, name)) == 0, "the first has lost its key");
    (void)!index_begin(&w.ctx, &w.circle, site(&w), "/", INDEX_PATIENT);
    (void)!index_begin(&w.ctx, &other, site(&w), "/", INDEX_PATIENT);
    int steps = 0;
    for (; worked && steps < 200; steps++)
        if (index_background(&w.ctx, &worked) != ERR_OK) store_rollback(w.ctx.store);
    same_text(err_name(index_look(&w.ctx, &other, &walk)), "ok", "the second");
    ok(walk.finished && walk.version == 1, "is indexed");
    ok(steps < 200, "and the first does not go on for ever: %d steps", steps);
    world_close(&w);
}

static void odd(void) {
    struct world w;
    struct walk walk;
    fill(&w);
    char deep[400] = "../site";
    for (int i = 0; i < 40; i++) {
        (void)snprintf(deep + strlen(deep), sizeof deep - strlen(deep), "/d");
        (void)mkdir(world_path(&w, deep), 0700);
    }
    (void)snprintf(deep + strlen(deep), sizeof deep - strlen(deep), "/x.png");
    world_write(&w, deep, "x", 1);
    world_write(&w, "../site/bad\xff.png", "x", 1);
    same_text(err_name(whole(&w, &walk)), "ok", "a name that is no UTF-8, a folder that is too deep");
    same_int(walk.files, 3, "are left out");
    same_text(err_name(index_begin(&w.ctx, &w.circle, "/nonexistent", "/", 0)), "ok", "a folder that is not there");
    same_text(err_name(run(&w, INT64_MAX, 100, &walk)), "files", "is an error");
    ok(strstr(w.ctx.fault.text, "/nonexistent: look at the names in this path, one of them is not there. (No such file") != NULL,
       "in words: %s", w.ctx.fault.text);
    world_close(&w);
}

/* Whose folder is not there, while its owner, in another process, chooses one that is. */
struct another {
    struct world *w;
    bool done;
};

static int64_t choose_another(void *context, const struct walk *so_far) {
    struct another *a = context;
    (void)so_far;
    if (!a->done) (void)!index_begin(&a->w->ctx, &a->w->circle, site(a->w), "/", 0);
    a->done = true;
    return INT64_MAX;
}

static void chosen_meanwhile(void) {
    struct world w;
    struct walk walk;
    fill(&w);
    (void)!index_begin(&w.ctx, &w.circle, "/nonexistent", "/", 0);
    same_text(err_name(index_run(&w.ctx, &w.circle, choose_another, &(struct another){&w, false}, &walk)), "files",
              "a folder that is not there");
    same_text(err_name(run(&w, INT64_MAX, 100, &walk)), "ok", "takes nothing from the one that was chosen meanwhile");
    ok(walk.finished && walk.files == 3, "which is read and published");
    world_close(&w);
}

/* A restore comes between: what it has put in the walk's place is neither this one's end nor that of another. */
static void restored_meanwhile(void) {
    static const char *const kinds[] = {"UPDATE job SET finished = 1", "UPDATE job SET finished = 1767323045000, patient = 4"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct world w;
        struct walk walk;
        fill(&w);
        (void)!index_begin(&w.ctx, &w.circle, site(&w), "/", 0);
        same_text(err_name(run(&w, INT64_MAX, 1, &walk)), "ok", "a walk is begun");
        world_sql(world_path(&w, "polycircle.db"), arena_text(&w.arena, "DELETE FROM found; %s", kinds[i]));
        same_text(err_name(run(&w, INT64_MAX, 100, &walk)), "busy", "a copy is put back: it says so");
        ok(strstr(w.ctx.fault.text, "was put back meanwhile: read the folder of demo again"), "in words: %s", w.ctx.fault.text);
        same_text(err_name(whole(&w, &walk)), "ok", "once more");
        ok(walk.finished && walk.files == 3, "all of it is published");
        world_close(&w);
    }
}

/* A folder with nothing to share: a mistake, unless somebody says that it is meant so. */
static void nothing(void) {
    struct world w;
    struct walk walk;
    fill(&w);
    const char *empty = arena_text(&w.arena, "%s/../empty", w.dir);
    (void)mkdir(empty, 0700);
    same_text(err_name(index_begin(&w.ctx, &w.circle, empty, "/", 0)), "ok", "an empty folder");
    same_text(err_name(run(&w, INT64_MAX, 100, &walk)), "files", "is not published");
    ok(strstr(w.ctx.fault.text, "/empty: it is empty.") != NULL, "in words: %s", w.ctx.fault.text);
    same_text(err_name(index_look(&w.ctx, &w.circle, &walk)), "not_found", "and nothing of it is left behind");
    same_text(err_name(run(&w, INT64_MAX, 100, &walk)), "not_found", "who goes on with it is told so");
    ok(fcntl(0, F_GETFD) >= 0, "and closes nothing that is not his: 0 is where FastCGI requests come from");
    same_text(err_name(whole(&w, &walk)), "ok", "another is published");
    world_write(&w, "../empty/x.php", "x", 1);
    (void)!index_begin(&w.ctx, &w.circle, empty, "/", 0);
    same_text(err_name(run(&w, INT64_MAX, 100, &walk)), "files", "the empty one does not take its place");
    ok(strstr(w.ctx.fault.text, "/empty, but programs or settings of the host: 1 (x.php).") != NULL, "in words: %s",
       w.ctx.fault.text);
    same_text(err_name(index_look(&w.ctx, &w.circle, &walk)), "ok", "what is published");
    ok(walk.version == 1 && walk.files == 3, "stays");
    bool worked = true;
    (void)!index_begin(&w.ctx, &w.circle, empty, "/", 0);
    for (int i = 0; i < 9 && worked; i++)
        same_text(err_name(index_background(&w.ctx, &worked)), "ok", "a visitor's request finds it empty");
    same_text(err_name(run(&w, INT64_MAX, 100, &walk)), "files", "its owner is told so all the same");
    ok(strstr(w.ctx.fault.text, "/empty, but programs") != NULL, "in words: %s", w.ctx.fault.text);
    for (const char *const *name = (const char *const[]){"films/long.mp4", "films/short.mp4", "one.png", NULL}; *name; name++)
        (void)unlink(arena_path(&w.arena, site(&w), *name));
    same_text(err_name(whole(&w, &walk)), "ok", "all files of the published one go");
    ok(walk.files == 3 && walk.doubted == 3, "and stay published once more");
    (void)!index_begin(&w.ctx, &w.circle, site(&w), "/", INDEX_EMPTY);
    same_text(err_name(run(&w, INT64_MAX, 100, &walk)), "ok", "if they are meant to be gone");
    ok(walk.files == 0 && walk.doubted == 0 && walk.version == 2, "they are withdrawn at once");
    same_text(err_name(whole(&w, &walk)), "ok", "a later walk of it");
    ok(walk.same && walk.files == 0, "finds the same");
    (void)!index_begin(&w.ctx, &w.circle, empty, "/", INDEX_EMPTY);
    same_text(err_name(run(&w, INT64_MAX, 100, &walk)), "ok", "and another empty one may be published on purpose");
    world_close(&w);
}

/* Of many, a few are named; in steps and by several reasons. */
static void many_left_out(void) {
    struct world w;
    struct walk walk;
    fill(&w);
    for (int i = 0; i < 1000; i++) put(&w, arena_text(&w.arena, "empty%03d.txt", i), 0, OLD);
    put(&w, "young.png", 5, w.ctx.now / 1000 - 1);
    for (int again = 0; again < 2; again++) { /* listed, then compared */
        (void)!index_begin(&w.ctx, &w.circle, site(&w), "/", INDEX_PATIENT);
        for (walk.finished = 0; !walk.finished;)
            if (run(&w, 300000, 1, &walk) != ERR_OK) break;
        same_int(walk.skipped, 1005, "all are counted");
        same_int(walk.omitted[OMIT_EMPTY].n, 1001, "by reason");
        ok(walk.omitted[OMIT_EMPTY].names[2] != NULL, "three of these are named");
        same_text(walk.omitted[OMIT_YOUNG].names[0], "young.png", "each reason has its own");
        same_int(world_number(world_path(&w, "polycircle.db"), "SELECT count(*) FROM omitted WHERE why = 'empty'"), 4,
                 "no more is kept");
    }
    ok(walk.same, "the second walk only compared");
    world_close(&w);
}

static void patterns(void) {
    static const struct {
        const char *exclude, *path;
        enum omit want;
    } cases[] = {
        {"", "a.pdf", OMIT_NOT},
        {"*.pdf", "a.pdf", OMIT_EXCLUDED},
        {"*.pdf", "x/y/a.pdf", OMIT_EXCLUDED},
        {"*.pdf", "a.pdf.mp4", OMIT_NOT},
        {"drafts", "x/drafts/y/a.mp4", OMIT_EXCLUDED},
        {"drafts/", "drafts/a.mp4", OMIT_EXCLUDED},
        {"/drafts", "drafts/a.mp4", OMIT_EXCLUDED},
        {"/drafts", "x/drafts/a.mp4", OMIT_NOT},
        {"films/raw/*", "films/raw/a.mp4", OMIT_EXCLUDED},
        {"films/raw/*", "films/raw/x/a.mp4", OMIT_EXCLUDED},
        {"films/raw/*", "films/a.mp4", OMIT_NOT},
        {"films/*.mp4", "films/x/a.mp4", OMIT_NOT},
        {"*.png\n*.pdf", "a.pdf", OMIT_EXCLUDED},
        {"\n\n/\n//", "a.pdf", OMIT_NOT},
        {"[ab].mp4", "b.mp4", OMIT_EXCLUDED},
        {"[", "b.mp4", OMIT_NOT},
        {"*", "b.mp4", OMIT_EXCLUDED},
        {"a.pdf", "\xff.pdf", OMIT_NAME},
    };
    struct arena a = {0};
    jsn_use(&a);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        same_int(walk_name(cases[i].path, cases[i].exclude), cases[i].want, "%s: %s", cases[i].exclude, cases[i].path);
    arena_free(&a);
}

/* The owner says so afterwards: what is published goes, also in the middle of a walk. */
static void left_out(void) {
    struct world w;
    struct walk walk;
    fill(&w);
    same_text(err_name(whole(&w, &walk)), "ok", "all");
    w.circle.exclude = "films";
    same_text(err_name(whole(&w, &walk)), "ok", "without a folder");
    ok(walk.files == 1 && walk.version == 2 && walk.omitted[OMIT_EXCLUDED].n == 1, "it is left out, and what is in it");
    same_text(err_name(whole(&w, &walk)), "ok", "again");
    ok(walk.same && walk.omitted[OMIT_EXCLUDED].n == 1, "is the same, and says so");
    w.circle.exclude = "";
    same_text(err_name(whole(&w, &walk)), "ok", "with it again");
    ok(walk.files == 3 && walk.hashed == 0, "nothing is read anew: hashes are kept");
    put(&w, "films/long.mp4", 9500000, OLD + 1);
    same_text(err_name(index_begin(&w.ctx, &w.circle, site(&w), "/", 0)), "ok", "a walk");
    (void)!run(&w, 4 << 20, 6, &walk);
    ok(!walk.finished, "is under way");
    w.circle.exclude = "long.*";
    same_text(err_name(whole(&w, &walk)), "ok", "when it is left out");
    ok(walk.files == 2 && !*hashes(&w, "films/long.mp4"), "what was met is left out, too");
    w.circle.exclude = "*";
    same_text(err_name(whole(&w, &walk)), "ok", "all of it");
    same_int(walk.files, 0, "is withdrawn");
    world_close(&w);
}

/* One folder with more names than are written down at once: each unit is another process's, and files come and go meanwhile. */
static void large(void) {
    enum { FILES = 700 };
    struct world w;
    struct walk walk = {0};
    world_open(&w, "wal");
    (void)mkdir(site(&w), 0700);
    for (int i = 0; i < FILES; i++) put(&w, arena_text(&w.arena, "f%04d.png", i), 1, OLD);
    put(&w, ".hidden", 1, OLD);
    put(&w, "e.png", 0, OLD);
    same_text(err_name(whole(&w, &walk)), "ok", "a folder of 700 files");
    ok(walk.finished && walk.files == FILES && walk.skipped == 2, "all but two are published");
    put(&w, "f0699.png", 2, OLD);
    int calls = 0, parts = 0;
    const char *db = world_path(&w, "polycircle.db");
    for (walk.finished = 0; !walk.finished && calls < 300; calls++) {
        if (calls == 0) (void)!index_begin(&w.ctx, &w.circle, site(&w), "/", 0);
        if (run(&w, 1 << 20, 1, &walk) != ERR_OK) break;
        parts += world_number(db, "SELECT count(*) FROM found WHERE kind = 1 AND listed <> ''") > 0;
        if (parts == 1) {
            (void)unlink(world_path(&w, "../site/f0000.png")); /* behind the cursor */
            (void)unlink(world_path(&w, "../site/f0650.png")); /* before it */
            put(&w, "a.png", 1, OLD);
            put(&w, "z.png", 1, OLD);
        }
        store_close(w.ctx.store);
        world_reopen(&w);
    }
    ok(walk.finished && parts > 2, "again, in %d steps, and in %d of them the folder was listed in part", calls, parts);
    same_int(walk.skipped, 2, "what is left out is counted once");
    same_int(world_number(db, "SELECT count(*) FROM media WHERE path BETWEEN 'f0001.png' AND 'f0649.png'"), 649,
             "what is there stays published");
    ok(*hashes(&w, "z.png") && !*hashes(&w, "f0650.png"), "what came and went before the cursor is seen");
    same_text(err_name(whole(&w, &walk)), "ok", "the next walk");
    ok(walk.files == FILES && *hashes(&w, "a.png") && !*hashes(&w, "f0000.png"), "sees the rest");
    world_close(&w);
}

static void sparse(struct world *w, const char *name, int64_t size) {
    put(w, name, 1, OLD);
    const char *path = arena_path(&w->arena, site(w), name);
    if (truncate(path, size) != 0) abort();
    world_stamp(path, OLD);
}

/* A file of holes costs whoever makes it nothing; what no list could name is not read first. */
static void sizes(void) {
    struct world w;
    struct walk walk;
    fill(&w);
    sparse(&w, "huge.mp4", media_most() + 1);
    (void)!index_begin(&w.ctx, &w.circle, site(&w), "/", 0);
    same_text(err_name(run(&w, 1 << 20, 50, &walk)), "ok", "a file that is too large for a list");
    ok(walk.finished && walk.files == 3 && walk.omitted[OMIT_LARGE].n == 1, "is left out, the others are published");
    (void)!index_begin(&w.ctx, &w.circle, site(&w), "/", 0);
    ok(run(&w, 1 << 20, 50, &walk) == ERR_OK && walk.finished && walk.same && walk.omitted[OMIT_LARGE].n == 1,
       "which is still so when the folder is compared");
    sparse(&w, "half-1.mp4", media_most() / 2 + 1);
    sparse(&w, "half-2.mp4", media_most() / 2 + 1);
    (void)!index_begin(&w.ctx, &w.circle, site(&w), "/", 0);
    same_text(err_name(run(&w, 1 << 20, 12, &walk)), "ok", "two that are too large together");
    same_int(world_number(world_path(&w, "polycircle.db"), "SELECT count(*) FROM found WHERE path LIKE 'half%'"), 1,
             "one is taken");
    ok(walk.bytes <= media_most() && walk.omitted[OMIT_LARGE].n == 2, "in all no more than a list can name");
    int64_t done = walk.done;
    ok(run(&w, 1 << 20, 3, &walk) == ERR_OK && walk.done - done <= 3 << 20 && walk.done > done,
       "a unit reads what it may and no more");
    world_close(&w);
}

int main(void) {
    patterns();
    left_out();
    steps();
    changes();
    overtaken();
    background();
    compared();
    another_fails();
    odd();
    chosen_meanwhile();
    restored_meanwhile();
    nothing();
    many_left_out();
    large();
    sizes();
    return done();
}
