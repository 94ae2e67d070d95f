#include "settings.h"
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char found[PATH_MAX + 64];

static char *last_segment(char *path) {
    char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Cuts the last segment off; "/" stays. */
static void up(char *path) {
    char *slash = strrchr(path, '/');
    if (slash) *(slash == path ? slash + 1 : slash) = '\0';
}

static int is_document_root(char *path) {
    static const char *const names[] = {"public_html", "htdocs", "www", "html", "httpdocs", "web", "public", "docroot"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(last_segment(path), names[i]) == 0) return 1;
    const char *root = getenv("DOCUMENT_ROOT");
    return root && strcmp(root, path) == 0;
}

/* The directory that the program lies in: by the kernel, or where /proc is not there by the web server. */
static int program_directory(char *path, size_t size) {
    ssize_t n = readlink("/proc/self/exe", path, size - 1);
    const char *script = getenv("SCRIPT_FILENAME");
    if (n > 0)
        path[n] = '\0';
    else if (script && strlen(script) < size)
        memcpy(path, script, strlen(script) + 1);
    else
        return 0;
    up(path);
    return 1;
}

static int is_dropped(char *dir) {
    const char *name = last_segment(dir);
    return strcmp(name, "cgi-bin") == 0 || strcmp(name, "cgi") == 0 || strcmp(name, "fcgi-bin") == 0 || is_document_root(dir);
}

static bool holds_data(const char *dir) {
    char path[PATH_MAX + 80];
    (void)snprintf(path, sizeof path, "%s/polycircle-data/polycircle.db", dir);
    return access(path, F_OK) == 0;
}

/* Beside the cgi-bin, or above the document root that it lies in. A web server tells us its document root, a shell
 * does not: so where there is data already, that is the place, whoever asks. */
static const char *beside(char *dir) {
    char above[PATH_MAX];
    if (!is_document_root(dir)) up(dir);
    (void)snprintf(above, sizeof above, "%s", dir);
    up(above);
    bool higher = holds_data(above) || (is_document_root(dir) && !holds_data(dir));
    const char *place = higher ? above : dir;
    (void)snprintf(found, sizeof found, "%s/polycircle-data", strcmp(place, "/") == 0 ? "" : place);
    return found;
}

const char *data_directory(const char *given) {
    const char *set = given ? given : getenv("POLYCIRCLE_DATA");
    char dir[PATH_MAX];
    if (set && *set) return set;
    if (program_directory(dir, sizeof dir) && is_dropped(dir)) return beside(dir);
    const char *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (xdg && *xdg)
        (void)snprintf(found, sizeof found, "%s/polycircle", xdg);
    else
        (void)snprintf(found, sizeof found, "%s/.local/share/polycircle", home ? home : "");
    return found;
}
