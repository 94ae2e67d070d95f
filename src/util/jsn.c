#include "util/jsn.h"
#include "util/caps.h"
#include "util/codec.h"

static struct arena *memory;

static void *take(size_t size) {
    return arena_alloc(memory, size);
}

static void leave(void *) {}

void jsn_use(struct arena *a) {
    memory = a;
    json_set_alloc_funcs(take, leave);
}

enum err jsn_parse(json_t **out, const char *text, size_t len, struct fault *fault) {
    json_error_t why;
    json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    if (!value)
        return fault_set(fault, ERR_BAD_JSON, "The field must hold one strict JSON object: %s (byte %d).", why.text, why.position);
    if (!json_is_object(value)) return fault_set(fault, ERR_BAD_JSON, "The field must hold one JSON object.");
    *out = value;
    return ERR_OK;
}

static int add(const char *text, size_t len, void *out) {
    buf_add(out, text, len);
    return 0;
}

void jsn_dump(struct buf *out, const json_t *value) {
    (void)json_dump_callback(value, add, out, JSON_COMPACT | JSON_ENCODE_ANY);
}

void jsn_escape(struct buf *out, const char *text, size_t len) {
    for (const char *p = text, *end = text + len; p < end;) {
        size_t plain = 0;
        while (p + plain < end && p[plain] != '"' && p[plain] != '\\' && (unsigned char)p[plain] >= ' ') plain++;
        buf_add(out, p, plain);
        p += plain;
        if (p == end) return;
        if (*p == '"' || *p == '\\')
            buf_add(out, (const char[]){'\\', *p++}, 2);
        else
            buf_format(out, "\\u%04x", (unsigned)*p++);
    }
}

void jsn_quote(struct buf *out, const char *text) {
    buf_text(out, "\"");
    jsn_escape(out, text, strlen(text));
    buf_text(out, "\"");
}

size_t jsn_quoted_next(void *quoted, const char **slice) {
    enum { STEP = 1 << 15 };
    struct jsn_quoted *q = quoted;
    size_t n = q->left < STEP ? q->left : STEP;
    if (!q->tail) return 0;
    q->slice.len = 0;
    buf_text(&q->slice, q->head);
    jsn_escape(&q->slice, q->text, n);
    if (n == q->left) buf_text(&q->slice, q->tail);
    if (n == q->left) q->tail = NULL;
    q->head = "";
    q->text += n;
    q->left -= n;
    q->total += q->slice.len;
    *slice = q->slice.data;
    return q->slice.len;
}

const char *jsn_shown(struct arena *a, const char *text) {
    char *clean = arena_copy(a, text, strlen(text));
    text_clean(clean);
    return clean;
}

json_t *jsn_texts(const struct texts *list) {
    json_t *array = json_array();
    for (size_t i = 0; i < list->n; i++) (void)json_array_append_new(array, json_string(list->all[i]));
    return array;
}

enum err jsn_add(json_t *object, json_t *more) {
    return json_object_update_new(object, more) == 0 ? ERR_OK : ERR_INTERNAL;
}

static enum err bad(struct fault *fault, const char *key, const char *what) {
    return fault_set(fault, ERR_BAD_FIELD, "Field \"%s\" must be %s.", key, what);
}

enum err jsn_text(const json_t *object, const char *key, size_t min, size_t max, const char **out, struct fault *fault) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value)) return bad(fault, key, value ? "a string" : "there");
    size_t len = json_string_length(value);
    if (len < min || len > max || strlen(json_string_value(value)) != len)
        return fault_set(fault, ERR_BAD_FIELD, "Field \"%s\" must be a string of %zu to %zu bytes.", key, min, max);
    *out = json_string_value(value);
    return ERR_OK;
}

enum err jsn_optional_text(const json_t *object, const char *key, size_t min, size_t max, const char **out, struct fault *fault) {
    return json_object_get(object, key) ? jsn_text(object, key, min, max, out, fault) : ERR_OK;
}

enum err jsn_id(const json_t *object, const char *key, const char **out, struct fault *fault) {
    const char *id = "";
    TRY(jsn_text(object, key, 1, CAP_ID, &id, fault));
    if (id[strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")])
        return bad(fault, key, "1 to 16 of A-Z a-z 0-9 _ -");
    *out = id;
    return ERR_OK;
}

enum err jsn_hex(const json_t *object, const char *key, uint8_t *out, size_t len, struct fault *fault) {
    const char *text = "";
    TRY(jsn_text(object, key, 2 * len, 2 * len, &text, fault));
    return hex_decode(out, len, text) ? ERR_OK : bad(fault, key, "lower-case hex digits");
}

enum err jsn_int(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out, struct fault *fault) {
    const json_t *value = json_object_get(object, key);
    if (!value) return ERR_OK;
    if (!json_is_integer(value) || json_integer_value(value) < min || json_integer_value(value) > max)
        return fault_set(fault, ERR_BAD_FIELD, "Field \"%s\" must be an integer from %lld to %lld.", key, (long long)min,
                         (long long)max);
    *out = json_integer_value(value);
    return ERR_OK;
}

enum err jsn_bool(const json_t *object, const char *key, bool *out, struct fault *fault) {
    const json_t *value = json_object_get(object, key);
    if (value && !json_is_boolean(value)) return bad(fault, key, "true or false");
    if (value) *out = json_is_true(value);
    return ERR_OK;
}

enum err jsn_list(const json_t *object, const char *key, size_t max, json_t **out, struct fault *fault) {
    json_t *list = json_object_get(object, key);
    if (list && !json_is_array(list)) return bad(fault, key, "a list");
    if (json_array_size(list) > max)
        return fault_set(fault, ERR_BAD_FIELD, "Field \"%s\" has %zu members; at most %zu.", key, json_array_size(list), max);
    *out = list;
    return ERR_OK;
}
