/* An instance: polycircle.db with its pepper, generation and base URLs, and the first live database. */
#pragma once
#include "circle/ctx.h"

struct instance_new {
    const char *journal; /* "auto", "wal", "truncate"; counts only when polycircle.db is made */
    const char *root; /* the document root; NULL: stays as it is */
    const char *const *urls; /* base URLs to add: where the program is reached */
    size_t n_urls;
};
/* An address, "scheme://host[:port]/path/", and its host as a Host header is compared. Not an address: ERR_USAGE with words. */
struct base {
    const char *url, *host;
};
enum err instance_base(struct ctx *ctx, const char *url, struct base *out);
/* Is it one of the instance's? url as instance_base() gives it. */
enum err instance_has(struct ctx *ctx, const char *url, bool *is);
/* All of them; the first is that of the tags. */
enum err instance_urls(struct ctx *ctx, struct texts *out);
/* Origins that its circles allow, each once; the first 65 of them. */
enum err instance_origins(struct ctx *ctx, struct texts *out);

/* Makes it in the directory data, or adds to what is there; may be repeated after any failure. ctx->store is open then. */
enum err instance_make(struct ctx *ctx, const char *data, const struct instance_new *in);
