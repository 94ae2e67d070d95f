#include "domain/spool.h"
#include "domain/mailbox.h"
#include <sodium.h>

static const char prefix[] = "box-", ending[] = ".json";

enum err spool_get(struct ctx *ctx, const struct spool **out) {
    const char *cors;
    *out = ctx->spool;
    if (*out) return ERR_OK;
    struct spool *spool = arena_alloc(ctx->arena, sizeof *spool);
    TRY(setting_get(ctx, "spool_dir", &spool->dir));
    spool->url = "";
    if (*spool->dir) TRY(setting_get(ctx, "spool_url", &spool->url));
    if (!*spool->url) spool->dir = "";
    if (*spool->dir) {
        TRY(setting_get(ctx, "spool_cors", &cors));
        spool->cors = strcmp(cors, "yes") == 0;
    }
    *out = ctx->spool = spool;
    return ERR_OK;
}

bool spool_serves(struct ctx *ctx, const struct spool *spool, const char *origin) {
    const char *own;
    if (!*spool->dir) return false;
    return spool->cors || !*origin || (origin_of(ctx->arena, spool->url, &own) && strcmp(own, origin) == 0);
}

static const char *box_name(struct ctx *ctx, const struct signal *s) {
    return arena_text(ctx->arena, "%s%s%s", prefix, hex_text(ctx->arena, s->box, sizeof s->box), ending);
}

const char *spool_box_url(struct ctx *ctx, const struct spool *spool, const struct signal *s) {
    return arena_text(ctx->arena, "%s%s", spool->url, box_name(ctx, s));
}

void spool_put(struct ctx *ctx, const struct spool *spool, const char *name, const void *body, size_t len) {
    const char *path = arena_path(ctx->arena, spool->dir, name);
    if (!body)
        (void)unlink(path);
    else if (!file_says(path, body, len) && !file_put(path, body, len, 0644))
        (void)fprintf(stderr, "polycircle: the spool file %s cannot be written\n", path);
}

/* Does its name say so? The setting may be wrong: then neither site gets an index.html, nor loses one. */
static bool is_spool(const char *dir) {
    const char *slash = strrchr(dir, '/');
    return slash && strstr(slash, "spool");
}

/* Where the owner has made the directory, there may be no index yet, and a web server that lists it. */
enum err spool_box_open(struct ctx *ctx, struct signal *s) {
    const struct spool *spool;
    spool_box_close(ctx, s);
    TRY(spool_get(ctx, &spool));
    if (is_spool(spool->dir)) (void)file_make(arena_text(ctx->arena, "%s/index.html", spool->dir), "", 0, 0644);
    randombytes_buf(s->box, sizeof s->box);
    s->boxed = true;
    return ERR_OK;
}

void spool_box_close(struct ctx *ctx, struct signal *s) {
    const struct spool *spool;
    if (!s->boxed) return;
    if (spool_get(ctx, &spool) == ERR_OK && *spool->dir) spool_put(ctx, spool, box_name(ctx, s), NULL, 0);
    s->boxed = false; /* also when the spool was switched off: else it would keep a box's pace, without the budget */
}

enum err spool_box_write(struct ctx *ctx, struct signal *s, bool call) {
    const struct spool *spool;
    struct mail_in *mail;
    struct buf text = {.arena = ctx->arena};
    size_t n;
    int64_t last;
    if (!s->boxed) return ERR_OK;
    TRY(spool_get(ctx, &spool));
    if (!*spool->dir) return ERR_OK;
    s->box_v++;
    TRY(store_run(ctx->store, SQL_SIGNAL_BOX, ARGS(I(s->id), I(s->box_v))));
    TRY(mail_read(ctx, s, 0, &mail, &n, &last));
    jsn_dump(&text, json_pack("{s:i, s:I, s:b, s:o}", "polycircle", 1, "v", (json_int_t)s->box_v, "call", (int)call, "mail",
                              mail_json(ctx, store_gen(ctx->store), mail, n)));
    spool_put(ctx, spool, box_name(ctx, s), text.data, text.len);
    return ERR_OK;
}

enum err spool_call_greeter(struct ctx *ctx, int64_t circle, int64_t except) {
    struct signal s;
    bool row;
    TRY(store_find(ctx->store, SQL_SIGNAL_CALL, ARGS(I(circle), I(ctx->now), I(except), I((int64_t)randombytes_uniform(8))), &row));
    if (!row) return ERR_OK;
    signal_row(ctx, SQL_SIGNAL_CALL, &s);
    store_reset(ctx->store, SQL_SIGNAL_CALL);
    return spool_box_write(ctx, &s, true);
}

void spool_sweep(struct ctx *ctx, const struct spool *spool) {
    size_t n;
    const char **names = directory_names(ctx->arena, spool->dir, &n);
    for (size_t i = 0; i < n; i++) {
        struct file_id id;
        const char *path = arena_path(ctx->arena, spool->dir, names[i]);
        bool box = strncmp(names[i], prefix, sizeof prefix - 1) == 0;
        if (box && file_look(path, &id) && id.mtime < (ctx->now - SPAN_BOX_OLD) / 1000) (void)unlink(path);
    }
}

void spool_clear(struct ctx *ctx, const char *dir) {
    static const char *const ours[] = {"box-",     "roster-",    "signal-",    "manifest-",
                                       "package-", "probe.json", "index.html", ".htaccess"};
    size_t n = is_spool(dir) ? sizeof ours / sizeof *ours : 5;
    DIR *d = opendir(dir);
    for (struct dirent *entry; d && (entry = readdir(d));)
        for (size_t i = 0; i < n; i++)
            if (strncmp(entry->d_name, ours[i], strlen(ours[i])) == 0)
                (void)unlink(arena_text(ctx->arena, "%s/%s", dir, entry->d_name));
    if (d) (void)closedir(d);
    if (is_spool(dir)) (void)rmdir(dir);
}
