#include "circle/instance.h"
#include "cli/cli.h"
#include "host/choices.h"

static enum err list(struct cli *cli) {
    struct texts urls;
    TRY(instance_urls(&cli->ctx, &urls));
    if (cli->json) cli_print_json(cli, jsn_texts(&urls));
    for (size_t i = 0; i < urls.n && !cli->json; i++) (void)printf("%s%s\n", urls.all[i], i ? "" : "  (in the tags)");
    return ERR_OK;
}

static enum err change(struct cli *cli, enum err (*work)(struct ctx *ctx, const char *url)) {
    TRY(work(&cli->ctx, cli->words[1]));
    return list(cli);
}

static enum err add(struct cli *cli) {
    return change(cli, choices_url_add);
}

static enum err drop(struct cli *cli) {
    return change(cli, choices_url_drop);
}

static enum err first(struct cli *cli) {
    return change(cli, choices_url_first);
}

const struct verb url_verbs[] = {{"list", 1, list}, {"add", 2, add}, {"first", 2, first}, {"remove", 2, drop}, {NULL, 0, NULL}};

const struct command command_url = {
    cli_verb, "", "url add|first|remove URL, url list",
    "The addresses under which the program is reached; requests for any other host name are refused.\n\n"
    "  add URL      one more; pages of that site may use every circle\n"
    "  remove URL   no longer; its pages stay allowed (circle refuse)\n"
    "  first URL    the one that the tags are given by\n"};
