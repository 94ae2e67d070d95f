#include "content/compare.h"
#include "content/manifest.h"
#include "content/walk.h"

enum { PART = 8 };

struct state {
    struct ctx *ctx;
    struct below below;
    int64_t circle;
    const char *exclude; /* the owner's patterns */
    struct compare *k;
    struct media_page page; /* what is published behind k->after */
    size_t next; /* of it */
    enum err failed;
    size_t looked, listed; /* names */
};

/* A page is read whole: whoever writes meanwhile must not wait for the disk that is compared. */
static void turn_page(struct state *s, const char *after) {
    s->failed = media_turn(s->ctx, s->circle, after, &s->page);
    s->next = 0;
}

/* The next that is published; NULL: none. */
static const struct published *upcoming(struct state *s) {
    const struct media_page *page = &s->page;
    if (s->failed == ERR_OK && s->next == MEDIA_PAGE) turn_page(s, page->all[MEDIA_PAGE - 1].path);
    return s->failed == ERR_OK && s->next < page->n ? &page->all[s->next] : NULL;
}

static bool is_directory(DIR *dir, const struct dirent *entry) {
    struct stat st;
    if (entry->d_type != DT_UNKNOWN) return entry->d_type == DT_DIR;
    return fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* The paths in a folder, those of folders with a slash at their end: in the order of bytes this is the order of all that is below.
 */
static struct texts paths_in(struct state *s, const char *below, DIR *dir) {
    bool first = strcmp(s->k->after, below) == 0; /* no step before this one has looked into it */
    struct arena *a = s->k->arena;
    struct texts all = {0};
    for (struct dirent *entry; (entry = readdir(dir)); s->listed++) {
        if (directory_itself(entry->d_name)) continue;
        if (entry->d_name[0] == '.') {
            if (first) omit(a, s->k->omitted, OMIT_HIDDEN, arena_text(a, "%s%s", below, entry->d_name));
            continue;
        }
        texts_add(a, &all, arena_text(a, "%s%s%s", below, entry->d_name, is_directory(dir, entry) ? "/" : ""));
    }
    texts_sort(&all);
    return all;
}

/* One more was looked at. What is published and was not met on the way here is missing. To list a folder takes its time, too, and
 * each step lists those that it is in: so it goes through a part of their names at least, or a large one would never end. */
static enum compared passed(struct state *s, const char *path) {
    const struct published *p = upcoming(s);
    s->k->after = path;
    if (p && strcmp(p->path, path) <= 0) return COMPARED_OTHER;
    return ++s->looked < s->k->most + s->listed / PART ? COMPARED_SAME : COMPARED_SO_FAR;
}

static bool same(const struct published *p, const struct file_id *now, const char *type) {
    return !p->doubted && file_same(now, &p->file) && strcmp(type, p->type) == 0;
}

static enum compared compare_file(struct state *s, const char *path) {
    struct file_id now;
    const char *type = "";
    const struct published *p = upcoming(s);
    if (p && strcmp(p->path, path) != 0) p = NULL;
    enum omit is = walk_name(path, s->exclude);
    if (is == OMIT_NOT) is = walk_look(&s->below, path, &now, &type);
    if (is == OMIT_NOT && !p && walk_young(s->ctx, s->k->patient, &now)) is = OMIT_YOUNG;
    if (is == OMIT_NOT_FOLDER || (is == OMIT_NOT && (!p || !same(p, &now, type)))) return COMPARED_OTHER;
    s->next += is == OMIT_NOT;
    if (is < OMIT_REASONS) omit(s->k->arena, s->k->omitted, is, path);
    return passed(s, path);
}

static enum compared compare_folder(struct state *s, const char *below, DIR *dir);

/* path ends with a slash. */
static enum compared enter(struct state *s, const char *path) {
    const char *name = arena_copy(s->k->arena, path, strlen(path) - 1);
    bool begun = strncmp(s->k->after, path, strlen(path)) == 0;
    enum omit shut = walk_name(name, s->exclude);
    DIR *dir = shut == OMIT_NOT ? below_list(&s->below, name) : NULL;
    if (shut == OMIT_NOT) shut = walk_shut(errno);
    if (!dir && !begun && shut < OMIT_REASONS) omit(s->k->arena, s->k->omitted, shut, path);
    enum compared is = begun ? COMPARED_SAME : passed(s, path);
    if (dir && is == COMPARED_SAME) return compare_folder(s, path, dir);
    if (dir) (void)closedir(dir);
    return is;
}

static enum compared compare_folder(struct state *s, const char *below, DIR *dir) {
    const struct texts paths = paths_in(s, below, dir);
    enum compared is = COMPARED_SAME;
    (void)closedir(dir);
    for (size_t i = 0; i < paths.n && is == COMPARED_SAME; i++) {
        const char *path = paths.all[i];
        size_t len = strlen(path);
        bool folder = path[len - 1] == '/', begun = folder && strncmp(s->k->after, path, len) == 0;
        if (!begun && strcmp(path, s->k->after) <= 0) continue;
        is = folder ? enter(s, path) : compare_file(s, path);
    }
    return is;
}

enum err compare(struct ctx *ctx, const struct circle *c, struct compare *k, enum compared *out) {
    struct state s = {.ctx = ctx, .circle = c->id, .k = k, .exclude = c->exclude};
    memset(k->omitted, 0, sizeof k->omitted);
    *out = COMPARED_OTHER;
    s.below = below_begin(ctx, k->dir);
    DIR *dir = below_list(&s.below, "");
    if (dir) {
        turn_page(&s, k->after);
        *out = compare_folder(&s, "", dir);
    }
    below_end(&s.below);
    if (*out == COMPARED_SAME && upcoming(&s)) *out = COMPARED_OTHER;
    arena_free(&s.page.arena);
    return s.failed;
}
