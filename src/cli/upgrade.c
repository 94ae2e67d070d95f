#include "host/upgrade.h"
#include "cli/cli.h"

static enum err run(struct cli *cli) {
    struct upgrade u;
    bool only = cli_flag(cli, "--check");
    TRY(only ? upgrade_check(&cli->ctx, &u) : upgrade_activate(&cli->ctx, &u));
    if (cli->json)
        cli_print_json(cli, json_pack("{s:s, s:s, s:s, s:I, s:b}", "program", jsn_shown(cli->ctx.arena, u.program), "from",
                                      PACKAGE_VERSION, "to", u.version, "database", (json_int_t)u.database, "activated", !only));
    else if (only)
        (void)printf("polycircle.new is version %s, signed, and runs here (now: %s). Next: %s upgrade\n", u.version,
                     PACKAGE_VERSION, cli_again(cli));
    else
        (void)printf("%s is version %s now; %s is kept as %s\n", u.program, u.version, PACKAGE_VERSION, u.old);
    if (!cli->json && u.database > store_form())
        (void)printf("It brings polycircle.db from form %d to %d, after a copy in backups/.\n", store_form(), (int)u.database);
    return ERR_OK;
}

const struct command command_upgrade = {
    run, "--check", "upgrade [--check]",
    "Puts polycircle.new, which lies beside the program, in the program's place, when it is signed by the release key,\n"
    "for this processor, and not older. The program is kept as polycircle.old.\n\n"
    "  --check  only look whether it may\n"};
