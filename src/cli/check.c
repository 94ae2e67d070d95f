#include "cli/cli.h"
#include "domain/manifest.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum level { OK, WARN, FAIL };

struct report {
    struct cli *cli;
    json_t *lines;
    enum level worst;
};

static void line(struct report *r, enum level level, const char *what, const char *text) {
    static const char *const names[] = {"ok", "warn", "fail"};
    if (level > r->worst) r->worst = level;
    (void)json_array_append_new(r->lines, json_pack("{s:s, s:s, s:s}", "level", names[level], "what", what, "text", text));
    if (!r->cli->json) (void)printf("%-5s %-12s %s\n", names[level], what, text);
}

static void check_mode(struct report *r) {
    struct stat st;
    const char *dir = store_dir(r->cli->ctx.store);
    if (stat(dir, &st) == 0 && (st.st_mode & 077) != 0)
        line(r, FAIL, "directory", arena_text(r->cli->ctx.arena, "%s may be read by others: chmod 700 %s", dir, dir));
    else
        line(r, OK, "directory", dir);
}

static void check_file(struct report *r, enum db db, const char *name) {
    struct fault *fault = &r->cli->ctx.fault;
    enum err e = store_check(r->cli->ctx.store, db, fault);
    line(r, e == ERR_OK ? OK : FAIL, name, e == ERR_OK ? "whole" : err_text(e, fault));
    fault->text[0] = '\0';
}

/* Every CID must be what its CAN and kept pad give. */
static enum err check_ids(struct report *r) {
    struct store *s = r->cli->ctx.store;
    bool row;
    size_t wrong = 0, n = 0;
    TRY(store_find(s, SQL_CIRCLE_PADS, NULL, 0, &row));
    for (; row; n++) {
        struct cid cid = {0};
        uint8_t pad[8] = {0};
        (void)store_bytes(s, SQL_CIRCLE_PADS, 1, cid.b, sizeof cid.b);
        (void)store_bytes(s, SQL_CIRCLE_PADS, 2, pad, sizeof pad);
        wrong += !cid_check(&cid, store_text(s, SQL_CIRCLE_PADS, 0), pad);
        TRY(store_next(s, SQL_CIRCLE_PADS, &row));
    }
    line(r, wrong ? FAIL : OK, "circles", arena_text(r->cli->ctx.arena, "%zu, %zu with a wrong CID", n, wrong));
    return ERR_OK;
}

static enum err check_content(struct report *r, const struct circle *c) {
    struct ctx *ctx = &r->cli->ctx;
    struct manifest m;
    bool row;
    size_t stale = 0, n = 0;
    TRY(manifest_head(ctx, c->id, &m));
    if (m.version == 0 || c->removed) return ERR_OK;
    TRY(store_find(ctx->store, SQL_MEDIA_STAT, ARGS(I(c->id), I(-1), I(0)), &row));
    for (; row; n++) {
        struct file_id now;
        const char *path = arena_text(ctx->arena, "%s/%s", m.dir, store_text(ctx->store, SQL_MEDIA_STAT, 0));
        stale += !file_look(path, &now) || now.size != store_int(ctx->store, SQL_MEDIA_STAT, 1) ||
                 now.mtime != store_int(ctx->store, SQL_MEDIA_STAT, 2);
        TRY(store_next(ctx->store, SQL_MEDIA_STAT, &row));
    }
    line(r, stale ? WARN : OK, c->can,
         stale ? arena_text(ctx->arena, "%zu of %zu files have changed: polycircle publish %s %s", stale, n, c->can, m.dir)
               : arena_text(ctx->arena, "%zu files as published", n));
    return ERR_OK;
}

static enum err run(struct cli *cli) {
    struct report r = {.cli = cli, .lines = json_array()};
    struct circle_list all;
    TRY(cli_open(cli));
    check_mode(&r);
    check_file(&r, MAIN, "polycircle.db");
    check_file(&r, LIVE, "live");
    line(&r, OK, "journal", store_journal(cli->ctx.store));
    TRY(check_ids(&r));
    TRY(circle_list(&cli->ctx, &all));
    for (size_t i = 0; i < all.n; i++) TRY(check_content(&r, &all.all[i]));
    if (cli->json) cli_print_json(cli, json_pack("{s:b, s:O}", "ok", r.worst != FAIL, "checks", r.lines));
    return r.worst == FAIL ? fault_set(&cli->ctx.fault, ERR_DAMAGED, "Something is wrong; the lines above say what.") : ERR_OK;
}

const struct command command_check = {
    "check", "check", "Looks whether the data is whole: files, modes, ids, content.\n", NULL, run,
};
