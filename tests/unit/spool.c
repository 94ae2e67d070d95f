/* The spool: a greeter's mail as a file, its editions, who is called, what is taken away; files that many read. */
#include "circle/spool.h"
#include "circle/setting.h"
#include "host/choices.h"
#include "host/settings.h"
#include "meet/mailbox.h"
#include "tap.h"
#include "util/caps.h"
#include "util/file.h"
#include "world.h"
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *spool_dir(struct world *w) {
    return arena_text(&w->arena, "%s/spool", w->dir);
}

static void with_spool(struct world *w) {
    world_open(w, "wal");
    (void)mkdir(spool_dir(w), 0755);
    same_text(err_name(settings_set(&w->ctx, "spool_dir", spool_dir(w))), "ok", "a spool directory");
    same_text(err_name(settings_set(&w->ctx, "spool_url", "http://site.example/spool/")), "ok", "and its URL");
}

/* The only file of this beginning, or "". */
static const char *only(struct world *w, const char *beginning, int *n) {
    const char *name = "";
    DIR *dir = opendir(spool_dir(w));
    *n = 0;
    for (struct dirent *e; (e = readdir(dir));)
        if (strncmp(e->d_name, beginning, strlen(beginning)) == 0) {
            name = arena_copy(&w->arena, e->d_name, strlen(e->d_name));
            ++*n;
        }
    (void)closedir(dir);
    return name;
}

static json_t *box(struct world *w) {
    int n;
    const char *name = only(w, "box-", &n);
    same_int(n, 1, "one box");
    return json_load_file(arena_text(&w->arena, "%s/%s", spool_dir(w), name), JSON_REJECT_DUPLICATES, NULL);
}

static int64_t number(const json_t *object, const char *key) {
    return json_integer_value(json_object_get(object, key));
}

static void greets(struct world *w, int k, const char *origin, struct synced *out) {
    struct sync in;
    world_sync(&in, k);
    in.key = w->circle.api_key;
    in.origin = origin;
    in.box = in.greet = 1;
    in.offers[0] = (struct offer){arena_text(&w->arena, "o%d", k), "sdp"};
    in.n_offers = 1;
    same_text(err_name(world_run(w, &in, out)), "ok", "signal %d joins, and can read a box", k);
}

static void boxes(void) {
    static struct sync in;
    struct world w;
    struct synced greeter, other, again;
    with_spool(&w);
    greets(&w, 1, "http://site.example", &greeter);
    ok(greeter.box && strncmp(greeter.box, "http://site.example/spool/box-", 30) == 0, "the greeter hears of its box");
    same_int(greeter.due_ms, SPAN_BOX_LEASE / 2, "and syncs once a minute");
    same_int(greeter.poll_ms, SPAN_ACTIVE_MIN, "but reads it every second");
    int n;
    (void)only(&w, "index.html", &n);
    same_int(n, 1, "an index keeps the names from being listed");
    json_t *said = box(&w);
    same_int(number(said, "polycircle"), 1, "the box is ours");
    same_int(number(said, "v"), greeter.signal.box.v, "of the edition that was told");
    same_int((int64_t)json_array_size(json_object_get(said, "mail")), 0, "and empty");
    struct stat st;
    const char *name = only(&w, "box-", &n);
    ok(stat(arena_text(&w.arena, "%s/%s", spool_dir(&w), name), &st) == 0 && (st.st_mode & 0777) == 0644,
       "a web server may read it");
    same_text(strrchr(greeter.box, '/') + 1, name, "under that name");

    (void)!world_join(&w, 2, &other);
    world_sync(&in, 2);
    in.mail[0] = (struct mail_out){.id = "m1", .re = "o1", .body = "\"quoted\" \\ body", .to = greeter.signal.sig};
    in.n_mail = 1;
    same_text(err_name(world_run(&w, &in, &other)), "ok", "mail to it");
    ok(other.sent[0].due_ms <= SPAN_ACTIVE_MIN + SPAN_ACTIVE_MIN / 2, "will be read within a second or so: %d ms",
       (int)other.sent[0].due_ms);
    json_t *newer = box(&w), *mail = json_array_get(json_object_get(newer, "mail"), 0);
    ok(number(newer, "v") > number(said, "v"), "is a new edition");
    same_text(world_string(mail, "body"), "\"quoted\" \\ body", "with the mail as it was sent");
    same_text(world_string(mail, "re"), "o1", "and what it answers");

    world_sync(&in, 1);
    in.box = 1;
    in.cursor = (struct cursor){1, {1, 1, 1}};
    in.offers[0] = (struct offer){"o9", "sdp"};
    in.n_offers = 1;
    in.n_mail = 0;
    same_text(err_name(world_run(&w, &in, &again)), "ok", "acknowledged, a fresh offer");
    same_int((int64_t)json_array_size(json_object_get(box(&w), "mail")), 0, "the box is empty again");
    same_int(number(box(&w), "v"), again.signal.box.v, "its edition is told");
    int64_t v = again.signal.box.v;
    for (int i = 0; i < 3; i++) {
        world_sync(&in, 1);
        in.box_v = v;
        same_text(err_name(world_run(&w, &in, &again)), "ok", "it has read that one");
    }
    same_int(again.signal.box.v, v + 1, "and sees another, once");
    w.ctx.now += SPAN_BOX_LEASE / 2 + 1000;
    world_sync(&in, 1);
    in.box = 1;
    same_text(err_name(world_run(&w, &in, &again)), "ok", "a minute later");
    ok(strcmp(again.box, greeter.box) != 0, "a new lease has a new name");
    same_text(only(&w, "box-", &n), strrchr(again.box, '/') + 1, "and the old box is gone");
    in.box = 0;
    same_text(err_name(world_run(&w, &in, &again)), "ok", "it cannot read it after all");
    ok(!again.box && again.due_ms <= 3000, "then it polls as ever");
    (void)only(&w, "box-", &n);
    same_int(n, 0, "and the box is gone");
    world_close(&w);
}

static void who_may(void) {
    struct world w;
    struct synced out;
    static struct sync in;
    int n;
    with_spool(&w);
    (void)!circle_allow(&w.ctx, &w.circle, "https://other.example");
    greets(&w, 1, "https://other.example", &out);
    ok(!out.box, "a page of another origin could not read it");
    same_text(err_name(settings_set(&w.ctx, "spool_cors", "yes")), "ok", "unless the spool says it may");
    w.ctx.spool = NULL;
    greets(&w, 1, "https://other.example", &out);
    ok(out.box != NULL, "then it has one");
    world_sync(&in, 1);
    in.leave = true;
    same_text(err_name(world_run(&w, &in, &out)), "ok", "it leaves");
    (void)only(&w, "box-", &n);
    same_int(n, 0, "and takes its box along");
    greets(&w, 3, "", &out);
    ok(out.box != NULL, "a greeter with a box");
    same_text(err_name(settings_set(&w.ctx, "spool_dir", "")), "ok", "no spool");
    w.ctx.spool = NULL;
    w.ctx.now += SPAN_BOX_LEASE / 2 + 1000;
    world_sync(&in, 3);
    in.box = 1;
    same_text(err_name(world_run(&w, &in, &out)), "ok", "its next lease");
    ok(!out.box && !out.signal.box.open, "is without one");
    same_int(out.signal.expires - w.ctx.now, SPAN_GREETER_LEASE, "and as long as any greeter's");
    in.box = -1;
    in.leave = true;
    same_text(err_name(world_run(&w, &in, &out)), "ok", "it leaves");
    greets(&w, 2, "", &out);
    ok(!out.box && out.signal.role == GREETER, "no box");
    world_close(&w);
}

/* A newcomer that found no offer waits; somebody who reads a box only is called. */
static void calls(void) {
    static struct sync in;
    struct world w;
    struct synced greeter, late;
    with_spool(&w);
    greets(&w, 1, "", &greeter);
    world_sync(&in, 1);
    in.box = 1;
    in.key = w.circle.api_key;
    (void)!world_run(&w, &in, &greeter);
    (void)!store_run(w.ctx.store, SQL_OFFER_WITHDRAW, ARGS(I(greeter.signal.id)));
    (void)!world_join(&w, 2, &late);
    same_int((int64_t)late.n_peers, 0, "a newcomer without an offer to answer");
    ok(!json_boolean_value(json_object_get(box(&w), "call")), "nobody is called yet");
    world_sync(&in, 2);
    in.box = -1;
    in.offers[0] = (struct offer){"n1", "sdp"};
    in.n_offers = 1;
    same_text(err_name(world_run(&w, &in, &late)), "ok", "deposits its own");
    ok(json_boolean_value(json_object_get(box(&w), "call")), "the greeter is called by its box");
    world_sync(&in, 1);
    in.box = 1;
    in.cursor.gen = 1;
    same_text(err_name(world_run(&w, &in, &greeter)), "ok", "syncs");
    same_int((int64_t)greeter.n_peers, 1, "and has the newcomer's offer");
    ok(!json_boolean_value(json_object_get(box(&w), "call")), "the call is over");
    world_close(&w);
}

/* A box is written when something new came, once a request, and no larger than CAP_BOX; its owner still reads all. */
static void bounded(void) {
    enum { EACH = 8 };
    static struct sync in;
    static char body[CAP_MAIL_BODY + 1];
    struct world w;
    struct synced greeter, out;
    int n, total = 0;
    with_spool(&w);
    greets(&w, 1, "", &greeter);
    (void)!world_join(&w, 2, &out);
    world_sync(&in, 2);
    for (in.n_mail = 0; in.n_mail < EACH; in.n_mail++)
        in.mail[in.n_mail] = (struct mail_out){arena_text(&w.arena, "m%d", (int)in.n_mail), "x", "x", greeter.signal.sig};
    int64_t before = number(box(&w), "v");
    same_text(err_name(world_run(&w, &in, &out)), "ok", "eight mails in one request");
    same_int((int64_t)json_array_size(json_object_get(box(&w), "mail")), EACH, "are in the box");
    same_int(number(box(&w), "v"), before + 1, "which was written once");
    same_text(err_name(world_run(&w, &in, &out)), "ok", "the same again");
    same_int(number(box(&w), "v"), before + 1, "does not write it");
    memset(body, '\1', CAP_MAIL_BODY);
    for (int k = 10; k < 14; k++) {
        world_sync(&in, k);
        in.key = w.circle.api_key;
        in.address = arena_text(&w.arena, "10.0.%d.1", k);
        for (in.n_mail = 0; in.n_mail < EACH; in.n_mail++)
            in.mail[in.n_mail] = (struct mail_out){arena_text(&w.arena, "m%d", (int)in.n_mail), "x",
                                                   in.n_mail == EACH - 1 ? body : "x", greeter.signal.sig};
        if (k == 10) in.mail[0].re = "o1", in.mail[0].body = "answer";
        (void)!world_run(&w, &in, &out);
    }
    struct stat st;
    ok(stat(arena_text(&w.arena, "%s/%s", spool_dir(&w), only(&w, "box-", &n)), &st) == 0 && st.st_size < CAP_BOX + 200,
       "a box has at most %d bytes: %d", CAP_BOX, (int)st.st_size);
    ok(json_boolean_value(json_object_get(box(&w), "call")), "who has more than that is called");
    int64_t wait = world_live(&w, "SELECT count(*) FROM mail WHERE signal = (SELECT min(id) FROM signal)");
    struct cursor at = {0};
    for (int i = 0; i < 9; i++) {
        world_sync(&in, 1);
        in.cursor = at;
        if (world_run(&w, &in, &out) != ERR_OK) break;
        total += (int)out.n_mail;
        at = out.cursor;
        if (out.due_ms != out.poll_ms) break;
    }
    same_int(total, wait, "and reads all %d, from poll to poll", (int)wait);
    ok(total > CAP_MAIL_OTHERS, "in more than one");
    same_int(out.due_ms > SPAN_BOX_LEASE / 4, true, "until nothing is left");
    world_close(&w);
}

static void sweeping(void) {
    struct world w;
    struct synced out;
    const struct spool *spool;
    int n;
    with_spool(&w);
    greets(&w, 1, "", &out);
    world_write(&w, "spool/box-00112233445566778899aabbccddeeff.json.77", "x", 1);
    world_write(&w, "spool/roster-0011223344556677.json.77", "x", 1);
    world_write(&w, "spool/roster-0011223344556677.json", "x", 1);
    world_write(&w, "spool/other", "x", 1);
    same_text(err_name(spool_get(&w.ctx, &spool)), "ok", "the spool");
    w.ctx.now = clock_now();
    spool_sweep(&w.ctx, spool);
    (void)only(&w, "box-", &n);
    same_int(n, 2, "what is young stays");
    w.ctx.now += SPAN_BOX_OLD + 2000;
    spool_sweep(&w.ctx, spool);
    (void)only(&w, "box-", &n);
    same_int(n, 0, "what nobody writes any more goes");
    (void)only(&w, "roster-0011223344556677.json", &n);
    same_int(n, 1, "and what a kill has left of another file; not that itself");
    (void)only(&w, "other", &n);
    same_int(n, 1, "what is not ours stays");
    world_close(&w);
}

static void shared_files(void) {
    struct world w;
    struct synced out;
    int n;
    with_spool(&w);
    greets(&w, 1, "", &out);
    same_text(err_name(spool_refresh(&w.ctx, w.circle.id)), "ok", "what many read");
    same_int(strlen(only(&w, "roster-", &n)) > 0, 1, "the roster");
    same_int(strlen(only(&w, "package-", &n)) > 0, 1, "the package");
    same_int(strlen(only(&w, "signal-", &n)) > 0, 1, "the loader");
    (void)only(&w, "manifest-", &n);
    same_int(n, 0, "no manifest: nothing is published");
    json_t *roster = json_load_file(arena_text(&w.arena, "%s/%s", spool_dir(&w), only(&w, "roster-", &n)), 0, NULL);
    same_int(number(roster, "n"), 1, "the roster counts one");
    (void)!world_join(&w, 2, &out);
    w.ctx.now = clock_now();
    same_text(err_name(spool_refresh(&w.ctx, w.circle.id)), "ok", "at once again");
    roster = json_load_file(arena_text(&w.arena, "%s/%s", spool_dir(&w), only(&w, "roster-", &n)), 0, NULL);
    same_int(number(roster, "n"), 1, "nothing is written more often than every 5 s");
    w.ctx.now -= 86400000;
    same_text(err_name(spool_refresh(&w.ctx, w.circle.id)), "ok", "the clock was a day ahead");
    roster = json_load_file(arena_text(&w.arena, "%s/%s", spool_dir(&w), only(&w, "roster-", &n)), 0, NULL);
    ok(number(roster, "n") != 1, "it is written anew");
    same_text(err_name(choices_remove(&w.ctx, &w.circle)), "ok", "the circle is removed");
    (void)only(&w, "signal-", &n);
    same_int(n, 0, "its loader goes with it");
    same_text(err_name(spool_refresh(&w.ctx, w.circle.id)), "ok", "and somebody asks for it");
    (void)only(&w, "roster-", &n);
    same_int(n, 0, "no roster");
    (void)only(&w, "package-", &n);
    same_int(n, 0, "no package");
    const char *loader = arena_text(&w.arena, "%s/%s", spool_dir(&w), only(&w, "signal-", &n));
    ok(n == 1 && !file_says(loader, "", 0), "the loader's place has the script that cleans up");
    world_close(&w);
}

static void moved(void) {
    struct world w;
    struct synced out;
    int n;
    with_spool(&w);
    greets(&w, 1, "", &out);
    (void)mkdir(world_path(&w, "spool2"), 0755);
    (void)only(&w, "box-", &n);
    same_int(n, 1, "a box");
    same_text(err_name(settings_set(&w.ctx, "spool_dir", world_path(&w, "none"))), "usage", "a new place that is none");
    (void)only(&w, "box-", &n);
    same_int(n, 1, "leaves it");
    same_text(err_name(settings_set(&w.ctx, "spool_dir", world_path(&w, "spool2"))), "ok", "another place");
    ok(access(spool_dir(&w), F_OK) != 0, "takes it away");
    world_close(&w);
}

/* spool_dir is the site itself, by mistake. */
static void not_a_spool(void) {
    static const char *const names[] = {"index.html", ".htaccess", "film.mp4"};
    struct world w;
    struct synced out;
    struct file_id id;
    with_spool(&w);
    (void)mkdir(world_path(&w, "site"), 0755);
    (void)!settings_set(&w.ctx, "spool_dir", world_path(&w, "site"));
    w.ctx.spool = NULL;
    greets(&w, 1, "", &out);
    ok(!file_look(world_path(&w, "site/index.html"), &id), "the site gets no other first page");
    for (size_t i = 0; i < 3; i++) world_write(&w, arena_text(&w.arena, "site/%s", names[i]), "x", 1);
    spool_clear(&w.ctx, world_path(&w, "site"));
    for (size_t i = 0; i < 3; i++)
        ok(file_look(world_path(&w, arena_text(&w.arena, "site/%s", names[i])), &id), "and keeps its %s", names[i]);
    world_close(&w);
}

int main(void) {
    boxes();
    moved();
    not_a_spool();
    who_may();
    calls();
    bounded();
    sweeping();
    shared_files();
    return done();
}
