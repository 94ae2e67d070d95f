/* What HTTP can tell, by curl: what is asked goes to its standard input, so that no argument list holds a code. */
#include "cli/cli.h"
#include "host/selftest.h"
#include "util/gzip.h"
#include <sys/resource.h>
#include <sys/wait.h>

enum { PARALLEL = 24, MOST_BYTES = 4 << 20, MOST_S = 60 };

struct web {
    struct cli *cli;
    struct arena *arena; /* its */
    const char *url; /* ends in '/' */
    struct lines *lines;
    bool absent; /* there is no curl */
    int ended; /* curl's last exit code */
    bool reached;
};

struct answer {
    int status; /* 0: none */
    const char *head, *body; /* head: in lower case, each line ends in CRLF */
    size_t len; /* of the body */
    json_t *ours; /* it is an answer of the program */
};

/* In the child: config becomes its standard input, answer its output; what is longer than MOST_BYTES is cut off. */
static void become_curl(int config, int answer) {
    static char *const argv[] = {"curl", "-q", "--no-progress-meter", "-Z", "--parallel-immediate", "-K", "-", NULL};
    (void)dup2(config, STDIN_FILENO);
    (void)dup2(answer, STDOUT_FILENO);
    (void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
    (void)setrlimit(RLIMIT_FSIZE, &(struct rlimit){MOST_BYTES, MOST_BYTES});
    (void)alarm(MOST_S);
    (void)execvp(*argv, argv);
    _exit(127);
}

/* false: there is no curl. The files have no name: nobody else can read what is asked. */
static bool curl(struct web *w, const struct buf *config, struct buf *answer) {
    FILE *in = tmpfile(), *out = tmpfile();
    int status = 127 << 8;
    *answer = (struct buf){.arena = w->arena};
    bool good = in && out && fwrite(config->data, 1, config->len, in) == config->len;
    (void)fflush(NULL);
    pid_t child = good && lseek(fileno(in), 0, SEEK_SET) == 0 ? fork() : -1;
    if (child == 0) become_curl(fileno(in), fileno(out));
    good = child > 0 && waitpid(child, &status, 0) == child && status != 127 << 8;
    w->ended = WIFEXITED(status) ? WEXITSTATUS(status) : 28; /* by its alarm: late */
    off_t len = good ? lseek(fileno(out), 0, SEEK_END) : 0;
    if (len > 0 && file_read(fileno(out), buf_room(answer, (size_t)len), (size_t)len, 0)) answer->len = (size_t)len;
    buf_text(answer, "");
    if (in) (void)fclose(in);
    if (out) (void)fclose(out);
    return good;
}

/* url is behind the instance's address unless it is whole; more: further lines of curl's configuration. */
static struct answer ask(struct web *w, const char *url, const char *more) {
    struct buf config = {.arena = w->arena}, raw;
    struct answer a = {.head = "", .body = ""};
    const char *base = strstr(url, "://") ? "" : w->url;
    buf_format(&config, "url = \"%s%s\"\ninclude\nmax-time = 30\nheader = \"Expect:\"\n%s", base, url, more);
    w->absent = !curl(w, &config, &raw);
    if (w->absent) return a;
    const char *at = raw.data, *end = NULL;
    while ((end = strstr(at, "\r\n\r\n")) && (a.status = atoi(at + strcspn(at, " \r"))) < 200) at = end + 4;
    if (!end) return (struct answer){.head = "", .body = ""};
    char *head = arena_copy(w->arena, at, (size_t)(end - at) + 2);
    for (char *p = head; *p; p++) *p = (char)tolower((unsigned char)*p);
    a.head = head;
    a.body = end + 4;
    a.len = raw.len - (size_t)(a.body - raw.data);
    json_t *json = json_loadb(a.body, a.len, 0, NULL);
    if (json_integer_value(json_object_get(json, "polycircle")) == 1) a.ours = json;
    return a;
}

/* A POST of this JSON as d= or h=. */
static struct answer post(struct web *w, const char *path, char field, const char *json) {
    struct arena *a = w->arena;
    const uint8_t *text = (const uint8_t *)json;
    const char *value = (field == 'd' ? base64url_text : base32_text)(a, text, strlen(json));
    return ask(w, path, arena_text(a, "data = \"%c=%s\"\n", field, value));
}

static void line(struct web *w, const char *id, const char *title, enum level level, const char *found, const char *why) {
    selftest_add(&w->cli->ctx, w->lines, &(struct line){.id = id, .title = title, .level = level, .found = found, .why = why});
}

/* "": not an answer of the program, or it did not understand. */
static const char *nonce(struct answer a) {
    const char *text = json_string_value(json_object_get(a.ours, "nonce"));
    return text ? text : "";
}

/* Why there is no answer: of curl's exit codes those that an owner can do something about. */
static const char *silence(struct arena *a, int ended) {
    static const struct {
        int code;
        const char *words;
    } known[] = {{6, "The name is not known (DNS)."},
                 {7, "The connection is refused, or no way leads there: does a web server listen at that address?"},
                 {28, "Nobody answers there within 30 s."},
                 {35, "No secure connection (TLS): is that a https address?"},
                 {60, "The certificate is not believed."}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].code == ended) return known[i].words;
    return arena_text(a, "No answer came (curl: exit status %d).", ended);
}

static void reach(struct web *w) {
    static const char *const elf = "\177ELF";
    const char *file = arena_copy(w->arena, w->url, strlen(w->url) - 1);
    struct answer a = ask(w, "measure", "");
    int ended = w->ended;
    struct answer bare = ask(w, file, "");
    w->reached = a.ours;
    bool leaks = bare.len > 4 && memcmp(bare.body, elf, 4) == 0;
    line(w, "reached", "Reached over HTTP", a.ours ? LEVEL_OK : LEVEL_FAIL,
         a.ours      ? "The program answers."
         : w->absent ? "There is no curl here: install it, or open .../selftest in a browser."
         : a.status  ? arena_text(w->arena, "Something else answers with status %d: INSTALL has a table of symptoms.", a.status)
                     : silence(w->arena, ended),
         "Everything below is asked over HTTP.");
    if (leaks)
        line(w, "program-file", "The program as a file", LEVEL_FAIL,
             "The web server hands the program out as a file instead of running it.", "A handler is missing (INSTALL, tiers).");
}

static void caches(struct web *w) {
    struct answer a = ask(w, "measure", ""), b = ask(w, "measure", "");
    struct answer c = post(w, "measure", 'h', "{\"v\":1}"), d = post(w, "measure", 'h', "{\"v\":1}");
    bool get = strcmp(nonce(a), nonce(b)) == 0, sent = c.ours && strcmp(nonce(c), nonce(d)) == 0;
    line(w, "cache-get", "Answers to GET", get ? LEVEL_WARN : LEVEL_OK, get ? "The same answer came twice." : "Two answers differ.",
         "A cache that ignores no-store makes rosters old. Signaling goes by POST and works all the same.");
    line(w, "cache-post", "Answers to POST", sent ? LEVEL_FAIL : LEVEL_OK,
         sent ? "The same answer came twice." : "Two answers differ.", "Nothing works where answers to POST are kept.");
}

/* It is no JSON: what matters is who says so. In pieces, for curl's configuration has an end to a line; it puts "&" between. */
static const char *filler(struct web *w, size_t bytes) {
    enum { PIECE = 65536 };
    struct buf data = {.arena = w->arena};
    for (size_t n; bytes; bytes -= n < bytes ? n + 1 : bytes) {
        n = bytes < PIECE ? bytes : PIECE;
        buf_text(&data, "data = \"");
        memset(buf_room(&data, n), 'a', n);
        data.len += n;
        buf_text(&data, "\"\n");
    }
    return data.data;
}

static void sizes(struct web *w) {
    static const size_t kib[] = {16, 64, 120, 130, 1000};
    struct buf found = {.arena = w->arena};
    bool small = true;
    for (size_t i = 0; i < sizeof kib / sizeof *kib; i++) {
        struct answer got = ask(w, "measure", filler(w, kib[i] * 1024));
        buf_format(&found, "%s%zu KiB: %s (%d)", i ? "; " : "", kib[i], got.ours ? "the program" : "the host", got.status);
        small &= got.ours || kib[i] > 120;
    }
    line(w, "sizes", "Size of a request", small ? LEVEL_OK : LEVEL_FAIL, found.data,
         "Requests are at most 120 KiB; what is larger need not pass.");
}

static void wires(struct web *w) {
    static const char *const hostile[] = {
        "v=0\\r\\no=- 4611 2 IN IP4 127.0.0.1\\r\\na=candidate:1 1 UDP 2122 192.0.2.1 9 typ host",
        "../../../../etc/passwd",
        "<script>alert(document.cookie)</script>",
        "; cat /etc/passwd | sh -c $(id)",
        "' or 1=1 union select -- drop table",
    };
    const char *const fields = "dh";
    bool passed[2] = {true, true};
    for (size_t f = 0; f < 2; f++)
        for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
            passed[f] &=
                *nonce(post(w, "measure", fields[f], arena_text(w->arena, "{\"v\":1,\"sample\":\"%s\"}", hostile[i]))) != '\0';
    line(w, "firewall", "Firewall",
         passed[0]   ? LEVEL_OK
         : passed[1] ? LEVEL_WARN
                     : LEVEL_FAIL,
         passed[0]   ? "Base64url (d=) passes, and so does base32 (h=)."
         : passed[1] ? "Base64url (d=) is refused, base32 (h=) passes: polycircle set wire h"
                     : "Neither base64url (d=) nor base32 (h=) passes.",
         "Clients use d, and h where d is refused; knowing it saves them two requests.");
}

static void headers(struct web *w) {
    static const char sample[] = "polycircle", allow[] = "\r\naccess-control-allow-origin:";
    struct answer a = ask(w, "measure", "range = \"0-3\"\n"), head = ask(w, "measure", "head\n"), zip = ask(w, "measure.gz", "");
    struct buf got = {.arena = w->arena};
    const char *cors = strstr(a.head, allow);
    bool once = cors && strncmp(cors + sizeof allow - 1, " *\r\n", 4) == 0 && !strstr(cors + 2, allow);
    bool same = gzip_unpack(&got, zip.body, zip.len, sizeof sample) == ERR_OK && strcmp(got.data, sample) == 0;
    int64_t skew = json_integer_value(json_object_get(ask(w, "measure", "").ours, "now")) - clock_now();
    line(w, "cors", "Pages of other sites", once ? LEVEL_OK : LEVEL_FAIL,
         once ? "Access-Control-Allow-Origin arrives as *." : "Access-Control-Allow-Origin is changed on the way.",
         "Pages of other origins need exactly one *.");
    line(w, "range", "Parts of an answer", a.status == 206 ? LEVEL_OK : LEVEL_WARN,
         arena_text(w->arena, "A part was asked for, and status %d came.", a.status),
         "Films outside the document root are read in parts.");
    line(w, "methods", "HEAD", LEVEL_OK, arena_text(w->arena, "Status %d.", head.status), "Not needed; monitors use it.");
    line(w, "packed", "Packed files", same ? LEVEL_OK : LEVEL_FAIL,
         same ? "They come as they are." : "The bytes were changed on the way.",
         "The client is a packed file whose hash is checked.");
    line(w, "clock", "Clock", llabs((long long)skew) < 60000 ? LEVEL_OK : LEVEL_WARN,
         arena_text(w->arena, "It is %lld ms from the clock here.", (long long)skew), "Leases are counted by it.");
}

/* Where the data directory could be served: what stands there must not be ours. */
static void leak(struct web *w) {
    static const char *const places[] = {"", "cgi-bin/", "fcgi-bin/"};
    struct arena *a = w->arena;
    const char *path = strstr(w->url, "://") + 3;
    const char *origin = arena_copy(a, w->url, (size_t)(path + strcspn(path, "/") - w->url)), *found = "";
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *url = arena_text(a, "%s/%spolycircle-data/polycircle.db", origin, places[i]);
        struct answer got = ask(w, url, "range = \"0-15\"\n");
        if (got.len >= 15 && memcmp(got.body, "SQLite format 3", 15) == 0) found = url;
    }
    line(w, "leak", "Data over the web", *found ? LEVEL_FAIL : LEVEL_OK,
         *found ? arena_text(w->arena, "%s hands the database out: move it away now.", found) : "The database is not served.",
         "It holds the keys.");
}

/* The most requests that were inside at one moment: their times come in the answers. */
static size_t overlap(const int64_t (*times)[2], size_t n) {
    size_t most = 0;
    for (size_t i = 0; i < n; i++) {
        size_t now = 0;
        for (size_t k = 0; k < n; k++) now += times[k][0] <= times[i][0] && times[i][0] < times[k][1];
        most = now > most ? now : most;
    }
    return most;
}

static void crowd(struct web *w) {
    struct arena *a = w->arena;
    const char *code = file_text(a, arena_path(a, w->cli->data, "owner-code"), 64);
    if (!code) code = file_text(a, arena_path(a, w->cli->data, "setup-code"), 64);
    struct buf config = {.arena = a}, raw;
    json_t *in = json_pack("{s:i, s:s, s:s}", "v", 1, "do", "stay", "code", code ? code : "");
    struct buf text = {.arena = a};
    int64_t times[PARALLEL][2];
    size_t n = 0;
    jsn_dump(&text, in);
    for (int i = 0; code && i < PARALLEL; i++)
        buf_format(&config, "%surl = \"%sowner\"\nmax-time = 30\ndata = \"h=%s\"\n", i ? "next\n" : "", w->url,
                   base32_text(a, (const uint8_t *)text.data, text.len));
    if (code && curl(w, &config, &raw))
        for (const char *at = raw.data; n < PARALLEL && (at = strstr(at, "\"from\":")); n++) {
            char *end;
            times[n][0] = strtoll(at + 7, &end, 10);
            at = end;
            times[n][1] = strncmp(at, ",\"to\":", 6) == 0 ? strtoll(at + 6, NULL, 10) : 0;
        }
    line(w, "parallel", "Requests at a time", n == 0 ? LEVEL_WARN : LEVEL_OK,
         code ? arena_text(w->arena, "%zu of %d were answered, %zu at one moment.", n, PARALLEL, overlap(times, n))
              : "Not measured: that needs the owner's code, which stands in the data directory.",
         "Beyond what the host allows everybody gets 503 or 508; the poll budget follows from it.");
}

void cli_web_lines(struct cli *cli, const char *url, struct lines *lines) {
    static void (*const steps[])(struct web *) = {caches, sizes, wires, headers, leak, crowd};
    const char *slash = url[strlen(url) - 1] == '/' ? "" : "/";
    struct web w = {.cli = cli, .arena = cli->ctx.arena, .url = arena_text(cli->ctx.arena, "%s%s", url, slash), .lines = lines};
    reach(&w);
    for (size_t i = 0; w.reached && i < sizeof steps / sizeof *steps; i++) steps[i](&w);
}
