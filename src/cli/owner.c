#include "host/owner.h"
#include "cli/cli.h"

static enum err run(struct cli *cli) {
    const char *code, *path = arena_path(cli->ctx.arena, cli->data, "owner-code");
    if (cli->n_words) return fault_set(&cli->ctx.fault, ERR_USAGE, "usage: polycircle owner [--new]");
    enum owner state = owner_state(&cli->ctx, cli->data);
    if (state != OWNER_SET) return state == OWNER_SHUT ? ERR_READ_ONLY : ERR_NOT_SET_UP;
    bool anew = cli_flag(cli, "--new");
    if (anew && cli_open(cli) == ERR_OK)
        TRY(owner_renew(&cli->ctx, cli->data, &code));
    else /* a code may be lost together with the database */
        TRY(owner_close(&cli->ctx, cli->data, anew, &code));
    if (cli->json)
        cli_print_json(cli, json_pack("{s:s, s:s}", "file", jsn_shown(cli->ctx.arena, path), "code", code));
    else
        (void)printf("%s\nIt stands in %s\n", code, path);
    return ERR_OK;
}

const struct command command_owner = {run, "--new", "owner [--new]",
                                      "Prints the code of the console, and where it stands.\n\n"
                                      "  --new   makes another one; the one before opens nothing any longer\n"};
