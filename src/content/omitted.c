#include "content/omitted.h"

const struct omit_reason omit_reasons[OMIT_REASONS] = {
#define OMIT_ROW(id, name, text, cure) {#name, text, cure},
    OMIT_TABLE(OMIT_ROW)
#undef OMIT_ROW
};

static void add_name(struct omitted *o, const char *name) {
    size_t i = 0;
    while (i < OMIT_NAMES && o->names[i]) i++;
    if (i < OMIT_NAMES) o->names[i] = name;
}

void omit(struct arena *a, struct omitted all[static OMIT_REASONS], enum omit why, const char *path) {
    enum { LONGEST = 200 };
    if (all[why].n++ >= OMIT_NAMES) return;
    add_name(&all[why], jsn_shown(a, strlen(path) > LONGEST ? arena_text(a, "%.*s...", LONGEST, path) : path));
}

int64_t omitted_total(const struct omitted all[static OMIT_REASONS]) {
    int64_t n = 0;
    for (size_t i = 0; i < OMIT_REASONS; i++) n += all[i].n;
    return n;
}

const char *omitted_text(struct arena *a, const struct omitted all[static OMIT_REASONS], const char *between) {
    struct buf out = {.arena = a};
    for (size_t i = 0; i < OMIT_REASONS; i++) {
        if (!all[i].n) continue;
        buf_format(&out, "%s%s: %" PRId64 " (", out.len ? between : "", omit_reasons[i].text, all[i].n);
        for (size_t k = 0; k < OMIT_NAMES && all[i].names[k]; k++) buf_format(&out, "%s%s", k ? ", " : "", all[i].names[k]);
        buf_format(&out, "%s)%s%s", all[i].n > OMIT_NAMES ? ", ..." : "", *omit_reasons[i].cure ? ": " : "", omit_reasons[i].cure);
    }
    return out.len ? out.data : "";
}

enum err omitted_add(struct ctx *ctx, int64_t circle, const struct omitted all[static OMIT_REASONS]) {
    for (size_t i = 0; i < OMIT_REASONS; i++) {
        const struct arg id = I(circle), why = T(omit_reasons[i].name);
        if (!all[i].n) continue;
        TRY(store_run(ctx->store, SQL_OMITTED_COUNT, ARGS(id, why, I(all[i].n))));
        for (size_t k = 0; k < OMIT_NAMES && all[i].names[k]; k++)
            TRY(store_run(ctx->store, SQL_OMITTED_NAME, ARGS(id, why, T(all[i].names[k]), I(OMIT_NAMES))));
    }
    return ERR_OK;
}

enum err omitted_get(struct ctx *ctx, int64_t circle, struct omitted all[static OMIT_REASONS]) {
    const enum sql id = SQL_OMITTED_LIST;
    bool row;
    memset(all, 0, OMIT_REASONS * sizeof *all);
    TRY(store_first(ctx->store, id, ARGS(I(circle)), &row));
    while (row) {
        size_t i = 0;
        while (i < OMIT_REASONS && strcmp(omit_reasons[i].name, store_text(ctx->store, id, 0)) != 0) i++;
        if (i < OMIT_REASONS && *store_text(ctx->store, id, 1)) add_name(&all[i], store_copy(ctx->store, id, 1, ctx->arena));
        if (i < OMIT_REASONS) all[i].n += store_int(ctx->store, id, 2);
        TRY(store_next(ctx->store, id, &row));
    }
    return ERR_OK;
}
