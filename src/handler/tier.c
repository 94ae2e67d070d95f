/* The owner's actions that try a tier and activate it. */
#include "host/tier.h"
#include "handler/owner.h"

static enum err read_tier(struct exchange *x, const json_t *in, struct tier *t) {
    char path[PATH_MAX];
    const char *root, *was;
    *t = (struct tier){.script = x->req->script};
    TRY(jsn_int(in, "tier", TIER_FASTCGI, TIER_PRETTY, &t->number, &x->ctx->fault));
    TRY(jsn_bool(in, "options", &t->options, &x->ctx->fault));
    TRY(jsn_bool(in, "kept", &t->kept, &x->ctx->fault));
    TRY(setting_get(x->ctx, "kept", &was));
    t->kept |= *was != '\0';
    TRY(setting_get(x->ctx, "root", &root));
    if (!*root)
        return fault_set(
            &x->ctx->fault, ERR_BAD_FIELD,
            "Quicker answers and shorter addresses are for a site whose folder set-up has asked for (polycircle set root DIR).");
    if (!t->number || !file_program(path, sizeof path))
        return fault_set(&x->ctx->fault, ERR_BAD_FIELD, "Field \"tier\" must be 2 or 3.");
    t->program = arena_copy(x->ctx->arena, path, strlen(path));
    t->dir = t->number == TIER_PRETTY ? root : file_folder(x->ctx->arena, path);
    return ERR_OK;
}

enum err owner_try(struct exchange *x, const json_t *in, json_t *out) {
    struct tier t;
    const char *name;
    TRY(read_tier(x, in, &t));
    enum err e = tier_try(x->ctx, x->server->data, &t, &name);
    if (e != ERR_OK) tier_untry(x->ctx, x->server->data);
    TRY(e);
    return jsn_add(out, json_pack("{s:s}", "name", name));
}

enum err owner_untry(struct exchange *x, const json_t *, json_t *) {
    tier_untry(x->ctx, x->server->data);
    return ERR_OK;
}

/* Stays until the browser has come through the changed tree, ten seconds at the most; else all is as it was. */
enum err owner_activate(struct exchange *x, const json_t *in, json_t *out) {
    enum { STEPS = 100, STEP_NS = 100 * 1000 * 1000 };
    struct tier t;
    const char *data = x->server->data;
    TRY(read_tier(x, in, &t));
    TRY(tier_write(x->ctx, data, &t));
    for (int i = 0; i < STEPS && !tier_confirmed(x->ctx, data); i++) (void)nanosleep(&(struct timespec){.tv_nsec = STEP_NS}, NULL);
    bool active = tier_confirmed(x->ctx, data);
    (void)json_object_set_new(out, "active", json_boolean(active));
    TRY(tier_undo(x->ctx, data));
    return active ? tier_remember(x->ctx, &t) : ERR_OK;
}

enum err owner_confirm(struct exchange *x, const json_t *, json_t *) {
    return tier_confirm(x->ctx, x->server->data);
}

enum err owner_deactivate(struct exchange *x, const json_t *in, json_t *) {
    struct tier t;
    TRY(read_tier(x, in, &t));
    return tier_drop(x->ctx, x->server->data, &t);
}

/* Which are active, as {"tiers": [2, 3]}; with "top" where the short ones are those of an earlier version. */
enum err owner_tiers(struct exchange *x, const json_t *, json_t *out) {
    json_t *list = json_array();
    bool top = false;
    tier_sweep(x->ctx, x->server->data);
    for (int number = TIER_FASTCGI; number <= TIER_PRETTY; number++) {
        struct tier t;
        TRY(read_tier(x, json_pack("{s:i}", "tier", number), &t));
        enum tier_state state = tier_state(x->ctx, t.dir);
        if (state != TIER_NONE) (void)json_array_append_new(list, json_integer(number));
        top |= state == TIER_TOP;
    }
    return jsn_add(out, json_pack("{s:o, s:b}", "tiers", list, "top", (int)top));
}
