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

/* Length of the UTF-8 character at p (RFC 3629), 0: none, or a control character. */
static size_t character(const unsigned char *p) {
    size_t n = *p < 0x80 ? 1 : *p >= 0xc2 && *p < 0xe0 ? 2 : (*p & 0xf0) == 0xe0 ? 3 : *p >= 0xf0 && *p < 0xf5 ? 4 : 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    bool overlong = (*p == 0xe0 && p[1] < 0xa0) || (*p == 0xf0 && p[1] < 0x90);
    bool none = (*p == 0xed && p[1] > 0x9f) || (*p == 0xf4 && p[1] > 0x8f) || *p < 0x20 || *p == 0x7f;
    return overlong || none ? 0 : n;
}

void text_clean(char *text) {
    for (unsigned char *p = (unsigned char *)text; *p;) {
        size_t n = character(p);
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

enum err fault_errno(struct fault *fault, enum err e, const char *path) {
    return fault_set(fault, e, "%.200s: %s.", path, strerror(errno));
}
