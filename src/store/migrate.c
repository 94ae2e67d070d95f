/* polycircle.db from version to version: PRAGMA user_version says where it stands, each step is tried in
 * one transaction, a backup is made first, a file of a newer program is refused with words. */
#include "store/copy.h"
#include "store/internal.h"
#include "store/keys.h"
#include "store/schema.h"
#include "util/codec.h"
#include "util/gzip.h"
#include "util/jsn.h"

/* Version 2 kept the signing keys in the circles' rows. What is freed of these is zeroed. */
static enum err move_keys(struct store *s) {
    sqlite3_stmt *stmt = NULL;
    enum err e = ERR_OK;
    if (s->scratch) return ERR_OK; /* a restore looks after them */
    TRY(store_exec(s, MAIN, "PRAGMA secure_delete=ON"));
    int rc = sqlite3_prepare_v2(s->db[MAIN], "SELECT lower(hex(cid)), sign_secret FROM circle", -1, &stmt, NULL);
    while (rc == SQLITE_OK && e == ERR_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        uint8_t there[KEY_SEED];
        const char *cid = (const char *)sqlite3_column_text(stmt, 0);
        const void *secret = sqlite3_column_blob(stmt, 1); /* seed and public key */
        rc = SQLITE_OK;
        if (secret && sqlite3_column_bytes(stmt, 1) == 2 * KEY_SEED) e = key_read(s->dir, cid, there);
        if (e == ERR_NOT_FOUND || e == ERR_DAMAGED) e = key_write(s->dir, cid, secret);
        explicit_bzero(there, sizeof there);
    }
    (void)sqlite3_finalize(stmt);
    return e != ERR_OK ? e : rc == SQLITE_DONE ? ERR_OK : store_error(s, MAIN, rc);
}

static enum err pack_row(sqlite3_stmt *row, struct buf *packed) {
    struct arena *a = packed->arena;
    const uint8_t *key = sqlite3_column_blob(row, 1), *signature = sqlite3_column_blob(row, 3);
    size_t key_len = (size_t)sqlite3_column_bytes(row, 1), signature_len = (size_t)sqlite3_column_bytes(row, 3);
    const char *text = (const char *)sqlite3_column_text(row, 2);
    if (!text) return ERR_INTERNAL; /* no memory */
    struct jsn_quoted all = {
        .head = arena_text(a, "{\"polycircle\":1,\"key\":\"%s\",\"signed\":\"", base64url_text(a, key, key_len)),
        .text = text,
        .left = (size_t)sqlite3_column_bytes(row, 2),
        .tail = arena_text(a, "\",\"sig\":\"%s\"}", base64url_text(a, signature, signature_len)),
        .slice = {.arena = a},
    };
    return gzip_pack_slices(packed, jsn_quoted_next, &all, all.left);
}

/* Version 5 kept the text of a manifest and its signature, and made the answer of them each time. */
static enum err pack_manifests(struct store *s) {
    static const char list[] =
        "SELECT m.circle, c.sign_public, m.signed, m.signature FROM manifest m JOIN circle c ON c.id = m.circle";
    sqlite3_stmt *row = NULL, *set = NULL;
    struct arena a = {0};
    enum err e = ERR_OK;
    int rc = sqlite3_prepare_v2(s->db[MAIN], list, -1, &row, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_prepare_v2(s->db[MAIN], "UPDATE manifest SET signed = ?2 WHERE circle = ?1", -1, &set, NULL);
    while (rc == SQLITE_OK && e == ERR_OK && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        struct buf packed = {.arena = &a};
        e = pack_row(row, &packed);
        (void)sqlite3_bind_int64(set, 1, sqlite3_column_int64(row, 0));
        (void)sqlite3_bind_blob64(set, 2, packed.data, packed.len, SQLITE_STATIC);
        (void)sqlite3_step(set);
        rc = sqlite3_reset(set);
        arena_reset(&a);
    }
    (void)sqlite3_finalize(row);
    (void)sqlite3_finalize(set);
    arena_free(&a);
    return e != ERR_OK ? e : rc == SQLITE_DONE ? ERR_OK : store_error(s, MAIN, rc);
}

const struct migration migrations[] = {
    {1, SCHEMA_MAIN, NULL},
    {2, SCHEMA_MAIN_2, NULL},
    {3, SCHEMA_MAIN_3, move_keys},
    {4, SCHEMA_MAIN_4, NULL},
    {5, SCHEMA_MAIN_5, NULL},
    {6, SCHEMA_MAIN_6, NULL},
    {7, SCHEMA_MAIN_7, NULL},
    {8, SCHEMA_MAIN_8, pack_manifests},
    {9, SCHEMA_MAIN_9, NULL},
    /* another form of the live database, each */
    {10, SCHEMA_MAIN_4, NULL},
    {11, SCHEMA_MAIN_4, NULL},
    {12, SCHEMA_MAIN_12, NULL},
};
const size_t migrations_count = sizeof migrations / sizeof *migrations;

int store_form(void) {
    return migrations[migrations_count - 1].version;
}

int store_version(struct store *s, enum err *e) {
    sqlite3_stmt *stmt = NULL;
    int version = -1;
    int rc = sqlite3_prepare_v2(s->db[MAIN], "PRAGMA user_version", -1, &stmt, NULL);
    if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) version = sqlite3_column_int(stmt, 0);
    (void)sqlite3_finalize(stmt);
    *e = version >= 0 ? ERR_OK : store_error(s, MAIN, rc);
    return version;
}

/* In place of what an earlier attempt left. From version 3 on keys are files. */
static enum err backup(struct store *s, int version, struct fault *fault) {
    char path[sizeof s->dir + 64];
    (void)snprintf(path, sizeof path, "%s/backups/polycircle-v%d.db", s->dir, version);
    return copy_save_locked(s, path, version > 2 ? key_pack : NULL, fault);
}

static enum err steps_from(struct store *s, const struct migration *steps, size_t count, struct fault *fault) {
    enum err e;
    int version = store_version(s, &e); /* again, now that nobody else can move it */
    TRY(e);
    if (version > 0 && version < steps[count - 1].version && !s->scratch) TRY(backup(s, version, fault));
    for (size_t i = 0; i < count; i++) {
        if (steps[i].version <= version) continue;
        char mark[64];
        (void)snprintf(mark, sizeof mark, "PRAGMA user_version=%d", steps[i].version);
        if (steps[i].before) TRY(steps[i].before(s));
        TRY(store_exec(s, MAIN, steps[i].sql));
        TRY(store_exec(s, MAIN, mark));
    }
    return ERR_OK;
}

enum err migrate(struct store *s, const struct migration *steps, size_t count, struct fault *fault) {
    enum err e;
    int version = store_version(s, &e), last = steps[count - 1].version;
    TRY(e);
    if (version == last) return ERR_OK;
    if (version == 0 && !s->creates) return ERR_DAMAGED; /* there is nothing of ours in it */
    if (version > last)
        return fault_set(fault, ERR_NEWER, "polycircle.db is of version %d, this program knows %d: put the newer program back.",
                         version, last);
    unsigned left = alarm(0); /* of the answer: it may take longer, and would be begun again by each request */
    e = store_begin(s, MAIN, true);
    if (e == ERR_OK) e = steps_from(s, steps, count, fault);
    if (e == ERR_OK) e = store_commit(s, MAIN);
    if (e != ERR_OK) store_rollback(s);
    if (left) (void)alarm(left);
    /* what a step has zeroed stands in the file until the log is written back; whoever reads just now may keep it for longer */
    if (e == ERR_OK && !s->scratch) (void)store_exec(s, MAIN, "PRAGMA wal_checkpoint(TRUNCATE)");
    return e;
}
