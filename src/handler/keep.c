/* The owner's actions that keep an instance, and end it. */
#include "domain/backup.h"
#include "domain/retire.h"
#include "domain/upgrade.h"
#include "handler/owner.h"

/* A copy of the database, now, as that of today. */
enum err owner_backup(struct exchange *x, const json_t *in, json_t *out) {
    const char *path;
    (void)in;
    TRY(backup_now(x->ctx, &path));
    (void)json_object_set_new(out, "file", json_string(path));
    return ERR_OK;
}

/* Every browser is told to let go of its worker; with files, what set-up put into the site goes, too. */
enum err owner_retire(struct exchange *x, const json_t *in, json_t *out) {
    bool files = false;
    json_t *paths = json_array();
    TRY(jsn_bool(in, "files", &files, &x->ctx->fault));
    TRY(store_live(x->ctx->store));
    if (!files) TRY(retire(x->ctx));
    TRY(retire_files(x->ctx, !files, paths));
    (void)json_object_set_new(out, "files", paths);
    return ERR_OK;
}

enum err owner_unretire(struct exchange *x, const json_t *in, json_t *out) {
    (void)in;
    (void)out;
    return retire_undo(x->ctx);
}

/* polycircle.new in place of this program; with check only whether it may. */
enum err owner_upgrade(struct exchange *x, const json_t *in, json_t *out) {
    struct upgrade u;
    bool only = false;
    TRY(jsn_bool(in, "check", &only, &x->ctx->fault));
    TRY(only ? upgrade_check(x->ctx, &u) : upgrade_activate(x->ctx, &u));
    (void)json_object_set_new(out, "from", json_string(PACKAGE_VERSION));
    (void)json_object_set_new(out, "to", json_string(u.version));
    return ERR_OK;
}
