/* The two databases: statements, migrations, the journal probe, generations of the live one. */
#include "store/copy.h"
#include "store/schema.h"
#include "tap.h"
#include "util/jsn.h"
#include "world.h"
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void statements(void) {
    static const struct {
        const char *name, *text;
        enum db db;
    } all[] = {
#define ROW(id, db, text) {#id, text, db},
        SQL_TABLE(ROW)
#undef ROW
    };
    struct world w;
    world_open(&w, "truncate");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(w.ctx.store->db[all[i].db], all[i].text, -1, &stmt, NULL);
        ok(rc == SQLITE_OK && stmt, "statement %s", all[i].name);
        (void)sqlite3_finalize(stmt);
    }
    world_close(&w);
}

static const char old_backup[] = "an older backup";

static void migrations_run(void) {
    struct migration good[32], bad[32];
    size_t count = migrations_count;
    for (size_t i = 0; i < count; i++) good[i] = bad[i] = migrations[i];
    int now = store_form();
    good[count] = (struct migration){now + 1, "ALTER TABLE circle ADD COLUMN note TEXT", NULL};
    good[count + 1] = (struct migration){now + 2, "CREATE TABLE more(x)", NULL};
    bad[count] = (struct migration){now + 1, "CREATE TABLE half(x)", NULL};
    bad[count + 1] = (struct migration){now + 2, "CREATE TABLE other(x); DELETE FROM nonexistent", NULL};
    count += 2;
    static const char version[] = "PRAGMA user_version";
    struct world w;
    struct fault fault = {0};
    world_open(&w, "wal");
    const char *db = world_path(&w, "polycircle.db");
    same_int(world_number(db, version), now, "a new instance is of the newest version");
    same_text(err_name(migrate(w.ctx.store, bad, count, &fault)), "internal", "a step that fails");
    same_int(world_number(db, version), now, "leaves the version");
    same_int(world_number(db, "SELECT count(*) FROM sqlite_master WHERE name IN ('half', 'other')"), 0,
             "and nothing of the steps before it");
    ok(sqlite3_get_autocommit(w.ctx.store->db[MAIN]), "and no open transaction");
    char name[40];
    (void)snprintf(name, sizeof name, "backups/polycircle-v%d.db", now);
    const char *backup = world_path(&w, name);
    same_int(world_number(backup, version), now, "the backup is of the old version");
    world_write(&w, name, old_backup, sizeof old_backup);
    same_text(err_name(migrate(w.ctx.store, good, count, &fault)), "ok", "steps that succeed");
    same_int(world_number(db, version), now + 2, "reach the last version");
    same_int(world_number(db, "SELECT count(note) FROM circle"), 0, "with what they add");
    same_int(world_number(db, "SELECT count(*) FROM circle"), 1, "and keep what was there");
    same_int(world_number(backup, "SELECT count(*) FROM circle"), 1, "an older backup is replaced by one of now");
    same_int(world_number(backup, version), now, "of the version before");
    struct stat st;
    ok(stat(backup, &st) == 0 && (st.st_mode & 077) == 0, "which nobody else can read");
    same_text(err_name(migrate(w.ctx.store, good, count, &fault)), "ok", "again: nothing to do");
    world_sql(db, "PRAGMA user_version=99");
    struct store *newer = NULL;
    same_text(err_name(store_open(&newer, w.dir, &fault)), "newer", "a file of a newer program is refused");
    ok(strstr(fault.text, "version 99") && strstr(fault.text, "newer program"), "in words: %s", fault.text);
    ok(newer == NULL, "and closed");
    world_close(&w);
}

static void opening(void) {
    struct world w;
    struct fault fault = {0};
    struct store *s = NULL;
    same_text(err_name(store_open(&s, "/nonexistent/data", &fault)), "not_set_up", "no directory: not set up");
    world_open(&w, "wal");
    same_text(store_journal(w.ctx.store), "wal", "journal: wal");
    ok(access(world_path(&w, ".htaccess"), F_OK) == 0 && access(world_path(&w, "index.html"), F_OK) == 0,
       "a directory that was there gets what keeps it from being served, too");
    ok(store_wal_works(w.dir), "the probe finds WAL safe on a local file system");
    ok(!store_wal_works("/proc"), "and not on one it does not know");
    ok(!store_wal_works("/nonexistent"), "nor where there is no directory");
    same_int(access(world_path(&w, "probe-1.db"), F_OK), -1, "the probe leaves nothing behind");
    ok(store_current(w.ctx.store), "the open file is the current one");
    ok(rename(world_path(&w, "polycircle.db"), world_path(&w, "moved")) == 0, "polycircle.db moves away");
    ok(!store_current(w.ctx.store), "which is noticed");
    world_close(&w);
    world_open(&w, "truncate");
    same_text(store_journal(w.ctx.store), "truncate", "journal: truncate");
    world_write(&w, "polycircle.db", "garbage, garbage, garbage", 25);
    same_text(err_name(store_open(&s, w.dir, &fault)), "damaged", "a damaged polycircle.db says so");
    world_close(&w);
}

static int64_t size_of(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : -1;
}

/* What cannot be looked at for a moment is not taken for something else. */
static void not_read(void) {
    struct world w;
    struct fault fault = {0};
    struct store *s = NULL;
    struct rlimit was, none;
    world_open(&w, "wal");
    ok(size_of(world_path(&w, "polycircle.db-wal")) > 0, "what was acknowledged stands in the WAL");
    ok(getrlimit(RLIMIT_NOFILE, &was) == 0, "the limit of files");
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = was.rlim_max};
    (void)setrlimit(RLIMIT_NOFILE, &none);
    enum err e = store_open(&s, w.dir, &fault);
    (void)setrlimit(RLIMIT_NOFILE, &was);
    same_text(err_name(e), "busy", "no file can be opened: tried again later");
    ok(strstr(fault.text, strerror(EMFILE)), "in words: %s", fault.text);
    ok(size_of(world_path(&w, "polycircle.db-wal")) > 0 && size_of(world_path(&w, "polycircle.db-wal.foreign")) < 0,
       "the WAL is left alone");
    same_text(err_name(store_open(&s, w.dir, &fault)), "ok", "again: it opens");
    store_close(s);
    same_int(world_number(world_path(&w, "polycircle.db"), "SELECT count(*) FROM circle"), 1, "with all that was in it");
    world_close(&w);
}

/* A file of a panel's editor, an upload that broke off at once. */
static void nothing_in_it(void) {
    struct world w;
    struct fault fault = {0};
    struct store *s = NULL;
    world_open(&w, "wal");
    store_close(w.ctx.store);
    w.ctx.store = NULL;
    world_write(&w, "polycircle.db", "", 0);
    world_write(&w, "polycircle.db-wal", "x", 1);
    same_text(err_name(store_open(&s, w.dir, &fault)), "damaged", "an empty polycircle.db is damaged");
    ok(size_of(world_path(&w, "polycircle.db")) == 0 && size_of(world_path(&w, "polycircle.db-wal")) == 1,
       "and stays as it is, with its WAL");
    world_write(&w, "polycircle.db", "no header, and long enough for one", 34);
    same_text(err_name(store_open(&s, w.dir, &fault)), "damaged", "one without a header, too");
    ok(size_of(world_path(&w, "polycircle.db-wal")) == 1, "with its WAL");
    (void)unlink(world_path(&w, "polycircle.db-wal"));
    (void)unlink(world_path(&w, "polycircle.db"));
    world_sql(world_path(&w, "polycircle.db"), "CREATE TABLE circle(x)");
    same_text(err_name(store_open(&s, w.dir, &fault)), "damaged", "a database of somebody else's, too");
    world_write(&w, "polycircle.db", "", 0);
    (void)unlink(world_path(&w, "live-1.db"));
    same_text(err_name(store_open(&s, w.dir, &fault)), "not_set_up", "before there was a live one set-up was broken off");
    same_text(err_name(store_create(&w.ctx.store, w.dir, "wal", &fault)), "ok", "and goes on");
    world_close(&w);
}

static const char join[] = "{\"v\":1,\"key\":\"%s\",\"token\":\"%064d\",\"run\":\"00000001\"}";

static const char *join_json(struct world *w, int k) {
    return arena_text(&w->arena, join, w->circle.api_key, k);
}

static int64_t gen_of(struct world *w) {
    return json_integer_value(json_object_get(world_call(w, "health", NULL), "gen"));
}

enum damage { VANISHED, TRUNCATED, GARBAGE, GARBAGE_TAIL };

static void spoil(struct world *w, int64_t gen, enum damage how) {
    const char *name = arena_text(&w->arena, "live-%d.db", (int)gen), *path = world_path(w, name);
    char *noise = malloc(65536);
    memset(noise, 0x55, 65536);
    if (how == VANISHED)
        (void)unlink(path);
    else if (how == TRUNCATED)
        ok(truncate(path, 0) == 0, "truncated");
    else if (how == GARBAGE)
        world_write(w, name, noise, 65536);
    else {
        FILE *f = fopen(path, "r+be");
        ok(f && fseek(f, 4096, SEEK_SET) == 0 && fwrite(noise, 1, 65536, f) == 65536, "spoilt behind its first page");
        (void)fclose(f);
    }
    free(noise);
}

/* A WAL that holds every page hides the damage from who has the file open; a new process sees it. */
static void come_anew(struct world *w) {
    store_close(w->server.store);
    store_close(w->ctx.store);
    w->server.store = w->ctx.store = NULL;
    for (int k = 1; k <= 2; k++) {
        (void)world_call(w, "sync", join_json(w, k));
        same_int(w->res.status, 200, "a new process: signal %d comes back", k);
    }
}

static void generation(const char *journal, enum damage how, const char *name) {
    struct world w;
    world_open(&w, journal);
    json_t *first = world_call(&w, "sync", join_json(&w, 1));
    const char *sig = world_string(first, "sig");
    int64_t gen = gen_of(&w);
    same_int((int64_t)strlen(sig), 64, "%s, %s: a signal", journal, name);
    spoil(&w, gen, how);
    /* what the next request meets is one of these, never a failure that stays */
    json_t *answer = world_call(&w, "sync", join_json(&w, 2));
    ok(w.res.status == 200, "%s, %s: a join succeeds at once (%d %s)", journal, name, w.res.status, world_string(answer, "text"));
    answer = world_call(&w, "sync", join_json(&w, 1));
    same_int(w.res.status, 200, "%s, %s: the old signal comes back", journal, name);
    same_text(world_string(answer, "cid"), world_string(first, "cid"), "%s, %s: to the same circle", journal, name);
    if (gen_of(&w) == gen) come_anew(&w);
    int64_t now = gen_of(&w);
    same_int(now, gen + 1, "%s, %s: in the next generation", journal, name);
    const char *path = world_path(&w, arena_text(&w.arena, "live-%d.db", (int)now));
    same_int(world_number(path, "SELECT count(*) FROM signal"), 2, "%s, %s: both are in it", journal, name);
    if (how != VANISHED)
        ok(access(world_path(&w, arena_text(&w.arena, "live-%d.db", (int)gen)), F_OK) == 0,
           "%s, %s: the damaged file is left alone", journal, name);
    spoil(&w, now, VANISHED);
    (void)world_call(&w, "sync", join_json(&w, 1));
    same_int(gen_of(&w), now + 1, "%s, %s: and again", journal, name);
    ok(access(world_path(&w, arena_text(&w.arena, "live-%d.db", (int)now - 1)), F_OK) != 0,
       "%s, %s: the one before the last is removed", journal, name);
    world_close(&w);
}

/* Processes that all meet the same loss make one generation of it. */
static void race(const char *journal) {
    enum { PROCESSES = 6 };
    struct world w;
    world_open(&w, journal);
    int64_t gen = store_gen(w.ctx.store);
    store_close(w.ctx.store);
    w.ctx.store = NULL;
    spoil(&w, gen, VANISHED);
    int go[2], bad = 0;
    if (pipe(go) != 0) exit(99);
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0) {
            char c;
            bool host_ok;
            struct store *s = NULL;
            enum err e = store_open(&s, w.dir, &w.ctx.fault);
            if (e == ERR_OK) e = store_enter(s, "", &host_ok);
            (void)close(go[1]);
            (void)!read(go[0], &c, 1); /* until the parent lets all go at once */
            if (e == ERR_OK) e = store_renew(s);
            _exit(e == ERR_OK && store_gen(s) == gen + 1 ? 0 : 1);
        }
    (void)close(go[0]);
    (void)close(go[1]);
    for (int i = 0, status; i < PROCESSES; i++) bad += wait(&status) < 0 || status != 0;
    same_int(bad, 0, "%s: each of %d processes gets the same new generation", journal, PROCESSES);
    same_int(world_number(world_path(&w, "polycircle.db"), "SELECT value FROM instance WHERE name = 'gen'"), gen + 1,
             "%s: and there is one", journal);
    world_close(&w);
}

/* A full disk while the next generation is made: refused in words, and made when there is room again. */
static void no_room(void) {
    struct world w;
    world_open(&w, "truncate");
    (void)world_call(&w, "sync", join_json(&w, 1));
    int64_t gen = gen_of(&w);
    spoil(&w, gen, GARBAGE);
    const char *path = world_path(&w, arena_text(&w.arena, "live-%d.db", (int)gen + 1));
    ok(mkdir(path, 0700) == 0, "something is in the way of the next generation");
    json_t *answer = world_call(&w, "sync", join_json(&w, 1));
    same_int(w.res.status, 503, "a request is refused");
    same_text(world_string(answer, "error"), "read_only", "with a documented error");
    ok(rmdir(path) == 0, "it is out of the way");
    (void)world_call(&w, "sync", join_json(&w, 1));
    same_int(w.res.status, 200, "and the next request succeeds");
    same_int(gen_of(&w), gen + 1, "in the next generation");
    world_close(&w);
}

static void transactions(void) {
    struct world w;
    world_open(&w, "wal");
    struct store *s = w.ctx.store;
    bool row;
    same_text(err_name(store_begin(s, MAIN, true)), "ok", "begin");
    same_text(err_name(store_first(s, SQL_CIRCLE_LIST, NULL, 0, &row)), "ok", "a statement left in the middle");
    same_text(err_name(store_run(s, SQL_INSTANCE_SET, ARGS(T("x"), I(1)))), "ok", "a write");
    store_rollback(s);
    ok(sqlite3_get_autocommit(s->db[MAIN]), "rollback ends the transaction");
    same_int(world_number(world_path(&w, "polycircle.db"), "SELECT count(*) FROM instance WHERE name = 'x'"), 0,
             "and undoes the write");
    store_rollback(s);
    ok(true, "a second rollback does nothing");
    same_text(err_name(copy_make(s, world_path(&w, "copy.db"), &w.ctx.fault)), "ok", "backup");
    same_int(world_number(world_path(&w, "copy.db"), "SELECT count(*) FROM circle"), 1, "holds everything");
    ok(copy_make(s, world_path(&w, "copy.db"), &w.ctx.fault) != ERR_OK, "an existing file is not overwritten");
    same_text(err_name(store_check(s, MAIN, &w.ctx.fault)), "ok", "integrity of MAIN");
    same_text(err_name(store_check(s, LIVE, &w.ctx.fault)), "ok", "integrity of LIVE");
    world_close(&w);
}

/* A request reads MAIN as it was when it came, and lets others write as soon as it does anything else. */
static void one_read(void) {
    static void (*const ends[])(struct store * s) = {store_leave, store_rollback};
    struct world w;
    int64_t n;
    bool host_ok;
    world_open(&w, "wal");
    const char *db = world_path(&w, "polycircle.db");
    struct store *s = w.ctx.store;
    for (size_t i = 0; i < 2; i++) {
        same_text(err_name(store_enter(s, "site.example", &host_ok)), "ok", "a request");
        world_sql(db, "DELETE FROM base; INSERT INTO base(url, host) VALUES('http://a/', 'a'), ('http://b/', 'b')");
        same_text(err_name(store_number(s, SQL_BASE_HAS, ARGS(T("http://b/")), &n, 0)), "ok", "looks");
        same_int(n, 0, "what there was when it came");
        ends[i](s);
        same_text(err_name(store_number(s, SQL_BASE_HAS, ARGS(T("http://b/")), &n, 0)), "ok", "looks again");
        same_int(n, 1, "what there is after its end");
        world_sql(db, "DELETE FROM base WHERE host = 'b'");
    }
    for (size_t i = 0; i < 4; i++) {
        same_text(err_name(store_enter(s, "a", &host_ok)), "ok", "a request");
        world_sql(db, "INSERT INTO instance VALUES('other', 1) ON CONFLICT DO UPDATE SET value = value + 1");
        enum err e = i == 3   ? store_number(s, SQL_LIVE_FREE, NULL, 0, &n, 0)
                     : i == 2 ? store_run(s, SQL_INSTANCE_SET, ARGS(T("x"), I(1)))
                     : i == 1 ? store_begin(s, MAIN, true)
                              : store_begin(s, LIVE, true);
        same_text(err_name(e), "ok", "what it does is no longer bound to that");
        same_text(err_name(store_number(s, SQL_INSTANCE_GET, ARGS(T("other")), &n, -1)), "ok", "it reads");
        same_int(n, (int64_t)i + 1, "what the other has written");
        store_rollback(s);
    }
    world_close(&w);
}

/* A process that ends as CGI programs do leaves no WAL for the next one to read, and waits for nobody. */
static void settles(void) {
    struct world w;
    struct synced out;
    sqlite3 *reader = NULL;
    sqlite3_stmt *row = NULL;
    world_open(&w, "wal");
    const char *wal = world_path(&w, "live-1.db-wal");
    same_text(err_name(world_join(&w, 1, &out)), "ok", "a join");
    ok(size_of(wal) > 0, "is in the WAL");
    store_settle(w.ctx.store);
    same_int(size_of(wal), 0, "and then in the file");
    same_int(world_live(&w, "SELECT count(*) FROM signal"), 1, "where it is found");
    ok(sqlite3_open(world_path(&w, "live-1.db"), &reader) == SQLITE_OK &&
           sqlite3_prepare_v2(reader, "SELECT 1 FROM signal", -1, &row, NULL) == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW,
       "somebody reads");
    same_text(err_name(world_join(&w, 2, &out)), "ok", "another join");
    int64_t began = clock_now();
    store_settle(w.ctx.store);
    ok(clock_now() - began < SPAN_BUSY / 2 && size_of(wal) > 0, "stays in the WAL as long as somebody reads, and nobody waits");
    (void)sqlite3_finalize(row);
    (void)sqlite3_close(reader);
    world_close(&w);
}

/* What a crowd or an attack has filled is given back, a step at a time. */
/* What is written into a file that a restore has replaced would be lost: nobody is told that it is kept. */
static void replaced(const char *journal) {
    struct world w;
    world_open(&w, journal);
    const char *db = world_path(&w, "polycircle.db"), *other = world_path(&w, "other.db");
    (void)store_exec(w.ctx.store, MAIN, "PRAGMA wal_checkpoint(TRUNCATE)");
    ok(file_copy(db, other) && rename(other, db) == 0, "another polycircle.db, journal %s", journal);
    same_text(err_name(store_run(w.ctx.store, SQL_INSTANCE_SET, ARGS(T("x"), I(1)))), "busy", "one statement is not taken");
    same_text(err_name(store_begin(w.ctx.store, MAIN, true)), "busy", "nor a transaction");
    store_rollback(w.ctx.store);
    world_close(&w);
}

static void shrinks(const char *journal) {
    static const char pages[] = "PRAGMA page_count";
    struct world w;
    world_open(&w, journal);
    const char *live = world_path(&w, "live-1.db");
    world_sql(live, "WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < 2000)"
                    " INSERT INTO mail(circle, signal, sender, id, re, body, expires) SELECT 1, 1, x'00', n, 'r', "
                    "hex(zeroblob(4000)), 0 FROM k;");
    int64_t full = world_number(live, pages);
    world_sql(live, "DELETE FROM mail");
    same_int(world_number(live, pages), full, "%s: an empty database keeps its size", journal);
    for (int i = 0; i < 40; i++) same_text(err_name(store_shrink(w.ctx.store)), "ok", "%s: a step", journal);
    int64_t left = world_number(live, pages);
    ok(left < full / 10, "%s: then it has none of it: %d pages of %d", journal, (int)left, (int)full);
    world_close(&w);
}

int main(void) {
    static const char *const names[] = {"vanished", "truncated", "overwritten", "overwritten in part"};
    statements();
    migrations_run();
    opening();
    not_read();
    nothing_in_it();
    transactions();
    one_read();
    settles();
    replaced("wal");
    replaced("truncate");
    for (int how = VANISHED; how <= GARBAGE_TAIL; how++) {
        generation("truncate", (enum damage)how, names[how]);
        generation("wal", (enum damage)how, names[how]);
    }
    no_room();
    race("truncate");
    race("wal");
    shrinks("wal");
    shrinks("truncate");
    return done();
}
