/* The owner's actions that make a circle, change what was chosen of it and of the instance's addresses, and end it. */
#include "circle/instance.h"
#include "handler/owner.h"
#include "host/choices.h"

enum err owner_find_circle(struct exchange *x, const json_t *in, struct circle *c) {
    const char *can;
    TRY(jsn_text(in, "circle", 1, 63, &can, &x->ctx->fault));
    enum err e = circle_by_can(x->ctx, can, c);
    if (e == ERR_REMOVED) return fault_set(&x->ctx->fault, e, "The circle %s has ended already.", can);
    return e == ERR_NOT_FOUND ? fault_set(&x->ctx->fault, e, "There is no circle %s.", can) : e;
}

static enum err read_flag(const json_t *in, const char *key, int64_t *out, struct fault *fault) {
    bool value;
    if (!json_object_get(in, key)) return ERR_OK;
    TRY(jsn_bool(in, key, &value, fault));
    *out = value;
    return ERR_OK;
}

/* What is no text is no address either. */
static enum err read_ice(struct exchange *x, const json_t *in, const char **out) {
    json_t *list;
    struct texts urls = {0};
    TRY(jsn_list(in, "ice", 4, &list, &x->ctx->fault));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *url = json_string_value(json_array_get(list, i));
        texts_add(x->ctx->arena, &urls, url ? url : "");
    }
    return list ? circle_ice(x->ctx, &urls, out) : ERR_OK;
}

static enum err read_choices(struct exchange *x, const json_t *in, struct choices *out) {
    struct fault *fault = &x->ctx->fault;
    *out = AS_IT_IS;
    TRY(jsn_optional_text(in, "p2p", 2, 3, &out->p2p, fault));
    TRY(jsn_optional_text(in, "roster", 6, 7, &out->roster, fault));
    TRY(jsn_optional_text(in, "exclude", 0, 5000, &out->exclude, fault));
    TRY(jsn_optional_text(in, "worker", 2, 200, &out->worker, fault));
    TRY(read_flag(in, "listed", &out->listed, fault));
    TRY(read_flag(in, "mirror", &out->mirror, fault));
    TRY(jsn_int(in, "up_kbps", 0, 999999999, &out->up_kbps, fault));
    return read_ice(x, in, &out->ice);
}

/* Makes a circle, or changes what is named of it. */
enum err owner_circle(struct exchange *x, const json_t *in, json_t *out) {
    struct circle_new new;
    struct circle c;
    TRY(jsn_text(in, "circle", 1, 63, &new.can, &x->ctx->fault));
    TRY(read_choices(x, in, &new.chosen));
    new.n_origins = 0;
    enum err e = circle_by_can(x->ctx, new.can, &c);
    TRY(e == ERR_OK ? choices_set(x->ctx, &c, &new.chosen) : circle_add(x->ctx, &new, &c));
    return owner_status(x, in, out);
}

enum err owner_remove(struct exchange *x, const json_t *in, json_t *out) {
    struct circle c;
    TRY(owner_find_circle(x, in, &c));
    TRY(store_live(x->ctx->store));
    TRY(choices_remove(x->ctx, &c));
    return owner_status(x, in, out);
}

static enum err origin(struct exchange *x, const json_t *in, json_t *out,
                       enum err (*change)(struct ctx *ctx, const struct circle *c, const char *const *origins, size_t n)) {
    struct circle c;
    const char *url;
    TRY(owner_find_circle(x, in, &c));
    TRY(jsn_text(in, "origin", 8, 200, &url, &x->ctx->fault));
    TRY(change(x->ctx, &c, &url, 1));
    return owner_status(x, in, out);
}

enum err owner_allow(struct exchange *x, const json_t *in, json_t *out) {
    return origin(x, in, out, choices_allow);
}

enum err owner_refuse(struct exchange *x, const json_t *in, json_t *out) {
    return origin(x, in, out, choices_refuse);
}

/* The page was loaded by this address, and so was this request: one that was mistyped, or leads to somebody else, has none. */
enum err owner_reached(struct exchange *x, const json_t *in, const char **url) {
    struct base base;
    *url = "";
    TRY(jsn_text(in, "url", 8, 300, url, &x->ctx->fault));
    TRY(instance_base(x->ctx, *url, &base));
    if (strcmp(base.host, x->req->host) == 0) return ERR_OK;
    return fault_set(&x->ctx->fault, ERR_USAGE,
                     "This page was opened at %.80s, not at %.80s. An address is taken when it leads here: open this page at it.",
                     x->req->host, base.host);
}

/* One more; which is that of the tags stays. */
enum err owner_address(struct exchange *x, const json_t *in, json_t *out) {
    const char *url;
    TRY(owner_reached(x, in, &url));
    TRY(choices_url_add(x->ctx, url));
    return owner_status(x, in, out);
}

enum err owner_first(struct exchange *x, const json_t *in, json_t *out) {
    const char *url = "";
    TRY(jsn_text(in, "url", 8, 300, &url, &x->ctx->fault));
    TRY(choices_url_first(x->ctx, url));
    return owner_status(x, in, out);
}

/* Is there another address by which this page would open? */
static enum err leads_here(struct exchange *x, const char *url, bool *another) {
    struct texts urls;
    struct base base;
    *another = false;
    TRY(instance_urls(x->ctx, &urls));
    for (size_t i = 0; i < urls.n; i++) {
        TRY(instance_base(x->ctx, urls.all[i], &base));
        *another |= strcmp(base.url, url) != 0 && strcmp(base.host, x->req->host) == 0;
    }
    return ERR_OK;
}

enum err owner_forget(struct exchange *x, const json_t *in, json_t *out) {
    const char *url = "";
    struct base base;
    bool another;
    TRY(jsn_text(in, "url", 8, 300, &url, &x->ctx->fault));
    TRY(instance_base(x->ctx, url, &base));
    TRY(leads_here(x, base.url, &another));
    if (!another && strcmp(base.host, x->req->host) == 0)
        return fault_set(&x->ctx->fault, ERR_USAGE, "You are here by this address: open the console at another one to remove it.");
    TRY(choices_url_drop(x->ctx, url));
    return owner_status(x, in, out);
}
