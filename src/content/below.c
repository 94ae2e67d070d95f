#define _GNU_SOURCE /* O_PATH */
#include "content/below.h"
#include "circle/setting.h"
#include "util/named.h"

struct below below_begin(struct ctx *ctx, const char *dir) {
    return (struct below){.ctx = ctx, .dir = dir, .top = -1, .fd = -1};
}

static void leave(struct below *b) {
    int why = errno;
    if (b->fd >= 0 && b->fd != b->top) (void)close(b->fd);
    b->fd = -1;
    errno = why;
}

void below_end(struct below *b) {
    leave(b);
    if (b->top >= 0) (void)close(b->top);
    b->top = -1;
}

static bool is(const struct stat *at, const struct stat *own) {
    return own->st_ino && at->st_ino == own->st_ino && at->st_dev == own->st_dev;
}

/* What is ours, by what it is: a name may be made by anybody. */
static bool know_ours(struct below *b) {
    const char *spool;
    if (stat(store_dir(b->ctx->store), &b->data) != 0) return false;
    if (setting_get(b->ctx, "spool_dir", &spool) != ERR_OK) {
        errno = EBUSY;
        return false;
    }
    if (!*spool || stat(spool, &b->spool) != 0) b->spool = (struct stat){0};
    return true;
}

/* Does the folder lie in one of ours? By its real parents, however it was reached. */
static bool lies_in_ours(const struct below *b, int fd) {
    char up[PATH_MAX] = ".";
    struct stat at, last = {0};
    while (fstatat(fd, up, &at, 0) == 0 && (at.st_ino != last.st_ino || at.st_dev != last.st_dev)) {
        size_t len = strlen(up);
        if (is(&at, &b->data) || is(&at, &b->spool) || len + 4 > sizeof up) return true;
        memcpy(up + len, "/..", 4);
        last = at;
    }
    return false;
}

/* fd; or, where the folder is ours, -1, and it is closed. Codes, keys and the names of boxes are in those; of another instance,
 * too. */
static int unless_ours(const struct below *b, int fd, const char *name) {
    struct stat at;
    int why = fstat(fd, &at) == 0 ? 0 : errno;
    if (!why && !is(&at, &b->data) && !is(&at, &b->spool) && !named_data(fd, name)) return fd;
    (void)close(fd);
    errno = why;
    return -1;
}

/* On the way nothing is read of a folder: that it may be searched is enough. */
enum { ON_THE_WAY = O_PATH | O_DIRECTORY | O_CLOEXEC, TO_LIST = O_RDONLY | O_DIRECTORY | O_CLOEXEC };

static int start(struct below *b) {
    if (b->top >= 0) return b->top;
    if (!know_ours(b)) return -1;
    int fd = open(b->dir, ON_THE_WAY);
    if (fd < 0) return -1;
    if (!lies_in_ours(b, fd)) return b->top = unless_ours(b, fd, file_name(b->dir));
    (void)close(fd);
    errno = 0;
    return -1;
}

/* From the folder `in` into name, one of it. */
static int enter(const struct below *b, int in, const char *name, int how) {
    struct stat at;
    int fd = openat(in, name, how | O_NOFOLLOW);
    if (fd >= 0) return unless_ours(b, fd, name);
    if (errno == ENOTDIR) errno = fstatat(in, name, &at, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(at.st_mode) ? ELOOP : ENOTDIR;
    return -1;
}

/* The next part of a path, "" behind the last; false: none that names something below. */
static bool next_part(const char **path, char part[static NAME_MAX + 1]) {
    size_t len = strcspn(*path, "/");
    bool good = len && len <= NAME_MAX && strncmp(*path, "..", len) != 0;
    if (good) (void)snprintf(part, NAME_MAX + 1, "%.*s", (int)len, *path);
    *path += len + ((*path)[len] == '/');
    if (!good) errno = ENOTDIR;
    return good;
}

int below_folder(struct below *b, const char *path) {
    char part[NAME_MAX + 1];
    if (b->fd >= 0 && strcmp(b->folder, path) == 0) return b->fd;
    leave(b);
    if (strlen(path) >= sizeof b->folder) {
        errno = ENAMETOOLONG;
        return -1;
    }
    b->fd = start(b);
    for (const char *rest = path; b->fd >= 0 && *rest;) {
        int fd = next_part(&rest, part) ? enter(b, b->fd, part, ON_THE_WAY) : -1;
        leave(b);
        b->fd = fd;
    }
    (void)snprintf(b->folder, sizeof b->folder, "%s", path);
    return b->fd;
}

/* The folder that path is in, and its name there. */
static int parent(struct below *b, const char *path, char name[static NAME_MAX + 1]) {
    char folder[CAP_PATH + 1];
    const char *last = file_name(path);
    size_t len = (size_t)(last - path);
    if (len >= sizeof folder) errno = ENAMETOOLONG;
    if (len >= sizeof folder || !next_part(&last, name)) return -1;
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(len ? len - 1 : 0), path);
    return below_folder(b, folder);
}

DIR *below_list(struct below *b, const char *path) {
    char name[NAME_MAX + 1] = ".";
    int in = *path ? parent(b, path, name) : below_folder(b, ""); /* by its name: "." of it would need more rights */
    int fd = in >= 0 ? enter(b, in, name, TO_LIST) : -1;
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir && fd >= 0) (void)close(fd);
    return dir;
}

bool below_stat(struct below *b, const char *path, struct stat *st) {
    char name[NAME_MAX + 1];
    int in = parent(b, path, name);
    return in >= 0 && fstatat(in, name, st, AT_SYMLINK_NOFOLLOW) == 0;
}

bool below_look(struct below *b, const char *path, struct file_id *id) {
    struct stat st;
    return below_stat(b, path, &st) && file_identify(&st, id);
}

bool below_may_read(struct below *b, const char *path) {
    char name[NAME_MAX + 1];
    int in = parent(b, path, name);
    return in >= 0 && faccessat(in, name, R_OK, AT_EACCESS) == 0;
}

int below_open(struct below *b, const char *path, struct file_id *id) {
    char name[NAME_MAX + 1];
    int in = parent(b, path, name);
    return in >= 0 ? file_open_at(in, name, id) : -1;
}

bool below_absent(int why) {
    return why == ENOENT || why == ENOTDIR;
}

/* Can it be listed, and where does it lie? 0, or why not. */
static int lists(struct below *b, const char *path, dev_t *dev) {
    struct stat st = {0};
    DIR *d = below_list(b, path);
    if (!d) return errno ? errno : EACCES;
    errno = 0;
    int why = !readdir(d) || fstat(dirfd(d), &st) != 0 ? errno : 0;
    *dev = st.st_dev;
    (void)closedir(d);
    return why;
}

bool below_gone(struct below *b, const char *path, const struct file_id *was, bool *missing) {
    char folder[CAP_PATH + 1];
    struct file_id now;
    struct stat st;
    dev_t dev = 0;
    int why;
    *missing = false;
    if (below_stat(b, path, &st)) return !file_identify(&st, &now) || now.size != was->size || now.mtime != was->mtime;
    if (errno == 0 && b->top >= 0) return true;
    *missing = true;
    if (!below_absent(errno) || snprintf(folder, sizeof folder, "%s", path) >= (int)sizeof folder) return false;
    do {
        char *slash = strrchr(folder, '/');
        *(slash ? slash : folder) = '\0';
        why = lists(b, folder, &dev);
    } while (below_absent(why) && *folder);
    return why == 0 && (was->ino == 0 || (int64_t)dev == was->dev);
}
