/* The command line: one file a command, tables of options, words for people and JSON for scripts.
 * Exit status: 0 done, 1 failed, 2 called wrongly. */
#pragma once
#include "domain/circle.h"

int cli_main(int argc, char **argv);

enum { CLI_WORDS = 8, CLI_VALUES = 64 };

struct option_value {
    const char *name, *value;
};

struct cli {
    struct ctx ctx;
    const struct command *command;
    bool json;
    bool told; /* the JSON that was printed says that it failed */
    const char *data;
    const char *words[CLI_WORDS]; /* what is not an option, behind the command's name */
    size_t n_words;
    struct option_value values[CLI_VALUES];
    size_t n_values;
};

struct command {
    enum err (*run)(struct cli *cli);
    const char
        *options; /* "--url= --new": a value that may be given several times, a flag; --data, --json, --help are everywhere */
    const char *synopsis, *help; /* the first word is the command's name */
};
extern const struct command command_init, command_circle, command_publish, command_check, command_doctor, command_backup,
    command_restore, command_uninstall, command_set, command_upgrade, command_owner, command_version, command_selftest, command_url;

/* The value given last, or fallback. */
const char *cli_value(const struct cli *cli, const char *name, const char *fallback);
bool cli_flag(const struct cli *cli, const char *name);
/* All values of an option, in order; returns how many. */
size_t cli_all(const struct cli *cli, const char *name, const char *out[static CLI_VALUES]);
/* circle_by_can() with words for a person. */
enum err cli_circle(struct cli *cli, const char *can, struct circle *out);
/* Opens store and live database. */
enum err cli_open(struct cli *cli);
void cli_print_json(struct cli *cli, const json_t *value);
/* What HTTP can tell of the instance at url (selftest --url), measured by running curl; lines are added to lines. */
void cli_web_lines(struct cli *cli, const char *url, json_t *lines);
