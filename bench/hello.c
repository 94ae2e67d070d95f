/* The yardstick: the least that a FastCGI or CGI program can do for a request. It reads the whole body and
 * answers with the bytes of the file that HELLO_ANSWER names: status, headers and body, as recorded from
 * polycircle. As FastCGI it detaches before it finishes, as polycircle does.
 *
 * With -DUPSERT it does the least that a program can do that keeps something: before it answers, one upsert of one of a thousand
 * rows, in the file UPSERT_FILE, by the settings that polycircle's live database has where there is no WAL. */
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

#ifdef UPSERT
#include <sqlite3.h>

static sqlite3_stmt *upsert;

static int keep_open(void) {
    sqlite3 *db;
    const char *file = getenv("UPSERT_FILE");
    return !file || sqlite3_open(file, &db) != SQLITE_OK ||
           sqlite3_exec(
               db, "PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=OFF; CREATE TABLE kept(id INTEGER PRIMARY KEY, n INTEGER)",
               NULL, NULL, NULL) != SQLITE_OK ||
           sqlite3_prepare_v2(db, "INSERT INTO kept VALUES(?1, 1) ON CONFLICT DO UPDATE SET n = n + 1", -1, &upsert, NULL) !=
               SQLITE_OK;
}

static int keep(void) {
    static int turn;
    (void)sqlite3_bind_int(upsert, 1, turn++ % 1000);
    return sqlite3_step(upsert) != SQLITE_DONE || sqlite3_reset(upsert) != SQLITE_OK;
}
#else
static int keep_open(void) {
    return 0;
}

static int keep(void) {
    return 0;
}
#endif

static int fastcgi(void) {
    FCGX_Request request;
    if (keep_open() != 0 || FCGX_Init() != 0 || FCGX_InitRequest(&request, 0, 0) != 0) return 1;
    while (FCGX_Accept_r(&request) >= 0) {
        while (FCGX_GetStr(waste, sizeof waste, request.in) > 0)
            ;
        if (keep() != 0) return 1;
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
