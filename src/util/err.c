#include "util/err.h"

#include <stdarg.h>
#include <stdio.h>

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

enum err fault_set(struct fault *fault, enum err e, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
    return e;
}
