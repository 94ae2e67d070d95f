/* The owner's actions on the instance itself: a copy, new keys and codes, a new program, the end. */
#include "handler/owner.h"
#include "host/backup.h"
#include "host/owner.h"
#include "host/rekey.h"
#include "host/retire.h"
#include "host/upgrade.h"

/* A copy of the database, now, as that of today. */
enum err owner_backup(struct exchange *x, const json_t *, json_t *out) {
    const char *path;
    bool done;
    TRY(backup_asked(x->ctx, &path, &done));
    return jsn_add(out, json_pack("{s:s, s:b}", "file", jsn_shown(x->ctx->arena, path), "done", (int)done));
}

/* {"circle"}: a new signing key. */
enum err owner_rekey(struct exchange *x, const json_t *in, json_t *out) {
    struct circle c;
    TRY(owner_find_circle(x, in, &c));
    TRY(store_live(x->ctx->store));
    TRY(rekey_circle(x->ctx, &c));
    return owner_status(x, in, out);
}

/* A new code of the console; the one that came with this request opens nothing any longer. */
enum err owner_recode(struct exchange *x, const json_t *, json_t *out) {
    const char *code;
    TRY(owner_renew(x->ctx, x->server->data, &code));
    return jsn_add(out, json_pack("{s:s}", "new_code", code));
}

/* Every browser is told to let go of its worker; with files, what set-up put into the site goes, too. */
enum err owner_retire(struct exchange *x, const json_t *in, json_t *out) {
    bool files = false;
    struct texts paths;
    TRY(jsn_bool(in, "files", &files, &x->ctx->fault));
    TRY(store_live(x->ctx->store));
    if (!files) TRY(retire(x->ctx));
    TRY(retire_files(x->ctx, !files, &paths));
    return jsn_add(out, json_pack("{s:o}", "files", jsn_texts(&paths)));
}

enum err owner_unretire(struct exchange *x, const json_t *, json_t *) {
    return retire_undo(x->ctx);
}

/* polycircle.new in place of this program; with check only whether it may. */
enum err owner_upgrade(struct exchange *x, const json_t *in, json_t *out) {
    struct upgrade u;
    bool only = false;
    TRY(jsn_bool(in, "check", &only, &x->ctx->fault));
    TRY(only ? upgrade_check(x->ctx, &u) : upgrade_activate(x->ctx, &u));
    return jsn_add(out, json_pack("{s:s, s:s}", "from", PACKAGE_VERSION, "to", u.version));
}
