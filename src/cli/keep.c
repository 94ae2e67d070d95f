/* backup, restore, uninstall. */
#include "cli/cli.h"
#include "host/backup.h"
#include "host/retire.h"

static enum err tell(struct cli *cli, const char *key, const char *value, const char *words) {
    cli_rest();
    if (cli->json)
        cli_print_json(cli, json_pack("{s:s?}", key, value ? jsn_shown(cli->ctx.arena, value) : NULL));
    else
        (void)printf("%s\n", words);
    return ERR_OK;
}

static void work(struct cli *cli, const char *what) {
    struct arena *a = cli->ctx.arena;
    struct file_id id = {0};
    (void)file_look(arena_path(a, cli->data, "polycircle.db"), &id);
    cli_work(cli, arena_text(a, "%s polycircle.db (%s)", what, cli_size(a, id.size)));
}

static enum err run_backup(struct cli *cli) {
    const char *path = cli->words[0];
    if (cli->n_words > 1) return fault_set(&cli->ctx.fault, ERR_USAGE, "usage: polycircle backup [FILE]");
    TRY(store_open(&cli->ctx.store, cli->data, &cli->ctx.fault));
    if (path && access(path, F_OK) == 0)
        return fault_set(&cli->ctx.fault, ERR_EXISTS, "%.200s is there already: name a new file.", path);
    work(cli, "Copying");
    TRY(path ? backup_file(&cli->ctx, path) : backup_now(&cli->ctx, &path));
    return tell(
        cli, "backup", path,
        arena_text(cli->ctx.arena, "%s is written. It holds the circles' signing keys: keep it as safe as the original.", path));
}

const struct command command_backup = {
    run_backup, "", "backup [FILE]",
    "Copies polycircle.db, as it is at this moment, into FILE, which must not exist; without FILE into backups/ as the copy\n"
    "of today, of which the newest 7 are kept.\n"};

static enum err run_restore(struct cli *cli) {
    const char *kept = NULL;
    if (cli->n_words != 1) return fault_set(&cli->ctx.fault, ERR_USAGE, "usage: polycircle restore FILE");
    work(cli, "Restoring");
    TRY(restore_file(&cli->ctx, cli->data, cli->words[0], &kept));
    TRY(cli_open(cli)); /* the next live database */
    return tell(cli, "kept", kept,
                arena_text(cli->ctx.arena,
                           "%s is restored; clients join again by themselves.\n%s%s\nNext: polycircle publish each circle whose "
                           "files changed since.",
                           cli->words[0], kept ? "What was there before is in " : "There was nothing before.", kept ? kept : ""));
}

const struct command command_restore = {
    run_restore, "", "restore FILE",
    "Makes polycircle.db what it was when FILE was made by `backup`. What was there is kept in backups/. Nothing need be\n"
    "stopped. FILE must be whole and of a version that this program knows.\n"};

static void tell_paths(const json_t *paths, const char *words) {
    for (size_t i = 0; i < json_array_size(paths); i++) (void)printf("%s %s\n", words, json_string_value(json_array_get(paths, i)));
}

static enum err farewell(struct cli *cli, const json_t *paths) {
    if (cli->json) {
        cli_print_json(cli,
                       json_pack("{s:b, s:s, s:O}", "retired", 1, "data", jsn_shown(cli->ctx.arena, cli->data), "files", paths));
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
    json_t *paths = json_array();
    bool files = cli_flag(cli, "--files"), undo = cli_flag(cli, "--undo");
    if (cli->n_words || (files && undo))
        return fault_set(&ctx->fault, ERR_USAGE, "usage: polycircle uninstall --yes | --files | --undo");
    TRY(cli_open(cli));
    if (undo) {
        TRY(retire_undo(ctx));
        return tell(cli, "retired", NULL, "The instance answers as before.");
    }
    if (files && !store_retired(ctx->store))
        return fault_set(&ctx->fault, ERR_USAGE, "First: polycircle uninstall --yes. Its visitors' workers have to go before.");
    if (!files && !cli_flag(cli, "--yes"))
        return fault_set(
            &ctx->fault, ERR_USAGE,
            "This ends all circles and takes the worker off their visitors' browsers. If you mean it: polycircle uninstall --yes");
    TRY(retire_files(ctx, !files, paths));
    if (files && !cli->json) tell_paths(paths, "removed");
    if (files && cli->json) cli_print_json(cli, json_pack("{s:O}", "removed", paths));
    if (files) return ERR_OK;
    TRY(retire(ctx));
    return farewell(cli, paths);
}

const struct command command_uninstall = {
    run_uninstall, "--yes --files --undo", "uninstall --yes | --files | --undo",
    "Ends the instance and leaves no worker behind: from now on it answers every browser with what takes the worker and its\n"
    "storage away, and says what to delete, and when.\n\n"
    "  --yes     do it\n"
    "  --files   afterwards: take out of the document root what set-up put there\n"
    "  --undo    answer as before\n"};
