/* How the work grows with the files of a folder and with the signals of a circle, counted: SQLite's steps, bytes read, names read
 * from folders, rows that one transaction changes. Each piece of work is a process of its own, as on a host. No clock decides.
 *
 *     tests/unit/scale [FILES [signals|nested|flat]]     so many against half as many (6,500); the bench asks for 65,000
 *
 * STATEMENTS=1 writes to standard error what each statement took. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include "cli/cli.h"
#include "content/index.h"
#include "handler/shape.h"
#include "tap.h"
#include "world.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OLD = 1700000000, FOLDER = 65 };
enum { CACHED = 2100000, PAGES = 40000 }; /* bytes: what SQLite's cache keeps, and is read once; a few pages more or less */
enum { OWN_NAMES = 64 }; /* of the data directory, its backups and keys */

struct work {
    int64_t steps, bytes, names, rows; /* rows: changed by the largest transaction */
    int64_t cpu_us, peak_kb; /* said, not judged */
    int64_t failed;
};
static struct work work;

struct dirent *readdir(DIR *dir) {
    static struct dirent *(*real)(DIR *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "readdir");
    work.names++;
    return real(dir);
}

static int statement_ended(unsigned kind, void *db, void *stmt, void *nanoseconds) {
    static int64_t before[2];
    static void *of[2];
    const char *sql = sqlite3_sql(stmt);
    int64_t now = sqlite3_total_changes(db);
    size_t which = of[0] && of[0] != db;
    (void)kind;
    (void)nanoseconds;
    of[which] = db;
    int steps = sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 1);
    work.steps += steps;
    if (getenv("STATEMENTS")) (void)fprintf(stderr, "%9d %.90s\n", steps, sql);
    if (sql && strcmp(sql, "COMMIT") == 0 && now - before[which] > work.rows) work.rows = now - before[which];
    if (sqlite3_get_autocommit(db) || (sql && strncmp(sql, "BEGIN", 5) == 0)) before[which] = now;
    return 0;
}

static int count_steps(sqlite3 *db, const char **error, const void *api) {
    (void)error;
    (void)api;
    return sqlite3_trace_v2(db, SQLITE_TRACE_PROFILE, statement_ended, db);
}

/* Bytes that this process has read by read() and its like. */
static int64_t bytes_read(void) {
    int64_t n = 0;
    FILE *f = fopen("/proc/self/io", "re");
    if (f && fscanf(f, "rchar: %" SCNd64, &n) != 1) n = 0;
    if (f) (void)fclose(f);
    return n;
}

struct scene {
    struct world w;
    int64_t n;
    bool flat;
};
typedef enum err task(struct scene *s);

static void note(const struct scene *s, const char *what, const struct work *got) {
    (void)printf("# %-28s %-6s %6" PRId64 ": %9" PRId64 " steps %10" PRId64 " bytes %8" PRId64 " names %6" PRId64 " rows %6" PRId64
                 " ms %6" PRId64 " kB\n",
                 what, s->flat ? "flat" : "nested", s->n, got->steps, got->bytes, got->names, got->rows, got->cpu_us / 1000,
                 got->peak_kb);
    (void)fflush(stdout); /* before the next fork */
}

static int64_t cpu_us(void) {
    struct rusage used;
    (void)getrusage(RUSAGE_SELF, &used);
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 + used.ru_utime.tv_usec + used.ru_stime.tv_usec;
}

static void child(struct scene *s, task *t, int out) {
    struct rusage used;
    world_reopen(&s->w);
    work = (struct work){0};
    int64_t bytes = bytes_read(), cpu = cpu_us();
    enum err e = t(s);
    store_rollback(s->w.ctx.store);
    if (e != ERR_OK) (void)fprintf(stderr, "# %s: %s\n", err_name(e), s->w.ctx.fault.text);
    work.failed = e != ERR_OK;
    work.bytes = bytes_read() - bytes;
    work.cpu_us = cpu_us() - cpu;
    (void)getrusage(RUSAGE_SELF, &used);
    work.peak_kb = used.ru_maxrss;
    _exit(write(out, &work, sizeof work) != (ssize_t)sizeof work);
}

/* The parent has no connection open. */
static struct work measure(struct scene *s, const char *what, task *t) {
    struct work got = {.failed = 1};
    int ends[2], status;
    if (pipe(ends) != 0) abort();
    pid_t pid = fork();
    if (pid == 0) child(s, t, ends[1]);
    (void)close(ends[1]);
    if (pid < 0 || read(ends[0], &got, sizeof got) != (ssize_t)sizeof got || waitpid(pid, &status, 0) != pid) abort();
    (void)close(ends[0]);
    note(s, what, &got);
    return got;
}

static const char *name_of(struct scene *s, int64_t i) {
    static char path[512];
    int len = snprintf(path, sizeof path, "%s/../site", s->w.dir);
    if (s->flat)
        (void)snprintf(path + len, sizeof path - (size_t)len, "/a-picture-of-the-summer-%06d.png", (int)i);
    else
        (void)snprintf(path + len, sizeof path - (size_t)len, "/album-%04d/picture-%03d.png", (int)(i / FOLDER), (int)(i % FOLDER));
    return path;
}

static void touch(struct scene *s, int64_t i, int64_t mtime) {
    const char *path = name_of(s, i);
    FILE *f = fopen(path, "we");
    if (!f || fprintf(f, "%d", (int)i) < 0 || fclose(f) != 0) abort();
    world_stamp(path, mtime);
}

static void fill(struct scene *s) {
    struct world *w = &s->w;
    world_open(w, "wal");
    const char *site = arena_text(&w->arena, "%s/../site", w->dir);
    if (mkdir(site, 0700) != 0) abort();
    for (int64_t i = 0; !s->flat && i < s->n; i += FOLDER)
        if (mkdir(arena_text(&w->arena, "%s/album-%04d", site, (int)(i / FOLDER)), 0700) != 0) abort();
    for (int64_t i = 0; i < s->n; i++) touch(s, i, OLD);
    store_close(w->ctx.store);
    w->ctx.store = NULL;
}

/* As the command line has it where the disk is quick. */
static int64_t large(void *context, const struct walk *so_far) {
    (void)context;
    (void)so_far;
    return 1 << 28;
}

static enum err publish(struct scene *s) {
    struct walk walk;
    struct world *w = &s->w;
    TRY(index_begin(&w->ctx, &w->circle, arena_text(&w->arena, "%s/../site", w->dir), "/", 0));
    TRY(index_run(&w->ctx, &w->circle, large, NULL, &walk));
    return walk.finished && walk.files == s->n ? ERR_OK : ERR_INTERNAL;
}

/* After answers: until it is through. Each step ends as a request does, with its arena. */
static enum err background(struct scene *s) {
    struct world *w = &s->w;
    struct walk walk = {0};
    struct arena scratch = {0};
    bool worked;
    w->ctx.arena = &scratch;
    for (int i = 0; i < 100000 && !walk.finished; i++) {
        if (index_background(&w->ctx, &worked) != ERR_OK || index_look(&w->ctx, &w->circle, &walk) != ERR_OK) break;
        arena_reset(&scratch);
    }
    w->ctx.arena = &w->arena;
    arena_free(&scratch);
    return walk.finished && walk.files == s->n ? ERR_OK : ERR_INTERNAL;
}

static enum err request(struct scene *s, const char *method, const char *path, const char *range) {
    struct world *w = &s->w;
    struct request req;
    struct world_body none = {"", 0};
    char *env[] = {arena_text(&w->arena, "REQUEST_METHOD=%s", method),
                   arena_text(&w->arena, "PATH_INFO=/%s", path),
                   "HTTP_HOST=site.example",
                   "REMOTE_ADDR=192.0.2.1",
                   arena_text(&w->arena, "HTTP_RANGE=%s", range),
                   NULL};
    request_read(&req, &w->arena, env, world_feed, &none);
    dispatch(&w->server, &req, &w->res);
    return w->res.status == (*range ? 206 : 200) ? ERR_OK : ERR_INTERNAL;
}

static const char *manifest(struct scene *s, const char *ending) {
    struct arena *a = &s->w.arena;
    return arena_text(a, "manifest/%s%s", hex_text(a, s->w.circle.cid.b, sizeof s->w.circle.cid.b), ending);
}

static enum err packed(struct scene *s) {
    return request(s, "GET", manifest(s, ".json.gz"), "");
}

static enum err unpacked(struct scene *s) {
    return request(s, "GET", manifest(s, ".json"), "");
}

static enum err head(struct scene *s) {
    return request(s, "HEAD", manifest(s, ".json"), "");
}

static enum err range(struct scene *s) {
    return request(s, "GET", manifest(s, ".json"), "bytes=0-999");
}

static enum err describe(struct scene *s) {
    json_t *out;
    return shape_circles(&s->w.ctx, &out);
}

static enum err check(struct scene *s) {
    char *argv[] = {"polycircle", "check", "--data", s->w.dir, "--json", NULL};
    if (!freopen("/dev/null", "we", stdout)) abort();
    return cli_main(5, argv) <= 1 ? ERR_OK : ERR_INTERNAL;
}

static enum err change_one(struct scene *s) {
    touch(s, s->n / 2, OLD + 100);
    return ERR_OK;
}

/* listings: how many times the names of one large folder are read at most. A walk takes a sixteenth of them at a time, and compares
 * an eighth at a time in the background. spared: bytes that are not read as long as there are few files. */
static const struct {
    const char *what;
    task *before, *run;
    int listings;
    int64_t spared;
} tasks[] = {
    {"publish, first", NULL, publish, 17, CACHED},
    {"publish, unchanged", NULL, publish, 1, CACHED},
    {"publish, one changed", change_one, publish, 18, CACHED},
    {"in the background, unchanged", NULL, background, 8, CACHED},
    {"in the background, one changed", change_one, background, 25, CACHED},
    {"manifest, packed", NULL, packed, 0, PAGES},
    {"manifest, unpacked", NULL, unpacked, 0, PAGES},
    {"manifest, its head", NULL, head, 0, PAGES},
    {"manifest, a range", NULL, range, 0, PAGES},
    {"describe", NULL, describe, 0, PAGES},
    {"check", NULL, check, 0, PAGES},
};
enum { TASKS = sizeof tasks / sizeof *tasks };

static void measure_all(bool flat, int64_t n, struct work out[static TASKS]) {
    static struct scene s;
    s = (struct scene){.n = n, .flat = flat};
    fill(&s);
    for (size_t i = 0; i < TASKS; i++) {
        s.w.ctx.now += SPAN_RESCAN + 1;
        if (tasks[i].before) (void)!tasks[i].before(&s);
        out[i] = measure(&s, tasks[i].what, tasks[i].run);
    }
    world_close(&s.w);
}

/* At most 2.2 times; but for what is spared as long as it is little. */
static bool grows(int64_t one, int64_t two, int64_t least) {
    return two * 10 <= (one + least) * 22;
}

static int64_t bytes_of(task *run, const struct work all[static TASKS]) {
    size_t i = 0;
    while (tasks[i].run != run) i++;
    return all[i].bytes;
}

static void files(bool flat, int64_t n) {
    struct work one[TASKS], two[TASKS];
    const char *form = flat ? "one folder" : "many folders";
    measure_all(flat, n / 2, one);
    measure_all(flat, n, two);
    ok(bytes_of(head, two) + n * 10 < bytes_of(packed, two), "%s: a manifest's head is told without reading it", form);
    for (size_t i = 0; i < TASKS; i++) {
        const char *what = tasks[i].what;
        ok(!one[i].failed && !two[i].failed, "%s, %s: done", form, what);
        ok(grows(one[i].steps, two[i].steps, 1000), "%s, %s: SQLite's steps", form, what);
        ok(grows(one[i].bytes, two[i].bytes, tasks[i].spared), "%s, %s: bytes read", form, what);
        ok(i == 0 || two[i].rows <= n / 5, "%s, %s: nobody waits for long for what it writes", form, what);
        ok(two[i].names <= (n + n / FOLDER * 4 + 10) * tasks[i].listings + OWN_NAMES, "%s, %s: names read", form, what);
    }
}

/* A circle's life: who is a greeter has offers there, and renews them. */
static struct sync in; /* large */

static const char *address(struct world *w, int k) {
    return arena_text(&w->arena, "10.%d.%d.1", k >> 8 & 255, k & 255);
}

static enum err offer(struct world *w, int k, struct synced *out) {
    static int drawn;
    world_sync(&in, k);
    in.address = address(w, k);
    for (in.n_offers = 0; in.n_offers < CAP_OFFERS; in.n_offers++)
        in.offers[in.n_offers] = (struct offer){arena_text(&w->arena, "%d", ++drawn), "sdp"};
    return world_run(w, &in, out);
}

static enum err join(struct world *w, int k, struct synced *out) {
    return world_join_at(w, k, address(w, k), out);
}

static void gather(struct scene *s, int signals, int64_t files) {
    struct synced out;
    int greeters[64], n = 0;
    *s = (struct scene){.n = files};
    fill(s);
    s->w.ctx.now = clock_now(); /* as who asks for the roster has it */
    world_reopen(&s->w);
    if (publish(s) != ERR_OK) abort();
    for (int k = 1; k <= signals; k++) {
        s->w.ctx.now++;
        if (join(&s->w, k, &out) != ERR_OK) abort();
        if (out.signal.needy == SEEKING && offer(&s->w, k, &out) != ERR_OK) abort();
        if (out.signal.role == GREETER && n < 64) greeters[n++] = k;
        for (int i = 0; i < n && (k % 4 == 0 || k == signals); i++)
            if (offer(&s->w, greeters[i], &out) != ERR_OK) abort();
    }
    world_live_sql(&s->w, "UPDATE signal SET needy = 0"); /* who waited was answered */
    store_close(s->w.ctx.store);
    s->w.ctx.store = NULL;
}

static enum err joins(struct scene *s) {
    struct synced out;
    return join(&s->w, 20001, &out);
}

static enum err stays(struct scene *s) {
    struct synced out;
    return world_poll(&s->w, 1, &out);
}

static enum err shares(struct scene *s) {
    struct synced out;
    world_sync(&in, 8);
    in.key = s->w.circle.api_key; /* a join alone is told */
    in.shares = true;
    in.version = 1;
    for (in.n_have = 0; in.n_have < 16; in.n_have++) in.have[in.n_have] = (struct share){(int64_t)in.n_have * (s->n / 16), 100};
    enum err e = world_run(&s->w, &in, &out);
    return e == ERR_OK && out.n_mids == 16 ? ERR_OK : ERR_INTERNAL;
}

static enum err mails(struct scene *s) {
    struct synced out;
    TRY(world_poll(&s->w, 1, &out));
    struct sig to = out.signal.sig;
    work.steps = 0;
    world_sync(&in, 7);
    in.mail[0] = (struct mail_out){.id = "m", .re = "r", .body = "hello", .to = to};
    in.n_mail = 1;
    return world_run(&s->w, &in, &out);
}

static enum err leaves(struct scene *s) {
    struct synced out;
    world_sync(&in, 9);
    in.leave = true;
    return world_run(&s->w, &in, &out);
}

static enum err roster(struct scene *s) {
    struct arena *a = &s->w.arena;
    return request(s, "GET", arena_text(a, "roster/%s.json", hex_text(a, s->w.circle.cid.b, sizeof s->w.circle.cid.b)), "");
}

/* tenths: how many times the steps, the larger by the smaller. A join looks at each greeter, and there are 3 of them for 10
 * signals, 8 from 48 signals on. */
static const struct {
    const char *what;
    task *run;
    int tenths;
} syncs[] = {{"join", joins, 12}, {"stay", stays, 11},   {"join again, shares 16 files", shares, 12},
             {"mail", mails, 11}, {"leave", leaves, 11}, {"roster", roster, 11}};
enum { SYNCS = sizeof syncs / sizeof *syncs };

static void measure_syncs(int signals, int64_t files, struct work out[static SYNCS]) {
    static struct scene s;
    gather(&s, signals, files);
    for (size_t i = 0; i < SYNCS; i++)
        out[i] = measure(&s, arena_text(&s.w.arena, "%s, %d signals", syncs[i].what, signals), syncs[i].run);
    world_close(&s.w);
}

static bool alike(int64_t a, int64_t b, int tenths) {
    return a * 10 <= b * tenths && b * 10 <= a * tenths;
}

/* The steps of a roster of `many`, from those of one of `few`: it shows CAP_ROSTER of them, and each costs the same. */
static int64_t signals_shown(int few, int many, int64_t steps) {
    enum { EACH = 10 };
    int64_t more = (many < CAP_ROSTER ? many : CAP_ROSTER) - few;
    return steps + more * EACH;
}

static void signals(int64_t files) {
    enum { FEW = 10, SOME = 48, MANY = CAP_SIGNALS - 10 };
    struct work few[SYNCS], some[SYNCS], many[SYNCS], more[SYNCS];
    measure_syncs(FEW, 100, few);
    measure_syncs(SOME, 100, some);
    measure_syncs(MANY, 100, many);
    measure_syncs(FEW, files, more);
    for (size_t i = 0; i < SYNCS; i++) {
        int64_t steps = few[i].steps, middle = some[i].steps;
        if (syncs[i].run == roster) steps = signals_shown(FEW, MANY, steps), middle = signals_shown(SOME, MANY, middle);
        ok(!few[i].failed && !some[i].failed && !many[i].failed && !more[i].failed, "%s: done", syncs[i].what);
        ok(alike(steps, many[i].steps, syncs[i].tenths), "%s: %d signals or %d", syncs[i].what, FEW, MANY);
        ok(alike(middle, many[i].steps, 11), "%s: %d signals or %d", syncs[i].what, SOME, MANY);
        ok(alike(few[i].steps, more[i].steps, 11), "%s: 100 files or %d", syncs[i].what, (int)files);
    }
}

int main(int argc, char **argv) {
    int64_t n = argc > 1 ? strtoll(argv[1], NULL, 10) : 6500;
    const char *only = argc > 2 ? argv[2] : "";
    (void)sqlite3_auto_extension((void (*)(void))count_steps);
    if (!*only || strcmp(only, "signals") == 0) signals(n);
    if (!*only || strcmp(only, "nested") == 0) files(false, n);
    if (!*only || strcmp(only, "flat") == 0) files(true, n);
    return done();
}
