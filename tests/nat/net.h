/* The internet: nodes, and what is on its way between them. A packet goes through its node's NAT and uplink, both nodes' delays,
 * the other's downlink and NAT. What is for the node's own outside address is turned round by its NAT (RFC 4787 6, hairpinning).
 * Knows no device and no clock: packets and seconds come from the caller. */
#pragma once
#include "heap.h"
#include "nat.h"
#include "pipe.h"

enum { NET_NODES = 250, NODE_NAME = 32 };

struct node {
    char name[NODE_NAME];
    bool four, six;
    struct address inside, own_six; /* the outside is its NAT's; IPv6 has none */
    struct nat nat;
    struct pipe up, down;
    double delay, loss; /* s; part of one, in each direction */
    int device;
    uint64_t lost, refused, nowhere,
        odd; /* by chance; by its NAT; to no node, or with a source that is not its own; what packet_read() refuses */
};
struct net {
    struct node *nodes[NET_NODES];
    unsigned count;
    struct heap heap;
    uint64_t chance;
};

typedef void deliver_fn(struct node *to, const uint8_t *data, size_t size);

/* A node's device has given this. The data is changed. */
void net_send(struct net *net, struct node *from, uint8_t *data, size_t size, double now);
/* Delivers all that is due. */
void net_run(struct net *net, double now, deliver_fn *deliver);
/* When something is due; negative: nothing is on its way. */
double net_due(const struct net *net);
/* Also its nodes. */
void net_free(struct net *net);
