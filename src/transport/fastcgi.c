/* The only place that knows libfcgi. One request at a time, one process; the web server starts more.
 *
 * FCGX_Detach before FCGX_Finish_r: without it Finish waits until the web server has closed its side, which
 * costs a third of the time of a request. That is safe only when the request's input was read to its end.
 *
 * A process whose file was replaced (upgrade by rename) becomes the new program by exec, before it accepts the next
 * request. To end instead would lose the connections that wait in its socket, which only it holds open; and behind
 * spawn-fcgi nobody would start the new one. */
#include "transport/transport.h"
#include "util/caps.h"
#include "util/file.h"
#include <fcgiapp.h>
#include <poll.h>
#include <signal.h>

struct self {
    char path[PATH_MAX]; /* empty: not known */
    struct stat file;
    int64_t looked; /* second of the last look: one a second is enough */
    struct stat seen; /* what was there then, */
    int64_t since; /* and since when */
};

/* libfcgi's buffer keeps what was read until something else comes into it: it is wiped, for an owner's code may be in it. */
static ssize_t from_stream(void *from, char *into, size_t len) {
    FCGX_Stream *in = from;
    size_t ready = in->stop > in->rdNext ? (size_t)(in->stop - in->rdNext) : 1; /* 1: makes it read on */
    int n = FCGX_GetStr(into, (int)(len < ready ? len : ready), in);
    if (in->rdNext > in->stopUnget) explicit_bzero(in->stopUnget, (size_t)(in->rdNext - in->stopUnget));
    return n;
}

/* What was written goes out at once, and its buffer is wiped. */
static void flush_secret(FCGX_Stream *out) {
    if (FCGX_FFlush(out) == 0 && out->stop > out->wrNext) explicit_bzero(out->wrNext, (size_t)(out->stop - out->wrNext));
}

/* To ask libfcgi makes it catch these; a command is to end by them. */
bool fastcgi_here(void) {
    static const int caught[] = {SIGTERM, SIGUSR1, SIGPIPE};
    enum { N = sizeof caught / sizeof *caught };
    struct sigaction before[N];
    for (size_t i = 0; i < N; i++) (void)sigaction(caught[i], NULL, &before[i]);
    bool here = !FCGX_IsCGI();
    for (size_t i = 0; i < N && !here; i++) (void)sigaction(caught[i], &before[i], NULL);
    return here;
}

static void find_self(struct self *self) {
    self->looked = 0;
    if (!file_program(self->path, sizeof self->path) || stat(self->path, &self->file) != 0) self->path[0] = '\0';
}

/* If the file of this program is another one by now, runs that instead. */
static void look_at_file(struct self *self) {
    enum { SETTLED = 2 }; /* seconds: a file that is still being uploaded is no program yet */
    struct stat now;
    int64_t second = clock_now() / 1000;
    if (second == self->looked || !self->path[0]) return;
    self->looked = second;
    if (stat(self->path, &now) != 0 || (now.st_ino == self->file.st_ino && now.st_dev == self->file.st_dev)) return;
    bool same = now.st_ino == self->seen.st_ino && now.st_size == self->seen.st_size && now.st_mtime == self->seen.st_mtime;
    if (!same) self->since = second;
    self->seen = now;
    if (now.st_mtime + SETTLED > second && second - self->since < SETTLED) return; /* its time may be of another clock */
    (void)execv(self->path, (char *[]){self->path, NULL}); /* on failure this one goes on */
}

/* Its folder was removed, as that of a tier's try is. (A missing file alone may be one that is being replaced.) */
static bool folder_gone(const struct self *self) {
    const char *slash = strrchr(self->path, '/');
    char folder[PATH_MAX];
    if (!slash || slash == self->path) return false;
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - self->path), self->path);
    return access(folder, F_OK) != 0 && errno == ENOENT;
}

/* Waits for a connection; false: nobody will come. Looks meanwhile, too: mod_fcgid asks no process of an old file again, and
 * lets some of them stay. */
static bool follow_upgrade(struct self *self) {
    enum { LISTENER = 0, PAUSE = 10000 }; /* milliseconds */
    struct pollfd listener = {.fd = LISTENER, .events = POLLIN};
    while (poll(&listener, 1, PAUSE) == 0) {
        look_at_file(self);
        if (folder_gone(self)) return false;
    }
    look_at_file(self);
    return true;
}

int fastcgi_run(struct service *service) {
    FCGX_Request fcgi;
    static struct self self;
    find_self(&self);
    if (FCGX_Init() != 0 || FCGX_InitRequest(&fcgi, 0, 0) != 0) return 1;
    /* any negative is the end: after SIGTERM it is that of a stale errno */
    while (follow_upgrade(&self) && FCGX_Accept_r(&fcgi) >= 0) {
        struct request req;
        struct response res;
        struct buf head = {.arena = &service->arena};
        (void)alarm(SPAN_ANSWER / 1000);
        request_read(&req, &service->arena, fcgi.envp, from_stream, fcgi.in);
        service->serve(service->context, &req, &res);
        response_head(&res, &head);
        (void)FCGX_PutStr(head.data, (int)head.len, fcgi.out);
        if (res.len) (void)FCGX_PutStr(res.body, (int)res.len, fcgi.out);
        if (res.secret) flush_secret(fcgi.out);
        fcgi.keepConnection = 0;
        FCGX_Detach(&fcgi);
        FCGX_Finish_r(&fcgi);
        (void)alarm(SPAN_ANSWER / 1000);
        service->after(service->context, &service->arena);
        (void)alarm(0);
        arena_reset(&service->arena); /* the next request may be hours away */
    }
    return 0;
}
