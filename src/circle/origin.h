/* Origins of pages (RFC 6454), taken from what people and headers say. */
#pragma once
#include "util/arena.h"

/* May it stand in headers, pages and lists? UTF-8 without white space or control characters, a query or a fragment, and none of
 * \ " ' < >, which are written as %XX. */
bool url_plain(const char *url);
/* "scheme://host[:port]", lower case, nothing behind it; *url is reduced to that. false: not http(s). */
bool origin_of(struct arena *arena, const char *url, const char **origin);
