#include "domain/walk.h"
#include "domain/manifest.h"
#include "domain/spool.h"

enum { DEEPEST = 32, YOUNG_S = 10 };

bool walk_name(const char *path) {
    size_t slashes = 0;
    for (const char *p = path; *p; p++) slashes += *p == '/';
    return strlen(path) <= CAP_PATH && slashes < DEEPEST && json_string(path); /* NULL: not UTF-8 */
}

/* Codes, keys and the names of boxes. */
static bool ours(struct ctx *ctx, int fd) {
    struct stat here, there;
    const struct spool *spool;
    if (faccessat(fd, "polycircle.db", F_OK, 0) == 0) return true;
    return spool_get(ctx, &spool) == ERR_OK && fstat(fd, &here) == 0 && stat(spool->dir, &there) == 0 &&
           here.st_ino == there.st_ino && here.st_dev == there.st_dev;
}

DIR *walk_open(struct ctx *ctx, const char *path, bool root, int *why) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (root ? 0 : O_NOFOLLOW));
    *why = fd < 0 ? errno : 0;
    DIR *dir = fd >= 0 && !ours(ctx, fd) ? fdopendir(fd) : NULL;
    if (!dir && fd >= 0) (void)close(fd);
    return dir;
}

const char *walk_type(const char *path, const struct file_id *file) {
    return file->size ? media_type(path) : NULL;
}

bool walk_young(const struct ctx *ctx, bool patient, const struct file_id *file) {
    int64_t age = ctx->now / 1000 - file->mtime; /* one of the future is of a clock that differs */
    return patient && age < YOUNG_S && age >= -YOUNG_S;
}

bool walk_shares(struct ctx *ctx, const char *dir, const char *path) {
    char *folder = arena_path(ctx->arena, dir, path);
    size_t top = strlen(dir);
    if (!media_type(path)) return false;
    for (char *slash; (slash = strrchr(folder, '/')) && (size_t)(slash - folder) >= top;) {
        int why;
        *slash = '\0';
        DIR *d = walk_open(ctx, folder, true, &why);
        if (!d && !why) return false;
        if (d) (void)closedir(d);
    }
    return true;
}
