#include "cli/cli.h"
#include "host/retire.h"

static void tell_paths(const struct texts *paths, const char *words) {
    for (size_t i = 0; i < paths->n; i++) (void)printf("%s %s\n", words, paths->all[i]);
}

static enum err farewell(struct cli *cli, const struct texts *paths) {
    if (cli->json) {
        cli_print_json(cli, json_pack("{s:b, s:s, s:o}", "retired", 1, "data", jsn_shown(cli->ctx.arena, cli->data), "files",
                                      jsn_texts(paths)));
        return ERR_OK;
    }
    (void)printf("This instance answers every browser from now on with what takes its worker away.\n"
                 "Leave it, and the tag in the pages, for 7 days: who comes again is rid of it at once, and a worker that hears\n"
                 "nothing valid for 7 days goes by itself. Sooner does no harm either.\n"
                 "Then:  polycircle uninstall --files   takes out of the document root what set-up put there:\n");
    tell_paths(paths, "        ");
    (void)printf("and by FTP delete: the tag, the worker's one-line file, polycircle.fcgi,\n         %s\n"
                 "Changed your mind: polycircle uninstall --undo\n",
                 cli->data);
    return ERR_OK;
}

static enum err run_uninstall(struct cli *cli) {
    struct ctx *ctx = &cli->ctx;
    struct texts paths;
    bool files = cli_flag(cli, "--files"), undo = cli_flag(cli, "--undo");
    if (cli->n_words || (files && undo))
        return fault_set(&ctx->fault, ERR_USAGE, "usage: polycircle uninstall --yes | --files | --undo");
    TRY(cli_open(cli));
    if (undo) {
        TRY(retire_undo(ctx));
        return cli_tell(cli, "retired", NULL, "The instance answers as before.");
    }
    if (files && !store_retired(ctx->store))
        return fault_set(&ctx->fault, ERR_USAGE, "First: polycircle uninstall --yes. Its visitors' workers have to go before.");
    if (!files && !cli_flag(cli, "--yes"))
        return fault_set(
            &ctx->fault, ERR_USAGE,
            "This ends all circles and takes the worker off their visitors' browsers. If you mean it: polycircle uninstall --yes");
    TRY(retire_files(ctx, !files, &paths));
    if (files && !cli->json) tell_paths(&paths, "removed");
    if (files && cli->json) cli_print_json(cli, json_pack("{s:o}", "removed", jsn_texts(&paths)));
    if (files) return ERR_OK;
    TRY(retire(ctx));
    return farewell(cli, &paths);
}

const struct command command_uninstall = {
    run_uninstall, "--yes --files --undo", "uninstall --yes | --files | --undo",
    "Ends the instance and leaves no worker behind: from now on it answers every browser with what takes the worker and its\n"
    "storage away, and says what to delete, and when.\n\n"
    "  --yes     do it\n"
    "  --files   afterwards: take out of the document root what set-up put there\n"
    "  --undo    answer as before\n"};
