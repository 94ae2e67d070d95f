#include "util/trial.h"
#include "util/file.h"
#include <sys/auxv.h>
#include <sys/vfs.h>
#include <sys/wait.h>

static const struct {
    unsigned long magic;
    const char *name;
    enum trial_place place;
} kinds[] = {
    {0xEF53, "ext4", PLACE_LOCAL},          {0x58465342, "xfs", PLACE_LOCAL},     {0x01021994, "tmpfs", PLACE_LOCAL},
    {0x794C7630, "overlayfs", PLACE_LOCAL}, {0x9123683E, "btrfs", PLACE_COPYING}, {0xF2F52010, "f2fs", PLACE_COPYING},
    {0x2FC12FC1, "zfs", PLACE_COPYING},     {0x6969, "NFS", PLACE_FAR},           {0xFF534D42, "SMB", PLACE_FAR},
    {0xFE534D42, "SMB", PLACE_FAR},         {0x517B, "SMB", PLACE_FAR},           {0x65735546, "FUSE", PLACE_FAR},
    {0x01021997, "9p", PLACE_FAR},          {0x00C36400, "CephFS", PLACE_FAR},    {0x5346414F, "AFS", PLACE_FAR},
    {0x01161970, "GFS2", PLACE_FAR},        {0x4D44, "FAT", PLACE_FAR},           {0x0BD00BD0, "Lustre", PLACE_FAR},
    {0x47504653, "GPFS", PLACE_FAR},        {0x6A656A63, "simfs", PLACE_FAR},
};

const char *trial_file_system(const char *dir, enum trial_place *place) {
    struct statfs fs;
    *place = PLACE_FAR;
    if (statfs(dir, &fs) != 0) return "unknown";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if ((unsigned long)fs.f_type != kinds[i].magic) continue;
        *place = kinds[i].place;
        return kinds[i].name;
    }
    return "of an unknown kind";
}

static void scratch(const char *dir, const char *what, char path[static PATH_MAX]) {
    (void)snprintf(path, PATH_MAX, "%s/trial-%s-%ld", dir, what, (long)getpid());
    (void)unlink(path); /* of a process that was killed and had our number */
}

static bool fill(int fd, size_t bytes) {
    static const char zeros[4096];
    while (bytes) {
        ssize_t n = write(fd, zeros, bytes < sizeof zeros ? bytes : sizeof zeros);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes -= (size_t)n;
    }
    return true;
}

int trial_write(const char *dir, size_t bytes, int64_t *ms, mode_t *mode) {
    char from[PATH_MAX], to[PATH_MAX];
    struct stat st = {.st_mode = 0};
    int64_t began = clock_now();
    scratch(dir, "new", from);
    scratch(dir, "done", to);
    errno = 0;
    int fd = open(from, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    bool good = fd >= 0 && fill(fd, bytes) && fsync(fd) == 0 && fstat(fd, &st) == 0 && rename(from, to) == 0;
    int why = good ? 0 : errno ? errno : EIO;
    if (fd >= 0) (void)close(fd);
    *ms = clock_now() - began;
    *mode = st.st_mode & 07777;
    (void)unlink(from);
    (void)unlink(to);
    return why;
}

/* close() has the last word: NFS tells only there that a quota is used up. */
int trial_room(const char *dir, size_t bytes) {
    char path[PATH_MAX];
    scratch(dir, "room", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return errno;
    (void)unlink(path);
    errno = 0;
    int why = fill(fd, bytes) ? 0 : errno ? errno : EIO;
    return close(fd) == 0 || why ? why : errno;
}

static bool lock(int fd) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_SETLK, &whole) == 0;
}

int trial_lock(const char *dir) {
    char path[PATH_MAX];
    int status = 0, result = -1;
    scratch(dir, "lock", path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    pid_t child = fd >= 0 && lock(fd) ? fork() : -1;
    int why = errno;
    if (child == 0) _exit(lock(fd) ? 1 : 0);
    if (child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status)) result = WEXITSTATUS(status) == 0;
    if (fd >= 0) (void)close(fd);
    (void)unlink(path);
    errno = why;
    return result;
}

bool trial_static(void) {
    return getauxval(AT_BASE) == 0;
}
