#include "util/named.h"

const char *const named_roots[] = {"public_html", "htdocs", "www", "html", "httpdocs", "web", "public", "docroot", NULL};

static bool one_of(const char *const *names, const char *name) {
    while (*names && strcmp(*names, name) != 0) names++;
    return *names;
}

bool named_root(const char *name) {
    return one_of(named_roots, name);
}

bool named_site(char *path) {
    for (char *end = path; *end; *end = '/') {
        const char *name = end + strspn(end, "/");
        end += name - end + (ptrdiff_t)strcspn(name, "/");
        bool last = *end == '\0';
        *end = '\0';
        if (named_root(name) && access(path, W_OK) == 0) return true;
        if (last) return false;
    }
    return false;
}

bool named_cgi(const char *name) {
    static const char *const names[] = {"cgi-bin", "cgi", "fcgi-bin", NULL};
    return one_of(names, name);
}

bool named_hidden(const char *name) {
    static const char begin[] = "polycircle-data-";
    size_t n = sizeof begin - 1;
    return strncmp(name, begin, n) == 0 && strlen(name) == n + 32 && strspn(name + n, "0123456789abcdef") == 32;
}

const char *const named_marks[] = {"/polycircle.db", "/owner-code", "/setup-code", NULL};

/* Ours are 0600 in a folder of 0700; both may have been lost by a copy, not both at once without giving all away. */
static bool is_mark(int fd, const char *name) {
    struct stat st, in;
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || fstat(fd, &in) != 0) return false;
    bool closed = !(st.st_mode & S_IROTH) || !(in.st_mode & S_IXOTH);
    return S_ISREG(st.st_mode) && st.st_size && closed && (st.st_uid == in.st_uid || st.st_uid == geteuid());
}

bool named_data(int fd, const char *name) {
    if (strcmp(name, "polycircle-data") == 0 || named_hidden(name)) return true;
    for (size_t i = 0; named_marks[i]; i++)
        if (is_mark(fd, named_marks[i] + 1)) return true;
    return false;
}
