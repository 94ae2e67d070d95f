/* What this host lets an instance do: a table of checks, each a small function, with why it matters, the cure, and the sentence
 * for the host's support. What only a browser can measure, htdocs/owner/selftest.js does. */
#pragma once
#include "circle/ctx.h"

/* What the caller knows and this module does not look up: "" where there is nothing. */
struct facts {
    bool web, fastcgi; /* web: called by a web server, and what follows is what that said */
    const char *server, *https, *address, *forwarded, *host, *path_info, *root;
    const char *program; /* the program's own file */
    const char *data; /* the data directory, there or not */
    const char *trouble; /* why polycircle.db could not be opened; "" when it is open, or not there */
};

enum level { LEVEL_OK, LEVEL_WARN, LEVEL_FAIL };
extern const char *const level_names[]; /* ok, warn, fail */

struct line {
    const char *id, *title;
    enum level level;
    const char *found, *why;
    const char *cure, *host; /* host: the sentence; NULL where there is none, and where level is ok */
    const char *proxies; /* this value of the setting of that name would help; NULL: none would */
};
enum { LINES_MOST = 64 };
struct lines {
    struct line all[LINES_MOST];
    size_t n;
    enum level worst;
};

/* ctx->store is NULL before set-up. */
void selftest_lines(struct ctx *ctx, const struct facts *facts, struct lines *out);
/* One more, that a caller has measured itself. found may be anything: it is made UTF-8, and a copy. */
void selftest_add(struct ctx *ctx, struct lines *lines, const struct line *line);
