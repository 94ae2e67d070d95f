#include "cli/cli.h"
#include "data.h"

const struct command *const cli_commands[] = {&command_init,
                                              &command_url,
                                              &command_circle,
                                              &command_publish,
                                              &command_check,
                                              &command_doctor,
                                              &command_backup,
                                              &command_restore,
                                              &command_uninstall,
                                              &command_selftest,
                                              &command_set,
                                              &command_upgrade,
                                              &command_owner,
                                              &command_version,
                                              &command_completion,
                                              &command_help,
                                              NULL};

static const struct {
    const struct command *command;
    const struct verb *verbs;
} families[] = {{&command_circle, circle_verbs}, {&command_url, url_verbs}};

const char *cli_name(struct arena *a, const struct command *command) {
    return arena_copy(a, command->synopsis, strcspn(command->synopsis, " "));
}

const char *cli_names(struct arena *a) {
    struct buf names = {.arena = a};
    for (const struct command *const *c = cli_commands; *c; c++) buf_format(&names, "%s%s", names.len ? " " : "", cli_name(a, *c));
    return names.data;
}

static const struct verb *verbs_of(const struct command *command) {
    static const struct verb none = {NULL, 0, NULL};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (families[i].command == command) return families[i].verbs;
    return &none;
}

const char *cli_verbs(struct arena *a, const struct command *command) {
    struct buf names = {.arena = a};
    for (const struct verb *v = verbs_of(command); v->name; v++) buf_format(&names, "%s%s", names.len ? " " : "", v->name);
    return names.len ? names.data : "";
}

enum err cli_verb(struct cli *cli) {
    struct arena *a = cli->ctx.arena;
    const char *word = cli->n_words ? cli->words[0] : "", *of = cli_name(a, cli->command), *meant = "";
    const struct verb *v = verbs_of(cli->command);
    while (v->name && strcmp(v->name, word) != 0) v++;
    if (v->name && v->words == cli->n_words) {
        TRY(cli_open(cli));
        return v->run(cli);
    }
    const char *near = v->name ? NULL : cli_nearest(a, word, cli_verbs(a, cli->command));
    if (near) meant = arena_text(a, " Did you mean %s %s?", of, near);
    const char *unknown = v->name || !*word ? "" : arena_text(a, "There is no %s %.80s.%s ", of, word, meant);
    return fault_set(&cli->ctx.fault, ERR_USAGE, "%susage: polycircle %s", unknown, cli->command->synopsis);
}

const char *cli_value(const struct cli *cli, const char *name, const char *fallback) {
    for (size_t i = 0; i < cli->n_values; i++)
        if (strcmp(cli->values[i].name, name) == 0) fallback = cli->values[i].value;
    return fallback;
}

bool cli_flag(const struct cli *cli, const char *name) {
    return cli_value(cli, name, NULL) != NULL;
}

size_t cli_all(const struct cli *cli, const char *name, const char *out[static CLI_VALUES]) {
    size_t n = 0;
    for (size_t i = 0; i < cli->n_values; i++)
        if (strcmp(cli->values[i].name, name) == 0) out[n++] = cli->values[i].value;
    return n;
}

const char *cli_again(struct cli *cli) {
    const char *data = cli_value(cli, "--data", NULL);
    return data ? arena_text(cli->ctx.arena, "%s --data %s", cli->program, data) : cli->program;
}

void cli_print_json(struct cli *cli, const json_t *value) {
    struct buf text = {.arena = cli->ctx.arena};
    jsn_dump(&text, value);
    (void)puts(text.len ? text.data : "{}");
}

enum err cli_tell(struct cli *cli, const char *key, const char *value, const char *words) {
    cli_rest();
    if (cli->json)
        cli_print_json(cli, json_pack("{s:s?}", key, value ? jsn_shown(cli->ctx.arena, value) : NULL));
    else
        (void)printf("%s\n", words);
    return ERR_OK;
}

enum err cli_circle(struct cli *cli, const char *can, struct circle *out) {
    enum err e = circle_by_can(&cli->ctx, can, out);
    if (e == ERR_NOT_FOUND)
        return fault_set(&cli->ctx.fault, e, "There is no circle %.63s: `polycircle circle list` shows all.", can);
    if (e == ERR_REMOVED) return fault_set(&cli->ctx.fault, e, "The circle %.63s was removed; its name is never used again.", can);
    return e;
}

enum err cli_open(struct cli *cli) {
    bool host_ok;
    TRY(store_open(&cli->ctx.store, cli->data, &cli->ctx.fault));
    TRY(store_enter(cli->ctx.store, "", &host_ok));
    store_leave(cli->ctx.store);
    enum err e = store_live(cli->ctx.store);
    return e == ERR_LIVE_LOST ? store_renew(cli->ctx.store) : e;
}

static void usage(FILE *out) {
    (void)fputs("polycircle: a site's visitors become its CDN.\n\n", out);
    for (const struct command *const *c = cli_commands; *c; c++) (void)fprintf(out, "  polycircle %s\n", (*c)->synopsis);
    (void)fputs("\nEach takes --data DIR (where polycircle.db is), --json, --help (-h) and --version (-V).\n"
                "Started by a web server it is CGI or FastCGI by itself. Manual: polycircle(8)\n",
                out);
}

static int report(struct cli *cli, enum err e) {
    const char *text = err_text(e, &cli->ctx.fault);
    cli_rest();
    if (cli->told) return 1;
    if (cli->json)
        cli_print_json(cli, json_pack("{s:s, s:s}", "error", err_name(e), "text", text));
    else
        (void)fprintf(stderr, "polycircle: %s\n", text);
    return e == ERR_USAGE ? 2 : 1;
}

/* All that there is, for who compares it with the manual. */
static json_t *tables(struct arena *a) {
    json_t *all = json_array();
    for (const struct command *const *c = cli_commands; *c; c++)
        (void)json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:s}", "name", cli_name(a, *c), "verbs", cli_verbs(a, *c),
                                                   "options", (*c)->options, "synopsis", (*c)->synopsis));
    return json_pack("{s:s, s:o}", "options", cli_common, "commands", all);
}

static void help(const struct command *command) {
    (void)printf("usage: polycircle %s\n\n%s", command->synopsis, command->help);
}

static enum err run_help(struct cli *cli) {
    const struct command *about = NULL;
    if (cli->n_words) TRY(cli_command(cli, cli->words[0], &about));
    if (cli->n_words > 1) return fault_set(&cli->ctx.fault, ERR_USAGE, "usage: polycircle help [COMMAND]");
    if (cli->json)
        cli_print_json(cli, tables(cli->ctx.arena));
    else if (about)
        help(about);
    else
        usage(stdout);
    return ERR_OK;
}

const struct command command_help = {run_help, "", "help [COMMAND]", "Lists the commands, or says what one does.\n"};

static int run(struct cli *cli) {
    cli->data = data_directory(cli_value(cli, "--data", NULL));
    enum err e = cli->command == &command_upgrade ? ERR_OK : cli_become(cli); /* that one writes beside the program alone */
    if (e == ERR_OK) e = cli->command->run(cli);
    if (e == ERR_LIVE_LOST) { /* found damaged on the way: nothing has been said yet */
        e = store_renew(cli->ctx.store);
        store_close(cli->ctx.store);
        cli->ctx.store = NULL;
        e = e == ERR_OK ? cli->command->run(cli) : e;
    }
    if (e == ERR_NOT_SET_UP)
        e = fault_set(&cli->ctx.fault, e, "There is no polycircle.db in %.150s: run `polycircle init --url URL`.", cli->data);
    if (cli->ctx.store) {
        store_rollback(cli->ctx.store);
        store_close(cli->ctx.store);
    }
    return e == ERR_OK ? 0 : report(cli, e);
}

static int choose(struct cli *cli, int argc, char **argv) {
    enum err e = cli_parse(cli, argc, argv);
    if (e != ERR_OK) return report(cli, e);
    bool asked = cli_flag(cli, "--help");
    if (cli_flag(cli, "--version")) cli->command = &command_version;
    if (cli->command && !asked) return run(cli);
    if (cli->command)
        help(cli->command);
    else
        usage(asked ? stdout : stderr);
    return asked ? 0 : 2;
}

int cli_main(int argc, char **argv) {
    struct arena arena = {0};
    struct cli cli = {.ctx = {.arena = &arena, .now = clock_now()}, .program = argc > 0 ? argv[0] : "polycircle"};
    jsn_use(&arena);
    int status = choose(&cli, argc, argv);
    arena_free(&arena);
    return status;
}
