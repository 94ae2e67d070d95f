#include "util/apart.h"
#include <signal.h>
#include <sys/wait.h>

void leave_descriptors(int out, int err) {
    enum { DESCRIPTORS = 1024 };
    (void)dup2(out, STDIN_FILENO);
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(err, STDERR_FILENO);
    for (int fd = 3; fd < DESCRIPTORS; fd++) (void)close(fd);
    (void)signal(SIGALRM, SIG_DFL);
}

static _Noreturn void become(const char *const words[], const char *log) {
    enum { NICE = 10, WORDS = 16 };
    char *argv[WORDS + 2] = {(char *)(uintptr_t) "polycircle"};
    int null = fcntl(open("/dev/null", O_RDWR), F_DUPFD, 3);
    int err =
        fcntl(open(log, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600), F_DUPFD, 3); /* not 1, which a CGI program has closed */
    for (size_t i = 0; i < WORDS && words[i]; i++) argv[i + 1] = (char *)(uintptr_t)words[i];
    leave_descriptors(null, err >= 0 ? err : null);
    (void)alarm(0); /* it would outlive exec */
    (void)signal(SIGTERM, SIG_DFL);
    (void)!nice(NICE);
    (void)execve("/proc/self/exe", argv, (char *[]){NULL});
    (void)dprintf(STDERR_FILENO, "polycircle cannot start itself once more: %s\n", strerror(errno));
    _exit(127);
}

/* By a child between, whose end is waited for: who comes of it is nobody's to wait for. */
bool run_apart(const char *const words[], const char *log) {
    if (access("/proc/self/exe", X_OK) != 0) return false;
    pid_t between = fork();
    if (between == 0) {
        (void)setsid();
        pid_t child = fork();
        if (child == 0) become(words, log);
        _exit(child > 0 ? 0 : 1);
    }
    int status = 0;
    while (between > 0 && waitpid(between, &status, 0) < 0 && errno == EINTR) continue; /* SIGCHLD may be ignored: then 0 */
    return between > 0 && status == 0;
}
