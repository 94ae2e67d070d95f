#include "cli/cli.h"
#include "settings.h"

static const struct command *const commands[] = {
    &command_init,    &command_url,       &command_circle,   &command_publish, &command_check,   &command_doctor, &command_backup,
    &command_restore, &command_uninstall, &command_selftest, &command_set,     &command_upgrade, &command_owner,  &command_version};
enum { COMMANDS = sizeof commands / sizeof *commands };

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

void cli_print_json(struct cli *cli, const json_t *value) {
    struct buf text = {.arena = cli->ctx.arena};
    jsn_dump(&text, value);
    (void)puts(text.len ? text.data : "{}");
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
    enum err e = store_live(cli->ctx.store);
    return e == ERR_LIVE_LOST ? store_renew(cli->ctx.store) : e;
}

static const char *find_option(const char *options, const char *arg, size_t len) {
    for (const char *at = options; *at; at += strcspn(at, " "), at += *at == ' ')
        if (strcspn(at, "= ") == len && strncmp(at, arg, len) == 0) return at;
    return NULL;
}

/* --name VALUE, --name=VALUE, --flag, words; "--" ends the options. */
static enum err parse(struct cli *cli, char **argv) {
    bool words_only = false;
    for (; *argv; argv++) {
        const char *arg = *argv;
        if (!words_only && strcmp(arg, "--") == 0) {
            words_only = true;
        } else if (words_only || strncmp(arg, "--", 2) != 0) {
            if (cli->n_words == CLI_WORDS) return fault_set(&cli->ctx.fault, ERR_USAGE, "Too many words at \"%s\".", arg);
            cli->words[cli->n_words++] = arg;
        } else {
            size_t len = strcspn(arg, "=");
            const char *name = arena_copy(cli->ctx.arena, arg, len), *spec = find_option("--data= --json --help", arg, len);
            spec = spec ? spec : find_option(cli->command->options, arg, len);
            bool has_value = spec && spec[len] == '=';
            if (!spec || cli->n_values == CLI_VALUES || (!has_value && arg[len]))
                return fault_set(&cli->ctx.fault, ERR_USAGE, "Unknown option %.80s.", arg);
            const char *value = !has_value ? "" : arg[len] ? arg + len + 1 : *++argv;
            if (!value) return fault_set(&cli->ctx.fault, ERR_USAGE, "%s wants a value.", name);
            cli->values[cli->n_values++] = (struct option_value){name, value};
        }
    }
    return ERR_OK;
}

static void usage(FILE *out) {
    (void)fputs("polycircle: a site's visitors become its CDN.\n\n", out);
    for (size_t i = 0; i < COMMANDS; i++) (void)fprintf(out, "  polycircle %s\n", commands[i]->synopsis);
    (void)fputs("\nEach takes --data DIR (where polycircle.db is), --json and --help.\n"
                "Started by a web server it is CGI or FastCGI by itself. Manual: polycircle(8)\n",
                out);
}

static int report(struct cli *cli, enum err e) {
    const char *text = err_text(e, &cli->ctx.fault);
    if (cli->told) return 1;
    if (cli->json)
        cli_print_json(cli, json_pack("{s:s, s:s}", "error", err_name(e), "text", text));
    else
        (void)fprintf(stderr, "polycircle: %s\n", text);
    return e == ERR_USAGE ? 2 : 1;
}

static int run(struct cli *cli, const struct command *command, char **argv) {
    cli->command = command;
    enum err e = parse(cli, argv);
    cli->json = cli_flag(cli, "--json");
    if (e == ERR_OK && cli_flag(cli, "--help")) {
        (void)printf("usage: polycircle %s\n\n%s", command->synopsis, command->help);
        return 0;
    }
    cli->data = data_directory(cli_value(cli, "--data", NULL));
    if (e == ERR_OK) e = command->run(cli);
    if (e == ERR_LIVE_LOST) { /* found damaged on the way: nothing has been said yet */
        e = store_renew(cli->ctx.store);
        store_close(cli->ctx.store);
        cli->ctx.store = NULL;
        e = e == ERR_OK ? command->run(cli) : e;
    }
    if (e == ERR_NOT_SET_UP)
        e = fault_set(&cli->ctx.fault, e, "There is no polycircle.db in %.150s: run `polycircle init --url URL`.", cli->data);
    if (cli->ctx.store) {
        store_rollback(cli->ctx.store);
        store_close(cli->ctx.store);
    }
    return e == ERR_OK ? 0 : report(cli, e);
}

/* --data DIR and --json may stand before the command, too: then they go behind it. */
static char **reorder(struct cli *cli, int argc, char **argv) {
    char **out = arena_alloc(cli->ctx.arena, ((size_t)argc + 2) * sizeof *out);
    int first = 1;
    while (first < argc && (strcmp(argv[first], "--json") == 0 || strncmp(argv[first], "--data", 6) == 0))
        first += strcmp(argv[first], "--data") == 0 ? 2 : 1;
    int n = 0;
    for (int i = first < argc ? first : 1; i < argc; i++) out[n++] = argv[i];
    for (int i = 1; i < first && first < argc; i++) out[n++] = argv[i];
    return out;
}

static int choose(struct cli *cli, int argc, char **argv) {
    char **words = reorder(cli, argc, argv);
    const char *name = words[0] ? words[0] : "";
    if (strcmp(name, "--version") == 0) name = "version";
    for (size_t i = 0; i < COMMANDS; i++)
        if (find_option(commands[i]->synopsis, name, strlen(name)) == commands[i]->synopsis)
            return run(cli, commands[i], words + 1);
    bool asked = strcmp(name, "--help") == 0 || strcmp(name, "help") == 0;
    usage(asked ? stdout : stderr);
    return asked ? 0 : 2;
}

int cli_main(int argc, char **argv) {
    struct arena arena = {0};
    struct cli cli = {.ctx = {.arena = &arena, .now = clock_now()}};
    jsn_use(&arena);
    int status = choose(&cli, argc, argv);
    arena_free(&arena);
    return status;
}
