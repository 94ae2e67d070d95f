/* The yardstick: the least that a FastCGI or CGI program can do for a request. It reads the whole body and
 * answers with the bytes of the file that HELLO_ANSWER names: status, headers and body, as recorded from
 * polycircle. As FastCGI it detaches before it finishes, as polycircle does. */
#include <fcgiapp.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static char answer[1 << 20], waste[1 << 16];
static size_t answer_len;

static int load(void) {
    const char *name = getenv("HELLO_ANSWER");
    int fd = name ? open(name, O_RDONLY) : -1;
    ssize_t n = fd < 0 ? -1 : read(fd, answer, sizeof answer);
    (void)close(fd);
    answer_len = n > 0 ? (size_t)n : 0;
    return answer_len ? 0 : 1;
}

static int cgi(void) {
    const char *length = getenv("CONTENT_LENGTH");
    long left = length ? strtol(length, NULL, 10) : 0;
    ssize_t n;
    while (left > 0 && (n = read(STDIN_FILENO, waste, sizeof waste)) > 0) left -= n;
    return write(STDOUT_FILENO, answer, answer_len) == (ssize_t)answer_len ? 0 : 1;
}

static int fastcgi(void) {
    FCGX_Request request;
    if (FCGX_Init() != 0 || FCGX_InitRequest(&request, 0, 0) != 0) return 1;
    while (FCGX_Accept_r(&request) >= 0) {
        while (FCGX_GetStr(waste, sizeof waste, request.in) > 0)
            ;
        (void)FCGX_PutStr(answer, (int)answer_len, request.out);
        request.keepConnection = 0;
        FCGX_Detach(&request);
        FCGX_Finish_r(&request);
    }
    return 0;
}

int main(void) {
    if (load() != 0) return 1;
    return getenv("REQUEST_METHOD") ? cgi() : fastcgi();
}
