#include "transport/transport.h"
#include "util/caps.h"
#include "util/file.h"
#include <signal.h>

extern char **environ;

/* Never beyond CONTENT_LENGTH: some servers keep the pipe open. Chunked bodies come without one. */
static ssize_t from_stdin(void *from, char *into, size_t len) {
    unsigned long long *left = from;
    ssize_t n;
    if (len > *left) len = (size_t)*left;
    do n = len ? read(STDIN_FILENO, into, len) : 0;
    while (n < 0 && errno == EINTR);
    *left -= n > 0 ? (unsigned long long)n : 0;
    return n;
}

static unsigned long long body_length(void) {
    const char *length = getenv("CONTENT_LENGTH"), *chunked = getenv("HTTP_TRANSFER_ENCODING");
    if (length && *length) return strtoull(length, NULL, 10);
    return chunked && *chunked ? CAP_DRAIN : 0;
}

int cgi_run(struct service *service) {
    enum { TOGETHER = 1 << 16 }; /* a head goes out with its body; a long one would be in memory twice */
    struct request req;
    struct response res;
    struct buf out = {.arena = &service->arena};
    unsigned long long left = body_length();
    (void)alarm(SPAN_ANSWER / 1000); /* a client that stops sending must not hold the process */
    request_read(&req, &service->arena, environ, from_stdin, &left);
    service->serve(service->context, &req, &res);
    response_head(&res, &out);
    size_t with = res.len < TOGETHER ? res.len : 0;
    if (with) buf_add(&out, res.body, with);
    (void)signal(SIGTERM, SIG_IGN); /* Apache ends a program as soon as it has the answer, and waits 3 s for it */
    bool written =
        file_write(STDOUT_FILENO, out.data, out.len) && file_write(STDOUT_FILENO, (const char *)res.body + with, res.len - with);
    (void)close(STDOUT_FILENO); /* the web server has the whole answer */
    (void)alarm(SPAN_ANSWER / 1000);
    service->after(service->context, &service->arena);
    return written ? 0 : 1;
}
