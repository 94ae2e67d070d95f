#include "cli/cli.h"
#include "host/settings.h"

static enum err list(struct cli *cli) {
    json_t *all = json_object();
    for (size_t i = 0; i < settings_count; i++) {
        const char *value;
        TRY(setting_get(&cli->ctx, settings[i].name, &value));
        (void)json_object_set_new(all, settings[i].name, json_string(jsn_shown(cli->ctx.arena, value)));
        if (!cli->json) (void)printf("%-11s %-20s %s\n", settings[i].name, *value ? value : "-", settings[i].help);
    }
    if (cli->json) cli_print_json(cli, all);
    return ERR_OK;
}

static enum err run(struct cli *cli) {
    if (cli->n_words != 0 && cli->n_words != 2)
        return fault_set(&cli->ctx.fault, ERR_USAGE, "usage: polycircle set, or polycircle set NAME VALUE");
    TRY(cli_open(cli));
    if (cli->n_words == 2) TRY(settings_set(&cli->ctx, cli->words[0], cli->words[1]));
    return cli->n_words == 2 && !cli->json ? ERR_OK : list(cli);
}

const struct command command_set = {run, "", "set [NAME VALUE]",
                                    "Lists the settings of the instance, or changes one; an empty VALUE takes it away.\n"};
