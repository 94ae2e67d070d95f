/* The only place that knows libfcgi. One request at a time, one process; the web server starts more.
 *
 * FCGX_Detach before FCGX_Finish_r: without it Finish waits until the web server has closed its side, which
 * costs a third of the time of a request. That is safe only when the request's input was read to its end. */
#include "transport/transport.h"
#include "util/caps.h"
#include <fcgiapp.h>
#include <string.h>
#include <unistd.h>

static ssize_t from_stream(void *from, char *into, size_t len) {
    return FCGX_GetStr(into, (int)len, from);
}

bool fastcgi_here(void) {
    return !FCGX_IsCGI();
}

int fastcgi_run(struct service *service) {
    FCGX_Request fcgi;
    if (FCGX_Init() != 0 || FCGX_InitRequest(&fcgi, 0, 0) != 0) return 1;
    /* any negative is the end: after SIGTERM it is that of a stale errno */
    while (FCGX_Accept_r(&fcgi) >= 0) {
        struct request req;
        struct response res;
        struct buf head = {.arena = &service->arena};
        arena_reset(&service->arena);
        (void)alarm(SPAN_ANSWER / 1000);
        request_read(&req, &service->arena, fcgi.envp, from_stream, fcgi.in);
        service->serve(service->context, &req, &res);
        response_head(&res, &head);
        (void)FCGX_PutStr(head.data, (int)head.len, fcgi.out);
        if (res.len && strcmp(req.method, "HEAD") != 0) (void)FCGX_PutStr(res.body, (int)res.len, fcgi.out);
        fcgi.keepConnection = 0;
        FCGX_Detach(&fcgi);
        FCGX_Finish_r(&fcgi);
        (void)alarm(SPAN_ANSWER / 1000);
        service->after(service->context, &service->arena);
        (void)alarm(0);
    }
    return 0;
}
