/* A script that completes this program's command lines in a shell, made of the tables of commands, verbs, options and settings. */
#include "cli/cli.h"
#include "host/settings.h"

static bool is_files(const char *what) {
    return strstr(what, "DIR") || strstr(what, "FILE");
}

/* A word of a command, and not an option's value: "publish NAME DIR", but not "init [--root DIR]". */
static bool takes_files(const struct command *c) {
    const char *at = c->synopsis;
    for (bool value = false; *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        if (!value && (strncmp(at, "DIR", 3) == 0 || strncmp(at + strspn(at, "["), "FILE", 4) == 0)) return true;
        value = strncmp(at + strspn(at, "["), "--", 2) == 0;
        at += len;
    }
    return false;
}

static const char *spaced(struct arena *a, const char *words) {
    char *out = arena_copy(a, words, strlen(words));
    for (char *bar = out; (bar = strchr(bar, '|'));) *bar = ' ';
    return out;
}

static const char shells[] = "bash zsh fish";

/* What the first word of a command may be; "": anything. */
static const char *first_words(struct arena *a, const struct command *c) {
    struct buf out = {.arena = a};
    if (c == &command_help) return cli_names(a);
    if (c == &command_completion) return shells;
    if (c != &command_set) return cli_verbs(a, c);
    for (size_t i = 0; i < settings_count; i++) buf_format(&out, "%s%s", i ? " " : "", settings[i].name);
    return out.data;
}

/* Options of every command, as in struct command. */
static const char *all_options(struct arena *a) {
    struct buf out = {.arena = a};
    buf_text(&out, cli_common);
    for (const struct command *const *c = cli_commands; *c; c++) buf_format(&out, " %s", (*c)->options);
    return out.data;
}

/* Names of options, joined; valued: only of those that take a value. */
static const char *names_of(struct arena *a, const char *options, bool valued, const char *joint) {
    struct buf out = {.arena = a};
    for (struct option_name o; cli_option(a, &options, &o);)
        if (o.value || !valued) buf_format(&out, "%s%s", out.len ? joint : "", o.name);
    return out.len ? out.data : "";
}

/* A function that bash and zsh both read: from the word that is written, and the words before it, what fits. */
static void put_fits(struct buf *out) {
    struct arena *a = out->arena;
    const char *all = all_options(a);
    buf_format(out,
               "_polycircle_fits() {\n"
               "\tlocal w option='' command='' more='' flags='%s'\n"
               "\tchoices='' files=''\n"
               "\tfor w in \"${@:3}\"; do\n"
               "\t\tif [[ $option ]]; then\n\t\t\toption=''\n\t\t\tcontinue\n\t\tfi\n"
               "\t\tcase $w in\n"
               "\t\t%s) option=$w ;;\n"
               "\t\t-*) ;;\n"
               "\t\t*) if [[ $command ]]; then more=1; else command=$w; fi ;;\n"
               "\t\tesac\n"
               "\tdone\n"
               "\tcase $command in\n"
               "\t'') choices='%s' ;;\n",
               names_of(a, cli_common, false, " "), names_of(a, all, true, " | "), cli_names(a));
    for (const struct command *const *c = cli_commands; *c; c++)
        buf_format(out, "\t%s) choices='%s' files='%s' flags+='%s%s' ;;\n", cli_name(a, *c), first_words(a, *c),
                   takes_files(*c) ? "1" : "", *(*c)->options ? " " : "", names_of(a, (*c)->options, false, " "));
    buf_text(out, "\tesac\n"
                  "\t[[ -z $more ]] || choices=''\n"
                  "\tif [[ $option ]]; then choices='' files=''; elif [[ $1 == -* ]]; then choices=$flags files=''; fi\n"
                  "\tcase $option in\n");
    for (struct option_name o; cli_option(a, &all, &o);) {
        if (o.value && strchr(o.value, '|')) buf_format(out, "\t%s) choices='%s' ;;\n", o.name, spaced(a, o.value));
        if (o.value && is_files(o.value)) buf_format(out, "\t%s) files=1 ;;\n", o.name);
    }
    buf_text(out, "\tesac\n}\n");
}

/* To bash a = is a word of its own. */
static void put_bash(struct buf *out) {
    put_fits(out);
    buf_text(out, "_polycircle() {\n"
                  "\tlocal w word=${COMP_WORDS[COMP_CWORD]} choices files given=()\n"
                  "\tfor w in \"${COMP_WORDS[@]:0:COMP_CWORD}\"; do [[ $w == = ]] || given+=(\"$w\"); done\n"
                  "\t[[ $word != = ]] || word=''\n"
                  "\t_polycircle_fits \"$word\" \"${given[@]}\"\n"
                  "\tif [[ $files ]]; then\n"
                  "\t\tcompopt -o filenames 2>/dev/null\n"
                  "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
                  "\telse\n"
                  "\t\tmapfile -t COMPREPLY < <(compgen -W \"$choices\" -- \"$word\")\n"
                  "\tfi\n"
                  "}\n"
                  "complete -F _polycircle polycircle\n");
}

static void put_zsh(struct buf *out) {
    buf_text(out, "#compdef polycircle\n");
    put_fits(out);
    buf_text(out, "_polycircle() {\n"
                  "\tlocal word=${words[CURRENT]} choices files\n"
                  "\tlocal -a given=(\"${words[@]:0:$((CURRENT - 1))}\")\n"
                  "\tif [[ $word == --*=* ]]; then\n"
                  "\t\tgiven+=(\"${word%%=*}\")\n"
                  "\t\tword=${word#*=}\n"
                  "\t\tcompset -P '*='\n"
                  "\tfi\n"
                  "\t_polycircle_fits \"$word\" \"${given[@]}\"\n"
                  "\tif [[ $files ]]; then _files; else compadd -- ${=choices}; fi\n"
                  "}\n"
                  /* read by `source`, or run by the completion system as a file of its path */
                  "if [[ ${funcstack[1]} == _polycircle ]]; then _polycircle \"$@\"; else compdef _polycircle polycircle; fi\n");
}

/* Where: a condition that must hold, or "". */
static void put_fish_options(struct buf *out, const char *options, const char *where) {
    struct arena *a = out->arena;
    for (struct option_name o; cli_option(a, &options, &o);) {
        const char *letter = strcmp(o.name, "--help") == 0 ? " -s h" : strcmp(o.name, "--version") == 0 ? " -s V" : "";
        buf_format(out, "complete -c polycircle%s%s -l %s", where, letter, o.name + 2);
        if (o.value && strchr(o.value, '|')) buf_format(out, " -a '%s'", spaced(a, o.value));
        buf_text(out, !o.value ? "\n" : is_files(o.value) ? " -r -F\n" : " -x\n");
    }
}

static void put_fish(struct buf *out) {
    struct arena *a = out->arena;
    buf_text(out, "complete -c polycircle -f\n");
    put_fish_options(out, cli_common, "");
    for (const struct command *const *c = cli_commands; *c; c++) {
        const char *name = cli_name(a, *c), *first = first_words(a, *c);
        buf_format(out, "complete -c polycircle -n __fish_use_subcommand -a %s\n", name);
        put_fish_options(out, (*c)->options, arena_text(a, " -n '__fish_seen_subcommand_from %s'", name));
        const char *here = arena_text(a, "complete -c polycircle -n '__fish_seen_subcommand_from %s", name);
        if (*first) buf_format(out, "%s; and test (count (commandline -opc)) = 2' -a '%s'\n", here, first);
        if (takes_files(*c)) buf_format(out, "%s' -F\n", here);
    }
}

static enum err run(struct cli *cli) {
    static void (*const put[])(struct buf *) = {put_bash, put_zsh, put_fish};
    struct buf out = {.arena = cli->ctx.arena};
    struct option_name shell;
    const char *names = shells, *wanted = cli->n_words == 1 ? cli->words[0] : "";
    size_t i = 0;
    while (cli_option(cli->ctx.arena, &names, &shell) && strcmp(shell.name, wanted) != 0) i++;
    if (i == sizeof put / sizeof *put) return fault_set(&cli->ctx.fault, ERR_USAGE, "usage: polycircle completion bash|zsh|fish");
    put[i](&out);
    if (cli->json)
        cli_print_json(cli, json_pack("{s:s}", wanted, out.data));
    else
        (void)fputs(out.data, stdout);
    return ERR_OK;
}

const struct command command_completion = {
    run, "", "completion bash|zsh|fish",
    "Prints what makes the shell complete the command lines of this program, for its start-up file:\n\n"
    "  bash   source <(polycircle completion bash)        in ~/.bashrc\n"
    "  zsh    source <(polycircle completion zsh)         in ~/.zshrc, behind compinit\n"
    "  fish   polycircle completion fish | source         in ~/.config/fish/config.fish\n"};
