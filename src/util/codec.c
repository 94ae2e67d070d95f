#include "util/codec.h"

static int hex_digit(char c, bool upper_too) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return upper_too && c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void hex_encode(char *out, const uint8_t *data, size_t len) {
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = "0123456789abcdef"[data[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[data[i] & 15];
    }
    out[2 * len] = '\0';
}

char *hex_text(struct arena *a, const uint8_t *data, size_t len) {
    char *text = arena_alloc(a, 2 * len + 1);
    hex_encode(text, data, len);
    return text;
}

bool hex_decode(uint8_t *out, size_t len, const char *text) {
    size_t digits = 0;
    while (digits < 2 * len && hex_digit(text[digits], false) >= 0) digits++;
    if (digits < 2 * len || text[digits]) return false;
    for (size_t i = 0; i < len; i++) out[i] = (uint8_t)(hex_digit(text[2 * i], false) << 4 | hex_digit(text[2 * i + 1], false));
    return true;
}

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";
static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static size_t digits_put(char *to, const uint8_t *data, size_t len, const char *alphabet, unsigned bits) {
    unsigned have = 0, mask = (1U << bits) - 1;
    char *out = to;
    uint32_t v = 0;
    for (size_t i = 0; i < len; i++) {
        v = v << 8 | data[i];
        for (have += 8; have >= bits;) *out++ = alphabet[v >> (have -= bits) & mask];
    }
    if (have) *out++ = alphabet[v << (bits - have) & mask];
    return (size_t)(out - to);
}

char *digits_text(struct arena *a, const uint8_t *data, size_t len, const char *alphabet) {
    unsigned bits = strlen(alphabet) == 64 ? 6 : 5;
    char *text = arena_alloc(a, len * 8 / bits + 2);
    (void)digits_put(text, data, len, alphabet, bits);
    return text;
}

char *base64url_text(struct arena *a, const uint8_t *data, size_t len) {
    return digits_text(a, data, len, base64url);
}

char *base32_text(struct arena *a, const uint8_t *data, size_t len) {
    return digits_text(a, data, len, base32);
}

size_t base64url_put(char *out, const uint8_t *data, size_t len) {
    return digits_put(out, data, len, base64url, 6);
}

/* A digit's bits and its value, 64 for what is none. One look-up a character: this runs for every request. */
struct digits {
    unsigned bits;
    uint8_t values[256];
};

static void learn(struct digits *d, const char *alphabet, unsigned bits) {
    if (d->bits == 0) memset(d->values, 64, sizeof d->values);
    for (unsigned i = 0; i < 1U << bits; i++) d->values[(uint8_t)alphabet[i]] = (uint8_t)i;
    d->bits = bits;
}

static bool decode(const struct digits *d, uint8_t *out, size_t *out_len, const char *in, size_t len) {
    uint8_t *end = out;
    uint32_t v = 0;
    unsigned have = 0; /* bits of v that are not out yet */
    while (len && in[len - 1] == '=') len--;
    for (size_t i = 0; i < len; i++) {
        uint8_t digit = d->values[(uint8_t)in[i]];
        if (digit == 64) return false;
        v = v << d->bits | digit;
        have += d->bits;
        if (have >= 8) *end++ = (uint8_t)(v >> (have -= 8));
    }
    if (have >= d->bits) return false; /* a digit stands alone */
    *out_len = (size_t)(end - out);
    return true;
}

bool base64url_decode(uint8_t *out, size_t *out_len, const char *in, size_t len) {
    static struct digits digits;
    if (!digits.bits) learn(&digits, base64url, 6);
    return decode(&digits, out, out_len, in, len);
}

bool base32_decode(uint8_t *out, size_t *out_len, const char *in, size_t len) {
    static struct digits digits;
    if (!digits.bits) {
        learn(&digits, base32, 5);
        learn(&digits, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 5);
    }
    return decode(&digits, out, out_len, in, len);
}

size_t percent_decode(char *text, size_t len, bool plus_is_space) {
    size_t out = 0;
    for (size_t i = 0; i < len; i++) {
        int high = text[i] == '%' && len - i > 2 ? hex_digit(text[i + 1], true) : -1;
        int low = high < 0 ? -1 : hex_digit(text[i + 2], true);
        if (low >= 0) {
            text[out++] = (char)(high << 4 | low);
            i += 2;
        } else {
            text[out++] = (char)(plus_is_space && text[i] == '+' ? ' ' : text[i]);
        }
    }
    return out;
}

char *percent_path(struct arena *a, const char *path) {
    char *text = arena_alloc(a, 3 * strlen(path) + 1), *out = text;
    for (; *path; path++) {
        unsigned char c = (unsigned char)*path;
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~/", c)) {
            *out++ = (char)c;
        } else {
            *out++ = '%';
            *out++ = "0123456789ABCDEF"[c >> 4];
            *out++ = "0123456789ABCDEF"[c & 15];
        }
    }
    return text;
}
