/* What a person at a terminal sees of work that takes longer: a line on standard error that is overwritten, and taken away before
 * anything is printed. */
#include "cli/cli.h"
#include <signal.h>
#include <sys/ioctl.h>

enum { PATIENCE_S = 2, LINE = 240 };

bool cli_watched(const struct cli *cli) {
    return !cli->json && isatty(STDERR_FILENO);
}

void cli_clear(void) {
    (void)fputs("\r\033[K", stderr);
    (void)fflush(stderr);
}

/* No longer than the terminal is wide: a line that wraps is not overwritten. */
static void show(const char *text) {
    struct winsize size = {.ws_col = 80};
    char line[LINE];
    (void)ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
    int width = size.ws_col > 0 && size.ws_col < LINE ? size.ws_col - 1 : LINE - 1;
    (void)snprintf(line, sizeof line, "%.*s", width, text);
    text_clean(line); /* it names files */
    (void)fprintf(stderr, "\r%s\033[K", line);
    (void)fflush(stderr);
}

const char *cli_size(struct arena *a, int64_t bytes) {
    double n = (double)bytes;
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    size_t i = 0;
    for (; n >= 1000 && i < sizeof units / sizeof *units - 1; i++) n /= 1000;
    return arena_text(a, "%.*f %s", i && n < 10 ? 1 : 0, n, units[i]);
}

static const char *time_text(struct arena *a, double seconds) {
    if (seconds < 90) return arena_text(a, "%.0f s", seconds < 1 ? 1 : seconds);
    return seconds < 90 * 60 ? arena_text(a, "%.0f min", seconds / 60) : arena_text(a, "%.1f h", seconds / 3600);
}

void cli_bar(struct progress *p, const struct amount *now) {
    enum { WIDTH = 20 };
    struct arena a = {0};
    struct buf line = {.arena = &a};
    int64_t ms = clock_now();
    if (!p->since || !now->total || now->done < p->first) *p = (struct progress){.since = ms, .first = now->done};
    double took = (double)(ms - p->since) / 1000, read = (double)(now->done - p->first), rate = took > 0.2 ? read / took : 0;
    if (now->total) {
        int part = (int)(now->done * 100 / now->total), filled = part * WIDTH / 100;
        buf_format(&line, "[%.*s%*s] %3d%%  %s of %s", filled, "####################", WIDTH - filled, "", part,
                   cli_size(&a, now->done), cli_size(&a, now->total));
    }
    if (rate > 0)
        buf_format(&line, ", %s/s, %s left", cli_size(&a, (int64_t)rate), time_text(&a, (double)(now->total - now->done) / rate));
    buf_format(&line, "%s%s", line.len ? "  " : "", now->what);
    show(line.data);
    arena_free(&a);
}

/* What takes long without a word to say: a clock counts, from the third second on. Only what a signal's handler may call. */
static struct {
    char text[96];
    struct timespec since;
    bool shown;
} work;

static void tick(int signal) {
    char digits[24], *p = digits + sizeof digits;
    int why = errno;
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    *--p = 's';
    *--p = ' ';
    for (int64_t s = now.tv_sec - work.since.tv_sec, first = 1; s > 0 || first; s /= 10, first = 0) *--p = (char)('0' + s % 10);
    if (write(STDERR_FILENO, work.text, strlen(work.text)) < 0 || write(STDERR_FILENO, p, (size_t)(digits + sizeof digits - p)) < 0)
        return;
    work.shown = true;
    if (signal) (void)alarm(1);
    errno = why;
}

void cli_work(const struct cli *cli, const char *what) {
    struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
    cli_rest();
    if (!cli_watched(cli)) return;
    (void)snprintf(work.text, sizeof work.text, "\r%.80s: ", what);
    (void)clock_gettime(CLOCK_MONOTONIC, &work.since);
    (void)sigaction(SIGALRM, &action, NULL);
    (void)alarm(PATIENCE_S);
}

void cli_rest(void) {
    if (!*work.text) return;
    (void)alarm(0);
    if (work.shown) cli_clear();
    work.shown = false;
    work.text[0] = '\0';
}
