/* What an owner or the self-test may change of how an instance works: settings (read by circle/setting.h), the spool's directory,
 * the journal. */
#pragma once
#include "circle/ctx.h"

struct setting {
    const char *name, *help;
    bool (*valid)(const char *value);
    bool (*form)(const char *value); /* could it be valid, if not on this host? */
    bool here; /* it says to whom visitors' mail goes, or whom to believe: no copy that is restored changes it */
};
extern const struct setting settings[];
extern const size_t settings_count;
/* Unknown name or invalid value: ERR_USAGE with words. "" takes the setting away. A spool that is one no longer is cleared. */
enum err settings_set(struct ctx *ctx, const char *name, const char *value);

/* Where a spool could be: polycircle-spool in the document root (the setting, else root, what the web server says); NULL when
 * neither is known. */
enum err settings_spool_place(struct ctx *ctx, const char *root, const char **dir);
/* Ends its trial (spool_try): what was made goes, unless it is the spool in use. */
enum err settings_spool_end(struct ctx *ctx, const char *dir);

/* NULL or 0: not found out, stays as it is. */
struct findings {
    const char *spool_url; /* "": no spool */
    bool htaccess, cors; /* its .htaccess was let through; a page of another origin may read it */
    const char *wire, *proxies;
    int64_t budget;
};
/* What was found becomes settings. Also leaves WAL where it does not work: ERR_BUSY, with words, while other processes have the
 * database open; what else was found stands then. */
enum err settings_use(struct ctx *ctx, const char *root, const struct findings *found);
