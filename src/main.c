/* One program, three faces: started by a web server it is CGI or FastCGI, by hand it is the command line. */
#include "cli/cli.h"
#include "data.h"
#include "handler/handler.h"
#include "transport/transport.h"
#include <signal.h>
#include <sodium.h>

static const char *claim(void) {
    return data_claim(NULL);
}

static struct server server = {.claim = claim};

/* FastCGI's environment lacks the document root; the first request brings it. */
static void serve(void *context, struct request *req, struct response *res) {
    if (*req->document_root) (void)setenv("DOCUMENT_ROOT", req->document_root, 0);
    if (!server.store) server.data = data_directory(NULL); /* until there is an instance another process may make it elsewhere */
    dispatch(context, req, res);
}

static int serve_web(bool cgi) {
    static struct service service = {.serve = serve, .after = chores, .context = &server};
    pad_source(getenv("POLYCIRCLE_ENTROPY"));
    int status = cgi ? cgi_run(&service) : fastcgi_run(&service);
    if (cgi && server.store && store_wrote(server.store)) store_settle(server.store);
    /* closing SQLite as the last one would checkpoint and sync, 2 ms that a CGI request need not pay */
    _exit(status);
}

int main(int argc, char **argv) {
    (void)umask(077);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error to answer, not to die of */
    if (sodium_init() < 0) {
        (void)fputs("polycircle: no random numbers on this system\n", stderr);
        return 1;
    }
    /* a query without '=' reaches a CGI program as its argument (RFC 3875 4.4), so the environment decides */
    if (getenv("REQUEST_METHOD")) return serve_web(true);
    /* arguments do not: as the interpreter of a script ("#!/home/you/polycircle") it gets that script's name */
    if (fastcgi_here()) return serve_web(false);
    pad_source(getenv("POLYCIRCLE_ENTROPY"));
    return cli_main(argc, argv);
}
