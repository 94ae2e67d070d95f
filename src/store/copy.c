#include "store/copy.h"
#include "store/internal.h"
#include "util/file.h"

/* In TRUNCATE who reads keeps writers out. So the copy is read into memory, at once, and written from there, however long that
 * takes. One too large for that is written directly. */
static int read_whole(struct store *s, sqlite3 **copy) {
    enum { MOST = 256 << 20 };
    struct stat st;
    if (s->wal || stat(s->main_path, &st) != 0 || st.st_size > MOST) return SQLITE_OK;
    int rc = sqlite3_open_v2(":memory:", copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    sqlite3_backup *all = rc == SQLITE_OK ? sqlite3_backup_init(*copy, "main", s->db[MAIN], "main") : NULL;
    if (!all) return rc == SQLITE_OK ? sqlite3_errcode(*copy) : rc;
    (void)sqlite3_backup_step(all, -1);
    return sqlite3_backup_finish(all);
}

enum err copy_make(struct store *s, const char *path, struct fault *fault) {
    sqlite3_stmt *stmt = NULL;
    sqlite3 *copy = NULL;
    int rc = read_whole(s, &copy);
    if (rc == SQLITE_OK) rc = sqlite3_prepare_v2(copy ? copy : s->db[MAIN], "VACUUM INTO ?1", -1, &stmt, NULL);
    if (rc == SQLITE_OK) {
        (void)sqlite3_bind_text(stmt, 1, path, -1, SQLITE_STATIC);
        rc = sqlite3_step(stmt);
    }
    (void)sqlite3_finalize(stmt);
    const char *why = sqlite3_errmsg(copy && sqlite3_errcode(copy) ? copy : s->db[MAIN]);
    enum err e = rc == SQLITE_DONE
                     ? ERR_OK
                     : fault_set(fault, store_code(s, MAIN, rc),
                                 "The copy %s could not be written: look whether there is room for it. (%s)", path, why);
    (void)sqlite3_close(copy);
    return e;
}

static enum err add(const char *dir, const char *path, copy_more *more, struct fault *fault) {
    struct store copy = {.db = {NULL}};
    int rc = store_connect(&copy.db[MAIN], path, SQLITE_OPEN_READWRITE);
    enum err e = rc == SQLITE_OK ? more(&copy, dir, fault) : store_code(&copy, MAIN, rc);
    if (e != ERR_OK && e != ERR_FILES)
        (void)!fault_set(fault, e, "The copy %s could not be written: look whether there is room for it. (%s)", path,
                         sqlite3_errmsg(copy.db[MAIN]));
    (void)sqlite3_close(copy.db[MAIN]);
    return e;
}

enum err copy_save(struct store *s, const char *path, copy_more *more, struct fault *fault) {
    path_text part, dir = "./";
    if (strlen(path) + sizeof ".part" > sizeof part) return fault_set(fault, ERR_FILES, "%.200s...: too long a name", path);
    (void)snprintf(part, sizeof part, "%s.part", path);
    if (strchr(path, '/')) (void)snprintf(dir, sizeof dir, "%s", path);
    strrchr(dir, '/')[dir[0] == '/' && !strchr(dir + 1, '/')] = '\0'; /* "/" stays */
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) return store_errno(fault, dir);
    (void)unlink(part);
    enum err e = copy_make(s, part, fault);
    if (e == ERR_OK && more) e = add(s->dir, part, more, fault);
    if (e == ERR_OK && (!file_sync(part) || rename(part, path) != 0)) e = store_errno(fault, path);
    if (e != ERR_OK) (void)unlink(part);
    if (e == ERR_OK) (void)file_sync(dir);
    return e;
}

enum err copy_save_locked(const struct store *s, const char *path, copy_more *more, struct fault *fault) {
    struct store reader = {.db = {NULL}};
    (void)snprintf(reader.dir, sizeof reader.dir, "%s", s->dir);
    int rc = store_connect(&reader.db[MAIN], s->main_path, SQLITE_OPEN_READWRITE);
    enum err e = rc == SQLITE_OK ? copy_save(&reader, path, more, fault) : store_code(&reader, MAIN, rc);
    (void)sqlite3_close(reader.db[MAIN]);
    return e;
}

/* All that is in a schema, to tell whether two files are of one form: a view or a trigger would run in our name, and so would what
 * stands in a table's or an index's own text (checks, computed columns). But for spaces and quotes, of which SQLite's versions
 * write more or less. */
static const char form[] =
    "SELECT group_concat(x) FROM (SELECT type || name || replace(replace(replace(sql, ' ', ''), char(10), ''), '\"', '') AS x"
    " FROM main.sqlite_master WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*' ORDER BY name)";

/* "": it cannot be told. The caller frees it by sqlite3_free(). */
static char *form_of(const struct store *s) {
    sqlite3_stmt *stmt = NULL;
    const char *text = NULL;
    if (sqlite3_prepare_v2(s->db[MAIN], form, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        text = (const char *)sqlite3_column_text(stmt, 0);
    char *copy = sqlite3_mprintf("%s", text ? text : "");
    (void)sqlite3_finalize(stmt);
    return copy;
}

bool copy_alike(const struct store *a, const struct store *b) {
    char *x = form_of(a), *y = form_of(b);
    bool equal = x && y && *x && strcmp(x, y) == 0;
    sqlite3_free(x);
    sqlite3_free(y);
    return equal;
}

/* Is it what this program makes itself, or did when this was its version; perhaps with the keys that a backup carries? */
static bool of_our_form(const struct store *copy, int version) {
    struct store model = {.db = {NULL}};
    bool good = store_connect(&model.db[MAIN], ":memory:", SQLITE_OPEN_READWRITE) == SQLITE_OK;
    for (size_t i = 0; good && i < migrations_count && migrations[i].version <= version; i++)
        good = store_try(&model, migrations[i].sql) == ERR_OK;
    good = good && (copy_alike(&model, copy) || (store_try(&model, KEY_TABLE) == ERR_OK && copy_alike(&model, copy)));
    (void)sqlite3_close(model.db[MAIN]);
    return good;
}

/* All texts are C's here: behind a NUL one could hold what nobody looks at. */
static enum err no_nul(struct store *copy, struct fault *fault) {
    static const char made[] =
        "SELECT group_concat('SELECT 1 FROM \"' || m.name || '\" WHERE typeof(\"' || c.name || '\") = ''text'' AND"
        " instr(CAST(\"' || c.name || '\" AS BLOB), x''00'')', ' UNION ALL ')"
        " FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'";
    sqlite3_stmt *text = NULL, *all = NULL;
    int rc = sqlite3_prepare_v2(copy->db[MAIN], made, -1, &text, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_step(text);
    if (rc == SQLITE_ROW) rc = sqlite3_prepare_v2(copy->db[MAIN], (const char *)sqlite3_column_text(text, 0), -1, &all, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_step(all);
    (void)sqlite3_finalize(all);
    (void)sqlite3_finalize(text);
    if (rc == SQLITE_DONE) return ERR_OK;
    return rc == SQLITE_ROW ? fault_set(fault, ERR_DAMAGED, "a text in it holds a NUL") : store_code(copy, MAIN, rc);
}

/* Before anything else is asked of it: its form. */
static enum err open_copy(struct store *copy, struct fault *fault) {
    enum err e;
    int rc = store_connect(&copy->db[MAIN], copy->main_path, SQLITE_OPEN_READWRITE);
    if (rc != SQLITE_OK) return store_code(copy, MAIN, rc);
    TRY(store_try(copy, "PRAGMA journal_mode=DELETE; PRAGMA temp_store=MEMORY"));
    int version = store_version(copy, &e);
    if (version > store_form()) return migrate(copy, migrations, migrations_count, fault); /* refuses it, with words */
    if (version < 1 || !of_our_form(copy, version)) return ERR_DAMAGED;
    TRY(store_check(copy, MAIN, fault));
    return no_nul(copy, fault);
}

enum err copy_take(struct store **out, const char *file, const char *path, struct fault *fault) {
    *out = NULL;
    store_remove(path); /* what a kill has left */
    enum header header = store_header(file); /* a film that was renamed by mistake is not copied first */
    if (header == HEADER_EMPTY || header == HEADER_OTHER) return ERR_DAMAGED;
    if (!file_copy(file, path)) return store_errno(fault, file);
    struct store *copy = calloc(1, sizeof *copy);
    if (!copy || strlen(path) >= sizeof copy->main_path) abort();
    memcpy(copy->main_path, path, strlen(path) + 1);
    (void)snprintf(copy->dir, sizeof copy->dir, "%.*s", (int)(file_name(path) - path - 1), path); /* where the keys are */
    copy->scratch = true;
    (void)stat(path, &copy->main_file); /* what store_begin() looks at */
    enum err e = open_copy(copy, fault);
    if (e == ERR_OK)
        *out = copy;
    else
        copy_drop(copy);
    return e == ERR_OK || e == ERR_DISK_FULL || e == ERR_NEWER ? e : ERR_DAMAGED;
}

enum err copy_update(struct store *copy, struct fault *fault) {
    enum err e = migrate(copy, migrations, migrations_count, fault);
    store_finalize(copy, MAIN);
    return e;
}

void copy_drop(struct store *copy) {
    if (!copy) return;
    store_finalize(copy, MAIN);
    (void)sqlite3_close(copy->db[MAIN]);
    store_remove(copy->main_path);
    free(copy);
}
