#include "cli/cli.h"
#include "domain/describe.h"
#include "domain/signing.h"

static enum err ice_json(struct cli *cli, const char **out) {
    const char *urls[CLI_VALUES];
    size_t n = cli_all(cli, "--ice", urls);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) (void)json_array_append_new(list, json_string(urls[i]));
    return circle_ice(&cli->ctx, list, out);
}

static void tell_tag(struct cli *cli, const struct circle *c) {
    struct store *s = cli->ctx.store;
    bool row;
    if (store_find(s, SQL_BASE_LIST, NULL, 0, &row) == ERR_OK && row) {
        (void)printf("Paste into the <head> of each page:\n  <script src=\"%ssignal?%s\"></script>\n",
                     store_text(s, SQL_BASE_LIST, 0), c->api_key);
        store_reset(s, SQL_BASE_LIST);
    }
}

static enum err add(struct cli *cli) {
    const char *origins[CLI_VALUES], *roster = cli_value(cli, "--roster", "public");
    struct circle_new in = {.can = cli->words[1], .roster = roster, .listed = !cli_flag(cli, "--unlisted")};
    struct circle c;
    in.p2p = cli_value(cli, "--p2p", "on");
    in.origins = origins;
    in.n_origins = cli_all(cli, "--origin", origins);
    const char *kbps = cli_value(cli, "--up-kbps", "0");
    in.up_kbps = strtoll(kbps, NULL, 10);
    if (!*kbps || strlen(kbps) > 9 || kbps[strspn(kbps, "0123456789")])
        return fault_set(&cli->ctx.fault, ERR_USAGE, "--up-kbps %.40s: give a number of kbit/s.", kbps);
    if (strcmp(roster, "public") != 0 && strcmp(roster, "members") != 0 && strcmp(roster, "hidden") != 0)
        return fault_set(&cli->ctx.fault, ERR_USAGE, "--roster is public, members or hidden.");
    TRY(ice_json(cli, &in.ice));
    TRY(circle_add(&cli->ctx, &in, &c));
    const char *cid = hex_text(cli->ctx.arena, c.cid.b, sizeof c.cid.b);
    if (cli->json) {
        cli_print_json(cli, json_pack("{s:s, s:s, s:s}", "can", c.can, "cid", cid, "api_key", c.api_key));
    } else {
        (void)printf("Circle %s, CID %s\napi key (public): %s\n", c.can, cid, c.api_key);
        tell_tag(cli, &c);
        (void)printf("Next: polycircle publish %s DIR\n", c.can);
    }
    return ERR_OK;
}

static enum err show(struct cli *cli) {
    struct circle c;
    json_t *d, *value;
    const char *key;
    enum err e = cli_circle(cli, cli->words[1], &c);
    if (e != ERR_REMOVED) TRY(e);
    TRY(describe_circle(&cli->ctx, &c, &d));
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
        TRY(describe_circle(&cli->ctx, &all.all[i], &d));
        (void)json_array_append_new(array, d);
        if (!cli->json)
            (void)printf("%-20s %s  %lld signals  version %lld%s\n", all.all[i].can, json_string_value(json_object_get(d, "cid")),
                         (long long)json_integer_value(json_object_get(d, "signals")),
                         (long long)json_integer_value(json_object_get(d, "version")), all.all[i].removed ? "  (removed)" : "");
    }
    if (cli->json)
        cli_print_json(cli, array);
    else if (all.n == 0)
        (void)printf("No circle yet: polycircle circle add NAME --origin https://your.site\n");
    return ERR_OK;
}

static enum err drop(struct cli *cli) {
    struct circle c;
    TRY(cli_circle(cli, cli->words[1], &c));
    TRY(circle_remove(&cli->ctx, &c));
    if (!cli->json)
        (void)printf("The circle %s is removed; its visitors' workers unregister themselves.\n", c.can);
    else
        cli_print_json(cli, json_pack("{s:s}", "removed", c.can));
    return ERR_OK;
}

static enum err allow(struct cli *cli) {
    const char *origins[CLI_VALUES];
    struct circle c;
    size_t n = cli_all(cli, "--origin", origins);
    if (n == 0) return fault_set(&cli->ctx.fault, ERR_USAGE, "Which pages? polycircle circle allow NAME --origin URL");
    TRY(cli_circle(cli, cli->words[1], &c));
    TRY(store_begin(cli->ctx.store, MAIN, true));
    for (size_t i = 0; i < n; i++) TRY(circle_allow(&cli->ctx, &c, origins[i]));
    TRY(store_commit(cli->ctx.store, MAIN));
    return show(cli);
}

static enum err rekey(struct cli *cli) {
    struct circle c;
    TRY(cli_circle(cli, cli->words[1], &c));
    TRY(signing_renew(&cli->ctx, &c));
    const char *sign = base64url_text(cli->ctx.arena, c.sign_public, sizeof c.sign_public);
    if (cli->json) {
        cli_print_json(cli, json_pack("{s:s, s:s}", "can", c.can, "sign", sign));
        return ERR_OK;
    }
    (void)printf("The circle %s signs with a new key from now on. Open pages load by plain HTTP until they are loaded again;\n"
                 "browsers may keep the loader for five minutes.\n"
                 "Where a tag has data-key: data-key=\"%s\"\n",
                 c.can, sign);
    return ERR_OK;
}

static enum err run(struct cli *cli) {
    static const struct {
        const char *name;
        size_t words;
        enum err (*run)(struct cli *cli);
    } verbs[] = {{"add", 2, add},     {"list", 1, list},   {"show", 2, show},
                 {"remove", 2, drop}, {"allow", 2, allow}, {"rekey", 2, rekey}};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (cli->n_words == verbs[i].words && strcmp(cli->words[0], verbs[i].name) == 0) {
            TRY(cli_open(cli));
            return verbs[i].run(cli);
        }
    return fault_set(&cli->ctx.fault, ERR_USAGE, "usage: polycircle circle add|show|remove|allow|rekey NAME, or circle list");
}

const struct command command_circle = {
    run, "--origin= --ice= --up-kbps= --roster= --unlisted --p2p=",
    "circle add|allow|show|rekey|remove NAME [--origin URL ...], circle list",
    "Circles: a name, its keys, the pages that may use it.\n\n"
    "  add NAME      makes keys and prints the tag to paste; the instance's own pages are allowed by themselves\n"
    "  allow NAME    allows further pages\n"
    "  rekey NAME    a new signing key, when the one before may be known to somebody; what is published is signed anew\n"
    "  --origin URL  a site whose pages may use the circle, such as https://site.example\n"
    "  --ice URL     a STUN server for peers in different networks (stun:host:port); none: same network only\n"
    "  --up-kbps N   what a visitor gives to peers beyond the own network, in kbit/s (default 2000)\n"
    "  --p2p W       on: visitors are connected; ask: those who say yes; off: nobody (the tag may say otherwise)\n"
    "  --roster W    who may see who is there: public, members, hidden\n"
    "  --unlisted    not in circles.json\n"
    "  remove NAME   ends it; the name is never used again\n"};
