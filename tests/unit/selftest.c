/* Each check of the self-test fails where what it looks at is really so; what was found is set, and undone when it must be. */
#include "host/selftest.h"
#include "circle/setting.h"
#include "circle/spool.h"
#include "host/owner.h"
#include "host/settings.h"
#include "tap.h"
#include "util/trial.h"
#include "world.h"
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct facts facts_of(struct world *w) {
    return (struct facts){.web = true,
                          .server = "test",
                          .https = "",
                          .address = "192.0.2.1",
                          .forwarded = "",
                          .host = "127.0.0.1",
                          .path_info = "/owner",
                          .root = "/nonexistent",
                          .program = world_path(w, "polycircle.fcgi"),
                          .data = w->dir,
                          .trouble = ""};
}

static const char *look(struct world *w, const struct facts *f, const char *id, const char **found) {
    struct lines lines;
    selftest_lines(&w->ctx, f, &lines);
    for (size_t i = 0; i < lines.n; i++) {
        if (strcmp(lines.all[i].id, id) != 0) continue;
        if (found) *found = lines.all[i].found;
        return level_names[lines.all[i].level];
    }
    return "absent";
}

/* The level of a line, seen by a child process after change(w). */
static int in_child(struct world *w, const struct facts *f, const char *id, void (*change)(struct world *w)) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        w->ctx.store = NULL; /* it is the parent's */
        change(w);
        const char *level = look(w, f, id, NULL);
        _exit(level[0] == 'o' ? 0 : level[0] == 'w' ? 1 : 2);
    }
    (void)waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void nobody(struct world *w) {
    (void)w;
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(9);
}

static void small_files(struct world *w) {
    (void)w;
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)setrlimit(RLIMIT_FSIZE, &(struct rlimit){512 << 10, 512 << 10});
}

static void little_cpu(struct world *w) {
    (void)w;
    (void)setrlimit(RLIMIT_CPU, &(struct rlimit){5, 5});
}

static void few_processes(struct world *w) {
    (void)w;
    (void)setrlimit(RLIMIT_NPROC, &(struct rlimit){10, 10});
}

static void loose_umask(struct world *w) {
    (void)w;
    (void)umask(022);
}

static void nothing(struct world *w) {
    (void)w;
}

static void host(void) {
    struct world w;
    const char *found = "";
    world_open(&w, "truncate");
    world_write(&w, "polycircle.fcgi", "x", 1);
    (void)chmod(world_path(&w, "polycircle.fcgi"), 0755);
    struct facts f = facts_of(&w), there = f;
    static const char *const good[] = {"instance", "server", "face",    "program", "machine", "place", "write",   "umask", "lock",
                                       "journal",  "space",  "entropy", "sqlite",  "limits",  "https", "address", "path"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) same_text(look(&w, &f, good[i], NULL), "ok", "%s", good[i]);
    same_text(look(&w, &f, "owner", NULL), geteuid() == 0 ? "warn" : "ok", "owner");
    same_int(in_child(&w, &f, "owner", nobody), geteuid() == 0 ? 1 : 0, "another user than the program's owner: a shared one");
    same_int(in_child(&w, &f, "place", nobody), geteuid() == 0 ? 2 : 0, "a data directory that is somebody else's");
    same_int(in_child(&w, &f, "write", nobody), geteuid() == 0 ? 2 : 0, "a directory that it may not write");
    same_int(in_child(&w, &f, "umask", loose_umask), 2, "files that others may read");
    same_int(in_child(&w, &f, "space", small_files), 2, "a limit on the size of files");
    same_int(in_child(&w, &f, "limits", small_files), 1, "is seen as a limit");
    same_int(in_child(&w, &f, "limits", little_cpu), 1, "5 s of CPU");
    same_int(in_child(&w, &f, "limits", few_processes), 1, "10 processes");
    same_int(in_child(&w, &f, "instance", nothing), 1, "not set up");
    (void)chmod(w.dir, 0750);
    same_text(look(&w, &f, "place", NULL), "fail", "a data directory that a group may read");
    (void)chmod(w.dir, 0700);
    f.root = w.dir;
    same_text(look(&w, &f, "place", &found), "warn", "a data directory in the document root");
    ok(strstr(found, "inside the folder of the web site") != NULL, "%s", found);
    f.root = "/";
    same_text(look(&w, &f, "place", NULL), "ok", "a document root of / says nothing");
    f.data = world_path(&w, "../public_html/polycircle-data");
    ok(mkdir(world_path(&w, "../public_html"), 0755) == 0 && mkdir(f.data, 0700) == 0,
       "data where another domain may have its root");
    same_text(look(&w, &f, "place", &found), "warn", "is said");
    ok(strstr(found, "another web site") != NULL, "%s", found);
    f.data = w.dir;
    static const mode_t wide[] = {0775, 0757, 04755, 02755};
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
        (void)chmod(f.program, wide[i]);
        same_text(look(&w, &f, "program", NULL), "warn", "a program of mode %04o", (unsigned)wide[i]);
    }
    f = there;
    world_write(&w, arena_text(&w.arena, "trial-new-%ld", (long)getpid()), "x", 1);
    same_text(look(&w, &f, "write", NULL), "ok", "what a process that was killed has left is in nobody's way");
    f.data = "/proc";
    same_text(look(&w, &f, "write", NULL), "fail", "a place where nothing can be written");
    same_text(look(&w, &f, "lock", &found), "warn", "nor locked");
    same_text(look(&w, &f, "files", NULL), "warn", "on a file system that is not known");
    same_text(look(&w, &f, "journal", NULL), "ok", "TRUNCATE is right there");
    f.data = "/nonexistent/polycircle-data";
    same_text(look(&w, &f, "place", NULL), "warn", "no data directory yet");
    f.program = "";
    same_text(look(&w, &f, "program", NULL), "warn", "a program that is not known");
    f.trouble = "polycircle.db is damaged";
    same_int(in_child(&w, &f, "instance", nothing), 2, "a database that cannot be opened");
    f.server = "\xff<b>\n";
    same_text(look(&w, &f, "server", &found), "ok", "a server of any name");
    same_text(found, "?<b>?", "which is clean text here");
    f.web = false;
    same_text(look(&w, &f, "server", NULL), "absent", "by hand there is no server");
    world_close(&w);
    world_open(&w, "wal");
    f = facts_of(&w);
    f.data = "/proc";
    same_text(look(&w, &f, "journal", &found), "fail", "WAL in use where it does not work");
    world_close(&w);
}

static void addresses(void) {
    static const struct {
        const char *address, *forwarded, *proxies, *level, *offer;
    } cases[] = {
        {"192.0.2.1", "", "", "ok", ""},
        {"192.0.2.1", "198.51.100.7", "", "warn", "192.0.2.1"},
        {"192.0.2.1", "203.0.113.1, 198.51.100.7", "10.0.0.0/8", "warn", "10.0.0.0/8 192.0.2.1"},
        {"192.0.2.1", "198.51.100.7", "192.0.2.0/24", "ok", ""},
        {"198.51.100.7", "203.0.113.1, 198.51.100.7", "", "ok", ""}, /* the server has put it right already */
    };
    struct world w;
    world_open(&w, "truncate");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct facts f = facts_of(&w);
        struct lines lines;
        f.address = cases[i].address;
        f.forwarded = cases[i].forwarded;
        (void)!settings_set(&w.ctx, "proxies", cases[i].proxies);
        same_text(look(&w, &f, "address", NULL), cases[i].level, "%s for '%s'", cases[i].address, cases[i].forwarded);
        selftest_lines(&w.ctx, &f, &lines);
        for (size_t k = 0; k < lines.n; k++)
            if (strcmp(lines.all[k].id, "address") == 0)
                same_text(lines.all[k].proxies ? lines.all[k].proxies : "", cases[i].offer, "offers it");
    }
    world_close(&w);
}

static void locks(void) {
    struct world w;
    world_open(&w, "truncate");
    same_int(trial_lock(w.dir), 1, "a lock is seen by another process");
    same_int(trial_lock("/nonexistent"), -1, "where there is no directory it could not be tried");
    enum trial_place place;
    same_text(trial_file_system("/proc", &place), "of an unknown kind", "proc is no place for data");
    ok(place == PLACE_FAR, "and not local");
    world_close(&w);
}

static void journal(void) {
    struct world w;
    struct store *other = NULL;
    struct synced out;
    bool host_ok;
    world_open(&w, "wal");
    same_text(err_name(store_open(&other, w.dir, &w.ctx.fault)), "ok", "another process has it open");
    same_text(err_name(store_enter(other, "", &host_ok)), "ok", "and has read");
    same_text(err_name(store_leave_wal(w.ctx.store, &w.ctx.fault)), "busy", "then WAL stays");
    ok(strstr(w.ctx.fault.text, "five minutes") != NULL, "%s", w.ctx.fault.text);
    same_text(store_journal(w.ctx.store), "wal", "as it was");
    same_text(err_name(world_join(&w, 1, &out)), "ok", "and works");
    store_close(other);
    int64_t gen = store_gen(w.ctx.store);
    same_text(err_name(store_leave_wal(w.ctx.store, &w.ctx.fault)), "ok", "alone it goes");
    same_text(store_journal(w.ctx.store), "truncate", "to TRUNCATE");
    same_int(store_gen(w.ctx.store), gen + 1, "with a live database of its own");
    ok(access(world_path(&w, "polycircle.db-wal"), F_OK) != 0, "no WAL is left");
    same_text(err_name(world_join(&w, 2, &out)), "ok", "and works");
    same_text(err_name(store_open(&other, w.dir, &w.ctx.fault)), "ok", "who opens it next");
    same_text(store_journal(other), "truncate", "finds it so");
    store_close(other);
    world_close(&w);
}

static mode_t mode_of(const char *path) {
    struct stat st;
    return lstat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void spool(void) {
    struct world w;
    const char *dir = "", *value;
    world_open(&w, "truncate");
    same_text(err_name(settings_spool_place(&w.ctx, "", &dir)), "ok", "no document root");
    ok(dir == NULL, "no place");
    (void)!settings_set(&w.ctx, "root", w.dir);
    same_text(err_name(settings_spool_place(&w.ctx, "/elsewhere", &dir)), "ok", "the setting goes first");
    same_text(dir, world_path(&w, "polycircle-spool"), "a directory of our own in it");
    same_text(err_name(spool_try(&w.ctx, dir, "00", true)), "ok", "it is tried");
    same_int(mode_of(dir), 0711, "the web server may read what is in it, nobody may list it");
    same_int(mode_of(world_path(&w, "polycircle-spool/probe.json")), 0644, "and the file");
    ok(mode_of(world_path(&w, "polycircle-spool/.htaccess")) != 0, "with a header for other sites");
    same_text(err_name(spool_try(&w.ctx, dir, "01", false)), "ok", "without");
    same_int(mode_of(world_path(&w, "polycircle-spool/.htaccess")), 0, "it is gone");
    same_text(err_name(settings_spool_end(&w.ctx, dir)), "ok", "the trial ends");
    same_int(mode_of(dir), 0, "without a trace");
    struct findings f = {
        .spool_url = "https://site.example/polycircle-spool/", .htaccess = true, .cors = true, .wire = "h", .budget = 7};
    same_text(err_name(settings_use(&w.ctx, "", &f)), "ok", "what was found is set");
    same_text(err_name(spool_try(&w.ctx, dir, "02", true)), "ok", "tried while in use");
    same_text(err_name(settings_spool_end(&w.ctx, dir)), "ok", "and ended");
    ok(mode_of(world_path(&w, "polycircle-spool/.htaccess")) != 0, "leaves it as it is");
    static const char *const want[][2] = {{"spool_url", "https://site.example/polycircle-spool/"},
                                          {"spool_cors", "yes"},
                                          {"wire", "h"},
                                          {"budget", "7"},
                                          {"proxies", ""}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        (void)!setting_get(&w.ctx, want[i][0], &value);
        same_text(value, want[i][1], "%s", want[i][0]);
    }
    f = (struct findings){.spool_url = "not a url", .wire = "d"};
    same_text(err_name(settings_use(&w.ctx, "", &f)), "usage", "nonsense is refused");
    store_rollback(w.ctx.store);
    (void)!setting_get(&w.ctx, "wire", &value);
    same_text(value, "h", "and nothing of it is set");
    world_write(&w, "polycircle-spool/box-00112233445566778899aabbccddeeff.json", "x", 1);
    world_write(&w, "polycircle-spool/film.mp4", "x", 1);
    f = (struct findings){.spool_url = ""};
    same_text(err_name(settings_use(&w.ctx, "", &f)), "ok", "no spool");
    (void)!setting_get(&w.ctx, "spool_dir", &value);
    same_text(value, "", "it is taken away");
    same_int(mode_of(world_path(&w, "polycircle-spool/box-00112233445566778899aabbccddeeff.json")), 0, "and the mail in it");
    ok(unlink(world_path(&w, "polycircle-spool/film.mp4")) == 0, "what is not ours stays");
    same_text(err_name(settings_spool_end(&w.ctx, dir)), "ok", "then the directory goes");
    ok(symlink("/tmp", dir) == 0, "a link in its place");
    same_text(err_name(spool_try(&w.ctx, dir, "03", false)), "files", "is not followed");
    world_close(&w);
}

static void doors(void) {
    struct world w;
    const char *code;
    world_open(&w, "truncate");
    struct arena *a = &w.arena;
    same_text(err_name(owner_close(&w.ctx, w.dir, false, &code)), "ok", "an owner's code");
    static const char *const actions[] = {"selftest", "stay", "spool", "settle"};
    for (size_t i = 0; i < 4; i++)
        same_text(
            world_string(world_call(&w, "owner", arena_text(a, "{\"v\":1,\"do\":\"%s\",\"code\":\"x\"}", actions[i])), "error"),
            "wrong_code", "%s wants the code", actions[i]);
    static const struct {
        const char *fields, *error;
    } cases[] = {
        {"\"do\":\"stay\",\"ms\":1", ""},
        {"\"do\":\"stay\",\"ms\":25000", "bad_field"},
        {"\"do\":\"stay\",\"ms\":-1", "bad_field"},
        {"\"do\":\"spool\",\"value\":\"../x\"", "bad_field"},
        {"\"do\":\"spool\",\"value\":\"00\"", "files"}, /* no document root is known */
        {"\"do\":\"settle\",\"budget\":21", "bad_field"},
        {"\"do\":\"settle\",\"budget\":0", "bad_field"},
        {"\"do\":\"settle\",\"wire\":\"x\"", "usage"},
        {"\"do\":\"settle\",\"proxies\":\"everybody\"", "usage"},
        {"\"do\":\"settle\",\"spool_url\":5", "bad_field"},
        {"\"do\":\"settle\",\"budget\":20,\"wire\":\"d\"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        same_text(
            world_string(world_call(&w, "owner", arena_text(a, "{\"v\":1,\"code\":\"%s\",%s}", code, cases[i].fields)), "error"),
            cases[i].error, "%s", cases[i].fields);
    json_t *all = world_call(&w, "owner", arena_text(a, "{\"v\":1,\"code\":\"%s\",\"do\":\"selftest\"}", code));
    ok(json_array_size(json_object_get(all, "lines")) > 15, "the lines");
    same_text(world_string(json_object_get(all, "settings"), "budget"), "20", "the settings");
    json_t *one = world_call(&w, "measure", NULL), *two = world_call(&w, "measure", NULL);
    ok(*world_string(one, "nonce") && strcmp(world_string(one, "nonce"), world_string(two, "nonce")) != 0,
       "no answer is like another");
    ok(*world_string(world_call(&w, "measure", "{\"v\":1}"), "nonce"), "to a POST, too");
    same_text(world_string(world_call(&w, "measure", "{"), "error"), "bad_json", "what does not arrive whole is an error");
    world_close(&w);
}

int main(void) {
    host();
    addresses();
    locks();
    journal();
    spool();
    doors();
    return done();
}
