#include "net.h"
#include "dice.h"
#include <stdlib.h>
#include <string.h>

static struct node *node_at(const struct net *net, const struct head *head) {
    for (unsigned i = 0; i < net->count; i++) {
        struct node *n = net->nodes[i];
        if (head->four ? n->four && address_same(&n->nat.outside, &head->to.address)
                       : n->six && address_same(&n->own_six, &head->to.address))
            return n;
    }
    return NULL;
}

static bool own_source(const struct node *n, const struct head *head) {
    return head->four ? n->four && address_same(&n->inside, &head->from.address)
                      : n->six && address_same(&n->own_six, &head->from.address);
}

static bool chance(struct net *net, struct node *n) {
    bool hit = dice(&net->chance) < n->loss * 4294967296.0;
    n->lost += hit;
    return hit;
}

/* IPv6 goes past the NAT; a network that blocks UDP blocks all of it. */
static bool leaves(struct node *n, uint8_t *data, struct head *head, double now) {
    struct endpoint as;
    if (!head->four) return n->nat.kind != NAT_BLOCKED || head->proto != UDP;
    if (!nat_out(&n->nat, head, now, &as)) return false;
    packet_from(data, head, &as);
    return true;
}

static bool enters(struct node *n, uint8_t *data, struct head *head, double now) {
    struct endpoint as;
    if (!head->four) return n->nat.kind != NAT_BLOCKED || head->proto != UDP;
    if (!nat_in(&n->nat, head, now, &as)) return false;
    packet_to(data, head, &as);
    return true;
}

static void fly(struct net *net, const struct flight *how, const uint8_t *data, size_t size) {
    struct flight *f = malloc(sizeof *f);
    if (!f) return;
    *f = *how;
    f->size = (uint16_t)size;
    memcpy(f->data, data, size);
    (void)heap_push(&net->heap, f);
}

void net_send(struct net *net, struct node *from, uint8_t *data, size_t size, double now) {
    struct flight f = {.at = now};
    if (size > MTU || !packet_read(data, size, &f.head)) {
        from->odd++;
        return;
    }
    f.to = node_at(net, &f.head);
    if (!f.to || !own_source(from, &f.head)) {
        from->nowhere++;
        return;
    }
    if (!leaves(from, data, &f.head, now)) {
        from->refused++;
        return;
    }
    f.home = f.to == from;
    if (!f.home && ((f.at = pipe_take(&from->up, now, size)) < 0 || chance(net, from))) return;
    if (!f.home) f.at += from->delay + f.to->delay;
    fly(net, &f, data, size);
}

/* At the far end of the other's line: into its downlink. */
static void arrive(struct net *net, struct flight *f) {
    f->home = true;
    f->at = pipe_take(&f->to->down, f->at, f->size);
    if (f->at < 0 || chance(net, f->to))
        free(f);
    else
        (void)heap_push(&net->heap, f);
}

void net_run(struct net *net, double now, deliver_fn *deliver) {
    for (const struct flight *first; (first = heap_first(&net->heap)) && first->at <= now;) {
        struct flight *f = heap_pop(&net->heap);
        if (!f->home) {
            arrive(net, f);
            continue;
        }
        if (enters(f->to, f->data, &f->head, f->at))
            deliver(f->to, f->data, f->size);
        else
            f->to->refused++;
        free(f);
    }
}

double net_due(const struct net *net) {
    const struct flight *first = heap_first(&net->heap);
    return first ? first->at : -1;
}

void net_free(struct net *net) {
    heap_free(&net->heap);
    for (unsigned i = 0; i < net->count; i++) {
        nat_free(&net->nodes[i]->nat);
        free(net->nodes[i]);
    }
    net->count = 0;
}
