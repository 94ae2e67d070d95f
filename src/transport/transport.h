/* How bytes come and go. Each transport reads requests, calls serve for each, writes its answers. */
#pragma once
#include "http/response.h"

/* Turns a request that is wholly read into an answer; both live in arena until serve's next call. */
typedef void serve_function(void *context, struct request *req, struct response *res);
/* Called when the answer is out: what the client need not wait for. */
typedef void after_function(void *context, struct arena *arena);

struct service {
    serve_function *serve;
    after_function *after;
    void *context;
    struct arena arena;
};

/* One request from the environment and standard input (RFC 3875). Returns an exit status. */
int cgi_run(struct service *service);

/* Is descriptor 0 a listening socket, as FastCGI wants it? */
bool fastcgi_here(void);
/* Requests until the web server says stop (SIGTERM). Returns an exit status. */
int fastcgi_run(struct service *service);
