/* backup, restore. */
#include "host/backup.h"
#include "cli/cli.h"
#include "host/restore.h"

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
    return cli_tell(
        cli, "backup", path,
        arena_text(cli->ctx.arena, "%s is written. It holds the circles' signing keys: keep it as safe as the original.", path));
}

const struct command command_backup = {
    run_backup, "", "backup [FILE]",
    "Copies polycircle.db, as it is at this moment, into FILE, which must not exist; without FILE into backups/ as the copy\n"
    "of today, of which the newest 7 are kept. One of today that is there already becomes polycircle-earlier-TIME.db, of\n"
    "which the newest 7 are kept, too.\n"};

static enum err run_restore(struct cli *cli) {
    const char *kept = NULL;
    if (cli->n_words != 1) return fault_set(&cli->ctx.fault, ERR_USAGE, "usage: polycircle restore FILE");
    work(cli, "Restoring");
    TRY(restore_file(&cli->ctx, cli->data, cli->words[0], &kept));
    TRY(cli_open(cli)); /* the next live database */
    return cli_tell(
        cli, "kept", kept,
        arena_text(
            cli->ctx.arena,
            "%s is restored; clients join again by themselves.\n%s%s\nNow publish each circle (polycircle publish): nothing is "
            "shared until its files were read again.",
            cli->words[0], kept ? "What was there before is in " : "There was nothing before.", kept ? kept : ""));
}

const struct command command_restore = {
    run_restore, "", "restore FILE",
    "Makes polycircle.db what it was when FILE was made by `backup`. What was there is kept in backups/. Nothing need be\n"
    "stopped. FILE must be whole and of a version that this program knows. A folder in it that is not shared here now is\n"
    "named, and shared once you publish it or press \"Read the folder again\" in the console. All others are read again\n"
    "a little at a time as visitors come, or at once when you publish them.\n"};
