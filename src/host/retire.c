#include "host/retire.h"
#include "circle/setting.h"
#include "circle/spool.h"

enum err retire_undo(struct ctx *ctx) {
    return setting_put(ctx, "retired", "");
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

static enum err unblock(struct ctx *ctx, const char *path, bool dry, struct texts *out) {
    enum { MOST = 1 << 20 };
    char *text = file_text(ctx->arena, path, MOST);
    size_t all = text ? strlen(text) : 0, len = text ? retire_block(text, all) : 0;
    if (len == all) return ERR_OK;
    texts_add(ctx->arena, out, jsn_shown(ctx->arena, path));
    if (dry || file_replace(path, text, text[strspn(text, " \t\r\n")] ? len : 0)) return ERR_OK;
    return fault_errno(&ctx->fault, ERR_FILES, path);
}

/* The spool goes at once: a loader that lies there as a file would be served in place of our farewell. */
enum err retire(struct ctx *ctx) {
    const char *spool;
    TRY(store_begin(ctx->store, MAIN, true));
    TRY(store_run(ctx->store, SQL_INSTANCE_SET, ARGS(T("retired"), I(ctx->now))));
    TRY(store_commit(ctx->store, MAIN));
    TRY(setting_get(ctx, "spool_dir", &spool));
    spool_clear(ctx, spool);
    return store_renew(ctx->store);
}

enum err retire_files(struct ctx *ctx, bool dry, struct texts *out) {
    static const char *const places[] = {"", "/cgi-bin"};
    const char *root, *spool;
    *out = (struct texts){0};
    TRY(setting_get(ctx, "root", &root));
    TRY(setting_get(ctx, "spool_dir", &spool));
    if (*spool && access(spool, F_OK) == 0) texts_add(ctx->arena, out, jsn_shown(ctx->arena, spool));
    if (!dry) spool_clear(ctx, spool);
    for (size_t i = 0; *root && i < sizeof places / sizeof *places; i++)
        TRY(unblock(ctx, arena_text(ctx->arena, "%s%s/.htaccess", root, places[i]), dry, out));
    return ERR_OK;
}
