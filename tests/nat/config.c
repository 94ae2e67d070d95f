#include "config.h"
#include <arpa/inet.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static bool set_kind(struct node *n, const char *value) {
    for (enum nat_kind kind = 0; kind < NAT_KINDS; kind++) {
        if (strcmp(value, nat_names[kind]) != 0) continue;
        n->nat.kind = kind;
        return true;
    }
    return false;
}

static bool read_four(const char *value, struct address *address) {
    uint8_t bytes[4];
    if (inet_pton(AF_INET, value, bytes) != 1) return false;
    *address = address_four(bytes);
    return true;
}

static bool set_public(struct node *n, const char *value) {
    return n->four = read_four(value, &n->nat.outside);
}

static bool set_private(struct node *n, const char *value) {
    return read_four(value, &n->inside);
}

static bool set_six(struct node *n, const char *value) {
    return n->six = inet_pton(AF_INET6, value, n->own_six.b) == 1;
}

static bool number(const char *value, double most, double unit, double *out) {
    char *end;
    double n = strtod(value, &end);
    if (end == value || *end || !isfinite(n) || n < 0 || n > most) return false;
    *out = n * unit;
    return true;
}

static bool set_up(struct node *n, const char *value) {
    return number(value, 1e8, 125, &n->up.rate) && n->up.rate >= 125;
}

static bool set_down(struct node *n, const char *value) {
    return number(value, 1e8, 125, &n->down.rate) && n->down.rate >= 125;
}

static bool set_up_queue(struct node *n, const char *value) {
    return number(value, 10000, 1e-3, &n->up.queue);
}

static bool set_down_queue(struct node *n, const char *value) {
    return number(value, 10000, 1e-3, &n->down.queue);
}

static bool set_delay(struct node *n, const char *value) {
    return number(value, 10000, 1e-3, &n->delay);
}

static bool set_loss(struct node *n, const char *value) {
    return number(value, 100, 1e-2, &n->loss);
}

static bool set_timeout(struct node *n, const char *value) {
    return number(value, 1e6, 1, &n->nat.timeout) && n->nat.timeout > 0;
}

static const struct {
    const char *name;
    bool (*set)(struct node *n, const char *value);
    const char *takes;
} keys[] = {
    {"kind", set_kind, "open, full, addr, port, sym or blocked"},
    {"public", set_public, "an IPv4 address"},
    {"private", set_private, "an IPv4 address"},
    {"six", set_six, "an IPv6 address"},
    {"up", set_up, "kbit/s, more than 0"},
    {"down", set_down, "kbit/s, more than 0"},
    {"up_queue", set_up_queue, "ms, at most 10000"},
    {"down_queue", set_down_queue, "ms, at most 10000"},
    {"delay", set_delay, "ms, at most 10000"},
    {"loss", set_loss, "percent"},
    {"timeout", set_timeout, "seconds, more than 0"},
};

/* What is said is an empty text while nothing is wrong. */
struct report {
    char *text;
    size_t size;
    unsigned line;
};

__attribute__((format(printf, 2, 3))) static bool wrong(const struct report *r, const char *format, ...) {
    va_list args;
    int at = snprintf(r->text, r->size, "line %u: ", r->line);
    va_start(args, format);
    if (at > 0 && (size_t)at < r->size) (void)vsnprintf(r->text + at, r->size - (size_t)at, format, args);
    va_end(args);
    return false;
}

static bool set(struct node *n, char *word, const struct report *r) {
    char *value = strchr(word, '=');
    if (!value) return wrong(r, "'%s' is no KEY=VALUE", word);
    *value++ = '\0';
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strcmp(keys[i].name, word) != 0) continue;
        return keys[i].set(n, value) || wrong(r, "%s=%s: %s takes %s", word, value, word, keys[i].takes);
    }
    return wrong(r, "there is no '%s'", word);
}

/* Names are those of network namespaces, and stand in JSON. */
static bool named(struct node *n, const char *name, const struct net *net, const struct report *r) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    size_t len = strlen(name);
    if (len >= sizeof n->name || name[strspn(name, letters)])
        return wrong(r, "'%s': a name has at most 31 of a-z, 0-9 and -", name);
    for (unsigned i = 0; i < net->count; i++)
        if (strcmp(net->nodes[i]->name, name) == 0) return wrong(r, "there is another '%s'", name);
    memcpy(n->name, name, len + 1);
    return true;
}

static bool addressed(struct node *n, const struct net *net, const struct report *r) {
    static const struct address none;
    bool nat = n->nat.kind != NAT_OPEN, private = !address_same(&n->inside, &none);
    if (!n->four && !n->six) return wrong(r, "'%s' needs public=, six= or both", n->name);
    if (n->four ? nat != private : private)
        return wrong(r, "'%s': private= goes with public= and a kind that is not open, and is needed there", n->name);
    if (!private) n->inside = n->nat.outside;
    for (unsigned i = 0; i < net->count; i++) {
        const struct node *o = net->nodes[i];
        bool same = (n->four && o->four && address_same(&n->nat.outside, &o->nat.outside)) ||
                    (n->six && o->six && address_same(&n->own_six, &o->own_six));
        if (same) return wrong(r, "'%s' has an address of '%s'", n->name, o->name);
    }
    return true;
}

static struct node *node_new(unsigned number) {
    struct node *n = calloc(1, sizeof *n);
    if (!n) return NULL;
    n->device = -1;
    n->up = n->down = (struct pipe){.rate = 125e6, .queue = 0.25};
    n->delay = 1e-3;
    n->nat.timeout = 120;
    n->nat.chance = 1 + number;
    return n;
}

static bool read_line(char *line, struct net *net, const struct report *r) {
    static const char space[] = " \t\r\n";
    char *rest, *word = strtok_r(line, space, &rest);
    if (!word || *word == '#') return true;
    if (net->count == NET_NODES) return wrong(r, "more than %d nodes", NET_NODES);
    struct node *n = node_new(net->count);
    bool good = n ? named(n, word, net, r) : wrong(r, "no memory");
    while (good && (word = strtok_r(NULL, space, &rest))) good = set(n, word, r);
    if (!good || !addressed(n, net, r)) {
        free(n);
        return false;
    }
    net->nodes[net->count++] = n;
    return true;
}

bool config_read(FILE *file, struct net *net, char *said, size_t size) {
    char line[CONFIG_LINE];
    struct report r = {said, size, 0};
    while (fgets(line, sizeof line, file)) {
        r.line++;
        if (!strchr(line, '\n') && !feof(file)) return wrong(&r, "longer than %d bytes", CONFIG_LINE - 2);
        if (!read_line(line, net, &r)) return false;
    }
    if (ferror(file)) return wrong(&r, "cannot be read");
    return net->count > 0 || wrong(&r, "there is no node");
}
