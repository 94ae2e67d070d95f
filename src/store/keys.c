#include "store/keys.h"
#include "util/codec.h"
#include "util/file.h"

enum { LINE = 2 * KEY_SEED + 1 };

typedef char key_path[PATH_MAX];

static bool path_of(key_path path, const char *dir, const char *cid, const char *ending) {
    int n = snprintf(path, sizeof(key_path), "%s/signing/%s%s", dir, cid, ending);
    return n > 0 && n < (int)sizeof(key_path);
}

static enum err why_not(void) {
    return errno == ENOSPC || errno == EDQUOT ? ERR_DISK_FULL : errno == EACCES || errno == EROFS ? ERR_READ_ONLY : ERR_FILES;
}

enum err key_read(const char *dir, const char *cid, uint8_t seed[static KEY_SEED]) {
    key_path path;
    struct file_id id;
    char line[LINE + 1] = {0};
    if (!path_of(path, dir, cid, "")) return ERR_FILES;
    int fd = file_open(path, &id);
    if (fd < 0) return errno == ENOENT ? ERR_NOT_FOUND : ERR_FILES;
    size_t len = id.size < LINE ? (size_t)id.size : LINE; /* an owner's editor may have ended the line otherwise, or not at all */
    bool good = file_read(fd, line, len, 0);
    line[strcspn(line, "\r\n")] = '\0';
    good = good && hex_decode(seed, KEY_SEED, line);
    explicit_bzero(line, sizeof line);
    (void)close(fd);
    return good ? ERR_OK : ERR_DAMAGED;
}

/* Root runs a command by hand: the program itself must be able to read it, as the owner of the directory. */
static void give(const char *dir, const char *path) {
    struct stat st;
    if (geteuid() == 0 && stat(dir, &st) == 0) (void)!lchown(path, st.st_uid, st.st_gid);
}

enum err key_write(const char *dir, const char *cid, const uint8_t seed[static KEY_SEED]) {
    key_path folder, part, path;
    char line[LINE + 1];
    if (!path_of(folder, dir, "", "") || !path_of(part, dir, cid, ".part") || !path_of(path, dir, cid, "")) return ERR_FILES;
    bool fresh = access(folder, F_OK) != 0;
    if (!directory_make(folder)) return why_not();
    give(dir, folder);
    if (fresh) (void)file_sync(dir);
    hex_encode(line, seed, KEY_SEED);
    line[LINE - 1] = '\n';
    (void)unlink(part);
    bool good = file_make(part, line, LINE, 0600);
    if (good) give(dir, part);
    good = good && rename(part, path) == 0;
    int why = errno;
    enum err e = good ? ERR_OK : why_not();
    explicit_bzero(line, sizeof line);
    if (!good) (void)unlink(part);
    (void)file_sync(folder);
    errno = why; /* callers say it */
    return e;
}

void key_drop(const char *dir, const char *cid) {
    key_path path;
    if (path_of(path, dir, cid, "")) (void)unlink(path);
}

enum err key_promote(const char *dir, const char *cid) {
    key_path folder, from, to;
    if (!path_of(folder, dir, "", "") || !path_of(from, dir, cid, ".new") || !path_of(to, dir, cid, "")) return ERR_FILES;
    if (rename(from, to) != 0) return why_not();
    (void)file_sync(folder);
    return ERR_OK;
}
