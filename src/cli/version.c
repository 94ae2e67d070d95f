#include "cli/cli.h"
#include "util/assets.h"

static enum err run(struct cli *cli) {
    if (cli->json)
        cli_print_json(
            cli, json_pack("{s:s, s:i, s:s}", "version", PACKAGE_VERSION, "database", store_form(), "client", assets_version));
    else
        (void)printf("polycircle %s\n", PACKAGE_VERSION);
    return ERR_OK;
}

const struct command command_version = {run, "", "version", "Prints the version.\n"};
