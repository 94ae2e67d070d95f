/* The search for the data directory: which place wins, in trees made for it. */
#include "data.h"
#include "tap.h"
#include "util/arena.h"
#include "util/named.h"
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ZEROS "polycircle-data-00000000000000000000000000000000"
#define FS "polycircle-data-ffffffffffffffffffffffffffffffff"
#define ONES "polycircle-data-11111111111111111111111111111111"
#define FOURS "polycircle-data-44444444444444444444444444444444"
#define EIGHTS "polycircle-data-88888888888888888888888888888888"
#define AS "polycircle-data-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DB "polycircle-data/polycircle.db"
#define OWNER "polycircle-data/owner-code"
#define SETUP "polycircle-data/setup-code"
#define EMPTY "polycircle-data/"

enum { FILES = 6 };

static const struct {
    const char *name;
    const char *program; /* all paths below the tree's top, which stands for an account's */
    const char *root; /* the document root that a web server says; "": a shell asks, or it says none */
    const char *files[FILES]; /* what is there; a directory ends with / */
    const char *shut; /* directories that may not be written, a space between them; ".": the top */
    const char *want; /* DIR/? is a drawn name in DIR */
} cases[] = {
    /* nothing is there yet */
    {"a cgi-bin in the document root", "public_html/cgi-bin/polycircle.fcgi", "public_html", {0}, "", "polycircle-data"},
    {"the same for a shell", "public_html/cgi-bin/polycircle.fcgi", "", {0}, "", "polycircle-data"},
    {"a cgi-bin beside the document root", "cgi-bin/polycircle.fcgi", "public_html", {"public_html/"}, "", "polycircle-data"},
    {"a program in the document root itself", "htdocs/polycircle.fcgi", "htdocs", {0}, "", "polycircle-data"},
    {"a folder of its own in the site", "public_html/circle/polycircle.fcgi", "public_html", {0}, "", "polycircle-data"},
    {"deep in the site", "public_html/a/b/polycircle.cgi", "public_html", {0}, "", "polycircle-data"},
    {"a document root in a document root: above both", "www/site/htdocs/cgi-bin/polycircle.fcgi", "", {0}, "", "polycircle-data"},
    {"unless the outer one is the host's own",
     "www/site/htdocs/cgi-bin/polycircle.fcgi",
     "",
     {0},
     "www",
     "www/site/polycircle-data"},
    {"a domain of its own in another one's document root",
     "public_html/shop.example/cgi-bin/polycircle.fcgi",
     "public_html/shop.example",
     {0},
     "",
     "polycircle-data"},
    {"the same for a shell", "public_html/shop.example/cgi-bin/polycircle.fcgi", "", {0}, "", "polycircle-data"},
    {"in a folder of its own there",
     "public_html/shop.example/circle/polycircle.fcgi",
     "public_html/shop.example",
     {0},
     "",
     "polycircle-data"},
    {"above both is shut: a drawn name",
     "public_html/shop.example/cgi-bin/polycircle.fcgi",
     "public_html/shop.example",
     {0},
     ".",
     "public_html/shop.example/cgi-bin/?"},
    {"data that are there stay",
     "public_html/shop.example/cgi-bin/polycircle.fcgi",
     "public_html/shop.example",
     {DB, "public_html/" DB},
     "",
     "public_html/polycircle-data"},
    {"a document root of another name, by the web server", "site/circle/polycircle.fcgi", "site", {0}, "", "polycircle-data"},
    {"and of a cgi-bin in it", "site/cgi-bin/polycircle.fcgi", "site", {0}, "", "polycircle-data"},
    {"which a shell cannot know", "site/cgi-bin/polycircle.fcgi", "", {0}, "", "site/polycircle-data"},
    {"a cgi-bin that is a document root", "cgi-bin/polycircle.fcgi", "cgi-bin", {0}, "", "polycircle-data"},
    {"above the root is shut: a drawn name", "public_html/circle/polycircle.fcgi", "public_html", {0}, ".", "public_html/circle/?"},
    {"outside is served, too: above that", "www/public_html/circle/polycircle.fcgi", ".", {0}, "", "../polycircle-data"},
    {"which is shut: a drawn name", "www/public_html/circle/polycircle.fcgi", ".", {0}, "..", "www/public_html/circle/?"},
    {"both are shut: whoever writes outside says why not",
     "public_html/circle/polycircle.fcgi",
     "public_html",
     {0},
     ". public_html/circle",
     "polycircle-data"},
    /* not dropped */
    {"developed in a site, not served", "public_html/src/polycircle", "public_html", {DB}, "", "own/.local/share/polycircle"},
    {"in no site", "bin/polycircle.fcgi", "", {DB}, "", "own/.local/share/polycircle"},
    {"any name in a cgi-bin", "cgi-bin/polycircle", "", {0}, "", "polycircle-data"},
    /* one is there: it is the place, whoever asks */
    {"made by a shell, found by the web server", "site/cgi-bin/polycircle.fcgi", "site", {"site/" DB}, "", "site/polycircle-data"},
    {"made by the web server, found by a shell", "site/cgi-bin/polycircle.fcgi", "", {DB}, "", "polycircle-data"},
    {"beside a folder of the site",
     "public_html/circle/polycircle.fcgi",
     "public_html",
     {"public_html/" DB},
     "",
     "public_html/polycircle-data"},
    {"one above", "public_html/a/b/polycircle.fcgi", "public_html", {"public_html/" DB}, "", "public_html/polycircle-data"},
    {"in the document root itself",
     "public_html/polycircle.fcgi",
     "public_html",
     {"public_html/" DB},
     "",
     "public_html/polycircle-data"},
    {"a drawn name",
     "public_html/circle/polycircle.fcgi",
     "public_html",
     {"public_html/circle/" FS "/polycircle.db"},
     "",
     "public_html/circle/" FS},
    {"two above nobody looks", "public_html/a/b/c/polycircle.fcgi", "public_html", {"public_html/" DB}, "", "polycircle-data"},
    {"nor at a plain name in the program's folder",
     "public_html/circle/polycircle.fcgi",
     "public_html",
     {"public_html/circle/" DB},
     "",
     "polycircle-data"},
    {"nor at a name like a drawn one",
     "public_html/circle/polycircle.fcgi",
     "public_html",
     {"public_html/circle/polycircle-data-0/polycircle.db"},
     "",
     "polycircle-data"},
    /* several, with the same mark: the first place */
    {"outside before above", "public_html/a/b/polycircle.fcgi", "public_html", {DB, "public_html/" DB}, "", "polycircle-data"},
    {"above before beside",
     "public_html/a/b/polycircle.fcgi",
     "public_html",
     {"public_html/" DB, "public_html/a/" DB},
     "",
     "public_html/polycircle-data"},
    {"beside before a drawn name",
     "public_html/circle/polycircle.fcgi",
     "public_html",
     {"public_html/" DB, "public_html/circle/" FS "/polycircle.db"},
     "",
     "public_html/polycircle-data"},
    {"of drawn names the first",
     "public_html/circle/polycircle.fcgi",
     "",
     {"public_html/circle/" FS "/owner-code", "public_html/circle/" EIGHTS "/owner-code", "public_html/circle/" FOURS "/owner-code",
      "public_html/circle/" ZEROS "/owner-code", "public_html/circle/" ONES "/owner-code", "public_html/circle/" AS "/owner-code"},
     "",
     "public_html/circle/" ZEROS},
    {"empty ones, too",
     "public_html/circle/polycircle.fcgi",
     "",
     {"public_html/circle/" FS "/", "public_html/" EMPTY},
     "",
     "public_html/polycircle-data"},
    /* several, with different marks: the mark decides */
    {"a database anywhere",
     "public_html/a/b/polycircle.fcgi",
     "public_html",
     {OWNER, "public_html/" SETUP, "public_html/a/" EMPTY, "public_html/a/b/" FS "/polycircle.db"},
     "",
     "public_html/a/b/" FS},
    {"without one an owner",
     "public_html/a/b/polycircle.fcgi",
     "public_html",
     {SETUP, EMPTY, "public_html/a/" OWNER},
     "",
     "public_html/a/polycircle-data"},
    {"without one a set-up that has begun",
     "public_html/a/b/polycircle.fcgi",
     "public_html",
     {EMPTY, "public_html/" SETUP},
     "",
     "public_html/polycircle-data"},
    {"a drawn name with a mark before a plain one without",
     "public_html/circle/polycircle.fcgi",
     "",
     {EMPTY, "public_html/circle/" FS "/setup-code"},
     "",
     "public_html/circle/" FS},
    {"and drawn names among each other",
     "public_html/circle/polycircle.fcgi",
     "",
     {"public_html/circle/" ZEROS "/setup-code", "public_html/circle/" FS "/polycircle.db"},
     "",
     "public_html/circle/" FS},
};

static struct arena arena;
static const char *top;

static const char *below(const char *path) {
    return strcmp(path, ".") == 0 ? top : arena_text(&arena, "%s/%s", top, path);
}

/* With the directories above it. */
static void make(const char *path) {
    char *whole = arena_text(&arena, "%s", below(path));
    for (char *p = whole + strlen(top) + 1; (p = strchr(p, '/')); *p++ = '/') {
        *p = '\0';
        (void)mkdir(whole, 0700);
    }
    if (whole[strlen(whole) - 1] != '/') (void)close(open(whole, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static void shut(const char *folders, mode_t mode) {
    char *list = arena_text(&arena, "%s", folders), *rest = NULL;
    for (char *one = strtok_r(list, " ", &rest); one; one = strtok_r(NULL, " ", &rest)) (void)chmod(below(one), mode);
}

static bool is_wanted(const char *got, const char *want) {
    size_t n = strlen(want);
    if (want[n - 1] != '?') return strcmp(got, want) == 0;
    return strncmp(got, want, n - 1) == 0 && named_hidden(got + n - 1);
}

static void tree(size_t i) {
    char template[PATH_MAX], real[PATH_MAX];
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(template, sizeof template, "%s/data-test.XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(template) || !realpath(template, real)) exit(99);
    top = arena_text(&arena, "%s/home", real); /* what lies above the top is ours, too */
    if (mkdir(top, 0700) != 0) exit(99);
    make(cases[i].program);
    for (size_t k = 0; k < FILES && cases[i].files[k]; k++) make(cases[i].files[k]);
    shut(cases[i].shut, 0500);
    const struct data_hints h = {
        .given = "",
        .variable = "",
        .program = below(cases[i].program),
        .root = *cases[i].root ? below(cases[i].root) : "",
        .xdg = "",
        .home = below("own"),
    };
    char *got = arena_text(&arena, "%s", data_find(&h));
    const char *want =
        strncmp(cases[i].want, "../", 3) == 0 ? arena_text(&arena, "%s/%s", real, cases[i].want + 3) : below(cases[i].want);
    if (!ok(is_wanted(got, want), "%s", cases[i].name)) (void)printf("# got %s\n# want %s\n", got, want);
    shut(cases[i].shut, 0700);
    if (system(arena_text(&arena, "rm -rf '%s'", real)) != 0) exit(99);
}

/* Where no site is asked. */
static void said(void) {
    struct data_hints h = {"given", "variable", "/home/me/cgi-bin/polycircle.fcgi", "/home/me", "/xdg", "/home/me"};
    same_text(data_find(&h), "given", "--data comes first");
    h.given = "";
    same_text(data_find(&h), "variable", "then POLYCIRCLE_DATA");
    h.variable = "";
    h.program = "/usr/sbin/polycircle";
    same_text(data_find(&h), "/xdg/polycircle", "then, of a program that was not dropped into a site, XDG_DATA_HOME");
    h.xdg = "";
    same_text(data_find(&h), "/home/me/.local/share/polycircle", "then the home directory");
    static const char *const elsewhere[] = {"polycircle.fcgi", "site/polycircle.fcgi", "cgi-bin/polycircle.fcgi"};
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
        h.program = elsewhere[i]; /* where /proc is not there and a web server says SCRIPT_FILENAME so */
        same_text(data_find(&h), "/home/me/.local/share/polycircle", "%s: nobody knows where that is", h.program);
    }
}

int main(void) {
    enum { LONG = 60 };
    (void)alarm(LONG); /* a search that does not end */
    /* root may write wherever it likes, which would make all of these trees open */
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0}};
    if (syscall(SYS_capset, &head, none) != 0) return 99;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) tree(i);
    said();
    arena_free(&arena);
    return done();
}
