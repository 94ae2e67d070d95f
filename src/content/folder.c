#include "content/folder.h"
#include "content/below.h"
#include "content/manifest.h"
#include "util/named.h"

enum { DEEPEST = 12 };

size_t folder_strays(struct ctx *ctx, const char *data, const char *program, const char *out[static FOLDER_STRAYS]) {
    const char *slash = strrchr(data, '/');
    const char *parent = slash ? arena_copy(ctx->arena, data, (size_t)(slash - data)) : ".";
    const char *const places[] = {parent, strcmp(program, parent) == 0 ? "" : program};
    size_t n = 0, all;
    for (size_t i = 0; i < 2; i++) {
        const char **names = *places[i] ? directory_names(ctx->arena, places[i], &all) : NULL;
        for (size_t k = 0; names && k < all && n < FOLDER_STRAYS; k++) {
            struct stat a, b;
            const char *path = arena_path(ctx->arena, places[i], names[k]);
            if (!named_hidden(names[k]) || stat(path, &a) != 0) continue;
            if (stat(data, &b) != 0 || a.st_ino != b.st_ino || a.st_dev != b.st_dev) out[n++] = path;
        }
    }
    return n;
}

struct roots {
    struct arena *arena;
    const char **out;
    size_t n;
    uid_t program;
    bool ours; /* only directories of our own user or the program's owner */
};

static void add_root(struct roots *r, const char *path) {
    char real[PATH_MAX];
    struct stat st;
    if (r->n == FOLDER_ROOTS || !realpath(path, real) || strcmp(real, "/") == 0 || stat(real, &st) != 0) return;
    bool ours = st.st_uid == geteuid() || st.st_uid == r->program;
    if (!S_ISDIR(st.st_mode) || ours != r->ours || access(real, R_OK | X_OK) != 0) return;
    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->out[i], real) == 0) return;
    r->out[r->n++] = arena_copy(r->arena, real, strlen(real));
}

/* ~/public_html/cgi-bin and ~/public_html/polycircle lie in the document root, ~/cgi-bin beside it. */
static void add_around(struct roots *r, const char *program) {
    const char *end = strrchr(program, '/');
    if (!end) return;
    const char *dir = arena_copy(r->arena, program, (size_t)(end - program));
    const char *name = strrchr(dir, '/');
    if (!name) return;
    const char *above = arena_copy(r->arena, dir, (size_t)(name - dir)), *top = strrchr(above, '/');
    if (named_root(name + 1)) add_root(r, dir);
    if (top && named_root(top + 1)) add_root(r, above);
    if (!named_cgi(name + 1)) return;
    for (size_t i = 0; named_roots[i]; i++) add_root(r, arena_path(r->arena, above, named_roots[i]));
    add_root(r, above);
}

size_t folder_roots(struct ctx *ctx, const char *document_root, const char *program, const char *out[static FOLDER_ROOTS]) {
    struct stat st;
    struct roots r = {.arena = ctx->arena, .out = out, .ours = true};
    r.program = stat(program, &st) == 0 ? st.st_uid : geteuid();
    for (int pass = 0; pass < 2; pass++, r.ours = false) {
        if (*document_root == '/') add_root(&r, document_root);
        add_around(&r, program);
    }
    return r.n;
}

/* Segments without "", ".", ".." and hidden names. */
static bool rel_valid(const char *rel) {
    if (strlen(rel) > CAP_PATH) return false;
    for (const char *p = rel; *p; p += *p == '/' && p[1]) {
        if (*p == '.' || *p == '/') return false;
        p += strcspn(p, "/");
        if (*p == '/' && !p[1]) return false;
    }
    return true;
}

enum err folder_resolve(struct ctx *ctx, const char *root, const char *rel, const char **dir) {
    char top[PATH_MAX], real[PATH_MAX];
    struct stat st;
    if (!rel_valid(rel)) return fault_set(&ctx->fault, ERR_BAD_FIELD, "%.100s is not a folder below the document root.", rel);
    const char *path = *rel ? arena_path(ctx->arena, root, rel) : root;
    if (!realpath(root, top) || !realpath(path, real) || stat(real, &st) != 0) return fault_errno(&ctx->fault, ERR_BAD_FIELD, path);
    size_t len = strlen(top);
    bool inside = strncmp(real, top, len) == 0 && (real[len] == '/' || real[len] == '\0');
    if (!inside || !S_ISDIR(st.st_mode))
        return fault_set(&ctx->fault, ERR_BAD_FIELD, "%.100s is not a folder below the document root.", rel);
    *dir = arena_copy(ctx->arena, real, strlen(real));
    return ERR_OK;
}

struct finder {
    struct arena *arena;
    struct below below; /* the root */
    folder_time *more;
    struct folder_list *out;
    size_t deep;
};

static bool is_media(const char *name) {
    static const char *const kinds[] = {"video/", "audio/", "image/", "application/"};
    const char *type = media_type(name);
    for (size_t i = 0; type && i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(type, kinds[i], strlen(kinds[i])) == 0) return strcmp(type, "application/octet-stream") != 0;
    return false;
}

static const char *in(struct arena *a, const char *folder, const char *name) {
    return *folder ? arena_path(a, folder, name) : name;
}

/* Names of the directories in path, in order; what would be shared is counted into f. */
static const char **read_folder(struct finder *x, const char *path, struct folder *f, size_t *n) {
    size_t all;
    const char **names = directory_list(x->arena, below_list(&x->below, path), &all);
    f->why = names ? 0 : errno;
    *n = 0;
    for (size_t i = 0; names && i < all; i++) {
        struct stat st;
        if (names[i][0] == '.') continue;
        if (!below_stat(&x->below, in(x->arena, path, names[i]), &st)) {
            if (errno == EACCES) f->why = errno;
            continue;
        }
        bool shared = S_ISREG(st.st_mode) && st.st_size > 0 && media_type(names[i]);
        f->files += shared;
        f->bytes += shared ? st.st_size : 0;
        f->media += shared && is_media(names[i]);
        if (S_ISDIR(st.st_mode) && !named_cgi(names[i])) names[(*n)++] = names[i];
    }
    return names;
}

/* after: what is left of the place to go on behind, or NULL once it is passed. false: time is up. */
static bool visit(struct finder *x, const char *path, const char *after) {
    struct folder f = {.path = path};
    size_t n, first = after ? strcspn(after, "/") : 0;
    const char **names = read_folder(x, path, &f, &n);
    if (!after) {
        x->out->all[x->out->n++] = f;
        x->out->next = path;
        if (x->out->n == CAP_FOLDERS || !x->more()) return false;
    }
    if (++x->deep > DEEPEST) n = 0;
    for (size_t i = 0; i < n; i++) {
        int order = after && *after ? strncmp(names[i], after, first) : 1;
        if (order == 0 && names[i][first]) order = 1;
        if (order < 0) continue;
        const char *rest = order > 0 ? NULL : after[first] ? after + first + 1 : after + first;
        if (!visit(x, in(x->arena, path, names[i]), rest)) return false;
    }
    x->deep--;
    return true;
}

enum err folder_list(struct ctx *ctx, const char *root, const char *after, folder_time *more, struct folder_list *out) {
    struct finder x = {.arena = ctx->arena, .below = below_begin(ctx, root), .more = more, .out = out};
    *out = (struct folder_list){.all = arena_alloc(ctx->arena, CAP_FOLDERS * sizeof *out->all)};
    if (after && !rel_valid(after)) return fault_set(&ctx->fault, ERR_BAD_FIELD, "Field \"after\" must be a folder's path.");
    if (visit(&x, "", after)) out->next = NULL;
    below_end(&x.below);
    return ERR_OK;
}

struct sampler {
    struct arena *arena;
    struct below below;
    const char *shut; /* the first that may not be read, or NULL */
    int why;
};

static void note_shut(struct sampler *x, const char *path, int why) {
    if (x->shut || !why || below_absent(why)) return;
    x->shut = path;
    x->why = why;
}

static bool sample(struct sampler *x, const char *folder, int deep, const char **path, struct file_id *id) {
    size_t n;
    const char **names = directory_list(x->arena, below_list(&x->below, folder), &n);
    if (!names) {
        note_shut(x, folder, errno);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (*names[i] == '.' || !is_media(names[i])) continue;
        *path = in(x->arena, folder, names[i]);
        if (!below_look(&x->below, *path, id) ? errno == EACCES : !below_may_read(&x->below, *path))
            note_shut(x, *path, errno);
        else if (id->size)
            return true;
    }
    for (size_t i = 0; i < n && deep; i++) {
        struct stat st;
        const char *full = in(x->arena, folder, names[i]);
        if (*names[i] != '.' && below_stat(&x->below, full, &st) && S_ISDIR(st.st_mode) && sample(x, full, deep - 1, path, id))
            return true;
    }
    return false;
}

enum err folder_sample(struct ctx *ctx, const char *dir, const char **path, struct file_id *id) {
    enum { BELOW = 3 };
    struct sampler x = {.arena = ctx->arena, .below = below_begin(ctx, dir)};
    bool found = sample(&x, "", BELOW, path, id);
    below_end(&x.below);
    if (found) return ERR_OK;
    *path = "";
    *id = (struct file_id){0};
    errno = x.why;
    return x.shut ? fault_errno(&ctx->fault, ERR_BAD_FIELD, *x.shut ? arena_path(ctx->arena, dir, x.shut) : dir) : ERR_OK;
}
