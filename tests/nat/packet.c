#include "packet.h"
#include <string.h>

/* Offsets of IPv4's header, of UDP's and of TCP's. */
enum {
    IP_SUM = 10,
    IP_FROM = 12,
    IP_TO = 16,
    PORT_FROM = 0,
    PORT_TO = 2,
    UDP_LENGTH = 4,
    UDP_SUM = 6,
    TCP_OFFSET = 12,
    TCP_SUM = 16
};
enum { IP_LEAST = 20, IP6_SIZE = 40, UDP_SIZE = 8, TCP_LEAST = 20 };

static const uint8_t MAPPED[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static uint16_t get16(const uint8_t *p) {
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t value) {
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

struct address address_four(const uint8_t bytes[static 4]) {
    struct address a;
    memcpy(a.b, MAPPED, sizeof MAPPED);
    memcpy(a.b + sizeof MAPPED, bytes, 4);
    return a;
}

bool address_same(const struct address *a, const struct address *b) {
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool endpoint_same(const struct endpoint *a, const struct endpoint *b) {
    return a->port == b->port && address_same(&a->address, &b->address);
}

static bool read_four(const uint8_t *data, size_t size, struct head *head) {
    if (size < IP_LEAST) return false;
    unsigned body = (data[0] & 15U) * 4;
    bool fragment = get16(data + 6) & 0x3fff; /* more to come, or not the first */
    if (body < IP_LEAST || body > size || get16(data + 2) != size || fragment) return false;
    head->proto = data[9];
    head->body = body;
    head->from.address = address_four(data + IP_FROM);
    head->to.address = address_four(data + IP_TO);
    return true;
}

static bool read_six(const uint8_t *data, size_t size, struct head *head) {
    if (size < IP6_SIZE || get16(data + 4) + (size_t)IP6_SIZE != size) return false;
    head->proto = data[6];
    head->body = IP6_SIZE;
    memcpy(head->from.address.b, data + 8, 16);
    memcpy(head->to.address.b, data + 24, 16);
    return true;
}

/* Of what stands after IP's header. */
static bool whole(const uint8_t *body, size_t size, enum proto proto) {
    if (proto == UDP) return size >= UDP_SIZE && get16(body + UDP_LENGTH) == size;
    if (proto != TCP || size < TCP_LEAST) return false;
    unsigned header = body[TCP_OFFSET] / 16U * 4;
    return header >= TCP_LEAST && header <= size;
}

bool packet_read(const uint8_t *data, size_t size, struct head *head) {
    int version = size ? data[0] >> 4 : 0;
    *head = (struct head){.four = version == 4};
    if (version == 4 ? !read_four(data, size, head) : version != 6 || !read_six(data, size, head)) return false;
    const uint8_t *body = data + head->body;
    if (!whole(body, size - head->body, head->proto)) return false;
    head->from.port = get16(body + PORT_FROM);
    head->to.port = get16(body + PORT_TO);
    return true;
}

/* Equation 3 of RFC 1624: a 16-bit word under the checksum at sum has changed. */
static void fix(uint8_t *sum, uint16_t was, uint16_t is) {
    uint32_t s = (uint16_t)~get16(sum) + (uint32_t)(uint16_t)~was + is;
    s = (s & 0xffff) + (s >> 16);
    s = (s & 0xffff) + (s >> 16);
    put16(sum, (uint16_t)~s);
}

static void rewrite(uint8_t *data, const struct head *head, unsigned address, unsigned port, const struct endpoint *with) {
    uint8_t *body = data + head->body, *sum = body + (head->proto == TCP ? TCP_SUM : UDP_SUM);
    bool none = head->proto == UDP && get16(sum) == 0; /* RFC 768: nobody has counted */
    for (unsigned i = 0; i < 4; i += 2) {
        uint16_t was = get16(data + address + i), is = get16(with->address.b + sizeof MAPPED + i);
        fix(data + IP_SUM, was, is);
        if (!none) fix(sum, was, is);
        put16(data + address + i, is);
    }
    if (!none) fix(sum, get16(body + port), with->port);
    put16(body + port, with->port);
    if (!none && head->proto == UDP && get16(sum) == 0) put16(sum, 0xffff);
}

void packet_from(uint8_t *data, struct head *head, const struct endpoint *from) {
    rewrite(data, head, IP_FROM, PORT_FROM, from);
    head->from = *from;
}

void packet_to(uint8_t *data, struct head *head, const struct endpoint *to) {
    rewrite(data, head, IP_TO, PORT_TO, to);
    head->to = *to;
}
