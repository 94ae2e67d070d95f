#include "store/keys.h"
#include "store/internal.h"
#include "util/codec.h"
#include "util/file.h"

enum { LINE = 2 * KEY_SEED + 1 };

typedef char key_path[PATH_MAX];

static bool path_of(key_path path, const char *dir, const char *cid, const char *ending) {
    int n = snprintf(path, sizeof(key_path), "%s/signing/%s%s", dir, cid, ending);
    return n > 0 && n < (int)sizeof(key_path);
}

static enum err why_not(void) {
    return errno == ENOSPC || errno == EDQUOT ? ERR_DISK_FULL : errno == EACCES || errno == EROFS ? ERR_READ_ONLY : ERR_FILES;
}

enum err key_read(const char *dir, const char *cid, uint8_t seed[static KEY_SEED]) {
    key_path path;
    struct file_id id;
    char line[LINE + 1] = {0};
    if (!path_of(path, dir, cid, "")) return ERR_FILES;
    int fd = file_open(path, &id);
    if (fd < 0) return errno == ENOENT ? ERR_NOT_FOUND : ERR_FILES;
    size_t len = id.size < LINE ? (size_t)id.size : LINE; /* an owner's editor may have ended the line otherwise, or not at all */
    bool read = file_read(fd, line, len, 0);
    line[strcspn(line, "\r\n")] = '\0';
    bool good = read && hex_decode(seed, KEY_SEED, line);
    explicit_bzero(line, sizeof line);
    (void)close(fd);
    return good ? ERR_OK : read ? ERR_DAMAGED : ERR_FILES; /* what cannot be read just now is not to be replaced */
}

enum err key_write(const char *dir, const char *cid, const uint8_t seed[static KEY_SEED]) {
    key_path folder, part, path;
    char line[LINE + 1];
    if (!path_of(folder, dir, "", "") || !path_of(part, dir, cid, ".part") || !path_of(path, dir, cid, "")) return ERR_FILES;
    bool fresh = access(folder, F_OK) != 0;
    if (!directory_make(folder)) return why_not();
    if (fresh) (void)file_sync(dir);
    hex_encode(line, seed, KEY_SEED);
    line[LINE - 1] = '\n';
    (void)unlink(part);
    bool good = file_make(part, line, LINE, 0600);
    good = good && rename(part, path) == 0;
    int why = errno;
    enum err e = good ? ERR_OK : why_not();
    explicit_bzero(line, sizeof line);
    if (!good) (void)unlink(part);
    (void)file_sync(folder);
    errno = why; /* callers say it */
    return e;
}

void key_drop(const char *dir, const char *cid) {
    key_path path;
    if (path_of(path, dir, cid, "")) (void)unlink(path);
}

enum err key_promote(const char *dir, const char *cid) {
    key_path folder, from, to;
    if (!path_of(folder, dir, "", "") || !path_of(from, dir, cid, ".new") || !path_of(to, dir, cid, "")) return ERR_FILES;
    if (rename(from, to) != 0) return why_not();
    (void)file_sync(folder);
    return ERR_OK;
}

static bool is_cid(const char *text) {
    return strlen(text) == 16 && strspn(text, "0123456789abcdef") == 16;
}

static int pack_one(sqlite3_stmt *stmt, const char *dir, const char *cid) {
    uint8_t seed[KEY_SEED];
    enum err e = key_read(dir, cid, seed);
    if (e != ERR_OK && e != ERR_NOT_FOUND)
        (void)fprintf(stderr, "polycircle: signing/%s %s: the backup is without it\n", cid,
                      e == ERR_DAMAGED ? "is no key" : "cannot be read");
    if (e != ERR_OK) return SQLITE_OK;
    (void)sqlite3_bind_text(stmt, 1, cid, -1, SQLITE_TRANSIENT);
    (void)sqlite3_bind_blob(stmt, 2, seed, sizeof seed, SQLITE_TRANSIENT);
    explicit_bzero(seed, sizeof seed);
    int rc = sqlite3_step(stmt);
    (void)sqlite3_reset(stmt);
    (void)sqlite3_clear_bindings(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

enum err key_pack(struct store *copy, const char *dir, struct fault *fault) {
    static const char table[] = "BEGIN; DROP TABLE IF EXISTS signing; " KEY_TABLE;
    sqlite3_stmt *stmt = NULL;
    key_path folder;
    if (!path_of(folder, dir, "", "")) return fault_set(fault, ERR_FILES, "%.200s...: too long a name", dir);
    DIR *d = opendir(folder);
    if (!d && errno != ENOENT) return fault_errno(fault, ERR_FILES, folder);
    int rc = sqlite3_exec(copy->db[MAIN], table, NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_prepare_v2(copy->db[MAIN], "INSERT OR REPLACE INTO signing VALUES(?1, ?2)", -1, &stmt, NULL);
    for (struct dirent *entry; rc == SQLITE_OK && d && (entry = readdir(d));)
        if (is_cid(entry->d_name)) rc = pack_one(stmt, dir, entry->d_name);
    if (d) (void)closedir(d);
    (void)sqlite3_finalize(stmt);
    if (rc == SQLITE_OK) rc = sqlite3_exec(copy->db[MAIN], "COMMIT", NULL, NULL, NULL);
    return rc == SQLITE_OK ? ERR_OK : store_code(copy, MAIN, rc);
}

void key_forget(struct key_list *list) {
    if (list->all) explicit_bzero(list->all, list->n * sizeof *list->all);
    free(list->all);
    *list = (struct key_list){0};
}

static void unpack_one(struct key_list *list, sqlite3_stmt *stmt) {
    const char *cid = (const char *)sqlite3_column_text(stmt, 0);
    const void *seed = sqlite3_column_blob(stmt, 1);
    if (!cid || !is_cid(cid) || !seed || sqlite3_column_bytes(stmt, 1) != KEY_SEED) return;
    size_t n = list->n;
    struct key *all = calloc(n + 1, sizeof *all);
    if (!all) abort();
    if (n) memcpy(all, list->all, n * sizeof *all);
    memcpy(all[n].cid, cid, sizeof all[n].cid);
    memcpy(all[n].seed, seed, KEY_SEED);
    key_forget(list);
    *list = (struct key_list){all, n + 1};
}

/* They are in a table of their own, or before version 3 in the circles'. */
enum err key_unpack(struct store *copy, struct key_list *out) {
    static const char *const places[] = {"SELECT cid, seed FROM signing LIMIT 10000",
                                         "SELECT lower(hex(cid)), substr(sign_secret, 1, 32) FROM circle LIMIT 10000"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(copy->db[MAIN], places[i], -1, &stmt, NULL);
        while (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) unpack_one(out, stmt);
        (void)sqlite3_finalize(stmt);
    }
    return store_try(copy, "PRAGMA secure_delete=ON; DROP TABLE IF EXISTS signing");
}
