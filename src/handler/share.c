/* The owner's actions that choose a folder and make it a circle's content. */
#include "circle/origin.h"
#include "content/folder.h"
#include "content/index.h"
#include "handler/owner.h"
#include "handler/shape.h"
#include "host/choices.h"

/* Work stops here; an answer takes two seconds at the most, wherever the last file ends. */
enum { WORK_MS = 1500, FIRST_UNIT = 1 << 20, LARGEST_UNIT = 64 << 20 };

struct clock {
    int64_t until, since, unit;
};
static struct clock pace;

static void clock_start(void) {
    int64_t now = clock_now();
    pace = (struct clock){now + WORK_MS, now, FIRST_UNIT};
}

static bool time_left(void) {
    return clock_now() < pace.until;
}

/* Larger units where the disk is quick; none that would not be done in time if it goes on as it went. */
static int64_t budget(void *, const struct walk *) {
    int64_t now = clock_now(), took = now - pace.since;
    pace.since = now;
    if (took < 150 && pace.unit < LARGEST_UNIT) pace.unit *= 2;
    if (took > 400 && pace.unit > FIRST_UNIT / 4) pace.unit /= 2;
    return now + took / 2 < pace.until ? pace.unit : 0;
}

static enum err find_root(struct exchange *x, const char **root) {
    TRY(setting_get(x->ctx, "root", root));
    if (**root) return ERR_OK;
    return fault_set(&x->ctx->fault, ERR_BAD_FIELD, "The document root is not known yet: choose it first.");
}

enum err owner_folders(struct exchange *x, const json_t *in, json_t *out) {
    struct folder_list list;
    const char *root, *after = NULL;
    json_t *folders = json_array();
    TRY(jsn_optional_text(in, "after", 0, CAP_PATH, &after, &x->ctx->fault));
    TRY(find_root(x, &root));
    clock_start();
    TRY(folder_list(x->ctx, root, after, time_left, &list));
    for (size_t i = 0; i < list.n; i++) {
        const struct folder *f = &list.all[i];
        json_t *path = json_string(f->path); /* NULL: not UTF-8, and so not to be shared */
        json_t *row =
            path ? json_pack("[o, I, I, I]", path, (json_int_t)f->files, (json_int_t)f->bytes, (json_int_t)f->media) : NULL;
        if (row && f->why) (void)json_array_append_new(row, json_string(strerror(f->why)));
        if (row) (void)json_array_append_new(folders, row);
    }
    (void)json_object_set_new(out, "folders", folders);
    if (list.next) (void)json_object_set_new(out, "next", json_string(list.next));
    return ERR_OK;
}

static enum err find_folder(struct exchange *x, const json_t *in, const char **rel, const char **dir) {
    const char *root;
    TRY(jsn_text(in, "folder", 0, CAP_PATH, rel, &x->ctx->fault));
    TRY(find_root(x, &root));
    return folder_resolve(x->ctx, root, *rel, dir);
}

static const char *folder_url(struct exchange *x, const char *rel) {
    return *rel ? arena_text(x->ctx->arena, "/%s/", percent_path(x->ctx->arena, rel)) : "/";
}

/* What the browser should see when it asks the site for a file of the folder. */
enum err owner_look(struct exchange *x, const json_t *in, json_t *out) {
    const char *rel, *dir, *path;
    struct file_id id;
    TRY(find_folder(x, in, &rel, &dir));
    TRY(folder_sample(x->ctx, dir, &path, &id));
    json_t *seen = json_pack("{s:s, s:s, s:I, s:I}", "url", folder_url(x, rel), "file", percent_path(x->ctx->arena, path), "size",
                             (json_int_t)id.size, "mtime", (json_int_t)id.mtime);
    return jsn_add(out, seen) == ERR_OK ? ERR_OK : ERR_BAD_FIELD;
}

/* A site of its own address is one whose pages may use the circle. */
static enum err read_url(struct exchange *x, const struct circle *c, const json_t *in, const char **url) {
    const char *origin;
    TRY(jsn_optional_text(in, "url", 1, 1000, url, &x->ctx->fault));
    size_t len = strlen(*url);
    bool whole = origin_of(x->ctx->arena, *url, &origin);
    if ((!whole && **url != '/') || (*url)[len - 1] != '/' || !url_plain(*url))
        return fault_set(&x->ctx->fault, ERR_BAD_FIELD, "%.100s: give /films/ or https://site.example/films/", *url);
    return whole ? choices_allow(x->ctx, c, &origin, 1) : ERR_OK;
}

static enum err put_walk(json_t *out, const struct walk *w) {
    json_t *walk = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:I, s:s, s:o}", "files", (json_int_t)w->files, "bytes",
                             (json_int_t)w->bytes, "done", (json_int_t)w->done, "skipped", (json_int_t)w->skipped, "changed",
                             (json_int_t)w->changed, "hashed", (json_int_t)w->hashed, "doubted", (json_int_t)w->doubted, "finished",
                             w->finished != 0, "same", (int)w->same, "version", (json_int_t)w->version, "current", w->current,
                             "left_out", shape_omitted(w->omitted));
    return jsn_add(out, walk);
}

/* Begins the walk through a folder; without one, through that of the last time: what is new there is found. */
enum err owner_share(struct exchange *x, const json_t *in, json_t *out) {
    struct circle c;
    struct walk w;
    struct file_id id;
    const char *rel, *dir, *url, *sample;
    bool patient = false;
    TRY(owner_find_circle(x, in, &c));
    TRY(jsn_bool(in, "patient", &patient, &x->ctx->fault));
    if (json_object_get(in, "folder")) {
        TRY(find_folder(x, in, &rel, &dir));
        url = folder_url(x, rel);
        TRY(read_url(x, &c, in, &url));
        TRY(folder_sample(x->ctx, dir, &sample, &id));
        if (*sample) TRY(manifest_move(x->ctx, &c, dir, url)); /* with nothing to share the walk refuses it, and all stays */
    } else {
        TRY(index_folder(x->ctx, &c, &dir, &url));
    }
    TRY(index_begin(x->ctx, &c, dir, url, patient ? INDEX_PATIENT : 0));
    TRY(index_look(x->ctx, &c, &w));
    return put_walk(out, &w);
}

/* Goes on with it for up to two seconds. */
enum err owner_index(struct exchange *x, const json_t *in, json_t *out) {
    struct circle c;
    struct walk w;
    TRY(owner_find_circle(x, in, &c));
    clock_start();
    TRY(index_run(x->ctx, &c, budget, NULL, &w));
    return put_walk(out, &w);
}
