/* Content: pieces, signed list, withdrawal, media ids, the package, statistics. */
#include "circle/origin.h"
#include "circle/tally.h"
#include "content/index.h"
#include "content/package.h"
#include "tap.h"
#include "util/caps.h"
#include "util/codec.h"
#include "util/jsn.h"
#include "world.h"
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void types(void) {
    static const struct {
        const char *path, *type; /* "": never shared */
    } cases[] = {
        {"film.mp4", "video/mp4"},
        {"a/b/FILM.MP4", "video/mp4"},
        {"x", "application/octet-stream"},
        {"x.unknown", "application/octet-stream"},
        {".mp4", "application/octet-stream"},
        {"page.html", "text/html"},
        {"config.php", ""},
        {"x.INI", ""},
        {"backup~", ""},
        {"a.db", ""},
        {"conf.phtml", ""},
        {"conf.phar", ""},
        {"a/conf.PHP7", ""},
        {"conf.php.save", ""},
        {"wp-config.php-old", ""},
        {"conf.php.txt", ""},
        {"shop.sql.gz", ""},
        {"db.sqlite3", ""},
        {"a/id_rsa", ""},
        {"a.cfm", ""},
        {"prod.env", ""},
        {"php.mp4", "video/mp4"},
        {"a.php/film.mp4", "video/mp4"},
        {"mp4", "application/octet-stream"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *type = media_type(cases[i].path);
        same_text(type ? type : "", cases[i].type, "type of %s", cases[i].path);
    }
    static const struct {
        int64_t size, piece;
    } pieces[] = {
        {1, 131072},           {268435456, 131072},   {268566528, 262144},      {2147483648, 1048576},
        {4294967296, 2097152}, {8589934592, 4194304}, {1099511627776, 4194304}, {INT64_MAX, 4194304},
    };
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        same_int(media_piece(pieces[i].size), pieces[i].piece, "piece of a file of %" PRId64 " bytes", pieces[i].size);
}

static void origins(void) {
    static const struct {
        const char *url, *origin; /* "": refused */
    } cases[] = {
        {"https://site.example", "https://site.example"},
        {"HTTPS://Site.Example/path?q#f", "https://site.example"},
        {"http://site.example:80/", "http://site.example"},
        {"https://site.example:443", "https://site.example"},
        {"https://site.example:80", "https://site.example:80"},
        {"http://[::1]:8080/", "http://[::1]:8080"},
        {"https://", ""},
        {"http://:80", ""},
        {"http://a:80:80", ""},
        {"http://a:", ""},
        {"http://a:port", ""},
        {"http://a:123456", ""},
        {"http://[::1", ""},
        {"http://[::1]x", ""},
        {"http://a/b:c", "http://a"},
        {"https:///path", ""},
        {"site.example", ""},
        {"ftp://site.example", ""},
        {"javascript:alert(1)", ""},
        {"null", ""},
        {"", ""},
        {"https://user@site.example/", ""},
        {"https://site.example\\@evil.example", ""},
        {"https://site example/", ""},
        {"https://site.example/@path", "https://site.example"},
    };
    struct arena a = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *origin = "";
        bool good = origin_of(&a, cases[i].url, &origin);
        same_text(good ? origin : "", cases[i].origin, "origin of '%s'", cases[i].url);
    }
    arena_free(&a);
}

static const char *media_dir(struct world *w) {
    const char *dir = world_path(w, "../media");
    (void)mkdir(dir, 0700);
    return dir;
}

static void make(struct world *w, const char *name, size_t len, char fill) {
    char *bytes = malloc(len);
    memset(bytes, fill, len);
    (void)media_dir(w);
    const char *path = arena_text(&w->arena, "../media/%s", name);
    world_write(w, path, bytes, len);
    world_stamp(world_path(w, path), 1700000000);
    free(bytes);
}

static bool signature_good(struct world *w, const struct manifest *m) {
    const json_t *envelope = world_envelope(w, m);
    const char *text = arena_text(&w->arena, "polycircle-manifest-1\n%s", world_string(envelope, "signed"));
    const char *key = base64url_text(&w->arena, w->circle.sign_public, sizeof w->circle.sign_public);
    const char *sig = world_string(envelope, "sig");
    uint8_t signature[86];
    size_t len = strlen(sig);
    return strcmp(world_string(envelope, "key"), key) == 0 && len == 86 && base64url_decode(signature, &len, sig, len) &&
           len == 64 && crypto_sign_verify_detached(signature, (const uint8_t *)text, strlen(text), w->circle.sign_public) == 0;
}

static enum err publish(struct world *w, int64_t *version) {
    struct walk walk;
    TRY(world_publish(w, media_dir(w), "/media/", &walk));
    *version = walk.version;
    return ERR_OK;
}

static enum err get(struct world *w, struct manifest *out) {
    TRY(manifest_current(&w->ctx, &w->circle, out));
    return manifest_read(&w->ctx, &w->circle, out);
}

static void publishing(void) {
    struct world w;
    struct manifest m;
    int64_t version = 0;
    world_open(&w, "wal");
    same_text(err_name(get(&w, &m)), "not_found", "nothing is published");
    ok(strstr(w.ctx.fault.text, "polycircle publish demo") != NULL, "and the words say how");
    make(&w, "a.mp4", 600000, 'a');
    make(&w, "b.png", 131072, 'b');
    make(&w, "c.txt", 1, 'c');
    same_text(err_name(publish(&w, &version)), "ok", "published");
    struct media one = {0};
    (void)!media_get(&w.ctx, w.circle.id, "a.mp4", &one);
    same_int((int64_t)one.sha256_len, 5 * 32, "600,000 bytes are 5 pieces");
    (void)!media_get(&w.ctx, w.circle.id, "b.png", &one);
    same_int((int64_t)one.sha256_len, 32, "131,072 bytes are 1");
    uint8_t sha[32];
    (void)crypto_hash_sha256(sha, (const uint8_t *)"c", 1);
    (void)!media_get(&w.ctx, w.circle.id, "c.txt", &one);
    ok(one.sha256_len == 32 && memcmp(sha, one.sha256, 32) == 0, "a piece's SHA-256");
    same_int(version, 1, "as version 1");
    same_text(err_name(get(&w, &m)), "ok", "the manifest");
    ok(signature_good(&w, &m), "is signed");
    json_t *json = json_loads(world_signed(&w, &m), JSON_REJECT_DUPLICATES, NULL);
    same_int((int64_t)json_array_size(json_object_get(json, "media")), 3, "and lists all");
    same_text(world_string(json_array_get(json_object_get(json, "media"), 0), "path"), "a.mp4", "by path");
    same_int(json_integer_value(json_object_get(json, "version")), 1, "and its version");

    world_write(&w, "../media/b.png", "changed", 7);
    same_text(err_name(get(&w, &m)), "ok", "a file is replaced");
    same_int(m.version, 2, "the next version");
    ok(signature_good(&w, &m), "is signed");
    ok(!strstr(world_signed(&w, &m), "b.png") && strstr(world_signed(&w, &m), "a.mp4"), "and lists the others only");
    world_stamp(world_path(&w, "../media/a.mp4"), 1700000001);
    (void)!get(&w, &m);
    ok(m.version == 3 && !strstr(world_signed(&w, &m), "a.mp4"), "another mtime is another file");
    world_stamp(world_path(&w, "../media/a.mp4"), 1700000000);
    (void)!get(&w, &m);
    ok(m.version == 3 && !strstr(world_signed(&w, &m), "a.mp4"), "what is withdrawn stays so until it is published again");
    ok(unlink(world_path(&w, "../media/c.txt")) == 0 && symlink("a.mp4", world_path(&w, "../media/c.txt")) == 0,
       "a link in place of a file");
    (void)!get(&w, &m);
    ok(m.version == 4 && !strstr(world_signed(&w, &m), "c.txt"), "is not followed");
    same_text(err_name(publish(&w, &version)), "ok", "published again");
    same_int(version, 5, "versions only rise");
    world_close(&w);
}

static int waited;
static int on_lock(void *context, int times) {
    (void)context;
    (void)times;
    waited++;
    return 0;
}

/* Somebody writes just now: who asks for the manifest does not wait for him. */
static void busy(void) {
    struct world w;
    struct manifest m;
    int64_t version;
    sqlite3 *other = NULL;
    world_open(&w, "wal");
    make(&w, "a.mp4", 10, 'a');
    make(&w, "b.mp4", 10, 'b');
    (void)!publish(&w, &version);
    make(&w, "a.mp4", 11, 'c');
    ok(sqlite3_open(world_path(&w, "polycircle.db"), &other) == SQLITE_OK &&
           sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK,
       "somebody writes");
    (void)sqlite3_busy_handler(w.ctx.store->db[MAIN], on_lock, NULL);
    same_text(err_name(get(&w, &m)), "ok", "the manifest is there");
    ok(m.version == version && waited == 0, "as it was, at once");
    (void)sqlite3_close(other);
    (void)!get(&w, &m);
    same_int(m.version, version + 1, "then what has changed is withdrawn");
    world_close(&w);
}

static void too_long(void) {
    struct world w;
    int64_t version = 0;
    world_open(&w, "truncate");
    make(&w, "a.mp4", 1, 'a');
    same_text(err_name(publish(&w, &version)), "ok", "published");
    /* 50 files with 1 MiB of hashes each, which is 1.4 MB of text */
    world_sql(world_path(&w, "polycircle.db"),
              "WITH RECURSIVE k(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM k WHERE n < 49)"
              " INSERT INTO found(circle, path, kind, type, size, piece, at, sha256)"
              " SELECT 1, 'f' || n, 2, 'video/mp4', 1 << 37, 1 << 22, 1 << 37, zeroblob(1 << 20) FROM k");
    same_text(err_name(store_begin(w.ctx.store, MAIN, true)), "ok", "a list of 70 MB");
    same_text(err_name(manifest_replace(&w.ctx, &w.circle, w.dir, "/media/", &version)), "usage", "is refused");
    ok(strstr(w.ctx.fault.text, "longer than 64 MiB") != NULL, "in words: %s", w.ctx.fault.text);
    store_rollback(w.ctx.store);
    world_sql(world_path(&w, "polycircle.db"), "DELETE FROM found WHERE CAST(substr(path, 2) AS INTEGER) > 44");
    same_text(err_name(store_begin(w.ctx.store, MAIN, true)), "ok", "and one of 63 MB");
    same_text(err_name(manifest_replace(&w.ctx, &w.circle, w.dir, "/media/", &version)), "ok", "is not");
    same_int(version, 2, "the next version");
    store_rollback(w.ctx.store);
    world_close(&w);
}

/* A signal joins with as many media as one may have. */
static bool announces(struct world *w, int k, int64_t version, struct sync *in, struct synced *out) {
    world_sync(in, k);
    in->key = w->circle.api_key;
    in->shares = true;
    in->version = version;
    in->n_have = CAP_MEDIA;
    for (int i = 0; i < CAP_MEDIA; i++) in->have[i] = (struct share){i, 100};
    return world_run(w, in, out) == ERR_OK && out->n_mids == CAP_MEDIA;
}

static void media_ids(void) {
    enum { FILES = 300 };
    static struct sync in;
    struct world w;
    struct synced out;
    int64_t version;
    world_open(&w, "wal");
    for (int i = 0; i < FILES; i++) make(&w, arena_text(&w.arena, "f%03d.png", i), 1, 'f');
    same_text(err_name(publish(&w, &version)), "ok", "300 files");
    int twice = 0, wrong = 0;
    for (int k = 0; k < 24; k++) {
        static bool seen[65536];
        memset(seen, 0, sizeof seen);
        wrong += !announces(&w, k, version, &in, &out);
        for (size_t i = 0; i < out.n_mids; i++) {
            int mid = out.mids[i].mid.b[0] << 8 | out.mids[i].mid.b[1];
            twice += seen[mid];
            seen[mid] = true;
        }
    }
    same_int(wrong, 0, "24 signals announce 256 media");
    same_int(twice, 0, "a MID is unique within the signal");
    int64_t pages = world_live(&w, "SELECT page_count FROM pragma_page_count()");
    for (int k = 24; k < 124; k++) {
        wrong += !announces(&w, k, version, &in, &out);
    }
    pages = world_live(&w, "SELECT page_count FROM pragma_page_count()") - pages;
    ok(!wrong && pages <= 150, "100 joins that announce all that they may take 3 KiB each at the most: %d pages of 2 KiB",
       (int)pages);
    in.version = version + 1;
    (void)!world_run(&w, &in, &out);
    same_int((int64_t)out.n_mids, 0, "none for another version");
    in.version = version;
    in.n_have = 1;
    in.have[0].index = FILES;
    (void)!world_run(&w, &in, &out);
    same_int((int64_t)out.n_mids, 0, "none for an index behind the end");
    in.n_have = in.n_want = CAP_MEDIA;
    for (int i = 0; i < CAP_MEDIA; i++) {
        in.have[i] = (struct share){i % 20, 100};
        in.want[i] = FILES - 1 - i;
    }
    same_text(err_name(world_run(&w, &in, &out)), "ok", "276 media, some twice");
    same_int((int64_t)out.n_mids, CAP_MEDIA, "the first 256 have ids");
    world_close(&w);
}

static void packages(void) {
    struct world w;
    const char *first, *again, *other;
    struct buf body = {0}, file = {0}, none = {0};
    world_open(&w, "wal");
    body.arena = file.arena = none.arena = &w.arena;
    same_text(err_name(package_current(&w.ctx, &w.circle, &first)), "ok", "a package");
    (void)!package_current(&w.ctx, &w.circle, &again);
    same_text(again, first, "is built once");
    same_text(err_name(package_get(&w.ctx, first, NULL, &body)), "ok", "it is there");
    uint8_t sha[32];
    (void)crypto_hash_sha256(sha, (const uint8_t *)body.data, body.len);
    same_text(hex_text(&w.arena, sha, 32), first, "under the SHA-256 of its bytes");
    same_text(err_name(package_get(&w.ctx, first, "circles.js", &file)), "ok", "and so is a file of it");
    ok(strstr(file.data, "\"demo\"") != NULL && strncmp(file.data, "export default {", 16) == 0, "circles.js names the circle");
    same_text(err_name(package_get(&w.ctx, first, "../x", &none)), "not_found", "no other file");
    same_text(err_name(package_get(&w.ctx, "00", NULL, &none)), "not_found", "no other hash");
    (void)!store_run(w.ctx.store, SQL_BASE_ADD, ARGS(T("http://two.example/"), T("two.example")));
    (void)!package_current(&w.ctx, &w.circle, &other);
    ok(strcmp(first, other) != 0, "another address: another package");
    struct buf before = {.arena = &w.arena}, old = {.arena = &w.arena}, now = {.arena = &w.arena}, end = {.arena = &w.arena};
    ok(package_get(&w.ctx, first, NULL, &before) == ERR_OK && before.len == body.len &&
           memcmp(before.data, body.data, body.len) == 0,
       "the one before stays for who has an older loader");
    ok(package_get(&w.ctx, first, "circles.js", &old) == ERR_OK && strcmp(old.data, file.data) == 0, "file by file as it was");
    ok(package_get(&w.ctx, other, "circles.js", &now) == ERR_OK && strstr(now.data, "two.example"), "beside the new one");
    w.ctx.now += SPAN_PACKAGE + 1;
    (void)!store_run(w.ctx.store, SQL_BASE_ADD, ARGS(T("http://three.example/"), T("three.example")));
    (void)!package_current(&w.ctx, &w.circle, &again);
    same_text(err_name(package_get(&w.ctx, first, NULL, &end)), "not_found", "a day later the next one takes it away");
    same_text(err_name(package_get(&w.ctx, other, NULL, &end)), "ok", "but not the one before itself");
    world_sql(world_path(&w, "polycircle.db"), "DELETE FROM base WHERE url = 'http://three.example/'");
    (void)!package_current(&w.ctx, &w.circle, &again);
    same_text(again, other, "an address that goes again: the package of before is the current one");
    world_close(&w);
}

static int64_t statistic(struct world *w) {
    return world_number(world_path(w, "polycircle.db"), "SELECT n FROM statistic WHERE name = 'joins'");
}

static void statistics(void) {
    struct world w;
    struct synced out;
    world_open(&w, "truncate");
    (void)!world_join(&w, 1, &out);
    same_int(statistic(&w), 1, "the first join is folded at once");
    for (int k = 2; k <= 5; k++) (void)!world_join(&w, k, &out);
    same_int(statistic(&w), 1, "four more wait");
    w.ctx.now += SPAN_FOLD;
    sqlite3 *locker = NULL;
    (void)sqlite3_busy_timeout(w.ctx.store->db[MAIN], 1);
    ok(sqlite3_open(world_path(&w, "polycircle.db"), &locker) == SQLITE_OK &&
           sqlite3_exec(locker, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK,
       "polycircle.db is locked");
    same_text(err_name(world_join(&w, 6, &out)), "ok", "a join a minute later");
    (void)sqlite3_exec(locker, "ROLLBACK", NULL, NULL, NULL);
    (void)sqlite3_close(locker);
    same_text(err_name(world_join(&w, 7, &out)), "ok", "and one when it is free");
    same_int(statistic(&w), 6, "what was marked is moved");
    same_int(world_live(&w, "SELECT sum(joins) FROM pulse"), 1, "the rest waits, nothing is lost");
    w.ctx.now += SPAN_FOLD;
    same_text(err_name(world_join(&w, 8, &out)), "ok", "a minute later");
    same_int(statistic(&w), 8, "it is counted, once");
    int64_t fold = world_number(world_path(&w, "polycircle.db"),
                                "SELECT CAST(substr(value, instr(value, '.') + 1) AS INTEGER) FROM instance WHERE name = 'folded'");
    world_live_sql(&w, arena_text(&w.arena, "INSERT INTO tally VALUES(1, 'joins', %" PRId64 ", 3)", fold));
    w.ctx.now += SPAN_FOLD;
    same_text(err_name(world_join(&w, 9, &out)), "ok", "a crash came before the live file forgot what was moved");
    same_int(statistic(&w), 8, "it is not added again");
    w.ctx.now += SPAN_FOLD;
    same_text(err_name(world_join(&w, 10, &out)), "ok", "a minute later");
    same_int(statistic(&w), 10, "what came since is counted");
    world_close(&w);
}

static void circles(void) {
    struct world w;
    struct circle c;
    world_open(&w, "wal");
    struct circle_new new = {.can = "demo", .chosen = {.ice = "[]", .mirror = true}};
    same_text(err_name(circle_add(&w.ctx, &new, &c)), "exists", "a name is claimed once");
    store_rollback(w.ctx.store);
    same_text(err_name(circle_remove(&w.ctx, &w.circle)), "ok", "removed");
    same_text(err_name(circle_add(&w.ctx, &new, &c)), "exists", "and never used again");
    store_rollback(w.ctx.store);
    new.can = "Bad Name";
    same_text(err_name(circle_add(&w.ctx, &new, &c)), "usage", "a name that is none");
    new.can = "two";
    same_text(err_name(circle_add(&w.ctx, &new, &c)), "ok", "another");
    same_text(err_name(circle_origin(&w.ctx, &c, "http://site.example")), "ok", "the instance's own pages may use it");
    same_text(err_name(circle_origin(&w.ctx, &c, "")), "ok", "and what is no page");
    same_text(err_name(circle_origin(&w.ctx, &c, "https://evil.example")), "origin_refused", "others may not");
    ok(strstr(w.ctx.fault.text, "circle allow two --origin https://evil.example") != NULL, "the words name the command");
    for (int i = 0; i < CAP_REFUSED + 10; i++) (void)!circle_origin(&w.ctx, &c, arena_text(&w.arena, "https://%d.example", i));
    same_int(world_live(&w, "SELECT count(*) FROM refused"), CAP_REFUSED, "refused origins are remembered up to a cap");
    int allowed = 0;
    enum err e = ERR_OK;
    for (int i = 0; i < CAP_ORIGINS + 1 && e == ERR_OK; i++, allowed++)
        e = circle_allow(&w.ctx, &c, arena_text(&w.arena, "https://%d.example", i));
    same_text(err_name(e), "usage", "allowed ones have a cap, too");
    same_int(world_number(world_path(&w, "polycircle.db"), "SELECT count(*) FROM origin WHERE circle = 2"), CAP_ORIGINS, "of 64");
    same_text(err_name(circle_allow(&w.ctx, &c, "https://1.example/")), "ok", "one that is there stays allowed");
    world_close(&w);
}

int main(void) {
    types();
    origins();
    publishing();
    busy();
    too_long();
    media_ids();
    packages();
    statistics();
    circles();
    return done();
}
