#include "handler/shape.h"
#include "circle/tally.h"
#include "content/index.h"
#include "meet/signal.h"

static enum err numbers(struct ctx *ctx, const struct circle *c, json_t **out) {
    struct tally_list list;
    TRY(tally_sums(ctx, c->id, &list));
    *out = json_object();
    for (size_t i = 0; i < list.n; i++) (void)json_object_set_new(*out, list.all[i].name, json_integer(list.all[i].n));
    return ERR_OK;
}

static enum err content(struct ctx *ctx, const struct circle *c, json_t *out) {
    struct manifest m;
    int64_t files, bytes;
    const char *dir = "", *url = "", *waits;
    enum err e = index_folder(ctx, c, &dir, &url);
    if (e != ERR_OK && e != ERR_NOT_FOUND) return e;
    TRY(manifest_head(ctx, c->id, &m));
    if (e == ERR_NOT_FOUND && m.version) {
        dir = m.dir;
        url = m.url;
    }
    TRY(media_sums(ctx, c->id, &files, &bytes));
    TRY(index_waits(ctx, c, &waits));
    return jsn_add(out,
                   json_pack("{s:I, s:s, s:s, s:b, s:I, s:I}", "version", (json_int_t)m.version, "dir", jsn_shown(ctx->arena, dir),
                             "url", url, "waits", *waits != '\0', "files", (json_int_t)files, "bytes", (json_int_t)bytes));
}

enum err shape_circle(struct ctx *ctx, const struct circle *c, json_t **out) {
    struct texts origins, refused;
    struct pulse pulse;
    json_t *statistics, *ice = json_loads(c->ice, 0, NULL);
    TRY(circle_origins(ctx, c, &origins));
    TRY(circle_refused(ctx, c, &refused));
    TRY(numbers(ctx, c, &statistics));
    TRY(pulse_get(ctx, c->id, &pulse));
    *out =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:o, s:I, s:b, s:s, s:s, s:b, s:b, s:I, s:o, s:o, s:o}", "can", c->can,
                  "cid", hex_text(ctx->arena, c->cid.b, sizeof c->cid.b), "api_key", c->api_key, "sign",
                  base64url_text(ctx->arena, c->sign_public, sizeof c->sign_public), "roster", c->roster, "listed", (int)c->listed,
                  "p2p", c->p2p, "ice", ice ? ice : json_array(), "up_kbps", (json_int_t)c->up_kbps, "mirror", (int)c->mirror,
                  "exclude", c->exclude, "worker", c->worker, "removed", c->removed != 0, "exposed", (int)c->exposed, "signals",
                  (json_int_t)pulse.n, "origins", jsn_texts(&origins), "refused", jsn_texts(&refused), "statistics", statistics);
    return *out ? content(ctx, c, *out) : ERR_INTERNAL;
}

enum err shape_circles(struct ctx *ctx, json_t **out) {
    struct circle_list all;
    *out = json_array();
    TRY(circle_list(ctx, &all));
    for (size_t i = 0; i < all.n; i++) {
        json_t *one;
        if (all.all[i].removed) continue;
        TRY(shape_circle(ctx, &all.all[i], &one));
        (void)json_array_append_new(*out, one);
    }
    return ERR_OK;
}

json_t *shape_omitted(const struct omitted all[static OMIT_REASONS]) {
    json_t *list = json_array();
    for (size_t i = 0; i < OMIT_REASONS; i++) {
        const struct omit_reason *reason = &omit_reasons[i];
        json_t *names = json_array();
        if (!all[i].n) continue;
        for (size_t k = 0; k < OMIT_NAMES && all[i].names[k]; k++) (void)json_array_append_new(names, json_string(all[i].names[k]));
        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I, s:o}", "reason", reason->name, "text", reason->text,
                                                    "cure", reason->cure, "n", (json_int_t)all[i].n, "names", names));
    }
    return list;
}

json_t *shape_lines(const struct lines *lines) {
    json_t *list = json_array();
    for (size_t i = 0; i < lines->n; i++) {
        const struct line *line = &lines->all[i];
        json_t *one =
            json_pack("{s:s, s:s, s:s, s:s, s:s, s:s*, s:s*}", "id", line->id, "title", line->title, "level",
                      level_names[line->level], "found", line->found, "why", line->why, "cure", line->cure, "host", line->host);
        if (line->proxies) (void)json_object_set_new(one, "offer", json_pack("{s:s}", "proxies", line->proxies));
        (void)json_array_append_new(list, one);
    }
    return list;
}
