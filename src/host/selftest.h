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

/* A list of {id, title, level, found, why} with cure and host (the sentence) where level is not ok, and offer {NAME: VALUE} where
 * a setting would help. ctx->store is NULL before set-up. */
json_t *selftest_lines(struct ctx *ctx, const struct facts *facts, enum level *worst);
/* One line of the same form, for what a caller has measured itself. */
json_t *selftest_line(const char *id, const char *title, enum level level, const char *found, const char *why);
