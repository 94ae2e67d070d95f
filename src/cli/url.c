#include "cli/cli.h"
#include "domain/choices.h"

static enum err list(struct cli *cli) {
    json_t *urls = json_array();
    TRY(texts_json(&cli->ctx, SQL_BASE_LIST, NULL, 0, urls));
    if (cli->json) cli_print_json(cli, urls);
    for (size_t i = 0; i < json_array_size(urls) && !cli->json; i++)
        (void)printf("%s%s\n", json_string_value(json_array_get(urls, i)), i ? "" : "  (in the tags)");
    return ERR_OK;
}

static enum err run(struct cli *cli) {
    static const struct {
        const char *name;
        enum err (*change)(struct ctx *ctx, const char *url);
    } verbs[] = {{"add", choices_url_add}, {"remove", choices_url_drop}, {"first", choices_url_first}};
    const char *verb = cli->n_words ? cli->words[0] : "list";
    if (cli->n_words <= 1 && strcmp(verb, "list") == 0) {
        TRY(cli_open(cli));
        return list(cli);
    }
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (cli->n_words == 2 && strcmp(verb, verbs[i].name) == 0) {
            TRY(cli_open(cli));
            TRY(verbs[i].change(&cli->ctx, cli->words[1]));
            return list(cli);
        }
    return fault_set(&cli->ctx.fault, ERR_USAGE, "usage: polycircle url add|remove|first URL, or url list");
}

const struct command command_url = {
    run, "", "url add|remove|first URL, url list",
    "The addresses under which the program is reached; requests for any other host name are refused.\n\n"
    "  add URL      one more; pages of that site may use every circle\n"
    "  remove URL   no longer; its pages stay allowed (circle refuse)\n"
    "  first URL    the one that the tags are given by\n"};
