/* What an internet has to know of a packet: IPv4 (RFC 791) and IPv6 (RFC 8200) with UDP or TCP, whole. Hides headers and checksums
 * from everything else; believes no length that a packet states. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MTU = 1500 };
enum proto { TCP = 6, UDP = 17 };

/* IPv4 addresses are mapped ones (RFC 4291 2.5.5.2). */
struct address {
    uint8_t b[16];
};
struct endpoint {
    struct address address;
    uint16_t port;
};
struct head {
    enum proto proto;
    bool four;
    unsigned body; /* where UDP or TCP begins */
    struct endpoint from, to;
};

struct address address_four(const uint8_t bytes[static 4]);
bool address_same(const struct address *a, const struct address *b);
bool endpoint_same(const struct endpoint *a, const struct endpoint *b);

/* false: ICMP, a fragment, an extension header, a length that is not the packet's. */
bool packet_read(const uint8_t *data, size_t size, struct head *head);
/* Another source or destination for an IPv4 packet that was read, in packet and head; checksums by RFC 1624. */
void packet_from(uint8_t *data, struct head *head, const struct endpoint *from);
void packet_to(uint8_t *data, struct head *head, const struct endpoint *to);
