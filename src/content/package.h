/* The gz web-component package of a circle: what the loader fetches once and keeps. */
#pragma once
#include "circle/circle.h"

/* {"circles":[...]} of the listed circles, or of one alone: can, cid, sign, instances (the base URLs). Here, for it is a
 * file of the package, whose hash is the package's name. */
enum err circles_json(struct ctx *ctx, const struct circle *only, struct buf *out);

/* SHA-256 (hex) of the circle's package. It is built and kept when the client or the circle has changed; the one before is there
 * for SPAN_PACKAGE more. */
enum err package_current(struct ctx *ctx, const struct circle *c, const char **sha256);
/* Not in the archive, and given beside it: what asks a visitor (ask.js, ask-<language>.json), why.js for owners, and the like. */
bool package_apart(const char *file);
/* The archive, or one file (file not NULL) of it or beside it, of the package with this SHA-256. */
enum err package_get(struct ctx *ctx, const char *sha256, const char *file, struct buf *out);
