#include "util/apart.h"
#include <signal.h>
#include <sys/wait.h>

void leave_descriptors(int to) {
    enum { DESCRIPTORS = 1024 };
    for (int fd = 0; fd < 3; fd++) (void)dup2(to, fd);
    for (int fd = 3; fd < DESCRIPTORS; fd++) (void)close(fd);
    (void)signal(SIGALRM, SIG_DFL);
}

static _Noreturn void become(const char *const words[]) {
    enum { NICE = 10, WORDS = 16 };
    char *argv[WORDS + 2] = {(char *)(uintptr_t) "polycircle"};
    int null = open("/dev/null", O_RDWR);
    for (size_t i = 0; i < WORDS && words[i]; i++) argv[i + 1] = (char *)(uintptr_t)words[i];
    leave_descriptors(null);
    (void)alarm(0); /* it would outlive exec */
    (void)signal(SIGTERM, SIG_DFL);
    (void)!nice(NICE);
    (void)execve("/proc/self/exe", argv, (char *[]){NULL});
    _exit(127);
}

/* By a child between, whose end is waited for: who comes of it is nobody's to wait for. */
bool run_apart(const char *const words[]) {
    if (access("/proc/self/exe", X_OK) != 0) return false;
    pid_t between = fork();
    if (between == 0) {
        (void)setsid();
        pid_t child = fork();
        if (child == 0) become(words);
        _exit(child > 0 ? 0 : 1);
    }
    int status = 0;
    while (between > 0 && waitpid(between, &status, 0) < 0 && errno == EINTR) continue; /* SIGCHLD may be ignored: then 0 */
    return between > 0 && status == 0;
}
