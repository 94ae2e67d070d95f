#include "nat.h"
#include "dice.h"
#include <stdlib.h>

const char *const nat_names[NAT_KINDS] = {"open", "full", "addr", "port", "sym", "blocked"};

/* Whom a mapping has sent to, and when. */
struct remote {
    struct remote *next;
    struct endpoint at;
    double sent;
};
struct mapping {
    struct mapping *next;
    enum proto proto;
    struct endpoint inside, to; /* to: of a symmetric NAT */
    uint16_t port;
    double sent;
    struct remote *remotes;
};

static double lasts(const struct nat *nat, enum proto proto) {
    return proto == UDP ? nat->timeout : 7440;
}

static void forget_remotes(struct remote **at, double before) {
    while (*at) {
        struct remote *r = *at;
        if (r->sent >= before) {
            at = &r->next;
            continue;
        }
        *at = r->next;
        free(r);
    }
}

static void forget(struct nat *nat, double now) {
    for (struct mapping **at = &nat->mappings; *at;) {
        struct mapping *m = *at;
        double before = now - lasts(nat, m->proto);
        forget_remotes(&m->remotes, before);
        if (m->sent >= before) {
            at = &m->next;
            continue;
        }
        *at = m->next;
        free(m);
        nat->count--;
    }
}

void nat_free(struct nat *nat) {
    while (nat->mappings) {
        struct mapping *m = nat->mappings;
        nat->mappings = m->next;
        while (m->remotes) {
            struct remote *r = m->remotes;
            m->remotes = r->next;
            free(r);
        }
        free(m);
    }
    nat->count = 0;
}

static struct mapping *by_port(const struct nat *nat, enum proto proto, uint16_t port) {
    struct mapping *m = nat->mappings;
    while (m && (m->proto != proto || m->port != port)) m = m->next;
    return m;
}

static bool fits(const struct nat *nat, const struct mapping *m, const struct head *head) {
    if (m->proto != head->proto || !endpoint_same(&m->inside, &head->from)) return false;
    return nat->kind != NAT_SYM || endpoint_same(&m->to, &head->to);
}

/* The same port as inside where it is free (RFC 4787 4.2.1: "port preservation"); a symmetric NAT's is any one. */
static uint16_t free_port(struct nat *nat, const struct head *head) {
    uint16_t port = head->from.port;
    bool any = nat->kind == NAT_SYM;
    while (any || port < 1024 || by_port(nat, head->proto, port)) {
        port = (uint16_t)(1024 + dice(&nat->chance) % (65536 - 1024));
        any = false;
    }
    return port;
}

static struct mapping *mapping_of(struct nat *nat, const struct head *head) {
    struct mapping *m = nat->mappings;
    while (m && !fits(nat, m, head)) m = m->next;
    if (m || nat->count == NAT_MAPPINGS || !(m = calloc(1, sizeof *m))) return m;
    *m = (struct mapping){
        .next = nat->mappings, .proto = head->proto, .inside = head->from, .to = head->to, .port = free_port(nat, head)};
    nat->mappings = m;
    nat->count++;
    return m;
}

static bool remember(struct mapping *m, const struct endpoint *to, double now) {
    struct remote *r = m->remotes;
    while (r && !endpoint_same(&r->at, to)) r = r->next;
    if (!r) {
        if (!(r = calloc(1, sizeof *r))) return false;
        *r = (struct remote){.next = m->remotes, .at = *to};
        m->remotes = r;
    }
    r->sent = m->sent = now;
    return true;
}

static bool expects(const struct nat *nat, const struct mapping *m, const struct endpoint *from) {
    bool udp = m->proto == UDP;
    if (udp && nat->kind == NAT_FULL) return true;
    for (const struct remote *r = m->remotes; r; r = r->next)
        if (address_same(&r->at.address, &from->address) && ((udp && nat->kind == NAT_ADDR) || r->at.port == from->port))
            return true;
    return false;
}

bool nat_out(struct nat *nat, const struct head *head, double now, struct endpoint *from) {
    *from = head->from;
    if (nat->kind == NAT_OPEN) return true;
    if (nat->kind == NAT_BLOCKED && head->proto == UDP) return false;
    forget(nat, now);
    struct mapping *m = mapping_of(nat, head);
    if (!m || !remember(m, &head->to, now)) return false;
    *from = (struct endpoint){nat->outside, m->port};
    return true;
}

bool nat_in(struct nat *nat, const struct head *head, double now, struct endpoint *to) {
    *to = head->to;
    if (nat->kind == NAT_OPEN) return true;
    forget(nat, now);
    const struct mapping *m = by_port(nat, head->proto, head->to.port);
    if (!m || !expects(nat, m, &head->from)) return false;
    *to = m->inside;
    return true;
}
