/* What an owner sees who opens an address of the program in a browser: the pages, which are assets, and instead of them an
 * error in words and steps. Clients of the protocol never ask for text/html, and get JSON. */
#include "circle/instance.h"
#include "handler/handler.h"
#include "host/owner.h"
#include "host/trouble.h"
#include "host/upgrade.h"
#include "util/assets.h"

static const struct {
    const char *path, *asset, *type;
} pages[] = {
    {"setup", "setup.html", "text/html; charset=utf-8"},
    {"console", "console.html", "text/html; charset=utf-8"},
    {"selftest", "selftest.html", "text/html; charset=utf-8"},
    {"owner.js", "owner.js", "text/javascript"},
    {"owner.css", "owner.css", "text/css"},
};
enum { PAGES = sizeof pages / sizeof *pages, FOR_PEOPLE = 3 };

static size_t which(const struct request *req) {
    size_t i = 0;
    while (i < PAGES && strcmp(pages[i].path, req->path) != 0) i++;
    return i;
}

static bool navigates(const struct request *req) {
    return (strcmp(req->method, "GET") == 0 || strcmp(req->method, "HEAD") == 0) && strstr(req->accept, "text/html");
}

bool page_wanted(const struct request *req) {
    return navigates(req) || (which(req) < FOR_PEOPLE && strcmp(req->method, "POST") != 0);
}

/* The address as the browser has it, without its query, and where its last segment begins. */
static const char *last_of(const struct request *req, size_t *len) {
    const char *uri = *req->request_uri ? req->request_uri : req->script, *last = uri;
    size_t n = strcspn(uri, "?");
    for (const char *p = uri; p < uri + n; p++)
        if (*p == '/') last = p + 1;
    *len = (size_t)(uri + n - last);
    return last;
}

/* The program's name, where the bare address in the browser ends in it; "" where it ends in a slash, and for any other. */
static const char *name_in(const struct request *req) {
    size_t len;
    const char *last = last_of(req, &len), *name = file_name(req->script);
    return !*req->path && strlen(name) == len && strncmp(name, last, len) == 0 ? name : "";
}

/* Length of a slash at p; in an address it may be written %2F, which a browser takes for a letter. */
static size_t slash_at(const char *p, bool address) {
    return *p == '/' ? 1 : address && strncasecmp(p, "%2f", 3) == 0 ? 3 : 0;
}

/* How often there are slashes: several together are one to a web server. */
static size_t parts(const char *p, const char *end, bool address) {
    size_t n = 0;
    for (size_t len, before = 0; p < end; p += len ? len : 1, before = len) {
        len = slash_at(p, address);
        n += len && !before;
    }
    return n;
}

/* How many folders below the program's own address the browser takes itself to be. */
static size_t depth(const struct request *req) {
    const char *path = req->path, *uri = req->request_uri, *end = uri + strcspn(uri, "?");
    size_t below = parts(path, path + strlen(path), false), above = parts(uri, end, true), deep = 0;
    if (above <= below) return below; /* the web server does not say */
    for (above -= below; above; above--) { /* behind the first slash of the last of these */
        while (!slash_at(uri, true)) uri++;
        uri += slash_at(uri, true);
        while (above > 1 && slash_at(uri, true)) uri += slash_at(uri, true);
    }
    for (; uri < end; uri++) deep += *uri == '/';
    return deep;
}

/* From the address in the browser to the program's own, relative: behind a proxy or a rewriting rule nobody here knows the
 * absolute one. "./" keeps a ':' from being read as a scheme. */
static const char *way_home(const struct request *req) {
    struct buf out = {.arena = req->arena};
    buf_text(&out, "./");
    if (*req->path)
        for (size_t up = depth(req); up; up--) buf_text(&out, "../");
    else if (*name_in(req))
        buf_format(&out, "%s/", name_in(req));
    return out.data;
}

/* The program's bare address, with or without a slash. Where the web server hands on no path every address looks like that, and
 * would be led to itself for ever. */
enum err handle_home(struct exchange *x) {
    size_t len;
    (void)last_of(x->req, &len);
    if (!navigates(x->req) || (len && !*name_in(x->req))) return ERR_NOT_FOUND;
    const char *page = owner_state(x->ctx, x->server->data) == OWNER_SET ? "console" : "setup";
    x->res->status = 303;
    response_header(x->res, "Location", arena_text(x->ctx->arena, "%s%s", way_home(x->req), page));
    return ERR_OK;
}

static bool plain(const char *text) {
    return !text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.:/[]_-")];
}

/* What a page of ours may speak to besides its own origin: the same host by https, to lead there; the instance's other
 * addresses and the circles' sites, to see whether they serve what they should. A database that cannot be read adds none: the
 * page tells of it. */
static const char *policy(struct exchange *x) {
    enum { MOST = 2048, HOST = 255, NAMED = 64 }; /* web servers take 4 KB of headers from a program (nginx: fastcgi_buffer_size) */
    struct buf text = {.arena = x->ctx->arena};
    struct texts origins = {0};
    buf_text(&text, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri "
                    "'none'; form-action 'none'; connect-src 'self'");
    if (*x->req->host && strlen(x->req->host) <= HOST && plain(x->req->host)) buf_format(&text, " https://%s", x->req->host);
    if (x->ctx->store) (void)!instance_origins(x->ctx, &origins);
    size_t len = text.len;
    for (size_t i = 0; i < origins.n; i++)
        if (plain(origins.all[i])) buf_format(&text, " %s", origins.all[i]);
    if (text.len <= MOST && origins.n <= NAMED) return text.data;
    text.len = len; /* too many to name each: nothing but our own script asks, and only these */
    buf_text(&text, " https:");
    return text.data;
}

static enum err answer_page(struct exchange *x, const char *type, const void *body, size_t len) {
    response_header(x->res, "Content-Security-Policy", policy(x));
    response_header(x->res, "X-Frame-Options", "DENY");
    response_header(x->res, "Referrer-Policy", "no-referrer");
    return response_body(x->res, type, body, len);
}

/* The first look at a fresh instance makes the code that the page asks for; where the code of one that is set up is gone, the
 * next look makes another. */
enum err handle_page(struct exchange *x) {
    size_t i = which(x->req);
    if (i == 0 && !x->ctx->store && x->server->claim) x->server->data = x->server->claim();
    if (i == 0) TRY(owner_open(x->ctx, x->server->data));
    if (i < FOR_PEOPLE) TRY(owner_lock(x->ctx, x->server->data));
    const struct asset *asset = asset_find(pages[i].asset);
    return answer_page(x, pages[i].type, asset->data, asset->len);
}

static void add_escaped(struct buf *out, const char *text) {
    static const struct {
        char c;
        const char *entity;
    } special[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    for (; *text; text++) {
        size_t i = 0;
        while (i < sizeof special / sizeof *special && special[i].c != *text) i++;
        if (i < sizeof special / sizeof *special)
            buf_text(out, special[i].entity);
        else
            buf_add(out, text, 1);
    }
}

static void add_steps(struct buf *out, const struct trouble *t) {
    if (t->steps[0]) buf_text(out, "<h2>What to do</h2>\n<ol>");
    for (size_t i = 0; i < TROUBLE_STEPS && t->steps[i]; i++) {
        buf_text(out, "<li>");
        add_escaped(out, t->steps[i]);
    }
    if (t->steps[0]) buf_text(out, "</ol>");
}

/* error.html, with what stands in it as {title}, {text}, {steps}, {home}. */
void page_error(struct exchange *x, enum err e) {
    struct trouble t;
    struct buf out = {.arena = x->ctx->arena};
    const struct asset *asset = asset_find("error.html");
    const char *p = arena_copy(x->ctx->arena, (const char *)asset->data, asset->len), *home = way_home(x->req);
    trouble_find(x->ctx, x->server->data, e, &t);
    for (;;) {
        size_t n = strcspn(p, "{");
        buf_add(&out, p, n);
        p += n;
        if (!*p) break;
        n = strcspn(p, "}") + 1;
        if (strncmp(p, "{title}", n) == 0) add_escaped(&out, t.title);
        if (strncmp(p, "{text}", n) == 0) add_escaped(&out, t.text);
        if (strncmp(p, "{home}", n) == 0) add_escaped(&out, home);
        if (strncmp(p, "{steps}", n) == 0) add_steps(&out, &t);
        p += n;
    }
    (void)!answer_page(x, pages[0].type, out.data, out.len);
}

static json_t *told(const struct trouble *t) {
    json_t *steps = json_array();
    for (size_t i = 0; i < TROUBLE_STEPS && t->steps[i]; i++) (void)json_array_append_new(steps, json_string(t->steps[i]));
    return json_pack("{s:s, s:s, s:s, s:o}", "error", err_name(t->error), "title", t->title, "text", t->text, "steps", steps);
}

/* Not for each stranger: what costs is done once in a minute, for all who ask; when that was, a file says. Where no data is yet
 * there is none. */
static const char tried_room[] = "tried-room", tried_whole[] = "tried-whole";

static bool lately(struct exchange *x, const char *what) {
    enum { MINUTE = 60 };
    struct stat st;
    int64_t now = x->ctx->now / 1000;
    return stat(arena_path(x->ctx->arena, x->server->data, what), &st) == 0 && st.st_mtime <= now && st.st_mtime > now - MINUTE;
}

static void done_now(struct exchange *x, const char *what) {
    const char *path = arena_path(x->ctx->arena, x->server->data, what);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return;
    (void)!pwrite(fd, "\n", 1, 0);
    (void)close(fd);
}

/* Did the upload come whole? Its size can be compared with the release's; `?whole` has it read, as long as there is a signature. */
static void add_file(struct exchange *x, json_t *out) {
    struct stat st;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    if (fstat(fd, &st) == 0) {
        (void)json_object_set_new(out, "size", json_integer(st.st_size));
        if (*RELEASE_KEY && strcmp(x->req->query, "whole") == 0 && !lately(x, tried_whole)) {
            done_now(x, tried_whole);
            (void)json_object_set_new(out, "whole", json_boolean(upgrade_signed(fd, st.st_size, RELEASE_KEY)));
        }
    }
    (void)close(fd);
}

/* Our program, started in this way, and what keeps it from working: also where nothing is set up. A CGI program's variables
 * are its environment. */
enum err handle_probe(struct exchange *x) {
    struct trouble t = {.error = ERR_OK};
    bool fine = x->unopened == ERR_OK || x->unopened == ERR_NOT_SET_UP;
    json_t *out = json_pack("{s:i, s:s, s:s}", "polycircle", 1, "face", getenv("REQUEST_METHOD") ? "cgi" : "fastcgi", "version",
                            PACKAGE_VERSION);
    bool tried = fine && lately(x, tried_room);
    if (!tried) trouble_find(x->ctx, x->server->data, fine ? ERR_OK : x->unopened, &t);
    if (!tried && x->unopened == ERR_OK && !t.error) done_now(x, tried_room); /* what is wrong is tried again */
    if (t.error) (void)json_object_set_new(out, "trouble", told(&t));
    add_file(x, out);
    return answer_json(x, out);
}
