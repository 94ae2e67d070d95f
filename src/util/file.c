#include "util/file.h"
#include "util/assets.h"
#include "util/texts.h"
#include <sys/statvfs.h>

bool file_identify(const struct stat *st, struct file_id *id) {
    if (!S_ISREG(st->st_mode)) return false;
    *id = (struct file_id){.size = st->st_size,
                           .mtime = st->st_mtime,
                           .dev = (int64_t)st->st_dev,
                           .ino = (int64_t)st->st_ino,
                           .ctime_ns = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec};
    return true;
}

int file_open_at(int dir, const char *path, struct file_id *id) {
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    if (fd >= 0 && (fstat(fd, &st) != 0 || !file_identify(&st, id))) {
        (void)close(fd);
        errno = EINVAL;
        return -1;
    }
    return fd;
}

int file_open(const char *path, struct file_id *id) {
    return file_open_at(AT_FDCWD, path, id);
}

bool file_look(const char *path, struct file_id *id) {
    struct stat st;
    return lstat(path, &st) == 0 && file_identify(&st, id);
}

bool file_same(const struct file_id *a, const struct file_id *b) {
    return a->size == b->size && a->mtime == b->mtime && a->ino == b->ino && a->ctime_ns == b->ctime_ns;
}

bool file_read(int fd, void *data, size_t len, int64_t offset) {
    for (char *p = data; len;) {
        ssize_t n = pread(fd, p, len, offset);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        p += n;
        offset += n;
        len -= (size_t)n;
    }
    return true;
}

bool file_write(int fd, const void *data, size_t len) {
    for (const char *p = data; len;) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

static int create(const char *path) {
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* Closes a file that was made, and removes it unless it is good; errno stays what it was. */
static bool settled(int fd, const char *path, bool good) {
    int why = errno;
    if (close(fd) != 0) good = false;
    if (!good) (void)unlink(path);
    errno = why;
    return good;
}

bool file_put(const char *path, const void *data, size_t len, mode_t mode) {
    char part[PATH_MAX];
    if (snprintf(part, sizeof part, "%s.%ld", path, (long)getpid()) >= (int)sizeof part) return false;
    (void)unlink(part);
    int fd = create(part);
    if (fd < 0 || !settled(fd, part, fchmod(fd, mode) == 0 && file_write(fd, data, len))) return false;
    if (rename(part, path) == 0) return true;
    (void)unlink(part);
    return false;
}

bool file_make(const char *path, const void *data, size_t len, mode_t mode) {
    int fd = create(path);
    return fd >= 0 && settled(fd, path, file_write(fd, data, len) && fsync(fd) == 0 && fchmod(fd, mode) == 0);
}

bool file_replace(const char *path, const void *data, size_t len) {
    char part[PATH_MAX];
    struct stat st;
    mode_t mode = stat(path, &st) == 0 ? st.st_mode & 0777 : 0644;
    if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part) {
        errno = ENAMETOOLONG;
        return false;
    }
    (void)unlink(part);
    if (len ? file_make(part, data, len, mode) && rename(part, path) == 0 : unlink(path) == 0 || errno == ENOENT) return true;
    int why = errno;
    (void)unlink(part);
    errno = why;
    return false;
}

bool file_says(const char *path, const void *data, size_t len) {
    struct file_id id;
    int fd = file_open(path, &id);
    char part[4096];
    bool same = fd >= 0 && id.size == (int64_t)len;
    for (size_t at = 0; same && at < len; at += sizeof part) {
        size_t n = len - at < sizeof part ? len - at : sizeof part;
        same = file_read(fd, part, n, (int64_t)at) && memcmp(part, (const char *)data + at, n) == 0;
    }
    if (fd >= 0) (void)close(fd);
    return same;
}

char *file_text(struct arena *a, const char *path, size_t most) {
    struct file_id id;
    int fd = file_open(path, &id);
    if (fd < 0) return NULL;
    char *text = id.size <= (int64_t)most ? arena_alloc(a, (size_t)id.size + 1) : NULL;
    if (text && (!file_read(fd, text, (size_t)id.size, 0) || strlen(text) != (size_t)id.size)) text = NULL;
    (void)close(fd);
    return text;
}

const char *file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *file_folder(struct arena *a, const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? arena_copy(a, path, (size_t)(slash - path)) : "";
}

int file_turn(const char *path, int64_t now, int64_t every_ms) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat st;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return -1;
    bool ours = fcntl(fd, F_SETLK, &lock) == 0 && fstat(fd, &st) == 0;
    int64_t last = ours ? (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000 : now;
    /* a new file has no turn behind it; a time in the future is a clock that was set back */
    if (ours && (st.st_size == 0 || now - last >= every_ms || last > now + every_ms) && pwrite(fd, "\n", 1, 0) == 1) return fd;
    (void)close(fd);
    return -1;
}

/* What is known not to fit is not begun: it would take all that is left from everybody until it fails. A quota tells only then. */
static bool fits(int fd, int64_t size) {
    struct statvfs fs;
    if (fstatvfs(fd, &fs) != 0 || fs.f_blocks == 0 || (uint64_t)size <= (uint64_t)fs.f_bavail * fs.f_frsize) return true;
    errno = ENOSPC;
    return false;
}

bool file_copy(const char *from, const char *to) {
    char block[65536];
    struct file_id id;
    int in = file_open(from, &id), out = in >= 0 ? create(to) : -1;
    ssize_t n = 0;
    bool good = out >= 0 && fits(out, id.size);
    while (good && ((n = read(in, block, sizeof block)) > 0 || (n < 0 && errno == EINTR)))
        good = n < 0 || file_write(out, block, (size_t)n);
    good = out >= 0 && settled(out, to, good && n == 0 && fsync(out) == 0);
    int why = errno;
    if (in >= 0) (void)close(in);
    errno = why;
    return good;
}

bool file_sync(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) (void)close(fd);
    return good;
}

int file_lock(const char *path) {
    static const struct timespec never[2] = {{0, 0}, {0, 0}};
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0) (void)futimens(fd, never);
    if (fd < 0 && errno == EEXIST) fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fd < 0 || fcntl(fd, F_SETLK, &whole) == 0) return fd;
    (void)close(fd);
    errno = EAGAIN;
    return -1;
}

bool file_program(char *path, size_t size) {
    struct stat exe, now;
    ssize_t n = readlink("/proc/self/exe", path, size - 1);
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    path[n > 0 ? n : 0] = '\0';
    bool same = fd >= 0 && fstat(fd, &exe) == 0 && stat(path, &now) == 0 && exe.st_ino == now.st_ino && exe.st_dev == now.st_dev;
    if (fd >= 0) (void)close(fd);
    return same;
}

static bool guard(const char *dir) {
    const struct asset *deny = asset_find("htaccess.data.txt");
    char page[4096], rules[4096];
    (void)snprintf(page, sizeof page, "%s/index.html", dir);
    (void)snprintf(rules, sizeof rules, "%s/.htaccess", dir);
    return (file_make(page, "", 0, 0600) || errno == EEXIST) && (file_make(rules, deny->data, deny->len, 0600) || errno == EEXIST);
}

bool directory_make(const char *dir) {
    return (mkdir(dir, 0700) == 0 || errno == EEXIST) && guard(dir);
}

bool directory_itself(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

const char **directory_list(struct arena *a, DIR *dir, size_t *n) {
    struct texts names = {0};
    *n = 0;
    if (!dir) return NULL;
    for (struct dirent *entry; (entry = readdir(dir));)
        if (!directory_itself(entry->d_name)) texts_add(a, &names, arena_copy(a, entry->d_name, strlen(entry->d_name)));
    (void)closedir(dir);
    texts_sort(&names);
    *n = names.n;
    return names.all ? names.all : arena_alloc(a, sizeof *names.all);
}

const char **directory_names(struct arena *a, const char *dir, size_t *n) {
    return directory_list(a, opendir(dir), n);
}

int64_t clock_now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
