/* Words and options of a command line, by getopt_long(3): what glibc's and musl's do alike. One table, which grows by the command's
 * own options once its name has been met; so the common ones may stand before it, too. */
#include "cli/cli.h"
#include <getopt.h>

enum { OPTIONS = 32, LONGEST = 32, WORD = 1 /* getopt's own number */, FIRST_VALUE = 256 /* above any letter */ };

const char cli_common[] = "--data=DIR --json --help --version";

bool cli_option(struct arena *a, const char **options, struct option_name *out) {
    const char *at = *options + strspn(*options, " ");
    size_t whole = strcspn(at, " "), len = strcspn(at, " =");
    *out = (struct option_name){.name = arena_copy(a, at, len)};
    if (len < whole) out->value = arena_copy(a, at + len + 1, whole - len - 1);
    *options = at + whole;
    return whole > 0;
}

/* getopt is given each name without the two hyphens that are kept before it. */
static void add_options(struct arena *a, const char *options, struct option *table) {
    struct option_name o;
    size_t n = 0;
    while (table[n].name) n++;
    for (; n < OPTIONS && cli_option(a, &options, &o); n++)
        table[n] =
            (struct option){.name = o.name + 2, .has_arg = o.value ? required_argument : no_argument, .val = FIRST_VALUE + (int)n};
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* How many letters must be put in, taken out or changed, or neighbours swapped, to make one of the other; of names that are
 * longer than LONGEST: many. */
static size_t distance(const char *a, const char *b) {
    size_t rows[3][LONGEST + 1], *before = rows[0], *above = rows[1], *row = rows[2], n = strlen(b);
    if (n > LONGEST) return SIZE_MAX;
    for (size_t k = 0; k <= n; k++) above[k] = before[k] = k;
    for (size_t i = 1; a[i - 1]; i++) {
        row[0] = i;
        for (size_t k = 1; k <= n; k++) {
            row[k] = least(least(above[k], row[k - 1]) + 1, above[k - 1] + (a[i - 1] != b[k - 1]));
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1]) row[k] = least(row[k], before[k - 2] + 1);
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[n];
}

const char *cli_nearest(struct arena *a, const char *given, const char *names) {
    size_t best = least(2 + strlen(given) / 6, strlen(given)); /* below: more than half of it is right */
    const char *found = NULL;
    for (struct option_name o; cli_option(a, &names, &o);) {
        size_t len = strlen(given), far = len > 2 && strncmp(given, o.name, len) == 0 ? 0 : distance(given, o.name);
        if (far < best) found = o.name;
        best = least(best, far);
    }
    return found;
}

enum err cli_command(struct cli *cli, const char *name, const struct command **out) {
    struct arena *a = cli->ctx.arena;
    const struct command *const *c = cli_commands;
    while (*c && strcmp(cli_name(a, *c), name) != 0) c++;
    *out = *c;
    if (*out) return ERR_OK;
    const char *near = cli_nearest(a, name, cli_names(a));
    return near ? fault_set(&cli->ctx.fault, ERR_USAGE, "There is no command %.80s: did you mean %s?", name, near)
                : fault_set(&cli->ctx.fault, ERR_USAGE, "There is no command %.80s: `polycircle help` lists all.", name);
}

static enum err add_word(struct cli *cli, const char *word, struct option *table) {
    if (cli->command) {
        if (cli->n_words == CLI_WORDS) return fault_set(&cli->ctx.fault, ERR_USAGE, "Too many words at \"%.80s\".", word);
        cli->words[cli->n_words++] = word;
        return ERR_OK;
    }
    TRY(cli_command(cli, word, &cli->command));
    add_options(cli->ctx.arena, cli->command->options, table);
    return ERR_OK;
}

static enum err add_value(struct cli *cli, const char *name, const char *value) {
    if (cli->n_values == CLI_VALUES)
        return fault_set(&cli->ctx.fault, ERR_USAGE, "Too many options at %s: at most %d.", name, CLI_VALUES);
    cli->values[cli->n_values++] = (struct option_value){name, value ? value : ""};
    return ERR_OK;
}

static enum err unknown_option(struct cli *cli, const char *name) {
    struct fault *f = &cli->ctx.fault;
    struct arena *a = cli->ctx.arena;
    const char *of = cli->command ? cli_name(a, cli->command) : NULL;
    const char *near = cli_nearest(a, name, arena_text(a, "%s %s", cli_common, of ? cli->command->options : ""));
    const char *where = of ? arena_text(a, "of %s", of) : "before the command's name";
    if (near) return fault_set(f, ERR_USAGE, "There is no option %.80s %s: did you mean %s?", name, where, near);
    if (!of) return fault_set(f, ERR_USAGE, "There is no option %.80s %s: the command's own stand behind it.", name, where);
    return fault_set(f, ERR_USAGE, "There is no option %.80s %s: `polycircle help %s` lists them.", name, where, of);
}

/* what: getopt's '?' or ':'; arg: the argument that it is about, when that is a long option. */
static enum err refuse(struct cli *cli, int what, const char *arg, const struct option *table) {
    const char *known = optopt >= FIRST_VALUE && optopt < FIRST_VALUE + OPTIONS ? table[optopt - FIRST_VALUE].name - 2 : NULL;
    if (known) return fault_set(&cli->ctx.fault, ERR_USAGE, "%s %s.", known, what == ':' ? "wants a value" : "takes no value");
    if (optopt) return unknown_option(cli, arena_text(cli->ctx.arena, "-%c", optopt));
    return unknown_option(cli, arena_copy(cli->ctx.arena, arg, strcspn(arg, "=")));
}

static enum err take(struct cli *cli, int what, const char *arg, struct option *table) {
    if (what >= FIRST_VALUE) return add_value(cli, table[what - FIRST_VALUE].name - 2, optarg);
    if (what == 'h') return add_value(cli, "--help", NULL);
    if (what == 'V') return add_value(cli, "--version", NULL);
    return what == WORD ? add_word(cli, optarg, table) : refuse(cli, what, arg, table);
}

enum err cli_parse(struct cli *cli, int argc, char **argv) {
    struct option table[OPTIONS + 1] = {0};
    enum err e = ERR_OK;
    add_options(cli->ctx.arena, cli_common, table);
    optind = 0; /* begins anew, whatever was read before */
    opterr = 0;
    /* "-": words in their place, also where POSIXLY_CORRECT is set; ":": a missing value is told from an unknown option */
    for (int what; (what = getopt_long(argc, argv, "-:hV", table, NULL)) != -1;) {
        enum err next = e == ERR_OK || what >= FIRST_VALUE ? take(cli, what, argv[optind - 1], table) : e; /* --json may follow */
        e = e == ERR_OK ? next : e;
    }
    for (; e == ERR_OK && optind < argc; optind++) e = add_word(cli, argv[optind], table);
    cli->json = cli_flag(cli, "--json");
    return e;
}
