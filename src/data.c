/* The search for the data directory. A web server's process knows the document root, a shell's does not, and both must come to the
 * same end: so where there is data already, that is the place, whoever asks.
 *
 *     /home/me/                                    outside
 *     /home/me/public_html/                        the document root
 *     /home/me/public_html/cgi-bin/                the program's folder
 *     /home/me/public_html/cgi-bin/polycircle.fcgi */
#include "data.h"
#include "util/codec.h"
#include "util/file.h"
#include "util/named.h"
#include <sodium.h>
#include <sys/file.h>

typedef char folder_path[PATH_MAX];

/* Makes the program's folder another one. */
typedef void way(const struct data_hints *h, folder_path at);
static way outside, above, beside, within, clear;

/* Where data may lie, for a program that was dropped into a site: of places with the same mark the first wins. */
static const struct {
    way *way;
    bool hidden; /* polycircle-data-<32 hex>, of several the first; else polycircle-data */
} places[] = {
    {outside, false}, /* above the document root; of a cgi-bin that lies beside it, beside both */
    {above, false}, /* one above the next */
    {beside, false}, /* beside the program's folder; where that is the document root, in it */
    {within, true}, /* in the program's folder */
    {clear, false}, /* above all sites that the program may lie in: the place for new data */
};

static char found[PATH_MAX + NAME_MAX + 80];

static const char *name_it(const char *dir, const char *rest) {
    (void)snprintf(found, sizeof found, "%s/polycircle-data%s", strcmp(dir, "/") == 0 ? "" : dir, rest);
    return found;
}

/* Cuts the last segment off; "/" stays. */
static void up(char *path) {
    char *slash = strrchr(path, '/');
    if (slash) *(slash == path ? slash + 1 : slash) = '\0';
}

static bool is_document_root(const struct data_hints *h, const char *path) {
    return named_root(file_name(path)) || (*h->root && strcmp(h->root, path) == 0);
}

static bool is_served(const struct data_hints *h, const char *path) {
    size_t n = strlen(h->root);
    return n && strncmp(h->root, path, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static bool is_cgi_bin(const char *path) {
    return named_cgi(file_name(path));
}

/* Makes path the directory above the innermost document root that it lies in. */
static bool leave_root(const struct data_hints *h, char *path) {
    while (!is_document_root(h, path) && strcmp(path, "/") != 0) up(path);
    bool inside = strcmp(path, "/") != 0;
    up(path);
    return inside;
}

static void beside(const struct data_hints *h, folder_path at) {
    if (!is_document_root(h, at)) up(at);
}

static void above(const struct data_hints *h, folder_path at) {
    beside(h, at);
    up(at);
}

static void outside(const struct data_hints *h, folder_path at) {
    folder_path next;
    (void)snprintf(next, sizeof next, "%s", at);
    beside(h, next);
    if (is_cgi_bin(at) && !is_document_root(h, next))
        up(at);
    else
        (void)leave_root(h, at);
}

static void within(const struct data_hints *, folder_path) {}

/* Above the root of a domain of its own may lie that of another one: ~/public_html/shop.example. */
static void clear(const struct data_hints *h, folder_path at) {
    outside(h, at);
    if (is_served(h, at)) {
        (void)snprintf(at, sizeof(folder_path), "%s", h->root);
        up(at);
    }
    if (named_site(at)) up(at);
}

/* The first in order, so that all processes agree. */
static const char *hidden(const char *dir, const char *mark) {
    DIR *d = opendir(dir);
    char best[NAME_MAX + 1] = "", path[2 * NAME_MAX];
    for (struct dirent *e; d && (e = readdir(d));) {
        (void)snprintf(path, sizeof path, "%s%s", e->d_name, mark);
        bool there = named_hidden(e->d_name) && faccessat(dirfd(d), path, F_OK, 0) == 0;
        if (there && (!*best || strcmp(e->d_name, best) < 0)) (void)snprintf(best, sizeof best, "%s", e->d_name);
    }
    if (d) (void)closedir(d);
    return *best ? name_it(dir, best + strlen("polycircle-data")) : NULL;
}

static const char *plain(const char *dir, const char *mark) {
    return access(name_it(dir, mark), F_OK) == 0 ? name_it(dir, "") : NULL;
}

/* Nothing is there yet: outside of what is served. Where that cannot be written, in the program's folder under a name that
 * nobody can guess, for 0700 does not keep out a web server that runs as us. */
static const char *choose(const struct data_hints *h, const char *bin) {
    char suffix[40] = "-";
    unsigned char secret[16];
    folder_path out;
    (void)snprintf(out, sizeof out, "%s", bin);
    clear(h, out);
    if ((access(out, W_OK) == 0 && !is_served(h, out)) || access(bin, W_OK) != 0) return name_it(out, "");
    randombytes_buf(secret, sizeof secret);
    hex_encode(suffix + 1, secret, sizeof secret);
    return name_it(bin, suffix);
}

static const char *marked(const struct data_hints *h, const char *bin, const char *mark) {
    const char *there = NULL;
    for (size_t i = 0; !there && i < sizeof places / sizeof *places; i++) {
        folder_path at;
        (void)snprintf(at, sizeof at, "%s", bin);
        places[i].way(h, at);
        there = places[i].hidden ? hidden(at, mark) : plain(at, mark);
    }
    return there;
}

/* A place with an earlier mark wins wherever it is; of places without any, the first that is there. */
static const char *look(const struct data_hints *h, const char *bin) {
    const char *there = NULL;
    for (size_t m = 0; !there && named_marks[m]; m++) there = marked(h, bin, named_marks[m]);
    if (!there) there = marked(h, bin, "");
    return there ? there : choose(h, bin);
}

/* Into the folder bin of a site? A cgi-bin is one by its name; in any other folder of a site the file's name must say that it is
 * there to be served, not to be developed. */
static bool is_dropped(const struct data_hints *h, folder_path bin) {
    (void)snprintf(bin, sizeof(folder_path), "%s", h->program);
    const char *dot = strrchr(file_name(bin), '.');
    bool named = dot && (strcmp(dot, ".fcgi") == 0 || strcmp(dot, ".cgi") == 0);
    up(bin);
    if (is_cgi_bin(bin) || is_document_root(h, bin)) return true;
    folder_path at;
    (void)snprintf(at, sizeof at, "%s", bin);
    return named && leave_root(h, at);
}

const char *data_find(const struct data_hints *h) {
    folder_path bin;
    if (*h->given) return h->given;
    if (*h->variable) return h->variable;
    if (*h->program == '/' && strlen(h->program) < sizeof bin && is_dropped(h, bin)) return look(h, bin);
    (void)snprintf(found, sizeof found, *h->xdg ? "%s/polycircle" : "%s/.local/share/polycircle", *h->xdg ? h->xdg : h->home);
    return found;
}

static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value ? value : "";
}

/* By the kernel, or where /proc is not there by the web server. */
static const char *program_path(folder_path path) {
    ssize_t n = readlink("/proc/self/exe", path, sizeof(folder_path) - 1);
    if (n <= 0) return variable("SCRIPT_FILENAME");
    path[n] = '\0';
    return path;
}

const char *data_directory(const char *given) {
    folder_path program, root;
    const char *said = variable("DOCUMENT_ROOT");
    const struct data_hints h = {
        .given = given ? given : "",
        .variable = variable("POLYCIRCLE_DATA"),
        .program = program_path(program),
        .root = *said && realpath(said, root) ? root : "",
        .xdg = variable("XDG_DATA_HOME"),
        .home = variable("HOME"),
    };
    return data_find(&h);
}

/* One process at a time draws a name. But whoever may open the folder may hold this lock, so nobody waits long for it: without it
 * two who come at once may draw two names, of which the one is a folder that nothing uses (folder_strays). */
static void lock_briefly(int fd) {
    enum { TRIES = 25 };
    const struct timespec pause = {.tv_nsec = 20000000};
    for (int i = 0; i < TRIES && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK; i++) (void)nanosleep(&pause, NULL);
}

const char *data_claim(const char *given) {
    folder_path folder;
    const char *dir = data_directory(given);
    (void)snprintf(folder, sizeof folder, "%s", dir);
    if (!named_hidden(file_name(folder)) || access(dir, F_OK) == 0) return dir;
    up(folder);
    int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock < 0) return dir; /* what cannot be opened was not searched; whoever writes into it says why not */
    lock_briefly(lock);
    dir = data_directory(given); /* another process may have been first */
    (void)directory_make(dir);
    (void)close(lock);
    return dir;
}
