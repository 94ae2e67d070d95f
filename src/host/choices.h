/* What an owner chose once and chooses otherwise later, of a circle and of the instance's addresses. A change stands in the loader
 * at once, in that of the spool too; browsers keep a loader for four minutes. */
#pragma once
#include "circle/circle.h"

/* As circle_change(). */
enum err choices_set(struct ctx *ctx, const struct circle *c, const struct choices *chosen);
/* As circle_remove(). */
enum err choices_remove(struct ctx *ctx, const struct circle *c);
/* As circle_allow(), circle_refuse(): all of them, or none. */
enum err choices_allow(struct ctx *ctx, const struct circle *c, const char *const *urls, size_t n);
enum err choices_refuse(struct ctx *ctx, const struct circle *c, const char *const *urls, size_t n);

/* An address of the instance: one more, whose pages may use all circles; one that goes, though never the last one (its pages stay
 * allowed); the one that tags are given by. Not an address, unknown, the last: ERR_USAGE. */
enum err choices_url_add(struct ctx *ctx, const char *url);
enum err choices_url_drop(struct ctx *ctx, const char *url);
enum err choices_url_first(struct ctx *ctx, const char *url);
