/* JSON both ways, by jansson, strict. The only place that decides how jansson gets memory: from the request's arena, so nothing
 * is ever freed one by one. Getters check type and bounds while they read and name the field in the fault; on any error *out is
 * as it was. */
#pragma once
#include "util/buf.h"
#include "util/err.h"
#include "util/texts.h"
#include <jansson.h>

/* From now on every json_t lives in a, until it is reset. */
void jsn_use(struct arena *a);

/* One object, no key twice, nothing behind it, valid UTF-8. */
enum err jsn_parse(json_t **out, const char *text, size_t len, struct fault *fault);
/* Compact, in the order in which keys were set. */
void jsn_dump(struct buf *out, const json_t *value);
/* A string, of text that is UTF-8. For texts too long, or too many, to be values first. */
void jsn_quote(struct buf *out, const char *text);
/* The inside of one, or of a part of one. */
void jsn_escape(struct buf *out, const char *text, size_t len);

/* A text of the host (a path, a server's name) as JSON can say it: that may be anything, and is here only shown. */
const char *jsn_shown(struct arena *a, const char *text);

/* An array of them; what is not UTF-8 is left out. */
json_t *jsn_texts(const struct texts *list);

/* A long text quoted between others, a slice at a time: quoted whole it would be in memory twice. */
struct jsn_quoted {
    const char *head, *text, *tail; /* as they are, and in between what is quoted; tail NULL: it was given, too */
    size_t left, total; /* of text; given so far */
    struct buf slice;
};
/* A gzip_source of a struct jsn_quoted. */
size_t jsn_quoted_next(void *quoted, const char **slice);
/* more's members become members of object, too. more is NULL when a text of it is not UTF-8. */
enum err jsn_add(json_t *object, json_t *more);

/* A string of min..max bytes, required. */
enum err jsn_text(const json_t *object, const char *key, size_t min, size_t max, const char **out, struct fault *fault);
/* Absent: *out stays as it is (set it before). */
enum err jsn_optional_text(const json_t *object, const char *key, size_t min, size_t max, const char **out, struct fault *fault);
/* A string of [A-Za-z0-9_-]{1,CAP_ID}, required. */
enum err jsn_id(const json_t *object, const char *key, const char **out, struct fault *fault);
/* 2 * len lower-case hex digits, required. */
enum err jsn_hex(const json_t *object, const char *key, uint8_t *out, size_t len, struct fault *fault);
/* Absent: *out stays as it is. */
enum err jsn_int(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out, struct fault *fault);
enum err jsn_bool(const json_t *object, const char *key, bool *out, struct fault *fault);
/* An array of at most max members; *out is NULL when absent. */
enum err jsn_list(const json_t *object, const char *key, size_t max, json_t **out, struct fault *fault);
