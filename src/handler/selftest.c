/* The self-test's side of the program: what a browser measures against, and the owner's actions (handler/owner.c). */
#include "circle/instance.h"
#include "circle/spool.h"
#include "handler/owner.h"
#include "handler/shape.h"
#include "host/settings.h"
#include "util/gzip.h"
#include <sodium.h>

/* GET and POST measure: an answer that is never the same twice, so that caches show; measure.gz: packed bytes that nobody on
 * the way may change. Anybody may ask: it tells no more than a request's own form. */
enum err handle_measure(struct exchange *x) {
    static const char sample[] = "polycircle";
    struct buf body = {.arena = x->ctx->arena};
    if (strcmp(x->req->path, "measure.gz") == 0) {
        TRY(gzip_pack(&body, sample, sizeof sample - 1));
        return response_body(x->res, "application/gzip", body.data, body.len);
    }
    uint8_t random[8];
    json_t *in;
    if (strcmp(x->req->method, "POST") == 0) TRY(request_json(x->req, &in, &x->ctx->fault));
    randombytes_buf(random, sizeof random);
    jsn_dump(&body,
             json_pack("{s:i, s:s, s:I, s:i, s:b}", "polycircle", 1, "nonce", hex_text(x->ctx->arena, random, sizeof random), "now",
                       (json_int_t)x->ctx->now, "pid", (int)getpid(), "authorization", *x->req->authorization != '\0'));
    return response_body(x->res, "application/json", body.data, body.len);
}

static struct facts facts_of(struct exchange *x) {
    static char program[PATH_MAX];
    const struct request *r = x->req;
    return (struct facts){
        .web = true,
        .fastcgi = *r->fcgi_role,
        .server = r->software,
        .https = r->https,
        .address = r->address,
        .forwarded = r->forwarded,
        .host = r->host,
        .path_info = r->path_info,
        .root = r->document_root,
        .program = file_program(program, sizeof program) ? program : "",
        .data = x->server->data,
        .trouble = x->ctx->store || x->unopened == ERR_NOT_SET_UP ? "" : err_text(x->unopened, &x->ctx->fault),
    };
}

/* The server's lines, and what the page needs to measure the rest. */
enum err owner_selftest(struct exchange *x, const json_t *, json_t *out) {
    struct lines lines;
    struct facts facts = facts_of(x);
    struct texts bases = {0};
    json_t *now = json_object();
    struct arena *a = x->ctx->arena;
    const char *spool;
    TRY(settings_spool_place(x->ctx, x->req->document_root, &spool));
    if (x->ctx->store) TRY(instance_urls(x->ctx, &bases));
    for (size_t i = 0; x->ctx->store && i < settings_count; i++) {
        const char *value;
        TRY(setting_get(x->ctx, settings[i].name, &value));
        (void)json_object_set_new(now, settings[i].name, json_string(jsn_shown(x->ctx->arena, value)));
    }
    selftest_lines(x->ctx, &facts, &lines);
    return jsn_add(out,
                   json_pack("{s:o, s:o, s:o, s:s*, s:s, s:s, s:s}", "lines", shape_lines(&lines), "bases", jsn_texts(&bases),
                             "settings", now, "spool", spool ? jsn_shown(a, spool) : NULL, "data", jsn_shown(a, x->server->data),
                             "root", jsn_shown(a, x->req->document_root), "version", PACKAGE_VERSION));
}

/* Holds a process as a slow request would: to see how many the host lets run. The alarm of the transport is at 25 s. */
enum err owner_stay(struct exchange *x, const json_t *in, json_t *out) {
    int64_t ms = 1000;
    TRY(jsn_int(in, "ms", 0, SPAN_ANSWER - 1000, &ms, &x->ctx->fault));
    struct timespec rest = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&rest, NULL);
    return jsn_add(out, json_pack("{s:I, s:I}", "from", (json_int_t)x->ctx->now, "to", (json_int_t)clock_now()));
}

/* {"value": hex, "htaccess": bool}: the spool is tried; without a value the trial ends. */
enum err owner_spool(struct exchange *x, const json_t *in, json_t *out) {
    struct ctx *ctx = x->ctx;
    const char *dir, *value = "";
    bool htaccess = false;
    TRY(jsn_optional_text(in, "value", 1, CAP_ID, &value, &ctx->fault));
    TRY(jsn_bool(in, "htaccess", &htaccess, &ctx->fault));
    if (*value) TRY(jsn_id(in, "value", &value, &ctx->fault));
    TRY(settings_spool_place(ctx, x->req->document_root, &dir));
    if (!dir)
        return fault_set(&ctx->fault, ERR_FILES,
                         "The web server does not say where the folder of the site is: ask the host to (polycircle set root DIR).");
    (void)json_object_set_new(out, "dir", json_string(jsn_shown(ctx->arena, dir)));
    return *value ? spool_try(ctx, dir, value, htaccess) : settings_spool_end(ctx, dir);
}

enum err owner_use(struct exchange *x, const json_t *in, json_t *out) {
    enum { LONGEST = 400 };
    struct fault *fault = &x->ctx->fault;
    struct findings found = {0};
    TRY(jsn_optional_text(in, "spool_url", 0, LONGEST, &found.spool_url, fault));
    TRY(jsn_optional_text(in, "wire", 1, 1, &found.wire, fault));
    TRY(jsn_optional_text(in, "proxies", 0, LONGEST, &found.proxies, fault));
    TRY(jsn_int(in, "budget", 1, 20, &found.budget, fault));
    TRY(jsn_bool(in, "htaccess", &found.htaccess, fault));
    TRY(jsn_bool(in, "cors", &found.cors, fault));
    TRY(settings_use(x->ctx, x->req->document_root, &found));
    return jsn_add(out, json_pack("{s:s}", "journal", store_journal(x->ctx->store)));
}
