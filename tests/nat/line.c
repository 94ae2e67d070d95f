/* line: the internet in one process, for tests of what lies between a browser and its neighbours. Each node is a network namespace
 * of its own, whose one way out is a TUN device that this program holds. What a packet meets on its way: net.h, nat.h, pipe.h.
 *
 *   line FILE STATS   FILE: config.h; `ip netns add NAME` first
 *
 * Says "ready" when all lines work. Ends on SIGINT or SIGTERM, writes STATS: a JSON object, a node each.
 * Exit status: 0, 1 what could not be done, 2 FILE or the call is wrong. */
#include "config.h"
#include "device.h"
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { FAILED = 1, MISUSED = 2, EVENTS = 64, AT_ONCE = 64 };

static volatile sig_atomic_t over;

static void stop(int signal) {
    (void)signal;
    over = 1;
}

static double now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int failed(const char *what, const char *whose) {
    (void)fprintf(stderr, "line: %s%s%s: %s\n", whose, *whose ? ": " : "", what, strerror(errno));
    return FAILED;
}

/* A device that is full or down loses the packet, as one does. */
static void deliver(struct node *to, const uint8_t *data, size_t size) {
    if (write(to->device, data, size) < 0) to->lost++;
}

/* Some packets of one node: others get their turn, too. */
static void take(struct net *net, struct node *from) {
    uint8_t data[MTU + 1];
    for (int i = 0; i < AT_ONCE; i++) {
        ssize_t size = read(from->device, data, sizeof data);
        if (size <= 0) return;
        net_send(net, from, data, (size_t)size, now());
    }
}

static int set_timer(int timer, const struct net *net) {
    double due = net_due(net);
    struct itimerspec at = {0};
    at.it_value.tv_sec = due < 0 ? 0 : (time_t)due;
    at.it_value.tv_nsec = due < 0 ? 0 : (long)((due - (double)at.it_value.tv_sec) * 1e9);
    return timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
}

/* Signals come while it waits, and only then. */
static int carry(struct net *net, int poll, int timer) {
    sigset_t none;
    (void)sigemptyset(&none);
    struct epoll_event events[EVENTS];
    while (!over) {
        if (set_timer(timer, net) != 0) return failed("timer", "");
        int n = epoll_pwait(poll, events, EVENTS, -1, &none);
        if (n < 0 && errno != EINTR) return failed("epoll", "");
        for (int i = 0; i < n; i++)
            if (events[i].data.ptr) take(net, events[i].data.ptr);
        net_run(net, now(), deliver);
    }
    return 0;
}

static bool watch(int poll, int fd, struct node *node) {
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = node};
    return fd >= 0 && epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e) == 0;
}

static int run(struct net *net) {
    int poll = epoll_create1(EPOLL_CLOEXEC), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (poll < 0 || !watch(poll, timer, NULL)) return failed("epoll", "");
    for (unsigned i = 0; i < net->count; i++) {
        struct node *n = net->nodes[i];
        const char *what = device_open(n);
        if (!what && !watch(poll, n->device, n)) what = "epoll";
        if (what) return failed(what, n->name);
    }
    (void)puts("ready");
    (void)fflush(stdout);
    int status = carry(net, poll, timer);
    (void)close(timer);
    (void)close(poll);
    return status;
}

static void tell_pipe(FILE *file, const char *name, const struct pipe *p) {
    (void)fprintf(file, "\"%s\": {\"bytes\": %" PRIu64 ", \"packets\": %" PRIu64 ", \"drops\": %" PRIu64 ", \"queue_ms\": %.1f}, ",
                  name, p->bytes, p->packets, p->drops, p->worst * 1e3);
}

static int tell(const struct net *net, const char *path) {
    FILE *file = fopen(path, "we");
    if (!file) return failed("cannot be written", path);
    for (unsigned i = 0; i < net->count; i++) {
        const struct node *n = net->nodes[i];
        (void)fprintf(file, "%s\"%s\": {\"kind\": \"%s\", ", i ? ",\n " : "{", n->name, nat_names[n->nat.kind]);
        tell_pipe(file, "up", &n->up);
        tell_pipe(file, "down", &n->down);
        (void)fprintf(file,
                      "\"lost\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"nowhere\": %" PRIu64 ", \"odd\": %" PRIu64
                      ", \"mappings\": %u}",
                      n->lost, n->refused, n->nowhere, n->odd, n->nat.count);
    }
    (void)fputs("}\n", file);
    bool good = !ferror(file);
    return fclose(file) == 0 && good ? 0 : failed("cannot be written", path);
}

static void wait_for_signals(void) {
    struct sigaction action = {.sa_handler = stop};
    (void)sigaddset(&action.sa_mask, SIGINT);
    (void)sigaddset(&action.sa_mask, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &action.sa_mask, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

int main(int argc, char **argv) {
    static struct net net = {.chance = 1};
    char said[CONFIG_LINE + 128];
    if (argc != 3) {
        (void)fputs("usage: line FILE STATS\n", stderr);
        return MISUSED;
    }
    FILE *file = fopen(argv[1], "re");
    if (!file) return failed("cannot be read", argv[1]);
    int status = config_read(file, &net, said, sizeof said) ? 0 : MISUSED;
    (void)fclose(file);
    if (status) (void)fprintf(stderr, "line: %s: %s\n", argv[1], said);
    wait_for_signals();
    if (!status) status = run(&net);
    if (!status) status = tell(&net, argv[2]);
    net_free(&net);
    return status;
}
