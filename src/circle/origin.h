/* Origins of pages (RFC 6454), taken from what people and headers say. */
#pragma once
#include "util/arena.h"

/* "scheme://host[:port]", lower case, nothing behind it; *url is reduced to that. false: not http(s). */
bool origin_of(struct arena *arena, const char *url, const char **origin);
