/* The command line: one file a command, tables of options and verbs, words for people and JSON for scripts.
 * Exit status: 0 done, 1 failed, 2 called wrongly. */
#pragma once
#include "circle/circle.h"

int cli_main(int argc, char **argv);

enum { CLI_WORDS = 8, CLI_VALUES = 64 };

struct option_value {
    const char *name, *value;
};

struct lines; /* host/selftest.h */

struct cli {
    struct ctx ctx;
    const char *program; /* as it was called */
    const struct command *command; /* NULL: none was named */
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
    const char *options; /* "--url=URL --roster=public|hidden --new": cli_option(); cli_common's are everywhere */
    const char *synopsis, *help; /* the first word is the command's name */
};
extern const struct command command_init, command_circle, command_publish, command_check, command_doctor, command_backup,
    command_restore, command_uninstall, command_set, command_upgrade, command_owner, command_version, command_selftest,
    command_completion, command_help, command_url;

/* What a command does, where its first word says it. The last row has no name. */
struct verb {
    const char *name;
    size_t words; /* with this one */
    enum err (*run)(struct cli *cli);
};
extern const struct verb circle_verbs[], url_verbs[];

extern const struct command *const cli_commands[]; /* NULL behind the last */
extern const char cli_common[]; /* options of every command, as in struct command */

/* One of the options of such a text. value: NULL of a flag, else what it takes, which may be given several times: one of words
 * with | between them, DIR, FILE, or anything else. */
struct option_name {
    const char *name, *value;
};
/* The next of a text, which moves on. false: that was all. */
bool cli_option(struct arena *a, const char **options, struct option_name *out);

/* None of this name: ERR_USAGE with words. */
enum err cli_command(struct cli *cli, const char *name, const struct command **out);
const char *cli_name(struct arena *a, const struct command *command);
/* Names with a space between them: of the commands; of a command's verbs ("": it has none). */
const char *cli_names(struct arena *a);
const char *cli_verbs(struct arena *a, const struct command *command);
/* The one of names (options, or such as the above) that was probably meant; NULL: none is near. */
const char *cli_nearest(struct arena *a, const char *given, const char *names);
/* The command, its words and options, and whether JSON is wanted. Wrong: ERR_USAGE with words. */
enum err cli_parse(struct cli *cli, int argc, char **argv);
/* Opens the instance and does what the first word says; the run() of a command with verbs. */
enum err cli_verb(struct cli *cli);

/* The value given last, or fallback. */
const char *cli_value(const struct cli *cli, const char *name, const char *fallback);
bool cli_flag(const struct cli *cli, const char *name);
/* All values of an option, in order; returns how many. */
size_t cli_all(const struct cli *cli, const char *name, const char *out[static CLI_VALUES]);
/* Makes this process, if it is root's, that of whom the data directory belongs to, for good. */
enum err cli_become(struct cli *cli);
/* circle_by_can() with words for a person. */
enum err cli_circle(struct cli *cli, const char *can, struct circle *out);
/* Opens store and live database. */
enum err cli_open(struct cli *cli);
/* Does somebody look on? On a terminal, and not for --json. Then these may be used, for a line that is overwritten. */
bool cli_watched(const struct cli *cli);
struct progress { /* all 0 at first */
    int64_t since, first;
};
struct amount {
    int64_t done, total; /* bytes; total 0: not known yet */
    const char *what; /* is at work just now */
};
void cli_bar(struct progress *p, const struct amount *now);
void cli_clear(void);
const char *cli_size(struct arena *a, int64_t bytes); /* 1.5 GB */
/* What begins now, until cli_rest(): if it takes longer than two seconds, the line says so and counts. Does nothing unless somebody
 * looks on. */
void cli_work(const struct cli *cli, const char *what);
void cli_rest(void);
/* How this program is called for this instance: what stands before a command that somebody is told to type. */
const char *cli_again(struct cli *cli);
void cli_print_json(struct cli *cli, const json_t *value);
/* What a command has done: {key: value} (NULL: null), or the words. */
enum err cli_tell(struct cli *cli, const char *key, const char *value, const char *words);
/* What HTTP can tell of the instance at url (selftest --url), measured by running curl; lines are added to lines. */
void cli_web_lines(struct cli *cli, const char *url, struct lines *lines);
