#include "host/values.h"
#include "circle/circle.h"
#include "circle/instance.h"
#include "circle/origin.h"
#include "circle/setting.h"
#include "host/settings.h"

static enum err bad(struct ctx *copy, const char *what, const char *value) {
    return fault_set(&copy->fault, ERR_DAMAGED, "%s cannot be \"%.80s\"", what, jsn_shown(copy->arena, value));
}

static enum err all_settings(struct ctx *copy) {
    const char *value;
    for (size_t i = 0; i < settings_count; i++) {
        TRY(setting_get(copy, settings[i].name, &value));
        if (*value && !settings[i].form(value)) return bad(copy, settings[i].name, value);
    }
    return ERR_OK;
}

static enum err counters(struct ctx *copy) {
    static const struct {
        enum sql beyond;
        int64_t most;
        const char *what;
    } all[] = {{SQL_GEN_BEYOND, VALUES_GEN, "gen"},
               {SQL_VERSION_BEYOND, VALUES_VERSION, "the version of a list"},
               {SQL_STATISTIC_BEYOND, VALUES_VERSION, "what is counted of a day"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const char *value;
        TRY(store_string(copy->store, all[i].beyond, ARGS(I(all[i].most)), copy->arena, &value));
        if (value) return bad(copy, all[i].what, value);
    }
    return ERR_OK;
}

static enum err bases(struct ctx *copy) {
    struct texts urls, hosts;
    struct base base;
    TRY(instance_urls(copy, &urls));
    TRY(store_texts(copy->store, SQL_BASE_HOSTS, NULL, 0, copy->arena, &hosts));
    for (size_t i = 0; i < urls.n; i++)
        if (instance_base(copy, urls.all[i], &base) != ERR_OK || strcmp(base.url, urls.all[i]) != 0 ||
            strcmp(base.host, hosts.all[i]) != 0)
            return bad(copy, "an address of the instance", urls.all[i]);
    return ERR_OK;
}

static enum err origins(struct ctx *copy, const struct circle *c) {
    struct texts all;
    const char *origin;
    TRY(circle_origins(copy, c, &all));
    for (size_t i = 0; i < all.n; i++)
        if (!origin_of(copy->arena, all.all[i], &origin) || strcmp(origin, all.all[i]) != 0)
            return bad(copy, "an allowed origin", all.all[i]);
    return ERR_OK;
}

static bool served_at(struct arena *arena, const char *url) {
    const char *origin;
    return (!*url || *url == '/' || origin_of(arena, url, &origin)) && url_plain(url);
}

enum err values_valid(struct ctx *copy) {
    struct circle_list list;
    TRY(all_settings(copy));
    TRY(counters(copy));
    TRY(bases(copy));
    TRY(circle_list(copy, &list));
    for (size_t i = 0; i < list.n; i++) {
        const struct circle *c = &list.all[i];
        struct texts folders, urls;
        if (circle_valid(copy, c) != ERR_OK) {
            const char *why = arena_text(copy->arena, "%s", copy->fault.text);
            return fault_set(&copy->fault, ERR_DAMAGED, "circle \"%.63s\": %.120s", jsn_shown(copy->arena, c->can), why);
        }
        TRY(origins(copy, c));
        TRY(store_texts(copy->store, SQL_FOLDERS_OF, ARGS(I(c->id)), copy->arena, &folders));
        TRY(store_texts(copy->store, SQL_FOLDER_URLS_OF, ARGS(I(c->id)), copy->arena, &urls));
        for (size_t k = 0; k < folders.n; k++)
            if (*folders.all[k] != '/') return bad(copy, "a folder", folders.all[k]);
        for (size_t k = 0; k < urls.n; k++)
            if (!served_at(copy->arena, urls.all[k])) return bad(copy, "where a folder is served", urls.all[k]);
    }
    return ERR_OK;
}
