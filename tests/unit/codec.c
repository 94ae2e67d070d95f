/* Bytes as text: hex, base64url and base32 (RFC 4648 10), percent-encoding; tar and gzip as real programs read them. */
#include "util/codec.h"
#include "tap.h"
#include "util/gzip.h"
#include "util/tar.h"
#include <stdlib.h>
#include <unistd.h>

static struct arena a;

static void base64(void) {
    static const struct {
        const char *bytes, *text;
    } both[] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xbf", "-_-_"},
    };
    uint8_t out[64];
    size_t len;
    for (size_t i = 0; i < sizeof both / sizeof *both; i++) {
        const char *bytes = both[i].bytes, *text = both[i].text;
        same_text(base64url_text(&a, (const uint8_t *)bytes, strlen(bytes)), text, "base64url of %zu bytes", strlen(bytes));
        bool good = base64url_decode(out, &len, text, strlen(text));
        ok(good && len == strlen(bytes) && memcmp(out, bytes, len) == 0, "and back from '%s'", text);
    }
    static const struct {
        const char *text;
        int len; /* -1: refused */
    } cases[] = {
        {"Zg==", 1}, {"Zm8=", 2}, {"Zm9v====", 3}, {"=", 0},      {"A", -1},        {"AAAAA", -1}, {"Zm9v\n", -1},
        {" Zg", -1}, {"Z=g", -1}, {"+/+/", -1},    {"Zm9v.", -1}, {"\xc3\xbc", -1}, {"Zm 9", -1},  {"%5Ag", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        len = SIZE_MAX;
        bool good = base64url_decode(out, &len, cases[i].text, strlen(cases[i].text));
        same_int(good ? (int)len : -1, cases[i].len, "base64url '%s'", cases[i].text);
        ok(good || len == SIZE_MAX, "base64url '%s': no length for a no", cases[i].text);
    }
    ok(!base64url_decode(out, &len, "AA\0A", 4), "a NUL inside base64url is refused");
    char all[256], copy[256];
    for (int i = 0; i < 192; i++) all[i] = (char)i;
    const char *text = base64url_text(&a, (uint8_t *)all, 192);
    memcpy(copy, text, 256);
    ok(base64url_decode((uint8_t *)copy, &len, copy, 256) && len == 192 && memcmp(copy, all, 192) == 0, "decoding in place");
}

/* RFC 4648 section 10; what stands alone (1, 3 or 6 digits more than groups of 8) is refused. */
static void base32(void) {
    static const struct {
        const char *text, *bytes; /* NULL: refused */
    } cases[] = {
        {"", ""},
        {"MY======", "f"},
        {"MZXQ====", "fo"},
        {"MZXW6===", "foo"},
        {"MZXW6YQ=", "foob"},
        {"MZXW6YTB", "fooba"},
        {"mzxw6", "foo"},
        {"MZXW6YTBOI======", "foobar"},
        {"mzxw6ytboi", "foobar"},
        {"MzXw6yTbOi", "foobar"},
        {"7777", "\xff\xff"},
        {"=", ""},
        {"M", NULL},
        {"MZX", NULL},
        {"MZXW6Y", NULL},
        {"MZXW6YTBM", NULL},
        {"MZ=XQ", NULL},
        {"MZXQ\n", NULL},
        {" MZXQ", NULL},
        {"MZ1Q", NULL},
        {"MZ0Q", NULL},
        {"MZ8Q", NULL},
        {"MZ9Q", NULL},
        {"MZ-Q", NULL},
        {"MZ%Q", NULL},
        {"\xc3\xbcMZ", NULL},
    };
    uint8_t out[64];
    size_t len;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *bytes = cases[i].bytes;
        bool good = base32_decode(out, &len, cases[i].text, strlen(cases[i].text));
        ok(good == !!bytes && (!good || (len == strlen(bytes) && memcmp(out, bytes, len) == 0)), "base32 '%s'", cases[i].text);
    }
    ok(!base32_decode(out, &len, "MZ\0Q", 4), "a NUL inside base32 is refused");
    char text[] = "MZXW6YTBOI";
    ok(base32_decode((uint8_t *)text, &len, text, 10) && memcmp(text, "foobar", 6) == 0, "base32 in place");
}

static void hex(void) {
    static const struct {
        const char *text;
        bool good; /* as two bytes */
    } cases[] = {{"00ff", true},  {"abcd", true},  {"ABCD", false},    {"00f", false},   {"00ff0", false},
                 {"00fg", false}, {"", false},     {"0x0f", false},    {" 00ff", false}, {"00ff ", false},
                 {"0", false},    {"-1ff", false}, {"\xc3\xbc", false}};
    uint8_t out[2];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ok(hex_decode(out, 2, cases[i].text) == cases[i].good, "hex '%s'", cases[i].text);
    ok(hex_decode(out, 2, "00ff") && out[0] == 0 && out[1] == 255, "hex is big-endian");
    ok(hex_decode(out, 0, "") && !hex_decode(out, 0, "0"), "no bytes are no digits");
    same_text(hex_text(&a, (const uint8_t *)"\x00\x9f\xff", 3), "009fff", "hex is lower case");
}

static void percent(void) {
    static const struct {
        const char *in, *path, *form;
    } cases[] = {
        {"", "", ""},
        {"a+b", "a+b", "a b"},
        {"%41%6a%6A", "Ajj", "Ajj"},
        {"100%", "100%", "100%"},
        {"%4", "%4", "%4"},
        {"%zz%g1%1g", "%zz%g1%1g", "%zz%g1%1g"},
        {"%%41", "%A", "%A"},
        {"%25%34%31", "%41", "%41"},
        {"%2e%2E/%2f", "..//", "..//"},
        {"%c3%bc", "\xc3\xbc", "\xc3\xbc"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int form = 0; form < 2; form++) {
            char text[64];
            (void)snprintf(text, sizeof text, "%s", cases[i].in);
            text[percent_decode(text, strlen(text), form)] = '\0';
            same_text(text, form ? cases[i].form : cases[i].path, "percent '%s', %s", cases[i].in, form ? "form" : "path");
        }
    char nul[] = "a%00b";
    same_int((int64_t)percent_decode(nul, 5, false), 3, "%%00 is one byte");
    same_text(percent_path(&a, "a b/\xc3\xbc?#%&'\"<>~-._Z9"), "a%20b/%C3%BC%3F%23%25%26%27%22%3C%3E~-._Z9", "a path for a URL");
}

/* What a list is for gzip_pack_slices: so many bytes of data, in slices of other lengths each time. */
struct sliced {
    const char *at;
    size_t left, step;
};

static size_t next_slice(void *context, const char **slice) {
    struct sliced *s = context;
    size_t n = s->left < s->step ? s->left : s->step;
    *slice = s->at;
    s->at += n;
    s->left -= n;
    s->step = s->step * 7 % 5003 + 1;
    return n;
}

/* Whether a real program, fed with these bytes, exits with 0. */
static bool feed(const char *command, const void *bytes, size_t len) {
    FILE *pipe = popen(command, "we");
    size_t n = fwrite(bytes, 1, len, pipe);
    return pclose(pipe) == 0 && n == len;
}

static void packed(void) {
    static char big[300000];
    for (size_t i = 0; i < sizeof big; i++) big[i] = (char)(i % 3 ? i * i >> 7 : i >> 9);
    static const size_t sizes[] = {0, 1, 511, 512, 32768, sizeof big};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct buf gz = {.arena = &a}, text = {.arena = &a}, less = {.arena = &a};
        struct sliced all = {big, sizes[i], 1};
        ok(gzip_pack_slices(&gz, next_slice, &all, i % 2 ? sizes[i] : 0) == ERR_OK, "packed in slices: %zu bytes", sizes[i]);
        ok(feed("gzip -t", gz.data, gz.len), "gzip(1) says it is whole");
        ok(gzip_unpack(&text, gz.data, gz.len, sizes[i]) == ERR_OK && text.len == sizes[i] && memcmp(text.data, big, text.len) == 0,
           "unpacked it is the same");
        ok(sizes[i] == 0 || gzip_unpack(&less, gz.data, gz.len, sizes[i] - 1) == ERR_DAMAGED, "it is never more than is allowed");
    }
    struct buf gz = {.arena = &a}, out = {.arena = &a};
    int taken = 0;
    ok(gzip_pack(&gz, big, 5000) == ERR_OK, "packed whole");
    size_t parts = 0, right = 0;
    for (size_t first = 0; first < 5000; first += 977)
        for (size_t len = 1; first + len <= 5000; len += 1301, parts++) {
            char *part = malloc(len); /* of its size: who writes more is seen by the sanitizer */
            right += gzip_unpack_part(gz.data, gz.len, first, part, len) == ERR_OK && memcmp(part, big + first, len) == 0;
            free(part);
        }
    same_int((int64_t)right, (int64_t)parts, "each part of what is unpacked is what it was");
    ok(gzip_size(gz.data, gz.len) == 5000, "its end says how long it is");
    ok(gzip_unpack_part(gz.data, gz.len, 4000, (char[1001]){0}, 1001) == ERR_DAMAGED, "no more than there is");
    for (size_t n = 0; n < gz.len; n++) taken += gzip_unpack(&out, gz.data, n, 5000) == ERR_OK;
    same_int(taken, 0, "no beginning of it is taken");
    for (size_t n = 10; n < gz.len; n++) { /* behind the head, whose time and system mean nothing */
        gz.data[n] ^= 1;
        taken += gzip_unpack(&out, gz.data, gz.len, 1 << 20) == ERR_OK;
        gz.data[n] ^= 1;
    }
    same_int(taken, 0, "nor with any bit changed");
    buf_add(&gz, "x", 1);
    ok(gzip_unpack(&out, gz.data, gz.len, UINT32_MAX) == ERR_DAMAGED, "nor with more behind it");
    same_int((int64_t)out.len, 0, "and what is refused leaves nothing");
}

static void archives(void) {
    static char big[70000];
    struct buf tar = {.arena = &a}, gz = {.arena = &a}, again = {.arena = &a};
    for (size_t i = 0; i < sizeof big; i++) big[i] = (char)(i * i >> 3);
    tar_add(&tar, "empty", "", 0);
    tar_add(&tar, "small.js", "export default 1;\n", 18);
    tar_add(&tar, "record", big, 512);
    tar_add(&tar, "big", big, sizeof big);
    tar_end(&tar);
    same_int((int64_t)tar.len % 512, 0, "a tar is whole records");
    size_t n = 1;
    ok(tar_find(tar.data, tar.len, "empty", &n) && n == 0, "an empty file is found");
    const char *found = tar_find(tar.data, tar.len, "big", &n);
    ok(found && n == sizeof big && memcmp(found, big, n) == 0, "and a large one behind others");
    found = tar_find(tar.data, tar.len, "record", &n);
    ok(found && n == 512 && memcmp(found, big, n) == 0, "and one of a whole record");
    ok(!tar_find(tar.data, tar.len, "bi", &n) && !tar_find(tar.data, tar.len, "bigger", &n) && !tar_find(tar.data, tar.len, "", &n),
       "no other name is");
    int cut = 0;
    for (size_t len = 0; len < 2 * 512 + 18; len++) cut += tar_find(arena_copy(&a, tar.data, len), len, "small.js", &n) != NULL;
    same_int(cut, 0, "nor what is cut short");
    ok(gzip_pack(&gz, tar.data, tar.len) == ERR_OK && gzip_pack(&again, tar.data, tar.len) == ERR_OK, "gzip");
    ok(gz.len == again.len && memcmp(gz.data, again.data, gz.len) == 0, "gzip is deterministic");
    ok(gz.len < tar.len, "and smaller");
    ok(feed("gzip -t", gz.data, gz.len), "gzip(1) says it is whole");
    ok(feed("test \"$(tar -tzvf - | awk '{print $1, $3, $6}' | tr '\\n' ' ')\" = "
            "'-rw-r--r-- 0 empty -rw-r--r-- 18 small.js -rw-r--r-- 512 record -rw-r--r-- 70000 big '",
            gz.data, gz.len),
       "tar(1) lists what was put in");
    ok(feed("test \"$(tar -xzOf - small.js)\" = 'export default 1;'", gz.data, gz.len), "tar(1) gives a file back");
    ok(feed("test $(tar -xzOf - big | wc -c) = 70000", gz.data, gz.len), "and a large one, whole");
}

int main(void) {
    base64();
    base32();
    hex();
    percent();
    archives();
    packed();
    arena_free(&a);
    return done();
}
