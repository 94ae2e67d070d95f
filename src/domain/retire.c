#include "domain/retire.h"
#include "domain/setting.h"

enum err retire_undo(struct ctx *ctx) {
    TRY(store_begin(ctx->store, MAIN, true));
    TRY(store_run(ctx->store, SQL_INSTANCE_DROP, ARGS(T("retired"))));
    return store_commit(ctx->store, MAIN);
}

static char *line_of(char *text, const char *words) {
    size_t n = strlen(words);
    for (char *p = text; p; p = strchr(p, '\n')) {
        p += *p == '\n';
        if (strncmp(p, words, n) == 0 && strchr("\r\n", p[n])) return p;
        if (!*p) break;
    }
    return NULL;
}

size_t retire_block(char *text, size_t len) {
    for (char *begin; (begin = line_of(text, "# BEGIN polycircle"));) {
        char *end = line_of(begin, "# END polycircle");
        if (!end) break;
        end += strcspn(end, "\n");
        end += *end == '\n';
        memmove(begin, end, (size_t)(text + len - end) + 1);
        len -= (size_t)(end - begin);
    }
    return len;
}

static enum err replace(struct ctx *ctx, const char *path, const char *text, size_t len) {
    const char *part = arena_text(ctx->arena, "%s.part", path);
    FILE *f = fopen(part, "wbxe");
    bool good = f && fwrite(text, 1, len, f) == len;
    good = f && fclose(f) == 0 && good && chmod(part, 0644) == 0 && file_sync(part) && rename(part, path) == 0;
    if (!good && f) (void)unlink(part);
    return good ? ERR_OK : fault_set(&ctx->fault, ERR_FILES, "%s: %s", path, strerror(errno));
}

static enum err unblock(struct ctx *ctx, const char *path, bool dry, json_t *out) {
    enum { MOST = 1 << 20 };
    struct file_id id;
    int fd = file_open(path, &id);
    char *text = fd >= 0 && id.size < MOST ? arena_alloc(ctx->arena, (size_t)id.size + 1) : NULL;
    bool read_all = text && file_read(fd, text, (size_t)id.size, 0);
    if (fd >= 0) (void)close(fd);
    if (!read_all || strlen(text) != (size_t)id.size) return ERR_OK;
    size_t len = retire_block(text, (size_t)id.size);
    if (len == (size_t)id.size) return ERR_OK;
    (void)json_array_append_new(out, json_string(path));
    if (dry) return ERR_OK;
    if (text[strspn(text, " \t\r\n")]) return replace(ctx, path, text, len);
    return unlink(path) == 0 ? ERR_OK : fault_set(&ctx->fault, ERR_FILES, "%s: %s", path, strerror(errno));
}

/* Only a directory whose name says that it is one: the setting may be wrong. */
static enum err drop_spool(struct ctx *ctx, const char *dir, bool dry, json_t *out) {
    const char *slash = strrchr(dir, '/');
    DIR *d = slash && strstr(slash, "spool") ? opendir(dir) : NULL;
    if (!d) return ERR_OK;
    (void)json_array_append_new(out, json_string(dir));
    for (struct dirent *entry; !dry && (entry = readdir(d));) {
        const char *path = arena_text(ctx->arena, "%s/%s", dir, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) (void)unlink(path);
    }
    (void)closedir(d);
    if (!dry && rmdir(dir) != 0) return fault_set(&ctx->fault, ERR_FILES, "%s: %s", dir, strerror(errno));
    return ERR_OK;
}

/* The spool goes at once: a loader that lies there as a file would be served in place of our farewell. */
enum err retire(struct ctx *ctx) {
    const char *spool;
    TRY(store_begin(ctx->store, MAIN, true));
    TRY(store_run(ctx->store, SQL_INSTANCE_SET, ARGS(T("retired"), I(ctx->now))));
    TRY(store_commit(ctx->store, MAIN));
    TRY(setting_get(ctx, "spool_dir", &spool));
    TRY(drop_spool(ctx, spool, false, json_array()));
    return store_renew(ctx->store);
}

enum err retire_files(struct ctx *ctx, bool dry, json_t *out) {
    static const char *const places[] = {"", "/cgi-bin"};
    const char *root, *spool;
    TRY(setting_get(ctx, "root", &root));
    TRY(setting_get(ctx, "spool_dir", &spool));
    TRY(drop_spool(ctx, spool, dry, out));
    for (size_t i = 0; *root && i < sizeof places / sizeof *places; i++)
        TRY(unblock(ctx, arena_text(ctx->arena, "%s%s/.htaccess", root, places[i]), dry, out));
    return ERR_OK;
}
