#include "cli/cli.h"
#include "domain/manifest.h"
#include "util/caps.h"
#include "util/codec.h"
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct option_spec options[] = {{"--at", true}, {NULL, false}};

struct scan {
    struct cli *cli;
    const struct circle *circle;
    const char *dir;
    struct media *all; /* room for CAP_FILES */
    size_t n, skipped, hashed;
    int64_t total, to_read, done; /* bytes */
    const char *current;
};

static enum err walk(struct scan *s, const char *below, int depth);

static enum err add_file(struct scan *s, const char *path, const struct stat *st) {
    const char *type = media_type(path);
    if (!type || st->st_size == 0 || strlen(path) > CAP_PATH || !json_string(path)) { /* NULL: not UTF-8 */
        s->skipped++;
        return ERR_OK;
    }
    if (s->n == CAP_FILES)
        return fault_set(&s->cli->ctx.fault, ERR_USAGE, "%.150s holds more than %d files: publish a smaller folder.", s->dir,
                         CAP_FILES);
    s->all[s->n++] = (struct media){.path = path, .type = type, .file = {st->st_size, st->st_mtime}};
    s->total += st->st_size;
    return ERR_OK;
}

/* Hidden names, symbolic links and what is no regular file are left out. */
static enum err look(struct scan *s, const char *below, const char *name, int depth) {
    struct arena *a = s->cli->ctx.arena;
    const char *path = *below ? arena_text(a, "%s/%s", below, name) : arena_copy(a, name, strlen(name));
    struct stat st;
    if (name[0] == '.') return ERR_OK;
    if (lstat(arena_text(a, "%s/%s", s->dir, path), &st) != 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) {
        s->skipped++;
        return ERR_OK;
    }
    return S_ISDIR(st.st_mode) ? walk(s, path, depth + 1) : add_file(s, path, &st);
}

static enum err walk(struct scan *s, const char *below, int depth) {
    enum { DEEPEST = 32 };
    const char *path = arena_text(s->cli->ctx.arena, "%s/%s", s->dir, below);
    DIR *dir = depth < DEEPEST ? opendir(path) : NULL;
    if (!dir) return fault_set(&s->cli->ctx.fault, ERR_FILES, "%.180s: %s", path, depth < DEEPEST ? strerror(errno) : "too deep");
    enum err e = ERR_OK;
    for (struct dirent *entry; e == ERR_OK && (entry = readdir(dir));) e = look(s, below, entry->d_name, depth);
    (void)closedir(dir);
    return e;
}

static void bar(void *context, int64_t bytes) {
    struct scan *s = context;
    s->done += bytes;
    enum { WIDTH = 30 };
    int filled = (int)(s->to_read ? s->done * WIDTH / s->to_read : WIDTH);
    (void)fprintf(stderr, "\r[%.*s%*s] %3d%%  %.40s\033[K", filled, "##############################", WIDTH - filled, "",
                  (int)(s->to_read ? s->done * 100 / s->to_read : 100), s->current);
    (void)fflush(stderr);
}

/* What is published already, with the same size and time, is not read again. */
static enum err keep_known(struct scan *s) {
    struct ctx *ctx = &s->cli->ctx;
    for (size_t i = 0; i < s->n; i++) {
        struct media known, *m = &s->all[i];
        enum err e = media_get(ctx, s->circle->id, m->path, &known);
        if (e == ERR_OK && known.file.size == m->file.size && known.file.mtime == m->file.mtime && strcmp(known.type, m->type) == 0)
            *m = known;
        else if (e != ERR_OK && e != ERR_NOT_FOUND)
            return e;
        s->to_read += m->sha256 ? 0 : m->file.size;
    }
    return ERR_OK;
}

static enum err hash_new(struct scan *s) {
    bool terminal = isatty(STDERR_FILENO) && !s->cli->json;
    for (size_t i = 0; i < s->n; i++) {
        struct media *m = &s->all[i];
        s->current = m->path;
        if (m->sha256) continue;
        TRY(media_hash(&s->cli->ctx, s->dir, m, terminal ? bar : NULL, s));
        s->hashed++;
    }
    if (terminal && s->hashed) (void)fputs("\r\033[K", stderr);
    return ERR_OK;
}

static enum err url_from_root(struct cli *cli, const char *dir, const char **out) {
    char root[PATH_MAX];
    bool row;
    *out = "";
    TRY(store_find(cli->ctx.store, SQL_INSTANCE_GET, ARGS(T("root")), &row));
    if (!row) return ERR_OK;
    bool real = realpath(store_text(cli->ctx.store, SQL_INSTANCE_GET, 0), root) != NULL;
    store_reset(cli->ctx.store, SQL_INSTANCE_GET);
    size_t len = strlen(root);
    if (real && strncmp(dir, root, len) == 0 && (dir[len] == '/' || dir[len] == '\0'))
        *out = arena_text(cli->ctx.arena, "%s/", percent_path(cli->ctx.arena, dir + len));
    return ERR_OK;
}

/* Told by --at, else derived from the document root; "": only our own mirror serves the bytes. */
static enum err find_url(struct cli *cli, const char *dir, const char **out) {
    const char *at = cli_value(cli, "--at", NULL), *origin;
    if (!at) return url_from_root(cli, dir, out);
    if (at[0] != '/' && !origin_of(cli->ctx.arena, at, &origin))
        return fault_set(&cli->ctx.fault, ERR_USAGE, "--at %.100s: give /path/ or https://host/path/", at);
    *out = at[strlen(at) - 1] == '/' ? at : arena_text(cli->ctx.arena, "%s/", at);
    return ERR_OK;
}

static enum err unchanged(struct scan *s, const char *url, bool *same, int64_t *version) {
    struct ctx *ctx = &s->cli->ctx;
    struct manifest m;
    int64_t count;
    TRY(manifest_head(ctx, s->circle->id, &m));
    TRY(store_number(ctx->store, SQL_MEDIA_COUNT, ARGS(I(s->circle->id)), &count, 0));
    *same = m.version && s->hashed == 0 && count == (int64_t)s->n && strcmp(m.url, url) == 0 && strcmp(m.dir, s->dir) == 0;
    *version = m.version;
    return ERR_OK;
}

static enum err publish(struct scan *s) {
    struct cli *cli = s->cli;
    const char *url = "";
    bool same;
    int64_t version;
    TRY(find_url(cli, s->dir, &url));
    TRY(walk(s, "", 0));
    TRY(keep_known(s));
    TRY(hash_new(s));
    TRY(unchanged(s, url, &same, &version));
    if (!same) TRY(manifest_publish(&cli->ctx, s->circle, &(struct content){s->dir, url, s->all, s->n}, &version));
    if (cli->json) {
        cli_print_json(cli, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:s}", "can", s->circle->can, "version", (json_int_t)version,
                                      "files", (json_int_t)s->n, "bytes", (json_int_t)s->total, "hashed", (json_int_t)s->hashed,
                                      "skipped", (json_int_t)s->skipped, "url", url));
        return ERR_OK;
    }
    (void)printf("%s: version %" PRId64 "%s, %zu files, %.1f MB, %zu read, %zu left out\n", s->circle->can, version,
                 same ? " (nothing has changed)" : "", s->n, (double)s->total / 1e6, s->hashed, s->skipped);
    if (*url)
        (void)printf("The bytes stay in %s, served at %s\n", s->dir, url);
    else
        (void)printf("No URL is known for %s, so the program itself hands the bytes out, slowly.\n"
                     "Better: publish a folder below the document root (init --root DIR), or say --at URL.\n",
                     s->dir);
    return ERR_OK;
}

static enum err run(struct cli *cli) {
    static char dir[PATH_MAX];
    struct circle c;
    struct scan s = {.cli = cli, .circle = &c, .dir = dir, .current = ""};
    if (cli->n_words != 2) return fault_set(&cli->ctx.fault, ERR_USAGE, "usage: polycircle publish NAME DIR [--at URL]");
    TRY(cli_open(cli));
    TRY(cli_circle(cli, cli->words[0], &c));
    if (!realpath(cli->words[1], dir)) return fault_set(&cli->ctx.fault, ERR_FILES, "%.180s: %s", cli->words[1], strerror(errno));
    s.all = arena_alloc(cli->ctx.arena, CAP_FILES * sizeof *s.all);
    return publish(&s);
}

const struct command command_publish = {
    "publish",
    "publish NAME DIR [--at URL]",
    "Makes the files of DIR the content of the circle NAME: reads and hashes what is new, signs the list.\n"
    "The bytes stay where they are. Run it again after changes; what has not changed is not read again.\n"
    "Hidden files, symbolic links, empty files, names that are not UTF-8 and programs or settings of the host (.php, .ini, ...) "
    "are "
    "left out.\n\n"
    "  --at URL   where the web server serves DIR: /path/ on the site itself, or https://host/path/\n"
    "             (told by itself when DIR lies below `init --root`)\n",
    options,
    run,
};
