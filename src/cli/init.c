#include "circle/instance.h"
#include "cli/cli.h"
#include "data.h"
#include "host/owner.h"

static enum err tell(struct cli *cli) {
    struct store *s = cli->ctx.store;
    struct texts urls;
    TRY(instance_urls(&cli->ctx, &urls));
    if (cli->json) {
        cli_print_json(cli, json_pack("{s:s, s:s, s:o}", "data", jsn_shown(cli->ctx.arena, store_dir(s)), "journal",
                                      store_journal(s), "urls", jsn_texts(&urls)));
        return ERR_OK;
    }
    (void)printf("Data in %s (journal: %s)\n", store_dir(s), store_journal(s));
    for (size_t i = 0; i < urls.n; i++) (void)printf("Lives at %s\n", urls.all[i]);
    (void)printf("The console's code stands in %s/owner-code\n", store_dir(s));
    (void)printf("Next: %s circle add NAME --origin https://your.site\n", cli_again(cli));
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

/* An instance that is there is not changed here; the same command again is no change, and ends what was broken off. */
static enum err nothing_new(struct cli *cli, const char *const *urls, size_t n, const char *root) {
    const char *now = "";
    struct texts known;
    bool differs = false;
    enum err e = store_open(&cli->ctx.store, cli->data, &cli->ctx.fault);
    if (e == ERR_NOT_SET_UP) return ERR_OK;
    TRY(e);
    TRY(instance_urls(&cli->ctx, &known));
    if (known.n == 0) return ERR_OK;
    for (size_t i = 0; i < n && !differs; i++) {
        struct base base;
        TRY(instance_base(&cli->ctx, urls[i], &base));
        TRY(instance_has(&cli->ctx, base.url, &differs));
        differs = !differs;
    }
    TRY(setting_get(&cli->ctx, "root", &now));
    if (!differs && (!root || strcmp(root, now) == 0)) return ERR_OK;
    return fault_set(&cli->ctx.fault, ERR_EXISTS,
                     "There is an instance in %.150s. Change it: `polycircle url add URL`, `polycircle set root DIR`.", cli->data);
}

static enum err run(struct cli *cli) {
    const char *urls[CLI_VALUES], *code;
    size_t n = cli_all(cli, "--url", urls);
    const char *journal = cli_value(cli, "--journal", "auto"), *root = cli_value(cli, "--root", NULL);
    struct stat st;
    const char *db = arena_path(cli->ctx.arena, cli->data, "polycircle.db");
    if (cli->n_words || (n == 0 && stat(db, &st) != 0))
        return fault_set(&cli->ctx.fault, ERR_USAGE, "Say where it lives: polycircle init --url URL");
    if (strcmp(journal, "auto") != 0 && strcmp(journal, "wal") != 0 && strcmp(journal, "truncate") != 0)
        return fault_set(&cli->ctx.fault, ERR_USAGE, "--journal is auto, wal or truncate.");
    if (root && (stat(root, &st) != 0 || !S_ISDIR(st.st_mode)))
        return fault_set(&cli->ctx.fault, ERR_USAGE, "--root %.150s is not a directory.", root);
    make_parents(cli);
    cli->data = data_claim(cli_value(cli, "--data", NULL));
    TRY(nothing_new(cli, urls, n, root));
    TRY(instance_make(&cli->ctx, cli->data, &(struct instance_new){journal, root, urls, n}));
    TRY(owner_close(&cli->ctx, cli->data, false, &code));
    return tell(cli);
}

const struct command command_init = {
    run, "--url=URL --root=DIR --journal=auto|wal|truncate",
    "init --url URL [--url URL ...] [--root DIR] [--journal auto|wal|truncate]",
    "Sets an instance up. Its addresses are changed by `polycircle url`.\n\n"
    "  --url URL    where the program is reached, such as https://site.example/cgi-bin/polycircle.fcgi;\n"
    "               requests for any other host name are refused; the first one is that of the tags\n"
    "  --root DIR   the web server's document root, so that `publish` can tell URLs from directories\n"
    "  --journal    SQLite's journal; auto tries whether WAL is safe here, else TRUNCATE\n"};
