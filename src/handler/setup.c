/* The owner's actions that set an instance up and tell how it stands. */
#include "circle/address.h"
#include "circle/instance.h"
#include "circle/stun.h"
#include "content/folder.h"
#include "handler/owner.h"
#include "handler/shape.h"
#include "host/choices.h"
#include "host/owner.h"
#include "host/waiting.h"
#include "util/named.h"

static const char *program(struct exchange *x) {
    char path[PATH_MAX];
    return file_program(path, sizeof path) ? arena_copy(x->ctx->arena, path, strlen(path)) : "";
}

/* Before the code is known: where it is to be found. Afterwards nothing but that set-up is over. */
enum err owner_state_action(struct exchange *x, const json_t *in, json_t *out) {
    static const char *const names[] = {"fresh", "open", "set", "shut"};
    const char *nonce = "", *data = x->server->data, *name;
    enum owner state = owner_state(x->ctx, data);
    TRY(jsn_optional_text(in, "nonce", 32, 32, &nonce, &x->ctx->fault));
    (void)json_object_set_new(out, "state", json_string(names[state]));
    if (state == OWNER_FRESH || state == OWNER_SHUT || (state == OWNER_SET && !*nonce)) return ERR_OK;
    enum err e = owner_proof(x->ctx, data, nonce, &name);
    if (state == OWNER_SET) return e == ERR_OK ? jsn_add(out, json_pack("{s:s}", "proof", name)) : ERR_OK;
    TRY(e);
    return jsn_add(out, json_pack("{s:s, s:s, s:s, s:b}", "data", jsn_shown(x->ctx->arena, owner_shown(x->ctx, data)), "program",
                                  jsn_shown(x->ctx->arena, program(x)), "proof", name, "apart", (int)owner_apart()));
}

enum err owner_prove(struct exchange *x, const json_t *in, json_t *out) {
    const char *nonce = "", *code;
    TRY(jsn_text(in, "nonce", 32, 32, &nonce, &x->ctx->fault));
    TRY(owner_proved(x->ctx, x->server->data, file_folder(x->ctx->arena, program(x)), nonce, &code));
    return jsn_add(out, json_pack("{s:s}", "code", code));
}

/* Does the web server serve what lies in dir? As far as directories tell. */
static bool below(struct arena *a, const char *dir, const char *const *roots, size_t n) {
    if (named_site(arena_copy(a, dir, strlen(dir)))) return true;
    for (size_t i = 0; i < n; i++)
        if (strncmp(dir, roots[i], strlen(roots[i])) == 0 && dir[strlen(roots[i])] == '/') return true;
    return false;
}

static enum err status_host(struct exchange *x, json_t *out) {
    const char *roots[FOLDER_ROOTS], *strays[FOLDER_STRAYS], *where = program(x);
    size_t n = folder_roots(x->ctx, x->req->document_root, where, roots);
    size_t n_strays = folder_strays(x->ctx, x->server->data, file_folder(x->ctx->arena, where), strays);
    json_t *list = json_array(), *others = json_array();
    struct arena *a = x->ctx->arena;
    for (size_t i = 0; i < n; i++) (void)json_array_append_new(list, json_string(jsn_shown(a, roots[i])));
    for (size_t i = 0; i < n_strays; i++) (void)json_array_append_new(others, json_string(jsn_shown(a, strays[i])));
    json_t *host = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:s, s:b}", "software", jsn_shown(a, x->req->software),
                             "face", getenv("REQUEST_METHOD") ? "cgi" : "fastcgi", "program", jsn_shown(a, where), "script",
                             jsn_shown(a, x->req->script), "data", jsn_shown(a, x->server->data), "outside",
                             !below(a, x->server->data, roots, n > 1 ? 1 : n), "roots", list, "others", others, "version",
                             PACKAGE_VERSION, "apart", (int)owner_apart());
    return jsn_add(out, host);
}

/* [[url, who runs it], ...]: the first is the one that is proposed. */
static json_t *stun_list(void) {
    json_t *list = json_array();
    for (size_t i = 0; i < stun_count; i++)
        (void)json_array_append_new(list, json_pack("[s, s]", stun_servers[i].url, stun_servers[i].who));
    return list;
}

/* A proxy that is not listed: all visitors have its address. proxies: the setting that would list it, "" where that does not help.
 */
static enum err status_proxy(struct exchange *x, json_t *out) {
    const struct request *r = x->req;
    const char *known, *client;
    TRY(setting_get(x->ctx, "proxies", &known));
    enum via via = address_via(x->ctx->arena, r->address, r->forwarded, r->host, known, &client);
    if (via == VIA_NOBODY) return ERR_OK;
    const char *proxies = via == VIA_PROXY ? arena_text(x->ctx->arena, "%s%s%s", known, *known ? " " : "", r->address) : "";
    struct arena *a = x->ctx->arena;
    return jsn_add(out, json_pack("{s:{s:s, s:s, s:s}}", "proxy", "from", jsn_shown(a, r->address), "for", jsn_shown(a, client),
                                  "proxies", jsn_shown(a, proxies)));
}

static enum err status_restore(struct exchange *x, json_t *out) {
    const char *before, *restored;
    struct arena *a = x->ctx->arena;
    bool refused, waits;
    waiting_told(x->ctx, x->server->data, &before, &restored, &refused, &waits);
    return jsn_add(out, json_pack("{s:s, s:s, s:b, s:b, s:b}", "before_restore", jsn_shown(a, before), "restored",
                                  jsn_shown(a, restored), "restore_refused", (int)refused, "restore_waits", (int)waits,
                                  "restore_comes", !waits && waiting_there(x->server->data)));
}

enum err owner_status(struct exchange *x, const json_t *, json_t *out) {
    struct ctx *ctx = x->ctx;
    const char *root, *exposed;
    struct texts urls;
    json_t *circles;
    TRY(status_host(x, out));
    if (!ctx->store) return x->unopened == ERR_NOT_SET_UP ? ERR_OK : x->unopened;
    TRY(store_live(ctx->store));
    TRY(instance_urls(ctx, &urls));
    TRY(setting_get(ctx, "root", &root));
    TRY(shape_circles(ctx, &circles));
    TRY(setting_get(ctx, "exposed_code", &exposed));
    TRY(jsn_add(out, json_pack("{s:o}", "stun", stun_list())));
    TRY(status_proxy(x, out));
    TRY(status_restore(x, out));
    return jsn_add(out, json_pack("{s:s, s:o, s:o, s:b, s:b}", "root", jsn_shown(ctx->arena, root), "urls", jsn_texts(&urls),
                                  "circles", circles, "retired", (int)store_retired(ctx->store), "exposed_code", *exposed != '\0'));
}

static enum err known_root(struct exchange *x, const char *root) {
    const char *roots[FOLDER_ROOTS];
    size_t n = folder_roots(x->ctx, x->req->document_root, program(x), roots);
    for (size_t i = 0; i < n; i++)
        if (strcmp(roots[i], root) == 0) return ERR_OK;
    return fault_set(&x->ctx->fault, ERR_BAD_FIELD, "%.150s is none of the directories that may be the document root.", root);
}

/* The instance itself: may be sent again with another address or root. */
enum err owner_begin(struct exchange *x, const json_t *in, json_t *out) {
    struct instance_new new = {.journal = "auto"};
    const char *url;
    TRY(owner_reached(x, in, &url));
    TRY(jsn_optional_text(in, "root", 2, PATH_MAX, &new.root, &x->ctx->fault));
    if (new.root) TRY(known_root(x, new.root));
    new.urls = &url;
    new.n_urls = 1;
    TRY(instance_make(x->ctx, x->server->data, &new));
    x->server->store = x->ctx->store;
    TRY(choices_url_first(x->ctx, url));
    return owner_status(x, in, out);
}

enum err owner_finish(struct exchange *x, const json_t *, json_t *out) {
    const char *code;
    TRY(owner_close(x->ctx, x->server->data, false, &code));
    return jsn_add(out, json_pack("{s:s}", "code", code));
}
