#include "circle/origin.h"
#include "cli/cli.h"
#include "content/index.h"
#include "handler/shape.h"

struct publishing {
    struct cli *cli;
    const struct circle *circle;
    const char *dir, *url;
    bool terminal, may_be_empty;
    struct progress progress;
    int64_t unit, since; /* bytes of a unit; when the last one began */
};

/* All is looked at before the first file is read; so the whole is known then. */
static void show(struct publishing *p, const struct walk *w) {
    bool reading = *w->current;
    const char *looking = reading ? w->current : arena_text(p->cli->ctx.arena, "Looking for files: %" PRId64, w->files);
    cli_bar(&p->progress, &(struct amount){reading ? w->done : 0, reading ? w->bytes : 0, looking});
}

/* Larger units where the disk is quick: about half a second each. */
static int64_t budget(void *context, const struct walk *so_far) {
    static const int64_t least = 1 << 20, most = 1 << 28, quick_ms = 250, slow_ms = 500;
    struct publishing *p = context;
    int64_t now = clock_now();
    if (p->terminal) show(p, so_far);
    if (now - p->since < quick_ms && p->unit < most) p->unit *= 2;
    if (now - p->since > slow_ms && p->unit > least) p->unit /= 2;
    p->since = now;
    return p->unit;
}

static enum err url_from_root(struct cli *cli, const char *dir, const char **out) {
    char root[PATH_MAX];
    const char *set;
    *out = "";
    TRY(setting_get(&cli->ctx, "root", &set));
    if (!*set || !realpath(set, root)) return ERR_OK;
    size_t len = strlen(root);
    if (strncmp(dir, root, len) == 0 && (dir[len] == '/' || dir[len] == '\0'))
        *out = arena_text(cli->ctx.arena, "%s/", percent_path(cli->ctx.arena, dir + len));
    return ERR_OK;
}

/* Told by --at, else derived from the document root; "": only our own mirror serves the bytes. */
static enum err find_url(struct cli *cli, const char *dir, const char **out) {
    const char *at = cli_value(cli, "--at", NULL), *origin;
    if (!at) return url_from_root(cli, dir, out);
    if ((at[0] != '/' && !origin_of(cli->ctx.arena, at, &origin)) || !url_plain(at))
        return fault_set(&cli->ctx.fault, ERR_USAGE, "--at %.100s: give /path/ or https://host/path/",
                         jsn_shown(cli->ctx.arena, at));
    *out = at[strlen(at) - 1] == '/' ? at : arena_text(cli->ctx.arena, "%s/", at);
    return ERR_OK;
}

static void tell(const struct publishing *p, const struct walk *w) {
    (void)printf("%s: version %" PRId64 "%s, %" PRId64 " files, %.1f MB, %" PRId64 " read, %" PRId64 " left out\n", p->circle->can,
                 w->version, w->same ? " (nothing has changed)" : "", w->files, (double)w->bytes / 1e6, w->hashed, w->skipped);
    if (w->skipped) (void)printf("  %s\n", omitted_text(p->cli->ctx.arena, w->omitted, "\n  "));
    if (w->doubted)
        (void)printf("%" PRId64
                     " of these are missing, and the folder does not say for sure that they are gone (a disk that is not\n"
                     "mounted, no permission, or all of them at once): they stay until it is published again without them.\n",
                     w->doubted);
    if (*p->url)
        (void)printf("The bytes stay in %s, served at %s\n", p->dir, p->url);
    else
        (void)printf("No URL is known for %s, so the program itself hands the bytes out, slowly.\n"
                     "Better: publish a folder below the document root (init --root DIR), or say --at URL.\n",
                     p->dir);
}

static void tell_json(const struct publishing *p, const struct walk *w) {
    cli_print_json(p->cli, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:o}", "can", p->circle->can, "version",
                                     (json_int_t)w->version, "files", (json_int_t)w->files, "bytes", (json_int_t)w->bytes, "hashed",
                                     (json_int_t)w->hashed, "skipped", (json_int_t)w->skipped, "doubted", (json_int_t)w->doubted,
                                     "url", p->url, "left_out", shape_omitted(w->omitted)));
}

/* It is published; but is it all that was meant to be? */
static enum err judge(const struct publishing *p, const struct walk *w) {
    struct fault *f = &p->cli->ctx.fault;
    bool none = w->files == w->doubted && !p->may_be_empty;
    p->cli->told = p->cli->json;
    if (none && w->doubted)
        return fault_set(f, ERR_FILES,
                         "Nothing is left to share in %.150s: when the next reading finds nothing either, all of it is withdrawn. "
                         "To withdraw it now: polycircle publish %s DIR --allow-empty",
                         p->dir, p->circle->can);
    if (none)
        return fault_set(f, ERR_FILES, "Nothing is shared: there is nothing to share in %.150s. If that is right: --allow-empty",
                         p->dir);
    if (w->omitted[OMIT_UNREADABLE].n)
        return fault_set(f, ERR_FILES,
                         "Not all of %.150s could be read; what could not is left out (see above): then publish again.", p->dir);
    if (w->changed)
        return fault_set(f, ERR_FILES, "%" PRId64 " files changed while they were read and are left out: publish again.",
                         w->changed);
    return ERR_OK;
}

static enum err publish(struct publishing *p) {
    struct cli *cli = p->cli;
    struct walk w;
    TRY(find_url(cli, p->dir, &p->url));
    TRY(index_begin(&cli->ctx, p->circle, p->dir, p->url, p->may_be_empty ? INDEX_EMPTY : 0));
    enum err e = index_run(&cli->ctx, p->circle, budget, p, &w);
    if (p->terminal) cli_clear();
    TRY(e);
    if (!w.finished)
        return fault_set(&cli->ctx.fault, ERR_BUSY, "Another process reads the folder of %s, too: publish again.", p->circle->can);
    if (cli->json)
        tell_json(p, &w);
    else
        tell(p, &w);
    return judge(p, &w);
}

static enum err run(struct cli *cli) {
    static char dir[PATH_MAX];
    struct circle c;
    struct publishing p = {.cli = cli, .circle = &c, .dir = dir, .unit = 4 << 20, .since = clock_now()};
    p.terminal = cli_watched(cli);
    p.may_be_empty = cli_flag(cli, "--allow-empty");
    if (cli->n_words != 2)
        return fault_set(&cli->ctx.fault, ERR_USAGE, "usage: polycircle publish NAME DIR [--at URL] [--allow-empty]");
    TRY(cli_open(cli));
    TRY(cli_circle(cli, cli->words[0], &c));
    if (!realpath(cli->words[1], dir)) return fault_errno(&cli->ctx.fault, ERR_FILES, cli->words[1]);
    return publish(&p);
}

const struct command command_publish = {
    run, "--at=URL --allow-empty", "publish NAME DIR [--at URL] [--allow-empty]",
    "Makes the files of DIR the content of the circle NAME: reads and hashes what is new, signs the list.\n"
    "The bytes stay where they are. Run it again after changes; what has not changed is not read again.\n"
    "Hidden files, symbolic links, empty files, names that are not UTF-8 and programs or settings of the host (.php, .ini, ...)\n"
    "are left out, and what may not be read: it says how many, and names some of them.\n\n"
    "  --at URL        where the web server serves DIR: /path/ on the site itself, or https://host/path/\n"
    "                  (told by itself when DIR lies below `init --root`)\n"
    "  --allow-empty   nothing to share in DIR is no mistake: what was published is withdrawn at once\n"};
