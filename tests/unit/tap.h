/* The Test Anything Protocol, as automake's driver reads it: checks, then `return done();`. */
#ifndef POLYCIRCLE_TAP_H
#define POLYCIRCLE_TAP_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

__attribute__((format(printf, 3, 4))) static inline bool tap(bool good, int line, const char *name, ...) {
    va_list args;
    va_start(args, name);
    (void)printf("%s %d - ", good ? "ok" : "not ok", ++tap_count);
    (void)vprintf(name, args);
    (void)printf(good ? "\n" : " (line %d)\n", line);
    (void)fflush(stdout); /* before any fork */
    va_end(args);
    tap_failed += !good;
    return good;
}
#define ok(condition, ...) tap(condition, __LINE__, __VA_ARGS__)

#define same_int(got, want, ...)                                                                                 \
    do {                                                                                                         \
        int64_t got_ = (got), want_ = (want);                                                                    \
        if (!ok(got_ == want_, __VA_ARGS__)) (void)printf("# got %" PRId64 ", want %" PRId64 "\n", got_, want_); \
    } while (0)
#define same_text(got, want, ...)                                                   \
    do {                                                                            \
        const char *got_ = (got), *want_ = (want);                                  \
        if (!ok(got_ && strcmp(got_, want_) == 0, __VA_ARGS__))                     \
            (void)printf("# got '%s', want '%s'\n", got_ ? got_ : "(null)", want_); \
    } while (0)

static inline int done(void) {
    (void)printf("1..%d\n", tap_count);
    return tap_failed != 0;
}

#endif
