/* The owner's codes and states, the folders that may be chosen, the .htaccess that is changed and changed back. */
#include "host/owner.h"
#include "content/folder.h"
#include "host/tier.h"
#include "tap.h"
#include "util/caps.h"
#include "util/file.h"
#include "world.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct world w;

static void put(const char *name, const char *text) {
    world_write(&w, name, text, strlen(text));
}

static const char *text_of(const char *name) {
    const char *text = file_text(&w.arena, world_path(&w, name), 1 << 16);
    return text ? text : "(none)";
}

static int mode(const char *name) {
    struct stat st;
    return stat(world_path(&w, name), &st) == 0 ? (int)(st.st_mode & 0777) : -1;
}

static void fresh(void) {
    const char *data = world_path(&w, "fresh"), *code;
    same_int(owner_state(&w.ctx, data), OWNER_FRESH, "nothing is there");
    same_text(err_name(owner_check(&w.ctx, data, OWNER_FRESH, "")), "wrong_code", "no code, no empty code");
    same_text(err_name(owner_open(&w.ctx, data)), "ok", "the first look");
    same_int(owner_state(&w.ctx, data), OWNER_OPEN, "opens it");
    same_int(mode("fresh"), 0700, "the directory is ours");
    same_int(mode("fresh/setup-code"), 0600, "and the code");
    code = text_of("fresh/setup-code");
    same_int((int64_t)strlen(code), 33, "26 letters in groups, a line's end");
    (void)!owner_open(&w.ctx, data);
    same_text(text_of("fresh/setup-code"), code, "a second look makes no other one");
    same_text(err_name(owner_check(&w.ctx, data, OWNER_OPEN, code)), "ok", "the code");
    char changed[40];
    (void)snprintf(changed, sizeof changed, "%s", code);
    for (char *p = changed; *p; p++) *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p == '-' ? ' ' : *p == '0' ? 'o' : *p);
    same_text(err_name(owner_check(&w.ctx, data, OWNER_OPEN, changed)), "ok", "as somebody types it: %s", changed);
    changed[3] = changed[3] == '7' ? '8' : '7';
    same_text(err_name(owner_check(&w.ctx, data, OWNER_OPEN, changed)), "wrong_code", "one letter is wrong");
    changed[0] = '\0';
    same_text(err_name(owner_check(&w.ctx, data, OWNER_OPEN, changed)), "wrong_code", "none");
    char longer[64] = "";
    (void)snprintf(longer, sizeof longer, "%.32s0", code);
    same_text(err_name(owner_check(&w.ctx, data, OWNER_OPEN, longer)), "wrong_code", "one more");
    put("fresh/setup-code", "\n");
    same_text(err_name(owner_check(&w.ctx, data, OWNER_OPEN, "")), "wrong_code", "an empty file opens nothing");
    put("fresh/setup-code", "short\n");
    same_text(err_name(owner_check(&w.ctx, data, OWNER_OPEN, "short")), "wrong_code", "nor does a short one");
}

static void by_hand(void) {
    const char *data = world_path(&w, "made");
    (void)mkdir(data, 0755);
    same_text(err_name(owner_open(&w.ctx, data)), "ok", "the owner has made the directory");
    ok(strstr(text_of("made/.htaccess"), "Require all denied") != NULL, "it is closed to the web like one of ours");
    same_text(text_of("made/index.html"), "", "and has an index");
}

static void set(void) {
    const char *data = world_path(&w, "set"), *code, *again;
    (void)!owner_open(&w.ctx, data);
    const char *old = text_of("set/setup-code");
    same_text(err_name(owner_close(&w.ctx, data, false, &code)), "ok", "the end of set-up");
    same_int(owner_state(&w.ctx, data), OWNER_SET, "sets it");
    same_text(text_of("set/setup-code"), "(none)", "setup-code is gone");
    same_int(mode("set/owner-code"), 0600, "owner-code is ours");
    same_text(err_name(owner_check(&w.ctx, data, OWNER_SET, code)), "ok", "owner-code");
    same_text(err_name(owner_check(&w.ctx, data, OWNER_SET, old)), "wrong_code", "not setup-code");
    (void)!owner_close(&w.ctx, data, false, &again);
    same_text(again, code, "sent once more: the same");
    (void)!owner_close(&w.ctx, data, true, &again);
    ok(strcmp(again, code) != 0, "anew: another");
    put("set/setup-code", "1234-5678-9abc-defg-hjkm-npqr-st\n");
    same_int(owner_state(&w.ctx, data), OWNER_SET, "a setup-code beside it opens nothing");
    same_int(owner_state(&w.ctx, w.dir), OWNER_SET, "a database without codes is set up");
    (void)unlink(world_path(&w, "owner-code"));
    (void)!symlink("/etc/hostname", world_path(&w, "set/link"));
    ok(file_text(&w.arena, world_path(&w, "set/link"), 100) == NULL, "a code is read through no link");
}

static void proof(void) {
    const char *data = world_path(&w, "proof"), *dir = world_path(&w, "cgi"), *code, *name, *other;
    (void)mkdir(dir, 0700);
    (void)!owner_open(&w.ctx, data);
    (void)!owner_proof(&w.ctx, data, "one", &name);
    (void)!owner_proof(&w.ctx, data, "two", &other);
    ok(strcmp(name, other) != 0, "each browser has a name of its own");
    same_text(err_name(owner_proved(&w.ctx, data, dir, "one", &code)), "wrong_code", "no file");
    (void)!symlink(world_path(&w, "polycircle.db"), arena_text(&w.arena, "%s/%s", dir, name));
    same_text(err_name(owner_proved(&w.ctx, data, dir, "one", &code)), "wrong_code", "a link");
    (void)unlink(arena_text(&w.arena, "%s/%s", dir, name));
    put(arena_text(&w.arena, "cgi/%s", name), "");
    same_text(err_name(owner_proved(&w.ctx, data, dir, "two", &code)), "wrong_code", "somebody else's");
    same_text(err_name(owner_proved(&w.ctx, data, dir, "one", &code)), "ok", "the file");
    same_text(err_name(owner_check(&w.ctx, data, OWNER_OPEN, code)), "ok", "gives the code");
    same_text(err_name(owner_proved(&w.ctx, data, dir, "one", &code)), "wrong_code", "once");
}

static void make_site(void) {
    static const char *const dirs[] = {"../site",     "../site/films", "../site/films/new", "../site/films-old",
                                       "../site/a b", "../site/.git",  "../site/cgi-bin"};
    static const char *const files[] = {"../site/films/one.mp4",   "../site/films/new/two.mp4", "../site/films/new/three.jpg",
                                        "../site/films/page.html", "../site/films-old/x.zip",   "../site/.git/x.mp4",
                                        "../site/cgi-bin/x.mp4",   "../site/a b/song.mp3"};
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) (void)mkdir(world_path(&w, dirs[i]), 0755);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) put(files[i], "12345");
    (void)!symlink("/etc", world_path(&w, "../site/out"));
    (void)!symlink("films", world_path(&w, "../site/in"));
}

static void resolve(void) {
    const char *root = world_path(&w, "../site"), *dir = "";
    static const struct {
        const char *rel;
        bool good;
    } cases[] = {
        {"", true},          {"films", true},        {"films/new", true},      {"a b", true},       {"..", false},
        {"films/..", false}, {"films/../..", false}, {"/etc", false},          {"films/", false},   {"films//new", false},
        {".", false},        {"./films", false},     {".git", false},          {"films/.x", false}, {"out", false},
        {"out/ssl", false},  {"nothing", false},     {"films/one.mp4", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        same_int(folder_resolve(&w.ctx, root, cases[i].rel, &dir) == ERR_OK, cases[i].good, "folder \"%s\"", cases[i].rel);
    same_text(err_name(folder_resolve(&w.ctx, root, "in", &dir)), "ok", "a link inside");
    ok(strstr(dir, "/site/films") != NULL, "leads where it leads");
}

static bool always(void) {
    return true;
}

static bool never(void) {
    return false;
}

static const char *listed(folder_time *more, int *calls) {
    struct buf out = {.arena = &w.arena};
    struct folder_list list = {.next = NULL};
    *calls = 0;
    do {
        if (folder_list(&w.ctx, world_path(&w, "../site"), list.next, more, &list) != ERR_OK) return "failed";
        for (size_t i = 0; i < list.n; i++)
            buf_format(&out, "%s:%d:%d:%d ", list.all[i].path, (int)list.all[i].files, (int)list.all[i].bytes,
                       (int)list.all[i].media);
    } while (++*calls < 20 && list.next);
    return out.data;
}

static void folders(void) {
    static const char want[] = ":0:0:0 a b:1:5:1 films:2:10:1 films/new:2:10:2 films-old:1:5:1 ";
    struct file_id id;
    const char *path;
    int calls;
    same_text(listed(always, &calls), want, "the folders and what is in them: nothing hidden, no links, no programs");
    same_int(calls, 1, "at once");
    same_text(listed(never, &calls), want, "or one at a time");
    ok(calls >= 5, "%d calls", calls);
    struct folder_list list;
    same_text(err_name(folder_list(&w.ctx, world_path(&w, "../site"), "../x", always, &list)), "bad_field",
              "not behind anything else");
    (void)!folder_sample(&w.ctx, world_path(&w, "../site/films"), &path, &id);
    same_text(path, "one.mp4", "a file to try");
    (void)unlink(world_path(&w, "../site/films/one.mp4"));
    (void)!folder_sample(&w.ctx, world_path(&w, "../site/films"), &path, &id);
    same_text(path, "new/three.jpg", "or one below");
    (void)!folder_sample(&w.ctx, world_path(&w, "../site/.git/none"), &path, &id);
    same_text(path, "", "or none");
}

/* As somebody whom modes bind; root they do not. */
static void shut_folders(void) {
    struct folder_list list;
    struct file_id id;
    const char *path;
    uid_t was = geteuid();
    (void)mkdir(world_path(&w, "../site/closed"), 0755);
    (void)mkdir(world_path(&w, "../site/open"), 0755);
    put("../site/closed/film.mp4", "film");
    put("../site/open/film.mp4", "film");
    bool made = chmod(w.dir, 0755) == 0 && chmod(world_path(&w, "../site"), 0755) == 0 &&
                chmod(world_path(&w, "../site/open"), 0755) == 0 && chmod(world_path(&w, "../site/closed"), 0) == 0 &&
                chmod(world_path(&w, "../site/open/film.mp4"), 0) == 0;
    ok(made && (was != 0 || seteuid(65534) == 0), "a folder and a file that may not be read");
    same_text(err_name(folder_list(&w.ctx, world_path(&w, "../site"), "b", always, &list)), "ok", "are listed");
    bool named = false;
    for (size_t i = 0; i < list.n; i++) named |= strcmp(list.all[i].path, "closed") == 0 && list.all[i].why == EACCES;
    ok(named, "the folder with why");
    same_text(err_name(folder_sample(&w.ctx, world_path(&w, "../site/closed"), &path, &id)), "bad_field",
              "nothing can be tried of the folder");
    ok(strstr(w.ctx.fault.text, "/site/closed: give it") != NULL, "in words: %s", w.ctx.fault.text);
    same_text(err_name(folder_sample(&w.ctx, world_path(&w, "../site/open"), &path, &id)), "bad_field", "nor of the file");
    ok(strstr(w.ctx.fault.text, "/open/film.mp4: give it") != NULL, "in words: %s", w.ctx.fault.text);
    ok(seteuid(was) == 0 && chmod(world_path(&w, "../site/closed"), 0755) == 0, "and opened again");
    (void)unlink(world_path(&w, "../site/open/film.mp4"));
    same_text(err_name(folder_sample(&w.ctx, world_path(&w, "../site/open"), &path, &id)), "ok", "an empty one is no error");
}

static void roots(void) {
    const char *out[FOLDER_ROOTS];
    (void)mkdir(world_path(&w, "home"), 0755);
    (void)mkdir(world_path(&w, "home/public_html"), 0755);
    (void)mkdir(world_path(&w, "home/cgi-bin"), 0755);
    put("home/cgi-bin/polycircle.fcgi", "x");
    size_t n = folder_roots(&w.ctx, "", world_path(&w, "home/cgi-bin/polycircle.fcgi"), out);
    ok(n == 2 && strstr(out[0], "/home/public_html") != NULL, "beside the cgi-bin: %s", out[0]);
    n = folder_roots(&w.ctx, world_path(&w, "../site"), world_path(&w, "home/cgi-bin/polycircle.fcgi"), out);
    ok(n == 3 && strstr(out[0], "/site") != NULL, "what the web server says comes first");
    n = folder_roots(&w.ctx, "/usr", world_path(&w, "home/public_html/polycircle.fcgi"), out);
    ok(n >= 1 && strstr(out[geteuid() == 0], "/home/public_html") != NULL, "unless it is somebody else's");
    same_int((int64_t)folder_roots(&w.ctx, "/nonexistent", "/polycircle", out), 0, "nothing around");
}

/* The folder's name, and what an earlier version had in the top folder. */
static void tier_short(void) {
    struct tier t = {.number = TIER_PRETTY,
                     .dir = world_path(&w, "beside"),
                     .program = world_path(&w, "home/cgi-bin/x.fcgi"),
                     .script = "/cgi-bin/x.fcgi"};
    const char *name;
    (void)mkdir(t.dir, 0755);
    same_int(tier_state(&w.ctx, t.dir), TIER_NONE, "nothing");
    (void)mkdir(world_path(&w, "beside/polycircle"), 0755);
    same_text(err_name(tier_try(&w.ctx, w.dir, &t, &name)), "files", "a folder of the site's is not tried");
    same_text(err_name(tier_write(&w.ctx, w.dir, &t)), "files", "nor taken");
    same_text(text_of("beside/.htaccess"), "(none)", "and nothing is written");
    t.program = world_path(&w, "beside/polycircle/x.fcgi");
    same_text(err_name(tier_write(&w.ctx, w.dir, &t)), "ok", "where the program lies itself it is ours");
    ok(!strstr(text_of("beside/.htaccess"), "sync"), "no name of the top folder");
    w.ctx.now += 1000;
    put("beside/.htaccess",
        "# BEGIN polycircle\nRewriteRule ^((?:signal|signal\\.js|client\\.js|sync)$ x\n# END polycircle\n# theirs\n");
    same_int(tier_state(&w.ctx, t.dir), TIER_TOP, "the list of an earlier version");
    t.kept = true;
    same_text(err_name(tier_write(&w.ctx, w.dir, &t)), "ok", "over it");
    const char *now = text_of("beside/.htaccess");
    ok(strstr(now, "^(sync)$ /cgi-bin/x.fcgi/$1") && strstr(now, "# END polycircle\n# theirs\n"), "what is still asked is kept");
    ok(!strstr(now, "YYYY"), "until a date");
    same_int(tier_state(&w.ctx, t.dir), TIER_ACTIVE, "and it is the new one");
    (void)!tier_confirm(&w.ctx, w.dir);
    (void)!tier_undo(&w.ctx, w.dir);
    w.ctx.now += 1000;
    (void)!tier_drop(&w.ctx, w.dir, &t);
    same_text(text_of("beside/.htaccess"), "# theirs\n", "all of it goes");
}

static void tier(void) {
    static const char theirs[] = "# theirs\r\nRewriteEngine On";
    const char *data = w.dir, *name;
    struct tier t = {
        .number = TIER_PRETTY, .dir = world_path(&w, "../site"), .program = world_path(&w, "home/cgi-bin/polycircle.fcgi")};
    t.script = "/cgi-bin/poly circle.fcgi";
    same_text(err_name(tier_write(&w.ctx, data, &t)), "usage", "a name that cannot be written into it");
    t.script = "/cgi-bin/x.fcgi";
    put("../site/.htaccess", theirs);
    same_text(err_name(tier_confirm(&w.ctx, data)), "not_found", "nothing to confirm");
    same_text(err_name(tier_write(&w.ctx, data, &t)), "ok", "written");
    const char *now = text_of("../site/.htaccess");
    ok(strstr(now, "# BEGIN polycircle\n") == now && strstr(now, " /cgi-bin/x.fcgi/$1") &&
           strstr(now, "# END polycircle\n# theirs\r\n"),
       "in front");
    ok(!strstr(now, " cgi-bin/polycircle.fcgi/$1"), "with our address");
    same_text(err_name(tier_undo(&w.ctx, data)), "ok", "nobody confirms");
    same_text(text_of("../site/.htaccess"), theirs, "as before");
    w.ctx.now += 1000;
    (void)!tier_write(&w.ctx, data, &t);
    same_text(err_name(tier_confirm(&w.ctx, data)), "ok", "confirmed");
    (void)!tier_undo(&w.ctx, data);
    same_text(text_of("../site/.htaccess"), now, "it stays");
    same_int(tier_state(&w.ctx, t.dir), TIER_ACTIVE, "and is seen");
    w.ctx.now += 1000;
    (void)!tier_write(&w.ctx, data, &t);
    same_text(text_of("../site/.htaccess"), now, "again: one block");
    (void)!tier_confirm(&w.ctx, data);
    (void)!tier_undo(&w.ctx, data);
    w.ctx.now += 1000;
    same_text(err_name(tier_drop(&w.ctx, data, &t)), "ok", "taken out");
    same_text(text_of("../site/.htaccess"), theirs, "byte for byte");
    put("../site/.htaccess", "# BEGIN polycircle\nhalf");
    w.ctx.now += 1000;
    same_text(err_name(tier_write(&w.ctx, data, &t)), "files", "half a block is left alone");
    (void)unlink(world_path(&w, "../site/.htaccess"));
    w.ctx.now += 1000;
    (void)!tier_write(&w.ctx, data, &t); /* and the process dies, long ago */
    world_stamp(world_path(&w, "tier-pending"), w.ctx.now / 1000 - 30);
    tier_sweep(&w.ctx, data);
    same_text(text_of("../site/.htaccess"), "(none)", "the next request undoes it");

    t.number = TIER_FASTCGI;
    same_text(err_name(tier_try(&w.ctx, data, &t, &name)), "ok", "a try");
    same_int(mode(arena_text(&w.arena, "../site/%s", name)), 0755, "for the web server to read");
    same_text(text_of(arena_text(&w.arena, "../site/%s/polycircle.fcgi", name)), "x", "with a copy of the program");
    world_stamp(world_path(&w, "tier-try"), w.ctx.now / 1000 - 700); /* forgotten */
    tier_sweep(&w.ctx, data);
    same_int(mode(arena_text(&w.arena, "../site/%s", name)), -1, "is removed");
}

/* What strangers may read. */
static void shown(void) {
    struct arena a = {0};
    struct ctx ctx = {.arena = &a};
    same_text(owner_shown(&ctx, "The copy /home/u/polycircle-data-0123abcdef/backups/x of /polycircle-data-99 failed."),
              "The copy /home/u/polycircle-data-.../backups/x of /polycircle-data-... failed.", "a text without the random parts");
    same_text(owner_shown(&ctx, "/home/u/polycircle-data/x"), "/home/u/polycircle-data/x", "a name that is known");
    same_text(owner_shown(&ctx, ""), "", "nothing");
    arena_free(&a);
}

/* A web server takes 4 KB of headers from a program; and what costs, strangers do not ask for as often as they like. */
static void strangers(void) {
    struct buf head = {.arena = &w.arena};
    struct stat before, after;
    (void)world_call(&w, "console", NULL);
    response_head(&w.res, &head);
    ok(w.res.status == 200 && strstr(head.data, "connect-src 'self'") && !strstr(head.data, "https:;") &&
           !strstr(head.data, " https:\r"),
       "a page names whom it asks");
    for (int i = 0; i < CAP_ORIGINS; i++) {
        const char *origin = arena_text(&w.arena, "https://a-site-with-a-name-that-is-rather-long-%02d.and-so-on.example", i);
        (void)!store_run(w.ctx.store, SQL_ORIGIN_ADD, ARGS(I(w.circle.id), T(origin)));
    }
    head.len = 0;
    (void)world_call(&w, "console", NULL);
    response_head(&w.res, &head);
    ok(head.len < 4096 && strstr(head.data, " https:\r\n"), "of many sites it names none: %zu bytes of headers", head.len);

    (void)world_call(&w, "probe", NULL);
    const char *tried = world_path(&w, "tried-room");
    world_stamp(tried, clock_now() / 1000 - 30);
    ok(stat(tried, &before) == 0, "whether there is room is tried");
    (void)world_call(&w, "probe", NULL);
    ok(stat(tried, &after) == 0 && after.st_mtime == before.st_mtime, "and not again within a minute");
    world_stamp(tried, clock_now() / 1000 - 61);
    (void)world_call(&w, "probe", NULL);
    ok(stat(tried, &after) == 0 && after.st_mtime > before.st_mtime, "but after it");
}

int main(void) {
    shown();
    world_open(&w, "truncate");
    fresh();
    by_hand();
    set();
    proof();
    make_site();
    resolve();
    folders();
    shut_folders();
    roots();
    tier();
    tier_short();
    strangers();
    world_close(&w);
    return done();
}
