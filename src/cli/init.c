#include "cli/cli.h"
#include "domain/circle.h"
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct option_spec options[] = {{"--url", true}, {"--root", true}, {"--journal", true}, {NULL, false}};

/* Host of an origin, as a Host header is compared: without scheme and port. */
static const char *host_of(struct arena *arena, const char *origin) {
    const char *host = strstr(origin, "://") + 3;
    size_t len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    return arena_copy(arena, host, len);
}

struct base {
    const char *url, *host;
};

static enum err read_base(struct ctx *ctx, const char *url, struct base *out) {
    const char *origin;
    if (!origin_of(ctx->arena, url, &origin) || strpbrk(url, "?# \t\"'<>\\"))
        return fault_set(&ctx->fault, ERR_USAGE,
                         "--url %.120s: give the address under which the program is reached, such as "
                         "https://site.example/cgi-bin/polycircle.fcgi",
                         url);
    const char *path = strstr(url, "://") + 3;
    path += strcspn(path, "/");
    bool slash = *path && path[strlen(path) - 1] == '/';
    *out = (struct base){arena_text(ctx->arena, "%s%s%s", origin, path, slash ? "" : "/"), host_of(ctx->arena, origin)};
    return ERR_OK;
}

/* A value that is made once. */
static enum err set_once(struct ctx *ctx, const char *name, struct arg value) {
    bool row;
    TRY(store_find(ctx->store, SQL_INSTANCE_GET, ARGS(T(name)), &row));
    if (row) {
        store_reset(ctx->store, SQL_INSTANCE_GET);
        return ERR_OK;
    }
    return store_run(ctx->store, SQL_INSTANCE_SET, ARGS(T(name), value));
}

static enum err fill(struct ctx *ctx, const struct base *bases, size_t n, const char *root) {
    uint8_t pepper[32];
    randombytes_buf(pepper, sizeof pepper);
    TRY(store_begin(ctx->store, MAIN, true));
    TRY(set_once(ctx, "pepper", B(pepper, sizeof pepper)));
    TRY(set_once(ctx, "gen", I(0)));
    for (size_t i = 0; i < n; i++) TRY(store_run(ctx->store, SQL_BASE_ADD, ARGS(T(bases[i].url), T(bases[i].host))));
    if (root) TRY(store_run(ctx->store, SQL_INSTANCE_SET, ARGS(T("root"), T(root))));
    return store_commit(ctx->store, MAIN);
}

static enum err make_live(struct ctx *ctx) {
    bool host_ok;
    TRY(store_enter(ctx->store, "", &host_ok));
    enum err e = store_gen(ctx->store) ? store_live(ctx->store) : ERR_LIVE_LOST;
    return e == ERR_LIVE_LOST ? store_renew(ctx->store) : e;
}

static enum err tell(struct cli *cli) {
    struct store *s = cli->ctx.store;
    json_t *urls = json_array();
    TRY(texts_json(&cli->ctx, SQL_BASE_LIST, NULL, 0, urls));
    if (cli->json) {
        cli_print_json(cli, json_pack("{s:s, s:s, s:o}", "data", store_dir(s), "journal", store_journal(s), "urls", urls));
        return ERR_OK;
    }
    (void)printf("Data in %s (journal: %s)\n", store_dir(s), store_journal(s));
    for (size_t i = 0; i < json_array_size(urls); i++) (void)printf("Lives at %s\n", json_string_value(json_array_get(urls, i)));
    (void)printf("Next: polycircle circle add NAME --origin https://your.site\n");
    return ERR_OK;
}

/* Where the data directory goes by itself (~/.local/share) may not be there yet. What fails here fails below. */
static void make_parents(struct cli *cli) {
    char *path = arena_copy(cli->ctx.arena, cli->data, strlen(cli->data));
    for (char *slash = path; *path && (slash = strchr(slash + 1, '/')); *slash = '/') {
        *slash = '\0';
        (void)mkdir(path, 0700);
    }
}

static enum err run(struct cli *cli) {
    const char *urls[CLI_VALUES];
    struct base bases[CLI_VALUES];
    size_t n = cli_all(cli, "--url", urls);
    const char *journal = cli_value(cli, "--journal", "auto"), *root = cli_value(cli, "--root", NULL);
    struct stat st;
    const char *db = arena_text(cli->ctx.arena, "%s/polycircle.db", cli->data);
    if (cli->n_words || (n == 0 && stat(db, &st) != 0))
        return fault_set(&cli->ctx.fault, ERR_USAGE, "Say where it lives: polycircle init --url URL");
    if (strcmp(journal, "auto") != 0 && strcmp(journal, "wal") != 0 && strcmp(journal, "truncate") != 0)
        return fault_set(&cli->ctx.fault, ERR_USAGE, "--journal is auto, wal or truncate.");
    if (root && (stat(root, &st) != 0 || !S_ISDIR(st.st_mode)))
        return fault_set(&cli->ctx.fault, ERR_USAGE, "--root %.150s is not a directory.", root);
    for (size_t i = 0; i < n; i++) TRY(read_base(&cli->ctx, urls[i], &bases[i]));
    make_parents(cli);
    TRY(store_create(&cli->ctx.store, cli->data, journal, &cli->ctx.fault));
    TRY(fill(&cli->ctx, bases, n, root));
    TRY(make_live(&cli->ctx));
    return tell(cli);
}

const struct command command_init = {
    "init",
    "init --url URL [--url URL ...] [--root DIR] [--journal auto|wal|truncate]",
    "Sets an instance up, or adds addresses to one.\n\n"
    "  --url URL    where the program is reached, such as https://site.example/cgi-bin/polycircle.fcgi;\n"
    "               requests for any other host name are refused\n"
    "  --root DIR   the web server's document root, so that `publish` can tell URLs from directories\n"
    "  --journal    SQLite's journal; auto tries whether WAL is safe here, else TRUNCATE\n",
    options,
    run,
};
