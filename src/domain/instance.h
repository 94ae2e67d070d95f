/* An instance: polycircle.db with its pepper, generation and base URLs, and the first live database. */
#pragma once
#include "domain/ctx.h"

struct instance_new {
    const char *journal; /* "auto", "wal", "truncate"; counts only when polycircle.db is made */
    const char *root; /* the document root; NULL: stays as it is */
    const char *const *urls; /* base URLs to add: where the program is reached */
    size_t n_urls;
};
/* Makes it in the directory data, or adds to what is there; may be repeated after any failure. ctx->store is open then. */
enum err instance_make(struct ctx *ctx, const char *data, const struct instance_new *in);
