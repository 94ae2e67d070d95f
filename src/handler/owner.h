/* The owner's actions: POST owner, {"v":1, "code", "do", ...}. A table of them stands in handler/owner.c; each is a small
 * function that reads in and adds to out, {"polycircle":1, ...}. */
#pragma once
#include "circle/circle.h"
#include "handler/handler.h"

typedef enum err action_function(struct exchange *x, const json_t *in, json_t *out);

/* Who may: anybody, who has the setup-code while set-up is open, who has the owner-code afterwards. */
enum { ANYONE = 1, WHILE_OPEN = 2, WHEN_SET = 4, OWNERS = WHILE_OPEN | WHEN_SET };

struct action {
    const char *name;
    unsigned who;
    bool store; /* needs an instance: ctx->store is there */
    action_function *run;
};

/* handler/setup.c */
action_function owner_state_action, owner_prove, owner_status, owner_begin, owner_finish;
/* handler/circle.c */
action_function owner_circle, owner_remove, owner_allow, owner_refuse, owner_address, owner_first, owner_forget;
/* The circle that in names. None: ERR_NOT_FOUND with words. */
enum err owner_find_circle(struct exchange *x, const json_t *in, struct circle *c);
/* The address of the instance that in names, of the host that this request came by; else ERR_USAGE with words. */
enum err owner_reached(struct exchange *x, const json_t *in, const char **url);
/* handler/share.c */
action_function owner_folders, owner_look, owner_share, owner_index;
/* handler/tier.c */
action_function owner_tiers, owner_try, owner_untry, owner_activate, owner_confirm, owner_deactivate;
/* handler/instance.c */
action_function owner_rekey, owner_recode, owner_backup, owner_retire, owner_unretire, owner_upgrade;
/* handler/selftest.c; owner_use: what was found becomes settings */
action_function owner_selftest, owner_stay, owner_spool, owner_use;
