#include "circle/instance.h"
#include "cli/cli.h"
#include "handler/handler.h"
#include "handler/shape.h"
#include "host/choices.h"
#include "host/rekey.h"

/* --ice none: no server; without --ice NULL. */
static enum err read_ice(struct cli *cli, const char **out) {
    const char *urls[CLI_VALUES];
    size_t n = cli_all(cli, "--ice", urls);
    bool none = n == 1 && strcmp(urls[0], "none") == 0;
    return n ? circle_ice(&cli->ctx, &(struct texts){.all = urls, .n = none ? 0 : n}, out) : ERR_OK;
}

/* --name WORD, one of the two: 1 or 0; absent: -1. */
static enum err either(struct cli *cli, const char *name, const char *one, const char *zero, int64_t *out) {
    const char *value = cli_value(cli, name, NULL);
    *out = !value ? -1 : strcmp(value, one) == 0 ? 1 : strcmp(value, zero) == 0 ? 0 : -2;
    return *out >= -1 ? ERR_OK : fault_set(&cli->ctx.fault, ERR_USAGE, "%s is %s or %s.", name, one, zero);
}

/* The patterns, a line each; --exclude "": none any longer. */
static const char *exclude(struct cli *cli) {
    const char *patterns[CLI_VALUES];
    size_t n = cli_all(cli, "--exclude", patterns);
    struct buf text = {.arena = cli->ctx.arena};
    for (size_t i = 0; i < n; i++) buf_format(&text, "%s%s", i ? "\n" : "", patterns[i]);
    return n ? (text.len ? text.data : "") : NULL;
}

static enum err read_choices(struct cli *cli, struct choices *out) {
    const char *kbps = cli_value(cli, "--up-kbps", NULL);
    *out = AS_IT_IS;
    out->p2p = cli_value(cli, "--p2p", NULL);
    out->roster = cli_value(cli, "--roster", NULL);
    out->exclude = exclude(cli);
    out->worker = cli_value(cli, "--worker", NULL);
    if (kbps && (!*kbps || strlen(kbps) > 9 || kbps[strspn(kbps, "0123456789")]))
        return fault_set(&cli->ctx.fault, ERR_USAGE, "--up-kbps %.40s: give a number of kbit/s.", kbps);
    if (kbps) out->up_kbps = strtoll(kbps, NULL, 10);
    TRY(either(cli, "--listed", "yes", "no", &out->listed));
    TRY(either(cli, "--mirror", "on", "off", &out->mirror));
    if (cli_flag(cli, "--unlisted")) out->listed = false;
    return read_ice(cli, &out->ice);
}

static void tell_tag(struct cli *cli, const struct circle *c) {
    struct texts urls;
    if (instance_urls(&cli->ctx, &urls) == ERR_OK && urls.n)
        (void)printf("Paste into the <head> of each page:\n  <script src=\"%ssignal?%s\"></script>\n", urls.all[0], c->api_key);
}

/* When ours comes, and what a script of the site needs, which nobody but the site's pages registers. */
static void tell_worker(struct cli *cli, const struct circle *c) {
    struct texts urls;
    if (strcmp(c->worker, "unknown") == 0)
        (void)printf("Our service worker comes when a page is loaded, after one of the site; at once with --worker none\n");
    if (*c->worker == '/' && instance_urls(&cli->ctx, &urls) == ERR_OK && urls.n)
        (void)printf("The pages register %s themselves; its first line has to be:\n"
                     "  importScripts('%scircle-sw.js')\n",
                     c->worker, urls.all[0]);
}

/* What was chosen, by the owner or for him: he should see it now. */
static void tell_choices(struct cli *cli, const struct circle *c) {
    static const char *const words[][2] = {
        {"ask", "are asked before they are connected"}, {"on", "are connected without a question"}, {"off", "are not connected"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(c->p2p, words[i][0]) == 0) (void)printf("Visitors %s (--p2p %s)\n", words[i][1], c->p2p);
    json_t *ice = json_loads(c->ice, 0, NULL);
    for (size_t i = 0; i < json_array_size(ice); i++)
        (void)printf("STUN server, a third party that sees the address of who takes part: %s\n",
                     json_string_value(json_object_get(json_array_get(ice, i), "urls")));
    tell_worker(cli, c);
    if (json_array_size(ice) == 0) (void)printf("No STUN server: only visitors in the same network find each other\n");
}

static enum err add(struct cli *cli) {
    const char *origins[CLI_VALUES];
    struct circle_new in = {.can = cli->words[1], .origins = origins, .n_origins = cli_all(cli, "--origin", origins)};
    struct circle c;
    TRY(read_choices(cli, &in.chosen));
    TRY(circle_add(&cli->ctx, &in, &c));
    const char *cid = hex_text(cli->ctx.arena, c.cid.b, sizeof c.cid.b);
    if (cli->json) {
        cli_print_json(cli, json_pack("{s:s, s:s, s:s}", "can", c.can, "cid", cid, "api_key", c.api_key));
    } else {
        (void)printf("Circle %s, CID %s\napi key (public): %s\n", c.can, cid, c.api_key);
        tell_choices(cli, &c);
        tell_tag(cli, &c);
        (void)printf("Next: %s publish %s DIR\n", cli_again(cli), c.can);
    }
    return ERR_OK;
}

static enum err show(struct cli *cli) {
    struct circle c;
    json_t *d, *value;
    const char *key;
    enum err e = cli_circle(cli, cli->words[1], &c);
    if (e != ERR_REMOVED) TRY(e);
    TRY(shape_circle(&cli->ctx, &c, &d));
    if (cli->json) {
        cli_print_json(cli, d);
        return ERR_OK;
    }
    json_object_foreach(d, key, value) {
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        (void)printf("%-12s %s\n", key, json_is_string(value) ? json_string_value(value) : text);
    }
    tell_tag(cli, &c);
    return ERR_OK;
}

static enum err list(struct cli *cli) {
    struct circle_list all;
    json_t *array = json_array();
    TRY(circle_list(&cli->ctx, &all));
    for (size_t i = 0; i < all.n; i++) {
        json_t *d;
        TRY(shape_circle(&cli->ctx, &all.all[i], &d));
        (void)json_array_append_new(array, d);
        if (!cli->json)
            (void)printf("%-20s %s  %lld signals  version %lld%s\n", all.all[i].can, json_string_value(json_object_get(d, "cid")),
                         (long long)json_integer_value(json_object_get(d, "signals")),
                         (long long)json_integer_value(json_object_get(d, "version")), all.all[i].removed ? "  (removed)" : "");
    }
    if (cli->json)
        cli_print_json(cli, array);
    else if (all.n == 0)
        (void)printf("No circle yet: %s circle add NAME --origin https://your.site\n", cli_again(cli));
    return ERR_OK;
}

static enum err drop(struct cli *cli) {
    struct circle c;
    TRY(cli_circle(cli, cli->words[1], &c));
    TRY(choices_remove(&cli->ctx, &c));
    if (!cli->json)
        (void)printf("The circle %s is removed; its visitors' workers unregister themselves.\n", c.can);
    else
        cli_print_json(cli, json_pack("{s:s}", "removed", c.can));
    return ERR_OK;
}

static enum err set(struct cli *cli) {
    struct circle c;
    struct choices chosen;
    TRY(cli_circle(cli, cli->words[1], &c));
    TRY(read_choices(cli, &chosen));
    bool any =
        chosen.p2p || chosen.ice || chosen.roster || chosen.exclude || chosen.worker || chosen.listed >= 0 || chosen.mirror >= 0;
    if (!any && chosen.up_kbps < 0)
        return fault_set(&cli->ctx.fault, ERR_USAGE, "Change what? polycircle circle --help lists what there is.");
    TRY(choices_set(&cli->ctx, &c, &chosen));
    TRY(spool_refresh(&cli->ctx, c.id));
    TRY(show(cli));
    if (chosen.worker && !cli->json && cli_circle(cli, cli->words[1], &c) == ERR_OK) tell_worker(cli, &c);
    return ERR_OK;
}

static enum err origins(struct cli *cli,
                        enum err (*change)(struct ctx *ctx, const struct circle *c, const char *const *urls, size_t n)) {
    const char *origins[CLI_VALUES];
    struct circle c;
    size_t n = cli_all(cli, "--origin", origins);
    if (n == 0) return fault_set(&cli->ctx.fault, ERR_USAGE, "Which pages? polycircle circle %s NAME --origin URL", cli->words[0]);
    TRY(cli_circle(cli, cli->words[1], &c));
    TRY(change(&cli->ctx, &c, origins, n));
    return show(cli);
}

static enum err allow(struct cli *cli) {
    return origins(cli, choices_allow);
}

static enum err refuse(struct cli *cli) {
    return origins(cli, choices_refuse);
}

static enum err rekey(struct cli *cli) {
    struct circle c;
    TRY(cli_circle(cli, cli->words[1], &c));
    TRY(rekey_circle(&cli->ctx, &c));
    const char *sign = base64url_text(cli->ctx.arena, c.sign_public, sizeof c.sign_public);
    if (cli->json) {
        cli_print_json(cli, json_pack("{s:s, s:s}", "can", c.can, "sign", sign));
        return ERR_OK;
    }
    (void)printf("The circle %s signs with a new key from now on. Open pages load by plain HTTP until they are loaded again;\n"
                 "browsers may keep the loader for four minutes.\n"
                 "Where a tag has data-key: data-key=\"%s\"\n",
                 c.can, sign);
    return ERR_OK;
}

const struct verb circle_verbs[] = {{"add", 2, add},     {"set", 2, set},     {"list", 1, list},
                                    {"show", 2, show},   {"allow", 2, allow}, {"refuse", 2, refuse},
                                    {"rekey", 2, rekey}, {"remove", 2, drop}, {NULL, 0, NULL}};

const struct command command_circle = {
    cli_verb,
    "--origin=URL --ice=URL --up-kbps=N --roster=public|members|hidden --listed=yes|no --unlisted --p2p=ask|on|off --mirror=on|off "
    "--exclude=PATTERN --worker=unknown|none|own|PATH",
    "circle add|set|allow|refuse|show|rekey|remove NAME [OPTION ...], circle list",
    "Circles: a name, its keys, the pages that may use it.\n\n"
    "  add NAME      makes keys and prints the tag to paste; the instance's own pages are allowed by themselves\n"
    "  set NAME      changes what is named below; pages that are loaded later have it, within five minutes\n"
    "  allow NAME    allows further pages\n"
    "  refuse NAME   allows pages no longer\n"
    "  rekey NAME    a new signing key, when the one before may be known to somebody; what is published is signed anew\n"
    "  --origin URL  a site whose pages may use the circle, such as https://site.example\n"
    "  --ice URL     a STUN server for peers in different networks, stun:host:port, a third party that sees the address of who\n"
    "                takes part (up to 4 times; a new circle has stun:stun.nextcloud.com:443); none: same network only\n"
    "  --up-kbps N   what a visitor gives to peers beyond the own network, in kbit/s (default 2000)\n"
    "  --p2p W       ask: those who say yes are connected (the default); on: all; off: nobody (the tag may say otherwise)\n"
    "  --mirror W    off: nobody's browser mirrors until it is on again; the site's files come by plain HTTP\n"
    "  --exclude P   leaves files of this pattern out, such as *.pdf, drafts or films/raw/* (several times; \"\": none any "
    "longer)\n"
    "  --worker W    has the site a service worker of its own? unknown: ours comes after it, when a page is loaded (the default);\n"
    "                none: ours comes at once; own: ours never comes; /PATH of its script, with our line in it: ours is a part of "
    "it\n"
    "  --roster W    who may see who is there: public, members, hidden\n"
    "  --listed W    yes or no: in circles.json\n"
    "  --unlisted    the same as --listed no\n"
    "  remove NAME   ends it; the name is never used again\n"};
