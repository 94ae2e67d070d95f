#include "content/walk.h"
#include "content/manifest.h"
#include <fnmatch.h>

enum { DEEPEST = 32, YOUNG_S = 10 };

/* Is it path, or a folder above it? */
static bool leads_to(const char *pattern, const char *path) {
    char part[CAP_PATH + 1];
    for (size_t len = 0; path[len]; len += path[len] == '/') {
        len += strcspn(path + len, "/");
        (void)snprintf(part, sizeof part, "%.*s", (int)len, path);
        if (fnmatch(pattern, part, FNM_PATHNAME) == 0) return true;
    }
    return false;
}

static bool names(const char *pattern, const char *path) {
    char part[CAP_PATH + 1];
    for (size_t len; *path; path += len + (path[len] == '/')) {
        len = strcspn(path, "/");
        (void)snprintf(part, sizeof part, "%.*s", (int)len, path);
        if (fnmatch(pattern, part, 0) == 0) return true;
    }
    return false;
}

static bool excluded(const char *path, const char *exclude) {
    char pattern[CAP_PATTERN + 1];
    for (size_t len; *exclude; exclude += len + (exclude[len] == '\n')) {
        len = strcspn(exclude, "\n");
        (void)snprintf(pattern, sizeof pattern, "%.*s", (int)len, exclude);
        for (size_t end = strlen(pattern); end && pattern[end - 1] == '/';) pattern[--end] = '\0';
        const char *from = pattern + (pattern[0] == '/');
        if (*from && (strchr(pattern, '/') ? leads_to(from, path) : names(from, path))) return true;
    }
    return false;
}

enum omit walk_name(const char *path, const char *exclude) {
    size_t slashes = 0;
    for (const char *p = path; *p; p++) slashes += *p == '/';
    if (strlen(path) > CAP_PATH || slashes >= DEEPEST || !text_utf8(path)) return OMIT_NAME;
    return excluded(path, exclude) ? OMIT_EXCLUDED : OMIT_NOT;
}

enum omit walk_shut(int why) { /* what was there a moment ago may be something else by now, a link as well */
    return why == 0 ? OMIT_OWN : below_absent(why) || why == ELOOP ? OMIT_NOTHING : OMIT_UNREADABLE;
}

enum omit walk_look(struct below *b, const char *path, struct file_id *file, const char **type) {
    struct stat st;
    if (!below_stat(b, path, &st)) return walk_shut(errno);
    if (S_ISDIR(st.st_mode)) return OMIT_NOT_FOLDER;
    if (S_ISLNK(st.st_mode)) return OMIT_LINK;
    if (!file_identify(&st, file)) return OMIT_SPECIAL;
    if (!file->size) return OMIT_EMPTY;
    if (file->size > media_most()) return OMIT_LARGE;
    if (!(*type = media_type(path))) return OMIT_PROGRAM;
    return below_may_read(b, path) || below_absent(errno) ? OMIT_NOT : OMIT_UNREADABLE;
}

bool walk_young(const struct ctx *ctx, bool patient, const struct file_id *file) {
    int64_t age = ctx->now / 1000 - file->mtime; /* one of the future is of a clock that differs */
    return patient && age < YOUNG_S && age >= -YOUNG_S;
}
