/* Bytes as text: hex, and base64url and base32 of RFC 4648 sections 5 and 6. Decoders take untrusted input: bounded, no
 * state, and they refuse what is not canonical only where that matters (a stray character, bad length). */
#pragma once
#include "util/arena.h"

/* out: 2 * len + 1 bytes. */
void hex_encode(char *out, const uint8_t *data, size_t len);
char *hex_text(struct arena *a, const uint8_t *data, size_t len);
/* Exactly 2 * len lower-case digits, then the end of the text. false: out is as it was. */
bool hex_decode(uint8_t *out, size_t len, const char *text);

/* In digits of an alphabet of 64 or 32 characters. No padding is written. */
char *digits_text(struct arena *a, const uint8_t *data, size_t len, const char *alphabet);
char *base64url_text(struct arena *a, const uint8_t *data, size_t len);
char *base32_text(struct arena *a, const uint8_t *data, size_t len); /* lower case */
/* The same into out, which has room for len / 3 * 4 + 4; no NUL. Returns how many. */
size_t base64url_put(char *out, const uint8_t *data, size_t len);
/* Padding is tolerated. out has room for len / 4 * 3 + 3 bytes (in may be out). false: not base64url; *out_len is as it was, and
 * what lies in out is nothing. */
bool base64url_decode(uint8_t *out, size_t *out_len, const char *in, size_t len);
bool base32_decode(uint8_t *out, size_t *out_len, const char *in, size_t len); /* the same; either case */

/* application/x-www-form-urlencoded, in place; returns the new length. A broken escape stays as it is. */
size_t percent_decode(char *text, size_t len, bool plus_is_space);
/* A path for a URL: all but unreserved characters and '/' escaped (RFC 3986). */
char *percent_path(struct arena *a, const char *path);
