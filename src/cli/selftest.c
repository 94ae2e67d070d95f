#include "host/selftest.h"
#include "circle/origin.h"
#include "cli/cli.h"

static const char *text(const json_t *line, const char *key) {
    const char *value = json_string_value(json_object_get(line, key));
    return value ? value : "";
}

static void print(const json_t *line) {
    static const char *const more[][2] = {{"why", "why"}, {"cure", "do"}, {"host", "tell your host"}};
    (void)printf("%-5s %-30s %s\n", text(line, "level"), text(line, "title"), text(line, "found"));
    for (size_t i = 0; i < sizeof more / sizeof *more && strcmp(text(line, "level"), "ok") != 0; i++)
        if (*text(line, more[i][0])) (void)printf("      %s: %s\n", more[i][1], text(line, more[i][0]));
}

static bool failed(const json_t *lines) {
    bool any = false;
    for (size_t i = 0; i < json_array_size(lines); i++)
        any |= strcmp(text(json_array_get(lines, i), "level"), level_names[LEVEL_FAIL]) == 0;
    return any;
}

/* Before set-up, or with a damaged database, the host can be looked at all the same. */
static void open_if_there(struct cli *cli, struct facts *facts) {
    enum err e = cli_open(cli);
    if (e != ERR_OK && e != ERR_NOT_SET_UP) {
        const char *words = err_text(e, &cli->ctx.fault);
        facts->trouble = arena_copy(cli->ctx.arena, words, strlen(words));
        if (cli->ctx.store) store_close(cli->ctx.store);
        cli->ctx.store = NULL;
    }
    cli->ctx.fault.text[0] = '\0';
    if (cli->ctx.store && setting_get(&cli->ctx, "root", &facts->root) != ERR_OK) facts->root = "";
}

static enum err run(struct cli *cli) {
    struct facts facts = {
        .server = "", .https = "", .address = "", .forwarded = "", .host = "", .path_info = "", .root = "", .trouble = ""};
    static char program[PATH_MAX];
    const char *url = cli_value(cli, "--url", NULL), *origin;
    enum level worst = LEVEL_OK;
    if (cli->n_words || (url && (!origin_of(cli->ctx.arena, url, &origin) || strpbrk(url, "?# \t\"'<>\\"))))
        return fault_set(&cli->ctx.fault, ERR_USAGE,
                         "usage: polycircle selftest [--url https://site.example/cgi-bin/polycircle.fcgi]");
    facts.program = file_program(program, sizeof program) ? program : "";
    facts.data = cli->data;
    open_if_there(cli, &facts);
    cli_work(cli, "Trying what this host allows");
    json_t *lines = selftest_lines(&cli->ctx, &facts, &worst);
    if (url) cli_work(cli, arena_text(cli->ctx.arena, "Asking %s", url));
    if (url) cli_web_lines(cli, url, lines);
    cli_rest();
    bool bad = failed(lines);
    for (size_t i = 0; !cli->json && i < json_array_size(lines); i++) print(json_array_get(lines, i));
    if (cli->json) cli_print_json(cli, json_pack("{s:b, s:o}", "ok", !bad, "lines", lines));
    cli->told = bad;
    return bad ? ERR_FILES : ERR_OK;
}

const struct command command_selftest = {
    run, "--url=URL", "selftest [--url URL]",
    "Says what this host lets an instance do, line by line: ok, warn or fail, why it matters, the cure, and the\n"
    "sentence for the host's support. The page .../selftest says more: it sees what only a browser can.\n\n"
    "  --url URL   also what HTTP can tell of the instance there; needs curl\n"};
