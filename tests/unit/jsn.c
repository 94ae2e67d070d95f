/* JSON from strangers: strict, bounded, and errors that name the field. */
#include "util/jsn.h"
#include "tap.h"
#include <stdlib.h>

static struct arena a;

static void hostile(void) {
    static const struct {
        const char *name, *text;
        size_t len; /* 0: strlen */
        enum err want;
    } cases[] = {
        {"an object", "{\"a\":1}", 0, ERR_OK},
        {"white space around", " \n{\"a\":1}\t ", 0, ERR_OK},
        {"nothing", "", 0, ERR_BAD_JSON},
        {"white space alone", " ", 0, ERR_BAD_JSON},
        {"a duplicate key", "{\"a\":1,\"a\":2}", 0, ERR_BAD_JSON},
        {"a duplicate key, escaped", "{\"a\":1,\"\\u0061\":2}", 0, ERR_BAD_JSON},
        {"a duplicate key below", "{\"b\":[{\"a\":1,\"a\":1}]}", 0, ERR_BAD_JSON},
        {"trailing bytes", "{\"a\":1}x", 0, ERR_BAD_JSON},
        {"two objects", "{}{}", 0, ERR_BAD_JSON},
        {"a trailing NUL", "{}\0", 3, ERR_BAD_JSON},
        {"an array", "[1]", 0, ERR_BAD_JSON},
        {"a string", "\"x\"", 0, ERR_BAD_JSON},
        {"null", "null", 0, ERR_BAD_JSON},
        {"no end", "{\"a\":1", 0, ERR_BAD_JSON},
        {"a trailing comma", "{\"a\":1,}", 0, ERR_BAD_JSON},
        {"single quotes", "{'a':1}", 0, ERR_BAD_JSON},
        {"a comment", "{}/**/", 0, ERR_BAD_JSON},
        {"NaN", "{\"a\":NaN}", 0, ERR_BAD_JSON},
        {"leading zero", "{\"a\":01}", 0, ERR_BAD_JSON},
        {"a number that is huge", "{\"a\":1e999}", 0, ERR_BAD_JSON},
        {"an integer over 64 bits", "{\"a\":99999999999999999999}", 0, ERR_BAD_JSON},
        {"invalid UTF-8", "{\"a\":\"\xc3(\"}", 0, ERR_BAD_JSON},
        {"overlong UTF-8", "{\"a\":\"\xc0\xaf\"}", 0, ERR_BAD_JSON},
        {"a surrogate as UTF-8", "{\"a\":\"\xed\xa0\x80\"}", 0, ERR_BAD_JSON},
        {"half an escaped surrogate", "{\"a\":\"\\ud800\"}", 0, ERR_BAD_JSON},
        {"a byte order mark", "\xef\xbb\xbf{}", 0, ERR_BAD_JSON},
        {"an escaped NUL in a string", "{\"a\":\"x\\u0000y\"}", 0, ERR_BAD_JSON},
        {"an escaped NUL in a key", "{\"a\\u0000\":1}", 0, ERR_BAD_JSON},
        {"a raw NUL in a string", "{\"a\":\"\0\"}", 9, ERR_BAD_JSON},
        {"a raw control character", "{\"a\":\"\x01\"}", 0, ERR_BAD_JSON},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fault fault = {0};
        json_t *const before = json_true(), *json = before;
        size_t len = cases[i].len ? cases[i].len : strlen(cases[i].text);
        enum err e = jsn_parse(&json, cases[i].text, len, &fault);
        same_text(err_name(e), err_name(cases[i].want), "%s", cases[i].name);
        if (e != ERR_OK)
            ok(strncmp(fault.text, "The field must hold one", 23) == 0 && json == before, "%s: in words, and no value",
               cases[i].name);
    }
}

static void deep(void) {
    enum { DEPTH = 100000 };
    struct fault fault = {0};
    json_t *json;
    char *text = malloc(2 * DEPTH + 8);
    memcpy(text, "{\"a\":", 5);
    memset(text + 5, '[', DEPTH);
    memset(text + 5 + DEPTH, ']', DEPTH);
    text[5 + 2 * DEPTH] = '}';
    same_int(jsn_parse(&json, text, 2 * DEPTH + 6, &fault), ERR_BAD_JSON, "nested 100,000 deep");
    same_int(jsn_parse(&json, text, DEPTH, &fault), ERR_BAD_JSON, "and without an end");
    free(text);
}

static json_t *object(const char *text) {
    struct fault fault;
    json_t *json = NULL;
    (void)!jsn_parse(&json, text, strlen(text), &fault);
    return json;
}

enum kind { ID, HEX, INT, BOOL, LIST, TEXT, OPTIONAL };

struct outputs {
    const char *text;
    json_t *list;
    int64_t n;
    bool b;
    uint8_t bytes[2];
};

static enum err get(enum kind kind, const json_t *json, struct outputs *out, struct fault *fault) {
    switch (kind) {
    case ID:
        return jsn_id(json, "f", &out->text, fault);
    case HEX:
        return jsn_hex(json, "f", out->bytes, sizeof out->bytes, fault);
    case INT:
        return jsn_int(json, "f", 0, 10, &out->n, fault);
    case BOOL:
        return jsn_bool(json, "f", &out->b, fault);
    case LIST:
        return jsn_list(json, "f", 2, &out->list, fault);
    case TEXT:
    case OPTIONAL:
        return (kind == TEXT ? jsn_text : jsn_optional_text)(json, "f", 1, 3, &out->text, fault);
    }
    return ERR_INTERNAL;
}

static void fields(void) {
    static const struct {
        enum kind kind;
        const char *json;
        bool good;
    } cases[] = {
        {ID, "{\"f\":\"aZ09_-\"}", true},
        {ID, "{\"f\":\"0123456789abcdef\"}", true},
        {ID, "{\"f\":\"0123456789abcdefg\"}", false},
        {ID, "{\"f\":\"\"}", false},
        {ID, "{\"f\":\"a b\"}", false},
        {ID, "{\"f\":7}", false},
        {ID, "{}", false},
        {HEX, "{\"f\":\"00ff\"}", true},
        {HEX, "{\"f\":\"00FF\"}", false},
        {HEX, "{\"f\":\"00ff00\"}", false},
        {HEX, "{\"f\":null}", false},
        {HEX, "{}", false},
        {INT, "{\"f\":0}", true},
        {INT, "{\"f\":10}", true},
        {INT, "{}", true},
        {INT, "{\"f\":11}", false},
        {INT, "{\"f\":-1}", false},
        {INT, "{\"f\":1.0}", false},
        {INT, "{\"f\":\"1\"}", false},
        {INT, "{\"f\":9223372036854775807}", false},
        {INT, "{\"f\":-9223372036854775808}", false},
        {BOOL, "{\"f\":true}", true},
        {BOOL, "{}", true},
        {BOOL, "{\"f\":1}", false},
        {BOOL, "{\"f\":null}", false},
        {LIST, "{\"f\":[1,2]}", true},
        {LIST, "{}", true},
        {LIST, "{\"f\":[1,2,3]}", false},
        {LIST, "{\"f\":{}}", false},
        {TEXT, "{\"f\":\"abc\"}", true},
        {TEXT, "{\"f\":\"abcd\"}", false},
        {TEXT, "{\"f\":\"\xc3\xbc\xc3\xbc\"}", false},
        {TEXT, "{\"f\":[]}", false},
        {TEXT, "{}", false},
        {OPTIONAL, "{}", true},
        {OPTIONAL, "{\"f\":null}", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fault fault = {0};
        struct outputs before, after;
        memset(&before, 1, sizeof before);
        after = before;
        enum err e = get(cases[i].kind, object(cases[i].json), &after, &fault);
        same_text(err_name(e), cases[i].good ? "ok" : "bad_field", "%s as %d", cases[i].json, (int)cases[i].kind);
        if (cases[i].good) continue;
        ok(strstr(fault.text, "\"f\"") != NULL, "%s: the text names the field", cases[i].json);
        ok(memcmp(&before, &after, sizeof before) == 0, "%s: no value", cases[i].json);
    }
}

int main(void) {
    jsn_use(&a);
    hostile();
    deep();
    fields();
    struct buf out = {.arena = &a};
    jsn_dump(&out, object("{\"b\":\"\xc3\xbc\\n\\\"\",\"a\":[1,true,null]}"));
    same_text(out.data, "{\"b\":\"\xc3\xbc\\n\\\"\",\"a\":[1,true,null]}", "written compactly, in the order of its keys");
    arena_free(&a);
    return done();
}
