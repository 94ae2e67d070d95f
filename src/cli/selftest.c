#include "circle/origin.h"
#include "cli/cli.h"
#include "handler/shape.h"

static void print(const struct line *line) {
    (void)printf("%-5s %-30s %s\n", level_names[line->level], line->title, line->found);
    if (line->level == LEVEL_OK) return;
    if (*line->why) (void)printf("      why: %s\n", line->why);
    if (line->cure) (void)printf("      do: %s\n", line->cure);
    if (line->host) (void)printf("      tell your host: %s\n", line->host);
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
    struct lines lines;
    if (cli->n_words || (url && (!origin_of(cli->ctx.arena, url, &origin) || strpbrk(url, "?# \t\"'<>\\"))))
        return fault_set(&cli->ctx.fault, ERR_USAGE,
                         "usage: polycircle selftest [--url https://site.example/cgi-bin/polycircle.fcgi]");
    facts.program = file_program(program, sizeof program) ? program : "";
    facts.data = cli->data;
    open_if_there(cli, &facts);
    cli_work(cli, "Trying what this host allows");
    selftest_lines(&cli->ctx, &facts, &lines);
    if (url) cli_work(cli, arena_text(cli->ctx.arena, "Asking %s", url));
    if (url) cli_web_lines(cli, url, &lines);
    cli_rest();
    bool bad = lines.worst == LEVEL_FAIL;
    for (size_t i = 0; !cli->json && i < lines.n; i++) print(&lines.all[i]);
    if (cli->json) cli_print_json(cli, json_pack("{s:b, s:o}", "ok", !bad, "lines", shape_lines(&lines)));
    cli->told = bad;
    return bad ? ERR_FILES : ERR_OK;
}

const struct command command_selftest = {
    run, "--url=URL", "selftest [--url URL]",
    "Says what this host lets an instance do, line by line: ok, warn or fail, why it matters, the cure, and the\n"
    "sentence for the host's support. The page .../selftest says more: it sees what only a browser can.\n\n"
    "  --url URL   also what HTTP can tell of the instance there; needs curl\n"};
