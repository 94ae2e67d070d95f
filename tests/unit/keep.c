#define _GNU_SOURCE /* memmem */
/* Keeping an instance: daily copies, restore in every state that polycircle.db can be in, the end. */
#include "content/index.h"
#include "content/manifest.h"
#include "host/backup.h"
#include "host/restore.h"
#include "host/retire.h"
#include "host/waiting.h"
#include "store/copy.h"
#include "store/keys.h"
#include "store/schema.h"
#include "tap.h"
#include "util/file.h"
#include "world.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DAY = 86400000, HOUR = 3600000, NOW = 1767323045 };

static bool there(struct world *w, const char *name) {
    return access(world_path(w, name), F_OK) == 0;
}

/* Files of a directory whose names hold this text. */
static int count(struct world *w, const char *below, const char *text) {
    DIR *d = opendir(world_path(w, below));
    int n = 0;
    for (struct dirent *e; d && (e = readdir(d));) n += strstr(e->d_name, text) != NULL;
    if (d) (void)closedir(d);
    return n;
}

static int64_t circles(const char *path) {
    return world_number(path, "SELECT count(*) FROM circle");
}

static void add(struct world *w, const char *can) {
    struct circle_new new = {.can = can, .chosen = {.ice = "[]", .mirror = true}};
    struct circle c;
    ok(circle_add(&w->ctx, &new, &c) == ERR_OK, "a circle %s", can);
}

static void daily(void) {
    struct world w;
    world_open(&w, "wal");
    ok(backup_due(&w.ctx), "a new instance has no copy of today");
    ok(backup_daily(&w.ctx) == ERR_OK && there(&w, "backups/polycircle-2026-01-02.db"), "it is made, by the UTC date");
    struct stat st;
    ok(stat(world_path(&w, "backups/polycircle-2026-01-02.db"), &st) == 0 && (st.st_mode & 0777) == 0600,
       "nobody else may read it");
    same_int(circles(world_path(&w, "backups/polycircle-2026-01-02.db")), 1, "it holds everything");
    same_text(err_name(restore_possible(&w.ctx, w.dir, world_path(&w, "backups/polycircle-2026-01-02.db"))), "ok",
              "and can be restored");
    w.ctx.now += HOUR;
    ok(!backup_due(&w.ctx), "today's is there");
    ok(unlink(world_path(&w, "backups/polycircle-2026-01-02.db")) == 0, "somebody deletes it");
    w.ctx.now += 1000;
    ok(!backup_due(&w.ctx), "which is not looked for every second");
    w.ctx.now += 60000;
    ok(backup_due(&w.ctx), "but every minute");
    world_write(&w, "backups/polycircle-v1.db", "x", 1);
    world_write(&w, "backups/polycircle-2025-mine.db", "x", 1);
    for (int day = 0; day < 10; day++) {
        w.ctx.now += DAY;
        ok(backup_due(&w.ctx) && backup_daily(&w.ctx) == ERR_OK, "day %d", day);
    }
    same_int(count(&w, "backups", "polycircle-2026-01-"), 7, "the newest seven stay");
    ok(!there(&w, "backups/polycircle-2026-01-05.db") && there(&w, "backups/polycircle-2026-01-12.db"), "the oldest went");
    ok(there(&w, "backups/polycircle-v1.db") && there(&w, "backups/polycircle-2025-mine.db"), "and no other file");
    same_int(count(&w, "backups", ".part"), 0, "no part is left");
    world_close(&w);
}

/* More than one on the same day: the state before a mistake may be in the first. */
static void again_today(void) {
    struct world w;
    const char *path, *day = "backups/polycircle-2026-01-02.db";
    world_open(&w, "truncate");
    ok(backup_daily(&w.ctx) == ERR_OK, "the day's own copy");
    world_stamp(world_path(&w, day), NOW);
    add(&w, "second");
    ok(backup_now(&w.ctx, &path) == ERR_OK && circles(path) == 2, "another one, asked for");
    same_int(circles(world_path(&w, "backups/polycircle-earlier-2026-01-02T030405Z.db")), 1, "the one before it is kept");
    world_write(&w, "backups/polycircle-earlier-mine.db", "x", 1);
    world_write(&w, "backups/polycircle-earlier-2027-01-01T000000Z.db", "x", 1);
    for (int n = 1; n < 10; n++) {
        world_stamp(world_path(&w, day), NOW + n);
        w.ctx.now += 1000;
        ok(backup_now(&w.ctx, &path) == ERR_OK, "and again");
    }
    same_int(count(&w, "backups", "earlier-20"), 7, "the newest seven, and none of a clock that was ahead");
    ok(!there(&w, "backups/polycircle-earlier-2027-01-01T000000Z.db"), "which goes first");
    ok(!there(&w, "backups/polycircle-earlier-2026-01-02T030407Z.db") &&
           there(&w, "backups/polycircle-earlier-2026-01-02T030408Z.db") && there(&w, "backups/polycircle-earlier-mine.db"),
       "the oldest went, and no other file");
    world_stamp(world_path(&w, day), NOW + 10);
    world_write(&w, "backups/polycircle-2026-01-01.db", "x", 1);
    ok(mkdir(world_path(&w, "backups/polycircle-2026-01-02.db.part"), 0700) == 0, "something is in the way");
    ok(backup_now(&w.ctx, &path) != ERR_OK && there(&w, day) && !there(&w, "backups/polycircle-earlier-2026-01-02T030415Z.db"),
       "the day's own stays what it was");
    world_close(&w);
}

/* The host's clock was ahead for some days. */
static void clock_ahead(void) {
    struct world w;
    const char *path;
    world_open(&w, "truncate");
    w.ctx.now += 400LL * DAY;
    for (int day = 0; day < 7; day++, w.ctx.now += DAY) ok(backup_now(&w.ctx, &path) == ERR_OK, "a day that is not yet");
    w.ctx.now -= 407LL * DAY;
    ok(backup_now(&w.ctx, &path) == ERR_OK && access(path, F_OK) == 0, "the copy of today is there when it is said to be");
    w.ctx.now += HOUR;
    ok(!backup_due(&w.ctx), "and no other is due");
    same_int(count(&w, "backups", ".db"), 7, "seven stay");
    ok(!there(&w, "backups/polycircle-2027-02-12.db") && there(&w, "backups/polycircle-2027-02-06.db"), "a later one went");
    world_close(&w);
}

/* Another process, which does one thing, and a second one when it is told to. */
struct other {
    pid_t pid;
    int go;
};

/* Whether it has done the first. */
static bool other_begins(struct other *o, struct world *w, bool (*first)(struct world *), bool (*second)(struct world *)) {
    int said[2], go[2];
    char c = 'n';
    if (pipe(said) != 0 || pipe(go) != 0 || (o->pid = fork()) < 0) exit(99);
    if (o->pid == 0) {
        (void)!write(said[1], first(w) ? "y" : "n", 1);
        (void)!read(go[0], &c, 1);
        _exit(second(w) ? 0 : 1);
    }
    (void)close(said[1]);
    (void)close(go[0]);
    o->go = go[1];
    (void)!read(said[0], &c, 1);
    (void)close(said[0]);
    return c == 'y';
}

/* Whether it has done the second. */
static bool other_ends(const struct other *o) {
    int status = 1;
    (void)!write(o->go, "x", 1);
    (void)close(o->go);
    return waitpid(o->pid, &status, 0) == o->pid && status == 0;
}

static bool locks(struct world *w) {
    int lock;
    return backup_lock(&w->ctx, w->dir, &lock) == ERR_OK;
}

static bool does_nothing(struct world *w) {
    (void)w;
    return true;
}

/* Each day's copy is killed, and leaves as much; a restore too, and who looks whether one is possible. */
static void left_behind(void) {
    static const char *const left[] = {"backups/polycircle-2025-12-31.db.part",
                                       "backups/polycircle-2026-01-01.db.part",
                                       "backups/polycircle-2026-01-01.db.part-journal",
                                       "backups/polycircle-before-restore-2026-01-01T000000Z.db.part",
                                       "restore.part",
                                       "look-4194305.part",
                                       "trial-new-4194305",
                                       "trial-done-4194305",
                                       "probe-4194305.db-wal",
                                       "live-77.db"};
    struct world w;
    world_open(&w, "truncate");
    ok(mkdir(world_path(&w, "backups"), 0700) == 0, "copies were made");
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) world_write(&w, left[i], "x", 1);
    const char *living = arena_text(&w.arena, "look-%d.part", (int)getpid());
    world_write(&w, living, "x", 1);
    world_write(&w, "backups/mine.db", "x", 1);
    world_write(&w, "polycircle.restore.part", "x", 1);
    ok(backup_daily(&w.ctx) == ERR_OK && there(&w, "backups/polycircle-2026-01-02.db"), "today's copy is made");
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) ok(!there(&w, left[i]), "%s is gone", left[i]);
    ok(there(&w, living) && there(&w, "backups/mine.db") && there(&w, "live-1.db"), "what is at work, or somebody's own, stays");
    ok(there(&w, "polycircle.restore.part"), "as does what the owner's FTP program is uploading");
    world_write(&w, left[0], "x", 1);
    w.ctx.now += DAY;
    ok(mkdir(world_path(&w, "backups/polycircle-2026-01-03.db.part"), 0700) == 0, "the next cannot be made");
    ok(backup_daily(&w.ctx) == ERR_OK && !there(&w, left[0]), "what was left goes even so");
    world_close(&w);
}

/* While another process is at it. */
static void one_at_a_time(void) {
    struct world w;
    struct other other;
    const char *path;
    world_open(&w, "truncate");
    ok(other_begins(&other, &w, locks, does_nothing), "another process has the lock");
    ok(backup_daily(&w.ctx) == ERR_OK && !there(&w, "backups"), "so this one does nothing");
    same_text(err_name(backup_now(&w.ctx, &path)), "busy", "and says so when asked");
    (void)other_ends(&other);
    ok(backup_daily(&w.ctx) == ERR_OK && there(&w, "backups/polycircle-2026-01-02.db"), "its end frees the lock");
    world_close(&w);
}

static void copy_of_today(struct world *w) {
    (void)backup_daily(&w->ctx);
}

/* What goes to the log meanwhile. */
static int lines_of(struct world *w, void (*run)(struct world *w)) {
    char text[4096] = "";
    int old = dup(STDERR_FILENO), fd = open(world_path(w, "log"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), n = 0;
    (void)dup2(fd, STDERR_FILENO);
    run(w);
    (void)dup2(old, STDERR_FILENO);
    (void)close(old);
    (void)!pread(fd, text, sizeof text - 1, 0);
    (void)close(fd);
    for (const char *p = text; (p = strchr(p, '\n')); p++) n++;
    return n;
}

/* While something is in the way of the copy. */
static int lines_logged(struct world *w) {
    return lines_of(w, copy_of_today);
}

static void in_the_way(void) {
    struct world w;
    world_open(&w, "wal");
    world_write(&w, "backups", "x", 1);
    same_int(lines_logged(&w), 1, "no room for a copy: said in the log");
    w.ctx.now += 61000;
    ok(!backup_due(&w.ctx), "not tried again at once");
    same_int(lines_logged(&w), 0, "nor by another process");
    w.ctx.now += HOUR;
    ok(backup_due(&w.ctx), "but after an hour");
    same_int(lines_logged(&w), 0, "and not said twice");
    ok(unlink(world_path(&w, "backups")) == 0, "there is room again");
    w.ctx.now += HOUR;
    ok(backup_due(&w.ctx) && backup_daily(&w.ctx) == ERR_OK && there(&w, "backups/polycircle-2026-01-02.db"), "then it is made");
    world_close(&w);
}

static void closed(struct world *w) {
    if (w->ctx.store) store_close(w->ctx.store);
    if (w->server.store) store_close(w->server.store);
    w->ctx.store = w->server.store = NULL;
}

static int64_t gen(struct world *w) {
    return world_number(world_path(w, "polycircle.db"), "SELECT value FROM instance WHERE name = 'gen'");
}

static bool publish(struct world *w) {
    int64_t version;
    return store_begin(w->ctx.store, MAIN, true) == ERR_OK &&
           manifest_replace(&w->ctx, &w->circle, world_path(w, "../site"), "/media/", &version) == ERR_OK &&
           store_commit(w->ctx.store, MAIN) == ERR_OK;
}

/* A copy with one circle and a manifest of version 1, while now there are two and version 3. */
static const char *prepared(struct world *w, const char *journal) {
    world_open(w, journal);
    world_sql(world_path(w, "polycircle.db"), "INSERT INTO found(circle, path, kind, type, size, piece, at, sha256)"
                                              " VALUES(1, 'a.mp4', 2, 'video/mp4', 3, 262144, 3, zeroblob(32))");
    ok(publish(w), "something is published");
    const char *copy = world_path(w, "copy.db");
    ok(copy_save(w->ctx.store, copy, key_pack, &w->ctx.fault) == ERR_OK, "a copy");
    ok(publish(w) && publish(w), "published again");
    add(w, "later");
    closed(w);
    return copy;
}

static void restored(struct world *w, int64_t before, const char *name) {
    const char *db = world_path(w, "polycircle.db");
    same_int(circles(db), 1, "%s: what the copy held", name);
    same_int(world_number(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0, "%s: whole", name);
    ok(gen(w) > before, "%s: the generation advances", name);
    int64_t version = world_number(db, "SELECT version FROM manifest");
    ok(version > NOW, "%s: a manifest that no browser has seen: %lld", name, (long long)version);
    (void)world_call(w, "health", NULL);
    same_int(w->res.status, 200, "%s: it answers", name);
    const char *cid = hex_text(&w->arena, w->circle.cid.b, sizeof w->circle.cid.b);
    json_t *envelope = world_call(w, arena_text(&w->arena, "manifest/%s.json", cid), NULL);
    json_t *list = json_loads(world_string(envelope, "signed"), 0, NULL);
    same_int(json_integer_value(json_object_get(list, "version")), version, "%s: signed as such", name);
    same_int(count(w, ".", ".part"), 0, "%s: no part is left", name);
}

static void restores(const char *journal) {
    struct world w;
    const char *copy = prepared(&w, journal), *kept = NULL;
    int64_t before = gen(&w);
    same_text(err_name(restore_file(&w.ctx, w.dir, copy, &kept)), "ok", "%s: restored", journal);
    restored(&w, before, journal);
    same_int(circles(kept), 2, "%s: what was there is kept", journal);
    same_int(world_number(kept, "SELECT max(version) FROM manifest"), 3, "%s: all of it", journal);
    closed(&w);
    same_text(store_open(&w.ctx.store, w.dir, &w.ctx.fault) == ERR_OK ? store_journal(w.ctx.store) : "", journal,
              "%s: the journal stays", journal);
    world_close(&w);
}

static bool opens(struct world *w) {
    int64_t n = 0;
    world_reopen(w);
    return store_number(w->ctx.store, SQL_ORPHANS, NULL, 0, &n, 1) == ERR_OK && store_current(w->ctx.store);
}

static bool sees_the_copy(struct world *w) {
    struct circle circle;
    return circle_by_can(&w->ctx, "later", &circle) == ERR_NOT_FOUND && store_begin(w->ctx.store, MAIN, true) == ERR_OK;
}

/* A process that has polycircle.db open meanwhile goes on with the restored one, without opening it anew. */
static void open_elsewhere(void) {
    struct world w;
    struct other other;
    const char *copy = prepared(&w, "wal");
    ok(other_begins(&other, &w, opens, sees_the_copy), "another process has it open");
    same_text(err_name(restore_file(&w.ctx, w.dir, copy, NULL)), "ok", "restored meanwhile");
    ok(other_ends(&other), "it sees the restored content, and may write");
    world_close(&w);
}

static bool opens_another_form(struct world *w) {
    world_reopen(w);
    world_sql(world_path(w, "polycircle.db"), "ALTER TABLE circle ADD COLUMN of_another_version");
    return true;
}

static bool may_not_write(struct world *w) {
    bool refused = store_begin(w->ctx.store, MAIN, true) == ERR_BUSY && !store_current(w->ctx.store);
    store_close(w->ctx.store);
    return refused;
}

/* Where rows cannot be put into what is there, the file is replaced; who still has the old one may not write into it. */
static void replaced(void) {
    struct world w;
    struct other other;
    const char *copy = prepared(&w, "wal"), *kept = NULL;
    ok(other_begins(&other, &w, opens_another_form, may_not_write), "another process has a file of another form open");
    int64_t before = gen(&w);
    same_text(err_name(restore_file(&w.ctx, w.dir, copy, &kept)), "ok", "restored in its place");
    ok(other_ends(&other), "the other process may not write into the old one");
    restored(&w, before, "of another form");
    same_int(circles(kept), 2, "what was there is kept");
    world_close(&w);
}

/* A journal that some other process left beside a file that is damaged or gone must not reach the restored one. */
static void hot_journal(const char *journal, const char *state) {
    struct world w;
    const char *copy = prepared(&w, journal), *db = world_path(&w, "polycircle.db");
    int64_t before = gen(&w);
    if (fork() == 0) { /* dies in the middle of a transaction that has reached the disk */
        sqlite3 *other = NULL;
        int rc = sqlite3_open(db, &other);
        rc |= sqlite3_exec(other,
                           "PRAGMA cache_size=1; PRAGMA wal_autocheckpoint=0; BEGIN; UPDATE circle SET can = 'hot' || can;"
                           "CREATE TABLE big(x); INSERT INTO big SELECT randomblob(3000) FROM media, circle, base, instance;",
                           NULL, NULL, NULL);
        if (strcmp(journal, "wal") == 0) rc |= sqlite3_exec(other, "COMMIT", NULL, NULL, NULL);
        _exit(rc);
    }
    int status = 1;
    (void)wait(&status);
    struct file_id id;
    const char *side = world_path(&w, strcmp(journal, "wal") == 0 ? "polycircle.db-wal" : "polycircle.db-journal");
    ok(status == 0 && file_look(side, &id) && id.size > 0, "%s, %s: a journal is left", journal, state);
    if (strcmp(state, "gone") == 0)
        ok(unlink(db) == 0, "%s: polycircle.db is gone", journal);
    else
        world_write(&w, "polycircle.db", "garbage, garbage, garbage, garbage", 34);
    same_text(err_name(restore_file(&w.ctx, w.dir, copy, NULL)), "ok", "%s, %s: restored", journal, state);
    same_int(world_number(db, "SELECT count(*) FROM circle WHERE can = 'demo'"), 1, "%s, %s: untouched by it", journal, state);
    restored(&w, before, state);
    world_close(&w);
}

/* The owner copies a backup over polycircle.db while the WAL of a process that was killed lies there. */
static void copied_over(void) {
    struct world w;
    const char *copy = prepared(&w, "wal"), *db = world_path(&w, "polycircle.db");
    if (fork() == 0) {
        sqlite3 *other = NULL;
        _exit(sqlite3_open(db, &other) |
              sqlite3_exec(other, "PRAGMA wal_autocheckpoint=0; UPDATE circle SET can = 'x' || can", NULL, NULL, NULL));
    }
    (void)wait(NULL);
    ok(rename(copy, db) == 0 && there(&w, "polycircle.db-wal"), "a copy, beside the journal of another file");
    (void)world_call(&w, "health", NULL);
    ok(w.res.status == 200 && !there(&w, "polycircle.db-wal") && there(&w, "polycircle.db-wal.foreign"),
       "the journal is set aside");
    same_int(world_number(db, "SELECT count(*) FROM circle WHERE can = 'demo'"), 1, "and the copy stands");
    world_close(&w);
}

/* A copy that shares another folder than is shared here. */
static void another_folder(void) {
    struct world w;
    struct walk walk;
    bool worked;
    static const char *const dirs[] = {"same", "other", "other"}; /* the same copy a second time: nobody has said so meanwhile */
    world_open(&w, "truncate");
    (void)mkdir(world_path(&w, "../same"), 0700);
    (void)mkdir(world_path(&w, "../other"), 0700);
    world_write(&w, "../same/a.png", "same", 4);
    world_write(&w, "../other/a.png", "other", 5);
    same_text(err_name(world_publish(&w, world_path(&w, "../same"), "", &walk)), "ok", "a folder is shared");
    const char *db = world_path(&w, "polycircle.db"), *copy = world_path(&w, "copy.db");
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
        (void)unlink(copy);
        ok(copy_make(w.ctx.store, copy, &w.ctx.fault) == ERR_OK, "a copy");
        const char *dir = world_path(&w, arena_text(&w.arena, "../%s", dirs[i]));
        world_sql(copy, arena_text(&w.arena, "UPDATE job SET dir = '%s', patient = 0, finished = 0; UPDATE manifest SET dir = '%s'",
                                   dir, dir));
        store_close(w.ctx.store);
        w.ctx.store = NULL;
        same_text(err_name(restore_file(&w.ctx, w.dir, copy, NULL)), "ok", "it is restored, sharing the %s folder", dirs[i]);
        same_int(world_number(db, "SELECT count(*) FROM media"), 0, "nothing is, before it was read");
        ok(store_open(&w.ctx.store, w.dir, &w.ctx.fault) == ERR_OK, "opened");
        w.ctx.now += SPAN_RESCAN + 1;
        same_text(err_name(index_background(&w.ctx, &worked)), "ok", "visitors come");
        same_int(worked, i == 0, "a walk begins by itself only there");
        for (bool more = worked; more;) ok(index_background(&w.ctx, &more) == ERR_OK, "more come");
        same_int(world_number(db, "SELECT count(*) FROM media WHERE size = 4"), i == 0,
                 "what it shared is shared, if it is the same");
        same_int(world_number(db, "SELECT count(*) FROM media WHERE size = 5"), 0, "nothing of another is shared");
    }
    ok(circle_by_can(&w.ctx, "demo", &w.circle) == ERR_OK && world_publish(&w, world_path(&w, "../other"), "", &walk) == ERR_OK &&
           walk.files == 1,
       "its owner says so");
    w.ctx.now += SPAN_RESCAN + 1;
    ok(index_background(&w.ctx, &worked) == ERR_OK && worked, "then walks begin by themselves");
    world_close(&w);
}

/* A copy of somebody who wants his program in all pages, and his hashes under the owner's name. The file is as old as it says. */
static void not_believed(void) {
    static const char *const tables[] = {"package", "media", "found", "omitted", "kept"};
    struct world w;
    struct walk walk;
    world_open(&w, "truncate");
    (void)mkdir(world_path(&w, "../same"), 0700);
    world_write(&w, "../same/a.png", "same", 4);
    same_text(err_name(world_publish(&w, world_path(&w, "../same"), "", &walk)), "ok", "a folder is shared");
    const char *db = world_path(&w, "polycircle.db"), *copy = world_path(&w, "copy.db");
    ok(copy_make(w.ctx.store, copy, &w.ctx.fault) == ERR_OK, "a copy");
    world_sql(copy, "INSERT INTO package(circle, basis, sha256, body, until) VALUES(1, x'00', x'00', x'00', 0);"
                    "UPDATE media SET sha256 = zeroblob(32), ino = 0; UPDATE job SET comparing = 0, finished = 0;"
                    "INSERT INTO found(circle, path, kind, type, size, mtime_s, piece, at, sha256, dev, ino, ctime_ns)"
                    " SELECT circle, path, 2, type, size, mtime_s, piece, size, sha256, dev, ino, ctime_ns FROM media;"
                    "INSERT INTO omitted VALUES(1, 'type', 'x', 1);"
                    "INSERT INTO kept SELECT m.circle, dir, path, m.size, mtime_s, ino, ctime_ns, sha256, 1 << 60"
                    " FROM media m JOIN manifest USING(circle)");
    closed(&w);
    same_text(err_name(restore_file(&w.ctx, w.dir, copy, NULL)), "ok", "restored");
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        same_int(world_number(db, arena_text(&w.arena, "SELECT count(*) FROM %s", tables[i])), 0, "nothing of it in %s", tables[i]);
    ok(store_open(&w.ctx.store, w.dir, &w.ctx.fault) == ERR_OK, "opened");
    for (bool worked = true; worked;) ok(index_background(&w.ctx, &worked) == ERR_OK, "visitors come");
    same_int(world_number(db, "SELECT count(*) FROM media WHERE path = 'a.png'"), 1, "it is shared again");
    same_int(world_number(db, "SELECT count(*) FROM media WHERE sha256 = zeroblob(32)"), 0, "with the hash of what is there");
    world_close(&w);
}

/* Lists go on above all that browsers may have seen. */
static void versions(void) {
    static const char latest[] = "SELECT version FROM manifest";
    struct world w;
    const char *copy = prepared(&w, "truncate"), *db = world_path(&w, "polycircle.db");
    world_sql(db, "UPDATE manifest SET version = 4000000000");
    same_text(err_name(restore_file(&w.ctx, w.dir, copy, NULL)), "ok", "much was published since the copy");
    same_int(world_number(db, latest), 4000000001, "above that");
    same_text(err_name(restore_file(&w.ctx, w.dir, copy, NULL)), "ok", "the same copy once more");
    same_int(world_number(db, latest), 4000000002, "and above what came since");
    world_sql(copy, "DELETE FROM manifest");
    same_text(err_name(restore_file(&w.ctx, w.dir, copy, NULL)), "ok", "a copy of before there was a list");
    ok(store_open(&w.ctx.store, w.dir, &w.ctx.fault) == ERR_OK, "opened");
    world_sql(db, "INSERT INTO found(circle, path, kind, type, size, piece, at, sha256)"
                  " VALUES(1, 'a.mp4', 2, 'video/mp4', 3, 262144, 3, zeroblob(32))");
    ok(publish(&w), "published");
    same_int(world_number(db, latest), 4000000003, "above all of it");
    world_close(&w);
}

/* Two at once, a double click: what was there at first is kept, and what was there then. */
static void twice(const char *state) {
    struct world w;
    const char *copy = prepared(&w, "truncate"), *first = NULL, *second = NULL;
    for (const char **kept = &first; kept; kept = kept == &first ? &second : NULL) {
        if (strcmp(state, "lost") == 0) world_write(&w, "polycircle.db", "lost", 4);
        same_text(err_name(restore_file(&w.ctx, w.dir, copy, kept)), "ok", "restored, of one that is %s", state);
    }
    ok(first && second && strcmp(first, second) != 0, "under another name");
    ok(access(first, F_OK) == 0 && access(second, F_OK) == 0, "both are there");
    if (strcmp(state, "whole") == 0) same_int(circles(first), 2, "as it was");
    world_close(&w);
}

/* To whom mail goes, and who is believed, is not for a copy to say. */
static void settings_stay(void) {
    static const char value[] = "SELECT value FROM instance WHERE name = 'spool_dir'", own[] = "/own/x-spool";
    struct world w;
    const char *copy = prepared(&w, "truncate"), *db = world_path(&w, "polycircle.db"), *dir;
    world_sql(copy, "INSERT INTO base VALUES('https://evil.example/', 'evil.example', -9);"
                    "INSERT INTO instance VALUES('spool_dir', '/neighbour/x-spool'), ('proxies', '0.0.0.0/0'), ('budget', '9')");
    world_sql(copy, "UPDATE instance SET value = zeroblob(32) WHERE name = 'pepper'");
    same_text(err_name(restore_file(&w.ctx, w.dir, copy, NULL)), "ok", "a copy with another spool");
    same_int(world_number(db, "SELECT count(*) FROM instance WHERE name = 'pepper' AND value <> zeroblob(32)"), 1,
             "addresses are hashed with what nobody knows");
    same_int(world_number(db, "SELECT count(*) FROM instance WHERE name IN ('spool_dir', 'proxies')"), 0, "which is not taken");
    same_int(world_number(db, "SELECT count(*) FROM base WHERE host = 'site.example'"), 1, "its own address is there");
    same_int(world_number(db, "SELECT count(*) FROM base"), 1, "and no other");
    same_int(world_number(db, "SELECT value FROM instance WHERE name = 'budget'"), 9, "as what harms nobody is");
    world_sql(db, arena_text(&w.arena, "INSERT INTO instance VALUES('spool_dir', '%s')", own));
    same_text(err_name(restore_file(&w.ctx, w.dir, copy, NULL)), "ok", "where there is one");
    ok(store_open(&w.ctx.store, w.dir, &w.ctx.fault) == ERR_OK && setting_get(&w.ctx, "spool_dir", &dir) == ERR_OK, "opened");
    same_text(dir, own, "that stays");
    closed(&w);
    ok(unlink(db) == 0, "lost");
    same_text(err_name(restore_file(&w.ctx, w.dir, copy, NULL)), "ok", "restored");
    same_int(world_number(db, value), -1, "no spool");
    world_close(&w);
}

/* The highest that a copy may bring, and a clock: from there the instance counts on, and takes its own copies. */
static void highest(const char *counts, int64_t now, bool lost) {
    static const char most[] = "SELECT (SELECT version FROM manifest) < 4294967295 - 9999999"
                               " AND (SELECT value FROM instance WHERE name = 'gen') < 2147483648 - 9999999"
                               " AND (SELECT coalesce(max(n), 0) FROM statistic) < 1099511627776 - 9999999";
    struct world w;
    const char *copy = prepared(&w, "truncate"), *db = world_path(&w, "polycircle.db");
    if (now) w.ctx.now = now;
    world_sql(copy, counts);
    if (lost) world_write(&w, "polycircle.db", "lost", 4);
    same_text(err_name(restore_file(&w.ctx, w.dir, copy, NULL)), "ok", "restored: %s, at %" PRId64, counts, now);
    same_int(world_number(db, most), 1, "there is room for what comes");
    ok(store_open(&w.ctx.store, w.dir, &w.ctx.fault) == ERR_OK, "opened");
    world_sql(db, "INSERT INTO found(circle, path, kind, type, size, piece, at, sha256)"
                  " VALUES(1, 'a.mp4', 2, 'video/mp4', 3, 262144, 3, zeroblob(32))");
    int64_t version = world_number(db, "SELECT version FROM manifest");
    ok(publish(&w) && world_number(db, "SELECT version FROM manifest") == version + 1, "published: the next version");
    ok(unlink(copy) == 0 && copy_save(w.ctx.store, copy, key_pack, &w.ctx.fault) == ERR_OK, "a copy of its own");
    closed(&w);
    same_text(err_name(restore_file(&w.ctx, w.dir, copy, NULL)), "ok", "which is good, too");
    ok(world_number(db, "SELECT version FROM manifest") > version + 1, "above what was published");
    same_int(world_number(db, most), 1, "and there is as much room");
    world_close(&w);
}

static void limits(void) {
    static const char none[] = "SELECT 1";
    static const int64_t year_2110 = INT64_C(4417977600000);
    for (int lost = 0; lost < 2; lost++) {
        highest("UPDATE instance SET value = 2147483648 WHERE name = 'gen'", 0, lost);
        highest("UPDATE instance SET value = 2147483647 WHERE name = 'gen'", 0, lost);
        highest("UPDATE manifest SET version = 1099511627776", 0, lost);
        highest("UPDATE manifest SET version = 4294967295", 0, lost);
        highest("INSERT INTO instance VALUES('versions', 8589934592)", 0, lost);
        highest("INSERT INTO statistic VALUES(1, 1, 'joins', 1099511627776)", 0, lost);
        highest(none, year_2110, lost);
    }
    struct world w; /* damaged, or left by a program that had no such limits */
    const char *copy = prepared(&w, "truncate"), *db = world_path(&w, "polycircle.db");
    world_sql(db, "UPDATE instance SET value = 9223372036854775807 WHERE name = 'gen'; UPDATE manifest SET version = 1 << 40");
    same_text(err_name(restore_file(&w.ctx, w.dir, copy, NULL)), "ok", "restored");
    same_int(gen(&w), 2, "the generation after that of the live database, and of the copy");
    ok(world_number(db, "SELECT version FROM manifest") < UINT32_MAX, "a version that browsers can tell each other");
    world_close(&w);
}

#define ENDLESS "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x, x FROM c"

static void refused(void) {
    struct world w;
    (void)alarm(120);
    const char *copy = prepared(&w, "truncate"), *db = world_path(&w, "polycircle.db");
    static const char *const spoilt[][3] = {
        {"PRAGMA user_version=99", "newer program", "a newer version"},
        {"DROP TABLE circle", "no whole polycircle.db", "a table less"},
        {"ALTER TABLE media ADD COLUMN x", "no whole polycircle.db", "a column more"},
        {"CREATE TRIGGER x AFTER INSERT ON media BEGIN DELETE FROM origin; END", "no whole polycircle.db", "a trigger"},
        {"CREATE VIEW x AS SELECT * FROM circle", "no whole polycircle.db", "a view"},
        {"DROP TABLE signing; CREATE VIEW signing(cid, seed) AS " ENDLESS, "no whole polycircle.db", "keys without end"},
        {"DROP TABLE origin; CREATE VIEW origin(circle, origin) AS " ENDLESS, "no whole polycircle.db", "a table without end"},
        {"PRAGMA user_version=99; DROP TABLE signing; CREATE VIEW signing(cid, seed) AS " ENDLESS, "newer program",
         "the same of a newer version"},
        {"CREATE INDEX x ON origin(origin) WHERE origin > 'x'", "no whole polycircle.db", "an index of another one"},
        {"ALTER TABLE origin RENAME TO x; CREATE TABLE origin(circle, origin, CHECK(origin NOT LIKE '%x'));"
         "INSERT INTO origin SELECT * FROM x; DROP TABLE x",
         "no whole polycircle.db", "a check of another one"},
        {"PRAGMA user_version=0", "no whole polycircle.db", "somebody else's database"},
        {"UPDATE circle SET can = '../x' WHERE can = 'demo'", "circle \"../x\": its name is none", "a circle's name"},
        {"UPDATE circle SET p2p = '<script>'", "p2p is on, ask or off, not <script>", "a choice"},
        {"UPDATE circle SET worker = '//x.example/sw.js'", "no path of a script", "a worker elsewhere"},
        {"UPDATE circle SET roster = 'x'", "The roster is", "another"},
        {"UPDATE circle SET ice = '[{\"urls\":\"turn:x\"}]'", "turn:x is not the address of a STUN server", "a STUN server"},
        {"UPDATE circle SET ice = 'x'", "no list", "what is no JSON"},
        {"UPDATE circle SET api_key = 'x' WHERE can = 'demo'", "public key", "a key"},
        {"INSERT INTO instance VALUES('proxies', '0.0.0.0/x')", "proxies cannot be", "proxies"},
        {"INSERT INTO instance VALUES('spool_url', 'javascript:x')", "spool_url cannot be", "the spool's address"},
        {"UPDATE instance SET value = 2147483649 WHERE name = 'gen'", "gen cannot be \"2147483649\"", "a generation too high"},
        {"UPDATE instance SET value = -1 WHERE name = 'gen'", "gen cannot be \"-1\"", "one below zero"},
        {"UPDATE instance SET value = 'x' WHERE name = 'gen'", "gen cannot be \"x\"", "one that is no number"},
        {"UPDATE manifest SET version = 1099511627777", "the version of a list cannot be \"1099511627777\"", "a version too high"},
        {"UPDATE circle SET api_key = api_key || char(0) || 'x'", "a text in it holds a NUL", "a text behind a text"},
        {"INSERT INTO statistic VALUES(1, 1, 'joins', 9223372036854775807)", "what is counted of a day", "a count without room"},
        {"UPDATE manifest SET version = 1.5", "the version of a list cannot be \"1.5\"", "half a version"},
        {"UPDATE base SET url = 'http://x/\"'", "an address of the instance cannot be", "an address"},
        {"UPDATE base SET host = 'evil.example'", "an address of the instance cannot be", "its host"},
        {"UPDATE origin SET origin = 'https://a.example/<b>'", "an allowed origin cannot be", "an origin"},
        {"INSERT INTO job(circle, dir, url, patient) SELECT id, 'etc', '/', 0 FROM circle", "a folder cannot be \"etc\"",
         "a folder"},
        {"INSERT INTO job(circle, dir, url, patient) SELECT id, '/etc', 'x', 0 FROM circle", "where a folder is served",
         "its address"},
        {"INSERT INTO job(circle, dir, url, patient) SELECT id, '/etc', CAST(x'2ffc2f' AS TEXT), 0 FROM circle",
         "where a folder is served cannot be \"/?/\"", "one that is not UTF-8"},
        {"UPDATE manifest SET url = 'https://a.example/' || char(13, 10) || 'x/'", "where a folder is served cannot be",
         "one that is two lines"},
        {"UPDATE circle SET exclude = CAST(x'fc' AS TEXT)", "must be UTF-8", "patterns that are not"},
        {"UPDATE base SET url = CAST(url || x'fc2f' AS TEXT)", "an address of the instance cannot be", "an address"},
    };
    for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
        const char *bad = world_path(&w, arena_text(&w.arena, "bad%zu.db", i));
        ok(file_copy(copy, bad), "a copy");
        world_sql(bad, spoilt[i][0]);
        same_text(err_name(restore_file(&w.ctx, w.dir, bad, NULL)), strstr(spoilt[i][1], "newer") ? "newer" : "damaged",
                  "%s is refused", spoilt[i][2]);
        ok(strstr(w.ctx.fault.text, spoilt[i][1]), "in words: %s", w.ctx.fault.text);
    }
    ok(truncate(copy, 40960) == 0, "half a copy");
    same_text(err_name(restore_file(&w.ctx, w.dir, copy, NULL)), "damaged", "is refused");
    ok(truncate(copy, 0) == 0, "an empty file");
    same_text(err_name(restore_file(&w.ctx, w.dir, copy, NULL)), "damaged", "is refused");
    same_text(err_name(restore_file(&w.ctx, w.dir, db, NULL)), "usage", "polycircle.db itself is refused");
    same_text(err_name(restore_file(&w.ctx, w.dir, "/nonexistent", NULL)), "files", "no file");
    same_int(circles(db), 2, "nothing has changed");
    same_int(count(&w, ".", ".part") + count(&w, ".", "before"), 0, "nothing is left");
    world_close(&w);
}

/* A folder and an origin of the circle that is to be made next. */
static void of_no_circle(void) {
    static const char rows[] =
        "INSERT INTO job(circle, dir, url, patient, finished) SELECT max(id) + 1, '/etc', '', 0, 1 FROM circle;"
        "INSERT INTO origin SELECT max(id) + 1, 'https://evil.example' FROM circle";
    static const char left[] = "SELECT (SELECT count(*) FROM job WHERE dir = '/etc') + (SELECT count(*) FROM origin WHERE origin"
                               " = 'https://evil.example')";
    struct world w;
    const char *copy = prepared(&w, "wal"), *db = world_path(&w, "polycircle.db");
    world_sql(copy, rows);
    same_text(err_name(restore_file(&w.ctx, w.dir, copy, NULL)), "ok", "a copy with rows of no circle");
    same_int(world_number(db, left), 0, "they are not taken over");
    world_sql(db, rows);
    ok(store_open(&w.ctx.store, w.dir, &w.ctx.fault) == ERR_OK, "where they are there already");
    add(&w, "next");
    same_int(world_number(db, left), 0, "a new circle has none of them");
    world_close(&w);
}

/* By FTP: a backup is renamed to polycircle.restore, and a request comes. */
static void by_renaming(void) {
    struct world w;
    const char *copy = prepared(&w, "wal"), *wait_here = world_path(&w, "polycircle.restore"),
               *db = world_path(&w, "polycircle.db");
    const struct timespec old[2] = {{1700000000, 0}, {1700000000, 0}};
    int64_t before = gen(&w);
    ok(rename(copy, wait_here) == 0, "renamed");
    (void)world_call(&w, "health", NULL);
    ok(w.res.status == 200 && there(&w, "polycircle.restore") && circles(db) == 2, "while it may still grow, nothing happens");
    ok(utimensat(AT_FDCWD, wait_here, old, 0) == 0, "it is complete");
    (void)world_call(&w, "health", NULL);
    restored(&w, before, "by renaming");
    ok(!there(&w, "polycircle.restore") && count(&w, "backups", "-restored-") == 1 && count(&w, "backups", "-before-restore-") == 1,
       "both are in backups/");
    before = gen(&w);
    int64_t version = world_number(db, "SELECT version FROM manifest");
    world_write(&w, "polycircle.restore", "garbage", 7);
    ok(utimensat(AT_FDCWD, wait_here, old, 0) == 0, "garbage waits");
    (void)world_call(&w, "health", NULL);
    ok(w.res.status == 200 && there(&w, "polycircle.restore-refused") && !there(&w, "polycircle.restore"), "is refused, once");
    ok(symlink("/etc/passwd", wait_here) == 0 && utimensat(AT_FDCWD, wait_here, old, AT_SYMLINK_NOFOLLOW) == 0,
       "a symbolic link waits");
    (void)world_call(&w, "health", NULL);
    ok(w.res.status == 200 && !there(&w, "polycircle.restore"), "is refused");
    same_int(world_number(db, "SELECT version FROM manifest"), version, "nothing has changed");
    world_close(&w);
}

static void lay(struct world *w, const char *copy) {
    const struct timespec old[2] = {{1700000000, 0}, {1700000000, 0}};
    const char *at = world_path(w, "polycircle.restore");
    bool made = copy ? file_copy(copy, at) : mkdir(at, 0700) == 0;
    if (!copy) world_write(w, "polycircle.restore/x.db", "x", 1);
    ok(made && utimensat(AT_FDCWD, at, old, 0) == 0, "it waits");
    (void)world_call(w, "health", NULL);
    ok(w->res.status == 200 && !there(w, "polycircle.restore"), "and is out of the way behind one request");
}

static void take_it_in(struct world *w) {
    waiting_take(&w->ctx, w->dir);
}

static bool told_that_it_waits(struct world *w) {
    const char *before, *restored;
    bool refused, waits;
    waiting_told(&w->ctx, w->dir, &before, &restored, &refused, &waits);
    return waits;
}

/* A copy for which there is no room: 4 TiB, of which nothing is on the disk. */
static void without_room(void) {
    struct world w;
    const char *copy = prepared(&w, "truncate"), *at = world_path(&w, "polycircle.restore");
    ok(file_copy(copy, at) && truncate(at, (off_t)1 << 42) == 0, "one that is large");
    world_stamp(at, 1700000000);
    w.ctx.now = clock_now();
    ok(!told_that_it_waits(&w), "it was not tried yet");
    same_int(lines_of(&w, take_it_in), 1, "no room: said in the log");
    ok(there(&w, "polycircle.restore") && told_that_it_waits(&w), "it waits, and the owner is told");
    same_text(err_name(restore_possible(&w.ctx, w.dir, at)), "disk_full", "for want of room");
    while (clock_now() < w.ctx.now + 1100) (void)usleep(20000); /* the times of files have seconds here */
    ok(unlink(at) == 0 && file_copy(copy, at), "another one comes, that fits");
    world_stamp(at, 1700000000);
    same_int(lines_of(&w, take_it_in), 1, "is not waited with: restored");
    ok(!there(&w, "polycircle.restore") && !told_that_it_waits(&w), "and nothing waits");
    world_close(&w);
}

/* Not each request tries it, and fills the disk for all others. */
static void tried_again(void) {
    struct world w;
    const char *copy = prepared(&w, "truncate"), *at = world_path(&w, "polycircle.restore"), *room = world_path(&w, "restore.part");
    ok(file_copy(copy, at) && truncate(at, (off_t)1 << 42) == 0, "one that is too large");
    world_stamp(at, 1700000000);
    w.ctx.now = clock_now() + 1000;
    same_int(lines_of(&w, take_it_in), 1, "waits");
    world_write(&w, "restore.part", "x", 1); /* which any try takes away at its beginning */
    for (int i = 1; i < 5; i++) {
        w.ctx.now += 60000;
        same_int(lines_of(&w, take_it_in), 0, "%d minutes: nothing to say", i);
        ok(access(room, F_OK) == 0, "nor to do");
    }
    w.ctx.now += 60000;
    same_int(lines_of(&w, take_it_in), 0, "then it is tried again, and not said twice");
    ok(access(room, F_OK) != 0 && there(&w, "polycircle.restore"), "and waits on");
    world_close(&w);
}

/* Somebody reads what is there and does not end: each try would leave a whole copy of it. */
static void no_pile(void) {
    struct world w;
    sqlite3 *reader;
    const char *copy = prepared(&w, "truncate"), *at = world_path(&w, "polycircle.restore");
    ok(file_copy(copy, at), "one that waits");
    world_stamp(at, 1700000000);
    w.ctx.now = clock_now() + 1000;
    ok(sqlite3_open(world_path(&w, "polycircle.db"), &reader) == SQLITE_OK &&
           sqlite3_exec(reader, "BEGIN; SELECT * FROM circle", NULL, NULL, NULL) == SQLITE_OK,
       "for a reader's end");
    same_int(lines_of(&w, take_it_in) > 0, 1, "says so");
    ok(told_that_it_waits(&w), "to the owner, too");
    same_int(count(&w, "backups", "before-restore"), 0, "and leaves no copy of what nothing has replaced");
    (void)sqlite3_close(reader);
    w.ctx.now += SPAN_RESTORE_AGAIN;
    (void)lines_of(&w, take_it_in);
    ok(!there(&w, "polycircle.restore"), "the reader gone, it is restored");
    same_int(count(&w, "backups", "before-restore"), 1, "and what was there is kept");
    world_close(&w);
}

/* What is no database is not copied before it is refused. */
static void no_copy(void) {
    struct world w;
    const char *at;
    (void)prepared(&w, "truncate");
    at = world_path(&w, "polycircle.restore");
    world_write(&w, "polycircle.restore", "ftypisom, a film", 16);
    ok(truncate(at, (off_t)1 << 42) == 0, "a film that was renamed by mistake");
    world_stamp(at, 1700000000);
    w.ctx.now = clock_now();
    same_int(lines_of(&w, take_it_in), 1, "said in the log");
    ok(!there(&w, "polycircle.restore") && there(&w, "polycircle.restore-refused"), "refused, however large it is");
    world_close(&w);
}

/* The place where it belongs is taken, or on another disk. */
static void out_of_the_way(void) {
    struct world w;
    char far[] = "/dev/shm/polycircle-test.XXXXXX";
    const char *copy = prepared(&w, "truncate"), *bad = world_path(&w, "bad.db"), *db = world_path(&w, "polycircle.db");
    world_write(&w, "bad.db", "garbage", 7);
    lay(&w, NULL);
    lay(&w, NULL);
    lay(&w, bad);
    same_int(count(&w, ".", "polycircle.restore-refused"), 1, "the first has the name of a refused one");
    same_int(count(&w, ".", "polycircle-refused-"), 2, "the others have others");
    ok(mkdtemp(far) && symlink(far, world_path(&w, "backups")) == 0, "copies go to another disk");
    lay(&w, copy);
    same_int(count(&w, "backups", "-restored-"), 1, "there it is");
    same_int(circles(db), 1, "restored");
    ok(link(copy, world_path(&w, "another")) == 0 && rename(copy, world_path(&w, "polycircle.restore")) == 0, "one with two names");
    world_stamp(world_path(&w, "another"), 1700000000);
    int64_t before = gen(&w);
    (void)world_call(&w, "health", NULL);
    ok(!there(&w, "polycircle.restore") && gen(&w) == before, "is refused");
    ok(system(arena_text(&w.arena, "rm -r %s", far)) == 0, "tidied up");
    world_close(&w);
}

/* Killed between the restore and the moving of the file: what was acknowledged since then stays. */
static void exactly_once(void) {
    struct world w;
    const char *copy = prepared(&w, "wal"), *db = world_path(&w, "polycircle.db");
    const char *kept = NULL;
    same_text(err_name(restore_once(&w.ctx, w.dir, copy, "mark", &kept)), "ok", "a restore with a mark");
    ok(store_open(&w.ctx.store, w.dir, &w.ctx.fault) == ERR_OK, "opened");
    add(&w, "since");
    closed(&w);
    w.ctx.now += 1000; /* another name */
    same_text(err_name(restore_once(&w.ctx, w.dir, copy, "mark", &kept)), "ok", "the same again");
    same_int(world_number(db, "SELECT count(*) FROM circle WHERE can = 'since'"), 1, "does nothing");
    ok(!kept && count(&w, "backups", "-before-restore-") == 1, "and keeps nothing");
    same_text(err_name(restore_once(&w.ctx, w.dir, copy, "another", &kept)), "ok", "another mark");
    same_int(world_number(db, "SELECT count(*) FROM circle WHERE can = 'since'"), 0, "restores");
    same_int(circles(kept), 2, "and keeps what was there");
    world_close(&w);
}

/* What keeps the keys from being read says nothing about the database. */
static void no_keys(void) {
    struct world w;
    const char *copy = prepared(&w, "wal"), *kept = NULL;
    ok(rename(world_path(&w, "signing"), world_path(&w, "elsewhere")) == 0, "no folder of keys");
    world_write(&w, "signing", "x", 1);
    ok(store_open(&w.ctx.store, w.dir, &w.ctx.fault) == ERR_OK, "opened");
    same_text(err_name(backup_now(&w.ctx, &kept)), "files", "a backup without the keys is none");
    ok(strstr(w.ctx.fault.text, "Not a directory"), "in words: %s", w.ctx.fault.text);
    closed(&w);
    world_sql(copy, "DELETE FROM signing");
    same_text(err_name(restore_file(&w.ctx, w.dir, copy, &kept)), "files", "nor is what was there saved without them");
    same_int(circles(world_path(&w, "polycircle.db")), 2, "so nothing has changed");
    world_close(&w);
}

static void newest(void) {
    struct world w;
    world_open(&w, "wal");
    ok(restore_newest(&w.ctx, w.dir) == NULL, "no backups");
    ok(backup_daily(&w.ctx) == ERR_OK, "one");
    const char *good = world_path(&w, "backups/polycircle-2026-01-02.db");
    world_write(&w, "backups/polycircle-2026-01-03.db", "garbage", 7);
    ok(file_copy(good, world_path(&w, "backups/polycircle-before-restore-x.db")), "one of before a restore");
    world_stamp(good, NOW);
    world_stamp(world_path(&w, "backups/polycircle-before-restore-x.db"), NOW + 1);
    world_write(&w, "restore.part", "x", 1);
    const char *found = restore_newest(&w.ctx, w.dir);
    same_text(found ? found : "", good, "the newest that is whole");
    ok(there(&w, "restore.part") && count(&w, ".", ".part") == 1, "what a restore has at work is left alone");
    ok(file_copy(good, world_path(&w, "backups/polycircle-2028-01-03.db")), "one of a clock that was ahead");
    world_stamp(world_path(&w, "backups/polycircle-2028-01-03.db"), NOW + 2 * DAY);
    found = restore_newest(&w.ctx, w.dir);
    same_text(found ? found : "", good, "is not the newest");
    ok(unlink(good) == 0 && unlink(world_path(&w, "backups/polycircle-2028-01-03.db")) == 0, "without both");
    found = restore_newest(&w.ctx, w.dir);
    ok(found && strstr(found, "-before-restore-x.db"), "the one of before a restore is better than none");
    world_close(&w);
}

static void block(void) {
    static const char *const cases[][2] = {
        {"", ""},
        {"a\nb\n", "a\nb\n"},
        {"# BEGIN polycircle\nx\n# END polycircle\n", ""},
        {"a\n# BEGIN polycircle\r\nx\r\n# END polycircle\r\nb\n", "a\nb\n"},
        {"a\n# BEGIN polycircle\nx\n# END polycircle", "a\n"},
        {"a\n# BEGIN polycircle\nx\n", "a\n# BEGIN polycircle\nx\n"},
        {"# END polycircle\n# BEGIN polycircle\n", "# END polycircle\n# BEGIN polycircle\n"},
        {" # BEGIN polycircle\n# END polycircle\n", " # BEGIN polycircle\n# END polycircle\n"},
        {"# BEGIN polycircle2\n# END polycircle\n", "# BEGIN polycircle2\n# END polycircle\n"},
        {"# BEGIN polycircle\n# END polycircle\nm\n# BEGIN polycircle\n# END polycircle\n", "m\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        (void)snprintf(text, sizeof text, "%s", cases[i][0]);
        size_t len = retire_block(text, strlen(text));
        same_text(text, cases[i][1], "block %zu", i);
        same_int((int64_t)len, (int64_t)strlen(cases[i][1]), "block %zu: its length", i);
    }
}

static bool answers(struct world *w, const char *path, int status, const char *text) {
    (void)world_call(w, path, NULL);
    return w->res.status == status && w->res.len && memmem(w->res.body, w->res.len, text, strlen(text));
}

static void the_end(void) {
    struct world w;
    struct synced out;
    world_open(&w, "wal");
    struct texts gone;
    ok(world_join(&w, 1, &out) == ERR_OK, "a signal");
    ok(mkdir(world_path(&w, "spool"), 0700) == 0 && mkdir(world_path(&w, "public_html"), 0700) == 0, "spool and document root");
    world_write(&w, "spool/box-00112233445566778899aabbccddeeff.json", "x", 1);
    world_write(&w, "spool/letter", "x", 1);
    world_write(&w, "public_html/.htaccess", "# BEGIN polycircle\n# END polycircle\n", 36);
    ok(store_run(w.ctx.store, SQL_INSTANCE_SET, ARGS(T("spool_dir"), T(world_path(&w, "spool")))) == ERR_OK &&
           store_run(w.ctx.store, SQL_INSTANCE_SET, ARGS(T("root"), T(world_path(&w, "public_html")))) == ERR_OK,
       "as set-up says");
    same_text(err_name(retire(&w.ctx)), "ok", "retired");
    ok(!there(&w, "spool/box-00112233445566778899aabbccddeeff.json") && there(&w, "public_html/.htaccess"),
       "the spool goes at once, the rest does not");
    ok(there(&w, "spool/letter") && unlink(world_path(&w, "spool/letter")) == 0, "nor what is somebody else's in its directory");
    ok(rmdir(world_path(&w, "spool")) == 0, "which then is empty");
    ok(answers(&w, "signal", 200, "unregister") && !memmem(w.res.body, w.res.len, "POLYCIRCLE_CONFIG", 17),
       "signal: takes the worker away");
    ok(answers(&w, "signal.js", 200, "unregister"), "signal.js too");
    ok(answers(&w, "circle-sw.js", 200, "unregister") && memmem(w.res.body, w.res.len, "activate", 8),
       "circle-sw.js: a worker that goes");
    ok(answers(&w, "health", 410, "uninstalled") && answers(&w, "circles.js", 410, "removed"), "all else is 410, with words");
    (void)world_call(&w, "sync", arena_text(&w.arena, "{\"v\":1,\"token\":\"%064d\",\"run\":\"00000001\"}", 1));
    same_int(w.res.status, 410, "sync: 410");
    ok(retire_files(&w.ctx, true, &gone) == ERR_OK && gone.n == 1 && there(&w, "public_html/.htaccess"), "a dry run");
    ok(retire_files(&w.ctx, false, &gone) == ERR_OK && !there(&w, "public_html/.htaccess"), "the block is taken out, and its file");
    same_text(err_name(retire_undo(&w.ctx)), "ok", "undone");
    same_int(world_number(world_path(&w, arena_text(&w.arena, "live-%d.db", (int)store_gen(w.ctx.store))),
                          "SELECT count(*) FROM signal"),
             0, "its signals have ended");
    ok(answers(&w, "health", 200, "\"ok\":true") && answers(&w, "circle-sw.js", 200, "claim"), "it answers as before");
    world_close(&w);
}

int main(void) {
    daily();
    again_today();
    clock_ahead();
    left_behind();
    one_at_a_time();
    in_the_way();
    restores("wal");
    restores("truncate");
    open_elsewhere();
    replaced();
    hot_journal("wal", "gone");
    hot_journal("wal", "damaged");
    hot_journal("truncate", "gone");
    hot_journal("truncate", "damaged");
    copied_over();
    another_folder();
    not_believed();
    versions();
    twice("whole");
    twice("lost");
    settings_stay();
    limits();
    refused();
    of_no_circle();
    by_renaming();
    without_room();
    tried_again();
    no_pile();
    no_copy();
    out_of_the_way();
    exactly_once();
    no_keys();
    newest();
    block();
    the_end();
    return done();
}
