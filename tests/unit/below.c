/* A folder of the shared tree is exchanged for a symbolic link, at each point of a walk: nothing behind it is read. */
#include "content/below.h"
#include "content/compare.h"
#include "content/folder.h"
#include "content/index.h"
#include "tap.h"
#include "world.h"
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define HIDDEN "polycircle-data-0123456789abcdef0123456789abcdef"

enum { SECRET = 4321, OLD = 1700000000 };

static struct world w;

static const char *at(const char *name) {
    return arena_text(&w.arena, "%s/../%s", w.dir, name);
}

static void put(const char *name, size_t len) {
    char *bytes = calloc(1, len);
    world_write(&w, arena_text(&w.arena, "../%s", name), bytes, len);
    world_stamp(at(name), OLD);
    free(bytes);
}

/* site/sub is what is listed; elsewhere and the data directory have files of the same names, which are longer. */
static void fill(void) {
    static const char *const dirs[] = {"site", "site/sub", "site/sub/deep", "elsewhere", "elsewhere/deep", "data/deep"};
    world_open(&w, "wal");
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) (void)mkdir(at(dirs[i]), 0700);
    put("site/a.png", 10);
    put("site/sub/b.png", 10);
    put("site/sub/deep/c.png", 10);
    put("site/z.png", 10);
    put("elsewhere/b.png", SECRET);
    put("elsewhere/deep/c.png", SECRET);
    put("data/b.png", SECRET);
    put("data/deep/c.png", SECRET);
}

/* Other names in the folder's place: where they lead. */
static const char *const targets[] = {"elsewhere", "data"};

static void swap(const char *target) {
    if (rename(at("site/sub"), at("aside")) != 0 || symlink(at(target), at("site/sub")) != 0) abort();
}

static void swap_back(void) {
    if (unlink(at("site/sub")) != 0 || rename(at("aside"), at("site/sub")) != 0) abort();
}

static int64_t count(const char *sql) {
    return world_number(world_path(&w, "polycircle.db"), sql);
}

static int64_t leaked(void) {
    return count("SELECT (SELECT count(*) FROM media WHERE size = 4321) + (SELECT count(*) FROM found WHERE size = 4321)");
}

static int64_t some(void *context, const struct walk *so_far) {
    int *units = context;
    (void)so_far;
    return (*units)-- > 0 ? 1 << 20 : 0;
}

static enum err run(int units, struct walk *out) {
    return index_run(&w.ctx, &w.circle, some, &units, out);
}

/* What visitors may upload is no mark of a data directory; what a copy with other modes has left of one is. */
static void uploads(void) {
    static const char *const dirs[] = {"up", "served", "linked", "named", "named/polycircle.db", "copied"};
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
        const char *dir = arena_text(&w.arena, "site/%s", dirs[i]);
        (void)mkdir(at(dir), 0700);
        (void)chmod(at(dir), 0755);
        put(arena_text(&w.arena, "%s/x.png", dir), 1);
    }
    put("site/up/setup-code", 0);
    put("site/served/polycircle.db", 100);
    (void)chmod(at("site/served/polycircle.db"), 0644);
    (void)!symlink("x.png", at("site/linked/owner-code"));
    put("site/copied/polycircle.db", 100);
    (void)chmod(at("site/copied/polycircle.db"), 0644);
    (void)chmod(at("site/copied"), 0700);
}

static void paths(void) {
    static const struct {
        const char *path;
        bool good;
    } cases[] = {
        {"a.png", true},           {"sub/b.png", true},
        {"sub/deep/c.png", true},  {"link/b.png", false},
        {"sub/link/c.png", false}, {"../data/b.png", false},
        {"sub/../a.png", false},   {"./a.png", false},
        {"/etc/hostname", false},  {"", false},
        {"file", false},           {"data/polycircle.db", false},
        {"spool/x.png", false},    {"begun/setup-code", false},
        {"lost/signing/x", false}, {"polycircle-data/backups/x.db", false},
        {HIDDEN "/x.png", false},  {"up/x.png", true},
        {"served/x.png", true},    {"linked/x.png", true},
        {"named/x.png", true},     {"copied/x.png", false},
    };
    static const char *const others[] = {
        "site/begun", "site/lost", "site/lost/signing", "site/polycircle-data", "site/polycircle-data/backups", "site/" HIDDEN};
    fill();
    struct file_id id;
    (void)mkdir(at("site/data"), 0700);
    (void)mkdir(at("site/spool"), 0700);
    put("site/data/polycircle.db", 1);
    put("site/spool/x.png", 1);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) (void)mkdir(at(others[i]), 0700);
    put("site/begun/setup-code", 1);
    put("site/lost/owner-code", 1);
    put("site/lost/signing/x", 1);
    put("site/polycircle-data/backups/x.db", 1);
    uploads();
    put("site/" HIDDEN "/x.png", 1);
    (void)!symlink(at("elsewhere"), at("site/link"));
    (void)!symlink(at("elsewhere/deep"), at("site/sub/link"));
    (void)!symlink("a.png", at("site/file"));
    world_sql(world_path(&w, "polycircle.db"),
              arena_text(&w.arena, "INSERT INTO instance VALUES('spool_dir', '%s')", at("site/spool")));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct below b = below_begin(&w.ctx, at("site"));
        int fd = below_open(&b, cases[i].path, &id);
        ok((fd >= 0) == cases[i].good, "%s: %s", cases[i].path, cases[i].good ? "opened" : "not opened");
        ok(below_look(&b, cases[i].path, &id) == cases[i].good || strcmp(cases[i].path, "file") == 0, "and looked at");
        if (fd >= 0) (void)close(fd);
        below_end(&b);
    }
    static const struct {
        const char *dir;
        bool good;
    } tops[] = {{"site", true},        {"way", true},           {"data", false},
                {"data/deep", false},  {"data/signing", false}, {"in", false},
                {"site/spool", false}, {"site/lost", false},    {"site/polycircle-data", false}};
    (void)!symlink(at("site"), at("way"));
    (void)!symlink(at("data/signing"), at("in"));
    for (size_t i = 0; i < sizeof tops / sizeof *tops; i++) {
        struct below b = below_begin(&w.ctx, at(tops[i].dir));
        ok((below_folder(&b, "") >= 0) == tops[i].good, "%s may %sbe shared", tops[i].dir, tops[i].good ? "" : "not ");
        below_end(&b);
    }
    world_close(&w);
}

/* The walk is broken off after each unit. */
static void walked(const char *target) {
    int64_t bad = 0, finished = 0, listed = 0;
    int last = 0;
    for (int after = 0; !last; after++) {
        struct walk walk = {0};
        fill();
        if (index_begin(&w.ctx, &w.circle, at("site"), "", 0) != ERR_OK || run(after, &walk) != ERR_OK) abort();
        last = walk.finished != 0;
        listed += count("SELECT count(*) FROM found WHERE path = 'sub/deep'") > 0;
        swap(target);
        while (!walk.finished && run(1, &walk) == ERR_OK) {
        }
        if (!last) finished += walk.finished != 0;
        bad += leaked();
        (void)world_call(&w, "mirror/demo/sub/b.png", NULL);
        bad += w.res.status != 404;
        (void)world_call(&w, "mirror/demo/sub/deep/c.png", NULL);
        bad += w.res.status != 404;
        (void)world_call(&w, "mirror/demo/a.png", NULL);
        bad += w.res.status != 200;
        if (last)
            ok(after > 5 && finished == after && listed > 1, "a link to %s after each of %d units, %d ended, %d with it listed",
               target, after, (int)finished, (int)listed);
        world_close(&w);
    }
    same_int(bad, 0, "nothing behind it is taken or served");
}

/* The very same files, by other names: only the way to them is another. */
static void published(void) {
    struct walk walk;
    bool missing;
    fill();
    if (world_publish(&w, at("site"), "", &walk) != ERR_OK) abort();
    same_int(walk.files, 4, "four files are published");
    struct compare k = {.arena = &w.arena, .dir = at("site"), .after = "", .most = 100};
    enum compared is;
    (void)world_call(&w, "mirror/demo/sub/deep/c.png", NULL);
    same_int(w.res.status, 200, "and served");
    ok(compare(&w.ctx, &w.circle, &k, &is) == ERR_OK && is == COMPARED_SAME, "and are the same");
    swap("aside");
    k.after = "";
    ok(compare(&w.ctx, &w.circle, &k, &is) == ERR_OK && is == COMPARED_OTHER, "not by way of a link");
    (void)world_call(&w, "mirror/demo/sub/deep/c.png", NULL);
    same_int(w.res.status, 404, "nor are they served by one");
    struct below b = below_begin(&w.ctx, at("site"));
    ok(!below_gone(&b, "sub/deep/c.png", &(struct file_id){.size = 10, .mtime = OLD}, &missing) && missing,
       "they are missing, which a second walk makes sure of");
    below_end(&b);
    struct manifest m;
    size_t n, stale;
    ok(manifest_head(&w.ctx, w.circle.id, &m) == ERR_OK && manifest_stale(&w.ctx, &w.circle, &m, &n, &stale) == ERR_OK &&
           stale == 2,
       "which the check says");
    for (int i = 0; i < 2; i++)
        if (world_publish(&w, at("site"), "", &walk) != ERR_OK) abort();
    same_int(walk.files, 2, "and withdraws them");
    swap_back();
    struct file_id id;
    const char *path;
    swap("elsewhere");
    (void)unlink(at("site/a.png"));
    (void)unlink(at("site/z.png"));
    ok(folder_sample(&w.ctx, at("site"), &path, &id) == ERR_OK && !*path, "no sample is taken from behind a link");
    world_close(&w);
}

/* Somebody exchanges it all the time: so many walks, and a limit to the other's work, too. */
static void race(void) {
    enum { WALKS = 60, SWAPS = 200000 };
    int64_t bad = 0, whole = 0;
    fill();
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < SWAPS; i++) {
            swap(targets[i % 2]);
            swap_back();
        }
        _exit(0);
    }
    for (int i = 0; i < WALKS; i++) {
        struct walk walk = {0};
        if (index_begin(&w.ctx, &w.circle, at("site"), "", 0) != ERR_OK) abort();
        while (!walk.finished && run(1, &walk) == ERR_OK) bad += leaked();
        whole += walk.finished != 0;
        bad += leaked();
        (void)world_call(&w, "mirror/demo/sub/b.png", NULL);
        bad += w.res.status == 200 && w.res.len == SECRET;
    }
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    same_int(whole, WALKS, "walks end while a folder is exchanged all the time");
    same_int(bad, 0, "and take nothing from behind the link");
    world_close(&w);
}

static const char DEEP[] = "one/two/site";

static bool opens(const char *path) {
    struct file_id id;
    struct below b = below_begin(&w.ctx, at(DEEP));
    int fd = below_open(&b, path, &id);
    below_end(&b);
    if (fd >= 0) (void)close(fd);
    return fd >= 0;
}

static void spool_is(const char *dir) {
    world_sql(world_path(&w, "polycircle.db"),
              arena_text(&w.arena, "INSERT OR REPLACE INTO instance VALUES('spool_dir', '%s')", dir));
}

/* Two files of a folder two folders deep, published. */
static void fill_deep(void) {
    static const char *const dirs[] = {"one", "one/two", DEEP, "one/two/site/sub"};
    struct walk walk;
    fill();
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) (void)mkdir(at(dirs[i]), 0700);
    put("one/two/site/a.png", 10);
    put("one/two/site/sub/b.png", 10);
    if (world_publish(&w, at(DEEP), "", &walk) != ERR_OK) abort();
    same_int(walk.files, 2, "two files are published");
}

/* What the next visitor finds of the two, in the first version. */
static void withdraws(int64_t gone, const char *what) {
    struct manifest m;
    ok(manifest_current(&w.ctx, &w.circle, &m) == ERR_OK, "%s", what);
    same_int(m.version, gone ? 2 : 1, "the version");
    same_int(count("SELECT count(*) FROM media"), 2 - gone, "what is published");
}

static void names(void) {
    fill_deep();
    put("one/two/polycircle.db", 100);
    put("one/polycircle.db", 100);
    withdraws(0, "names in the folders above withdraw nothing");
    ok(opens("a.png") && opens("sub/b.png"), "nor do they close anything");
    spool_is(at("one"));
    ok(!opens("a.png"), "a spool is closed, and what lies in it");
    withdraws(0, "which says nothing about the files");
    spool_is("");
    put("one/two/site/polycircle.db", 100);
    ok(!opens("a.png"), "another instance's data directory is closed");
    withdraws(0, "which says nothing about them either");
    (void)unlink(at("one/two/site/polycircle.db"));
    put("one/two/site/sub/polycircle.db", 100);
    withdraws(1, "in a folder below it does");
    world_close(&w);
}

static void unknown(void) {
    fill_deep();
    ok(opens("a.png"), "as long as it is known what is ours");
    world_sql(world_path(&w, "polycircle.db"), "ALTER TABLE instance RENAME TO away");
    ok(!opens("a.png"), "a spool that cannot be asked for may be anywhere");
    world_sql(world_path(&w, "polycircle.db"), "ALTER TABLE away RENAME TO instance");
    world_close(&w);
}

/* Folders that may be searched, and no more. */
static void rights(void) {
    static const char *const dirs[] = {"one/two/site/sub", DEEP, "one/two", "one", "data", "."};
    const uid_t user = geteuid();
    fill_deep();
    (void)chmod(at("one/two/site/sub/b.png"), 0444);
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) (void)chmod(at(dirs[i]), 0111);
    if (user == 0 && seteuid(65534) != 0) abort();
    struct below b = below_begin(&w.ctx, at(DEEP));
    bool good = opens("sub/b.png"), listed = below_list(&b, "") || below_list(&b, "sub");
    below_end(&b);
    if (user == 0 && seteuid(0) != 0) abort();
    for (size_t i = sizeof dirs / sizeof *dirs; i--;) (void)chmod(at(dirs[i]), 0700);
    ok(good, "on the way to a file it is enough that folders may be searched");
    ok(!listed, "they are not listed");
    world_close(&w);
}

static int next_descriptor(void) {
    int fd = open("/", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) (void)close(fd);
    return fd;
}

static void descriptors(void) {
    struct rlimit was, few;
    enum compared is;
    fill_deep();
    struct compare k = {.arena = &w.arena, .dir = at(DEEP), .after = "", .most = 100};
    int before = next_descriptor();
    if (getrlimit(RLIMIT_NOFILE, &was) != 0) abort();
    few = was;
    few.rlim_cur = (rlim_t)before + 1;
    if (setrlimit(RLIMIT_NOFILE, &few) != 0) abort();
    ok(compare(&w.ctx, &w.circle, &k, &is) == ERR_OK && is == COMPARED_OTHER, "with one descriptor left nothing is compared");
    if (setrlimit(RLIMIT_NOFILE, &was) != 0) abort();
    same_int(next_descriptor(), before, "and it is given back");
    world_close(&w);
}

int main(void) {
    paths();
    names();
    unknown();
    rights();
    descriptors();
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) walked(targets[i]);
    published();
    race();
    return done();
}
