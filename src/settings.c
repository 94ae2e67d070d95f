#include "settings.h"
#include "content/folder.h"
#include "util/file.h"
#include <sodium.h>
#include <sys/file.h>

static char found[PATH_MAX + 80];

static char *last_segment(char *path) {
    char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Cuts the last segment off; "/" stays. */
static void up(char *path) {
    char *slash = strrchr(path, '/');
    if (slash) *(slash == path ? slash + 1 : slash) = '\0';
}

/* As the web server says it, links resolved as in /proc/self/exe; NULL when run by hand. */
static const char *served_root(void) {
    static char resolved[PATH_MAX];
    const char *root = getenv("DOCUMENT_ROOT");
    return root && *root && realpath(root, resolved) ? resolved : NULL;
}

static bool is_document_root(char *path) {
    const char *root = served_root();
    return folder_named_root(last_segment(path)) || (root && strcmp(root, path) == 0);
}

static bool is_served(const char *path) {
    const char *root = served_root();
    size_t n = root ? strlen(root) : 0;
    return root && strncmp(root, path, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static bool is_cgi_bin(char *path) {
    return folder_named_cgi(last_segment(path));
}

/* Makes path the directory above the innermost document root that it lies in. */
static bool leave_root(char *path) {
    while (!is_document_root(path) && strcmp(path, "/") != 0) up(path);
    bool inside = strcmp(path, "/") != 0;
    up(path);
    return inside;
}

/* The program's own path: by the kernel, or where /proc is not there by the web server. */
static bool program_path(char *path, size_t size) {
    ssize_t n = readlink("/proc/self/exe", path, size - 1);
    const char *script = getenv("SCRIPT_FILENAME");
    if (n > 0)
        path[n] = '\0';
    else if (script && strlen(script) < size)
        memcpy(path, script, strlen(script) + 1);
    else
        return false;
    return true;
}

/* Cuts the file name off. A cgi-bin is one by its name; in any other folder of a site the file's name must say that it
 * is there to be served, not to be developed. */
static bool is_dropped(char *path) {
    const char *dot = strrchr(last_segment(path), '.');
    bool named = dot && (strcmp(dot, ".fcgi") == 0 || strcmp(dot, ".cgi") == 0);
    up(path);
    if (is_cgi_bin(path) || is_document_root(path)) return true;
    char at[PATH_MAX];
    (void)snprintf(at, sizeof at, "%s", path);
    return named && leave_root(at);
}

static const char *name_it(const char *dir, const char *suffix) {
    (void)snprintf(found, sizeof found, "%s/polycircle-data%s", strcmp(dir, "/") == 0 ? "" : dir, suffix);
    return found;
}

static bool holds(const char *dir, const char *file) {
    return access(name_it(dir, file), F_OK) == 0;
}

/* polycircle-data-<32 hex> in a folder that is served, with this file in it; of several the first, so that all processes agree. */
static const char *hidden(const char *dir, const char *file) {
    DIR *d = opendir(dir);
    char best[NAME_MAX + 1] = "", path[2 * NAME_MAX];
    for (struct dirent *e; d && (e = readdir(d));) {
        (void)snprintf(path, sizeof path, "%s%s", e->d_name, file);
        bool there = folder_named_hidden(e->d_name) && faccessat(dirfd(d), path, F_OK, 0) == 0;
        if (there && (!*best || strcmp(e->d_name, best) < 0)) (void)snprintf(best, sizeof best, "%s", e->d_name);
    }
    if (d) (void)closedir(d);
    return *best ? name_it(dir, best + strlen("polycircle-data")) : NULL;
}

/* Nothing is there yet: outside of what is served. Where that cannot be written, beside the program under a name that
 * nobody can guess, for 0700 does not keep out a web server that runs as us. */
static const char *choose(const char *outside, const char *bin) {
    char suffix[40] = "-";
    unsigned char secret[16];
    if ((access(outside, W_OK) == 0 && !is_served(outside)) || access(bin, W_OK) != 0) return name_it(outside, "");
    randombytes_buf(secret, sizeof secret);
    (void)sodium_bin2hex(suffix + 1, sizeof suffix - 1, secret, sizeof secret);
    return name_it(bin, suffix);
}

/* A web server tells us its document root, a shell does not: so where there is data already, that is the place, whoever
 * asks. Of several it is the one that has a database, else an owner, else a set-up that was begun; an empty one counts too. */
static const char *beside(char *bin) {
    char outside[PATH_MAX], above[PATH_MAX], near[PATH_MAX];
    static const char *const marks[] = {"/polycircle.db", "/owner-code", "/setup-code", ""};
    (void)snprintf(near, sizeof near, "%s", bin);
    if (!is_document_root(near)) up(near);
    (void)snprintf(above, sizeof above, "%s", near);
    up(above);
    (void)snprintf(outside, sizeof outside, "%s", is_cgi_bin(bin) ? near : bin);
    if (!is_cgi_bin(bin) || is_document_root(near)) (void)leave_root(outside);
    const char *const places[] = {outside, above, near};
    for (size_t m = 0; m < sizeof marks / sizeof *marks; m++) {
        for (size_t i = 0; i < 3; i++)
            if (holds(places[i], marks[m])) return name_it(places[i], "");
        if (hidden(bin, marks[m])) return found;
    }
    return choose(outside, bin);
}

const char *data_directory(const char *given) {
    const char *set = given ? given : getenv("POLYCIRCLE_DATA");
    char dir[PATH_MAX];
    if (set && *set) return set;
    if (program_path(dir, sizeof dir) && is_dropped(dir)) return beside(dir);
    const char *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (xdg && *xdg)
        (void)snprintf(found, sizeof found, "%s/polycircle", xdg);
    else
        (void)snprintf(found, sizeof found, "%s/.local/share/polycircle", home ? home : "");
    return found;
}

const char *data_claim(const char *given) {
    char folder[PATH_MAX];
    const char *dir = data_directory(given);
    (void)snprintf(folder, sizeof folder, "%s", dir);
    if (!folder_named_hidden(last_segment(folder)) || access(dir, F_OK) == 0) return dir;
    up(folder);
    int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock >= 0) (void)flock(lock, LOCK_EX);
    dir = data_directory(given); /* another process may have been first */
    (void)directory_make(dir); /* whoever writes into it says why not */
    if (lock >= 0) (void)close(lock);
    return dir;
}
