#include "util/err.h"
#include <stdarg.h>

static const struct {
    const char *name;
    int status;
    const char *text;
} errors[ERR_COUNT] = {
#define ERR_ROW(id, name, status, text) {#name, status, text},
    ERR_TABLE(ERR_ROW)
#undef ERR_ROW
};

const char *err_name(enum err e) {
    return errors[e].name;
}

int err_status(enum err e) {
    return errors[e].status;
}

const char *err_text(enum err e, const struct fault *fault) {
    return fault && fault->text[0] ? fault->text : errors[e].text;
}

/* Length of the UTF-8 character at p (RFC 3629), 0: none. */
static size_t character(const unsigned char *p) {
    size_t n = *p < 0x80 ? 1 : *p >= 0xc2 && *p < 0xe0 ? 2 : (*p & 0xf0) == 0xe0 ? 3 : *p >= 0xf0 && *p < 0xf5 ? 4 : 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    bool overlong = (*p == 0xe0 && p[1] < 0xa0) || (*p == 0xf0 && p[1] < 0x90);
    bool none = (*p == 0xed && p[1] > 0x9f) || (*p == 0xf4 && p[1] > 0x8f);
    return overlong || none ? 0 : n;
}

bool text_utf8(const char *text) {
    for (size_t n; *text; text += n)
        if ((n = character((const unsigned char *)text)) == 0) return false;
    return true;
}

void text_clean(char *text) {
    for (unsigned char *p = (unsigned char *)text; *p;) {
        size_t n = *p < 0x20 || *p == 0x7f ? 0 : character(p);
        if (n == 0) *p = '?';
        p += n ? n : 1;
    }
}

enum err fault_set(struct fault *fault, enum err e, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
    text_clean(fault->text);
    return e;
}

/* What its owner does about it. */
static const char *next_step(int why) {
    static const struct {
        int why;
        const char *step;
    } steps[] = {
        {ENOENT, "look at the names in this path, one of them is not there"},
        {ENOTDIR, "look whether each part of this path is a folder"},
        {EACCES,
         "give it permissions that let this program's user at it (by FTP: 755 for a folder, 644 for a file), then try again"},
        {EPERM, "ask the host to let this program do it"},
        {ENOSPC, "delete what is no longer needed, then try again: there is no room"},
        {EDQUOT, "delete what is no longer needed, then try again: your quota is used up"},
        {EROFS, "try again in some minutes, and when it stays so ask the host: its disk is closed for writing"},
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (steps[i].why == why) return steps[i].step;
    return "try again, and when it stays so send this to your host";
}

/* What is not there could not be made: to be put right is its folder. false: path is there, or alone. */
static bool folder_shut(const char *path, char folder[static PATH_MAX], struct stat *st) {
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path || strlen(path) >= PATH_MAX || lstat(path, st) == 0 || errno != ENOENT) return false;
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = '\0';
    return stat(folder, st) == 0;
}

enum err fault_errno(struct fault *fault, enum err e, const char *path) {
    int why = errno;
    char folder[PATH_MAX];
    struct stat st;
    if (why == EACCES && folder_shut(path, folder, &st)) {
        path = folder;
        if (st.st_uid != geteuid())
            return fault_set(
                fault, e,
                "%.200s belongs to user %ld, and the program runs as user %ld, who may not write there: ask the host to "
                "run your programs as you (suEXEC). (%s)",
                path, (long)st.st_uid, (long)geteuid(), strerror(why));
    }
    return fault_set(fault, e, "%.200s: %s. (%s)", path, next_step(why), strerror(why));
}
