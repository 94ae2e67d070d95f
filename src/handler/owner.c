/* The owner's side: the door that every action goes through. The pages are page.c's. */
#include "handler/owner.h"
#include "host/owner.h"

static const struct action actions[] = {
    {"state", ANYONE, false, owner_state_action},
    {"prove", ANYONE, false, owner_prove},
    {"status", OWNERS, false, owner_status},
    {"begin", WHILE_OPEN, false, owner_begin},
    {"address", OWNERS, true, owner_address},
    {"first", OWNERS, true, owner_first},
    {"forget", OWNERS, true, owner_forget},
    {"circle", OWNERS, true, owner_circle},
    {"remove", WHEN_SET, true, owner_remove},
    {"allow", OWNERS, true, owner_allow},
    {"refuse", OWNERS, true, owner_refuse},
    {"folders", OWNERS, true, owner_folders},
    {"look", OWNERS, true, owner_look},
    {"share", OWNERS, true, owner_share},
    {"index", OWNERS, true, owner_index},
    {"tiers", OWNERS, true, owner_tiers},
    {"try", OWNERS, true, owner_try},
    {"untry", OWNERS, true, owner_untry},
    {"activate", OWNERS, true, owner_activate},
    {"confirm", OWNERS, true, owner_confirm},
    {"deactivate", OWNERS, true, owner_deactivate},
    {"backup", WHEN_SET, true, owner_backup},
    {"retire", WHEN_SET, true, owner_retire},
    {"unretire", WHEN_SET, true, owner_unretire},
    {"upgrade", WHEN_SET, false, owner_upgrade},
    {"finish", WHILE_OPEN, true, owner_finish},
    {"rekey", WHEN_SET, true, owner_rekey},
    {"recode", WHEN_SET, true, owner_recode},
    {"selftest", OWNERS, false, owner_selftest},
    {"stay", OWNERS, false, owner_stay},
    {"spool", OWNERS, false, owner_spool},
    {"settle", OWNERS, true, owner_use},
};

/* A page of another site cannot know the code; it is not to try, either. Ports may differ behind a proxy. */
static enum err same_origin(struct exchange *x) {
    const char *origin = x->req->origin, *at = strstr(origin, "://");
    size_t len = strlen(x->req->host);
    if (!*origin || (at && strncasecmp(at + 3, x->req->host, len) == 0 && strchr(":", at[3 + len]))) return ERR_OK;
    return fault_set(&x->ctx->fault, ERR_ORIGIN_REFUSED,
                     "The page is of %.80s, the program was reached as %.80s: open the page at the program's own address.", origin,
                     x->req->host);
}

static enum err choose(struct exchange *x, const json_t *in, const struct action **out) {
    const char *name = "", *code = "", *data = x->server->data;
    int64_t v = 0;
    TRY(jsn_int(in, "v", 1, 1, &v, &x->ctx->fault));
    TRY(jsn_text(in, "do", 1, 16, &name, &x->ctx->fault));
    TRY(jsn_optional_text(in, "code", 0, 64, &code, &x->ctx->fault));
    *out = NULL;
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (strcmp(actions[i].name, name) == 0) *out = &actions[i];
    if (!v || !*out) return fault_set(&x->ctx->fault, ERR_BAD_FIELD, "There is no such action of version 1: %s.", name);
    if ((*out)->who & ANYONE) return ERR_OK;
    enum owner state = owner_state(x->ctx, data);
    if (state == OWNER_SHUT) return ERR_READ_ONLY;
    TRY(owner_check(x->ctx, data, state, code));
    if (!((*out)->who & (state == OWNER_OPEN ? WHILE_OPEN : WHEN_SET))) return ERR_LOCKED;
    return (*out)->store && !x->ctx->store ? x->unopened : ERR_OK;
}

enum err handle_owner(struct exchange *x) {
    json_t *in, *out = json_pack("{s:i}", "polycircle", 1);
    const struct action *action;
    x->res->secret = true; /* some answer with a code */
    TRY(same_origin(x));
    TRY(request_json(x->req, &in, &x->ctx->fault));
    TRY(choose(x, in, &action));
    TRY(action->run(x, in, out));
    return answer_json(x, out);
}
