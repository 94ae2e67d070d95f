/* The internet of tests/nat, without devices: NATs by RFC 4787, lines by the clock that is given here. */
#include "config.h"
#include "tap.h"
#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>

enum { STUN = 3478, SIZE = 100 };

static struct endpoint at(const char *address, uint16_t port) {
    uint8_t four[4];
    struct endpoint e = {.port = port};
    if (inet_pton(AF_INET, address, four) == 1)
        e.address = address_four(four);
    else
        (void)inet_pton(AF_INET6, address, e.address.b);
    return e;
}

static struct head head(enum proto proto, struct endpoint from, struct endpoint to) {
    return (struct head){.proto = proto, .four = true, .body = 20, .from = from, .to = to};
}

static struct nat nat_of(enum nat_kind kind) {
    return (struct nat){.kind = kind, .outside = at("198.18.1.2", 0).address, .timeout = 120, .chance = 1};
}

/* The outside's port; 0: refused. */
static uint16_t out(struct nat *nat, enum proto proto, uint16_t port, struct endpoint to, double now) {
    struct endpoint from;
    struct head h = head(proto, at("10.0.0.2", port), to);
    return nat_out(nat, &h, now, &from) ? from.port : 0;
}

/* Does it come to 10.0.0.2, at this port? */
static bool in(struct nat *nat, enum proto proto, struct endpoint from, uint16_t outer, uint16_t inner, double now) {
    struct endpoint to, want = at("10.0.0.2", inner);
    struct head h = head(proto, from, (struct endpoint){nat->outside, outer});
    return nat_in(nat, &h, now, &to) && endpoint_same(&to, &want);
}

static void kinds(void) {
    static const struct {
        enum nat_kind kind;
        bool same_mapping, stranger, other_port; /* is let in */
    } cases[] = {{NAT_FULL, true, true, true},
                 {NAT_ADDR, true, false, true},
                 {NAT_PORT, true, false, false},
                 {NAT_SYM, false, false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct nat nat = nat_of(cases[i].kind);
        const char *name = nat_names[nat.kind];
        struct endpoint server = at("198.18.0.2", STUN), other = at("198.18.0.3", STUN), port = at("198.18.0.2", STUN + 1);
        ok(!in(&nat, UDP, server, 5000, 5000, 0), "%s: nobody before the first packet", name);
        uint16_t one = out(&nat, UDP, 5000, server, 0);
        ok(one, "%s: a packet leaves", name);
        ok(in(&nat, UDP, server, one, 5000, 1), "%s: the answer comes", name);
        ok(in(&nat, UDP, other, one, 5000, 1) == cases[i].stranger, "%s: of another address", name);
        ok(in(&nat, UDP, port, one, 5000, 1) == cases[i].other_port, "%s: of another port", name);
        uint16_t two = out(&nat, UDP, 5000, other, 1), again = out(&nat, UDP, 5000, server, 1);
        ok((one == two) == cases[i].same_mapping, "%s: the mapping for another remote", name);
        same_int(again, one, "%s: the mapping for the same remote", name);
        ok(in(&nat, UDP, other, two, 5000, 1), "%s: whom it has sent to", name);
        ok(out(&nat, UDP, 5001, server, 1) != one, "%s: another socket, another mapping", name);
        nat_free(&nat);
    }
}

static void ports(void) {
    struct nat nat = nat_of(NAT_PORT);
    struct endpoint to = at("198.18.0.2", STUN), from;
    same_int(out(&nat, UDP, 5000, to, 0), 5000, "the port is kept where it is free");
    same_int(out(&nat, TCP, 5000, to, 0), 5000, "UDP's and TCP's are apart");
    struct head other = head(UDP, at("10.0.0.3", 5000), to);
    ok(nat_out(&nat, &other, 0, &from) && from.port != 5000 && from.port >= 1024, "and is another one where it is not");
    ok(out(&nat, UDP, 80, to, 0) >= 1024, "no mapping has a port of the system's");
    nat_free(&nat);
}

static void ages(void) {
    struct nat nat = nat_of(NAT_PORT);
    struct endpoint a = at("198.18.0.2", STUN), b = at("198.18.0.3", STUN);
    (void)out(&nat, UDP, 5000, a, 0);
    (void)out(&nat, UDP, 5000, b, 100);
    ok(in(&nat, UDP, a, 5000, 5000, 120), "whom it has sent to is let in as long as is said");
    ok(!in(&nat, UDP, a, 5000, 5000, 121), "and no longer");
    ok(in(&nat, UDP, b, 5000, 5000, 220), "the mapping lasts with its last packet outwards");
    ok(!in(&nat, UDP, b, 5000, 5000, 221), "which those that come in are not");
    same_int(nat.count, 0, "then it is gone");
    (void)out(&nat, TCP, 5000, a, 300);
    ok(in(&nat, TCP, a, 5000, 5000, 7000), "TCP's last for two hours");
    nat_free(&nat);
}

static void refuses(void) {
    struct nat nat = nat_of(NAT_BLOCKED);
    struct endpoint to = at("198.18.0.2", STUN);
    same_int(out(&nat, UDP, 5000, to, 0), 0, "blocked: no UDP leaves");
    ok(!in(&nat, UDP, to, 5000, 5000, 0), "blocked: none comes");
    same_int(out(&nat, TCP, 5000, to, 0), 5000, "blocked: TCP does");
    ok(in(&nat, TCP, to, 5000, 5000, 0), "blocked: its answers, too");
    nat_free(&nat);
    nat = nat_of(NAT_FULL);
    (void)out(&nat, TCP, 5000, to, 0);
    ok(!in(&nat, TCP, at("198.18.0.3", STUN), 5000, 5000, 0), "full: for UDP alone");
    nat_free(&nat);
    nat = nat_of(NAT_SYM);
    unsigned made = 0;
    for (unsigned i = 0; i < NAT_MAPPINGS + 10; i++) made += out(&nat, UDP, (uint16_t)(1024 + i), to, 0) != 0;
    same_int(made, NAT_MAPPINGS, "it has so many mappings and no more");
    nat_free(&nat);
}

/* One's complement sum of the whole packet's parts, as a receiver has it: 0 is right. */
static uint16_t sum(const uint8_t *data, size_t size, uint32_t more) {
    for (size_t i = 0; i < size; i++) more += i % 2 ? data[i] : (uint32_t)data[i] << 8;
    while (more >> 16) more = (more & 0xffff) + (more >> 16);
    return (uint16_t)~more;
}

static uint16_t body_sum(const uint8_t *p, size_t size) {
    uint32_t pseudo = (uint32_t)p[9] + (uint32_t)(size - 20);
    for (int i = 12; i < 20; i += 2) pseudo += (uint32_t)(p[i] << 8 | p[i + 1]);
    return sum(p + 20, size - 20, pseudo);
}

static void set16(uint8_t *p, unsigned value) {
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

/* A packet of SIZE bytes, with right checksums. */
static void make(uint8_t p[static SIZE], enum proto proto, struct endpoint from, struct endpoint to) {
    memset(p, 0x5a, SIZE);
    memset(p, 0, 20 + 20);
    p[0] = 0x45;
    set16(p + 2, SIZE);
    p[8] = 64;
    p[9] = (uint8_t)proto;
    memcpy(p + 12, from.address.b + 12, 4);
    memcpy(p + 16, to.address.b + 12, 4);
    set16(p + 10, sum(p, 20, 0));
    set16(p + 20, from.port);
    set16(p + 22, to.port);
    if (proto == UDP)
        set16(p + 24, SIZE - 20);
    else
        p[32] = 0x50;
    set16(p + (proto == UDP ? 26 : 36), body_sum(p, SIZE));
}

static void make_six(uint8_t p[static SIZE], struct endpoint from, struct endpoint to) {
    memset(p, 0, SIZE);
    p[0] = 0x60;
    set16(p + 4, SIZE - 40);
    p[6] = UDP;
    memcpy(p + 8, from.address.b, 16);
    memcpy(p + 24, to.address.b, 16);
    set16(p + 40, from.port);
    set16(p + 42, to.port);
    set16(p + 44, SIZE - 40);
}

static void checksums(void) {
    for (int i = 0; i < 2; i++) {
        enum proto proto = i ? TCP : UDP;
        uint8_t p[SIZE];
        struct head h;
        struct endpoint as = at("203.0.113.9", 65535), to = at("10.255.0.1", 1);
        make(p, proto, at("10.0.0.2", 5000), at("198.18.0.2", STUN));
        ok(packet_read(p, SIZE, &h) && h.from.port == 5000 && h.to.port == STUN, "a packet is read");
        packet_from(p, &h, &as);
        packet_to(p, &h, &to);
        ok(sum(p, 20, 0) == 0 && body_sum(p, SIZE) == 0, "its checksums are right after it was changed");
        ok(packet_read(p, SIZE, &h) && endpoint_same(&h.from, &as) && endpoint_same(&h.to, &to), "and it says what it was given");
    }
    uint8_t p[SIZE];
    struct head h;
    struct endpoint as = at("203.0.113.9", 7);
    make(p, UDP, at("10.0.0.2", 5000), at("198.18.0.2", STUN));
    set16(p + 26, 0);
    ok(packet_read(p, SIZE, &h), "UDP without a checksum");
    packet_from(p, &h, &as);
    ok(p[26] == 0 && p[27] == 0 && sum(p, 20, 0) == 0, "has none after it was changed");
}

static struct node *came_to;
static unsigned came;
static struct head came_as;
static double came_at;

static void deliver(struct node *to, const uint8_t *data, size_t size) {
    came_to = to;
    came++;
    ok(packet_read(data, size, &came_as) && (!came_as.four || body_sum(data, size) == 0), "%s: what comes is whole", to->name);
}

static void run(struct net *net, double until) {
    for (double due; (due = net_due(net)) >= 0 && due <= until;) {
        came_at = due;
        net_run(net, due, deliver);
    }
}

static struct net net_of(const char *text) {
    struct net net = {.chance = 1};
    char said[200] = "", copy[2000];
    (void)snprintf(copy, sizeof copy, "%s", text);
    FILE *file = fmemopen(copy, strlen(copy), "r");
    ok(file && config_read(file, &net, said, sizeof said), "the file is read: %s", said);
    if (file) (void)fclose(file);
    return net;
}

static void lines(void) {
    struct net net = net_of("a public=198.18.0.1 up=800 delay=10 up_queue=20\n"
                            "b kind=port public=198.18.0.2 private=10.0.0.2 down=400 delay=5\n");
    struct node *a = net.nodes[0], *b = net.nodes[1];
    uint8_t p[SIZE];
    make(p, UDP, at("10.0.0.2", 5000), at("198.18.0.1", 80));
    net_send(&net, b, p, SIZE, 0);
    run(&net, 1);
    struct endpoint seen = at("198.18.0.2", 5000), home = at("10.0.0.2", 5000);
    ok(came_to == a && endpoint_same(&came_as.from, &seen), "a sees b's NAT");
    ok(fabs(came_at - 0.015) < 1e-5, "after both delays");
    came = 0;
    for (int i = 0; i < 30; i++) {
        make(p, UDP, at("198.18.0.1", 80), seen);
        net_send(&net, a, p, SIZE, 2);
    }
    run(&net, 3);
    ok(came_to == b && endpoint_same(&came_as.to, &home), "its answers go to b");
    same_int(came, 21, "as many as the queue of 20 ms at 800 kbit/s takes, and the one that is sent");
    same_int((int64_t)a->up.drops, 9, "the others are dropped, and counted");
    ok(fabs(came_at - (2 + 0.001 + 0.015 + 21 * 0.002)) < 1e-6, "the last one, after a downlink of half that rate");
    make(p, UDP, at("198.18.0.1", 81), seen);
    net_send(&net, a, p, SIZE, 4);
    run(&net, 5);
    ok(came == 21 && b->refused == 1, "what b has not asked for does not come");
    make(p, UDP, at("198.18.0.9", 80), seen);
    net_send(&net, a, p, SIZE, 6);
    same_int((int64_t)a->nowhere, 1, "nor does what bears another's address");
    net_free(&net);
}

static void turned_round(void) {
    struct net net = net_of("a kind=port public=198.18.0.1 private=10.0.0.2 delay=100\nb public=198.18.0.3\n");
    struct node *a = net.nodes[0];
    uint8_t p[SIZE];
    struct endpoint one = at("198.18.0.1", 5000), two = at("198.18.0.1", 5001), far = at("198.18.0.3", STUN);
    came = 0;
    for (uint16_t port = 5000; port < 5002; port++) {
        make(p, UDP, at("10.0.0.2", port), far);
        net_send(&net, a, p, SIZE, 0);
    }
    make(p, UDP, at("10.0.0.2", 5000), two);
    net_send(&net, a, p, SIZE, 0);
    run(&net, 0.005);
    make(p, UDP, at("10.0.0.2", 5001), one);
    net_send(&net, a, p, SIZE, 0.01);
    run(&net, 0.02);
    ok(came == 1 && came_to == a && endpoint_same(&came_as.from, &two),
       "to its own outside, with the outside's source; first the filter");
    net_free(&net);
}

static void six(void) {
    struct net net =
        net_of("a six=2001:db8::1\nb kind=sym public=198.18.0.1 private=10.0.0.2 six=2001:db8::2\n# c\n\nd kind=blocked "
               "public=198.18.0.4 private=10.0.0.2 six=2001:db8::4\n");
    uint8_t p[SIZE];
    came = 0;
    make_six(p, at("2001:db8::1", 5000), at("2001:db8::2", 6000));
    net_send(&net, net.nodes[0], p, SIZE, 0);
    run(&net, 1);
    ok(came == 1 && came_to == net.nodes[1] && came_as.to.port == 6000, "IPv6 has no NAT");
    make_six(p, at("2001:db8::1", 5000), at("2001:db8::4", 6000));
    net_send(&net, net.nodes[0], p, SIZE, 1);
    run(&net, 2);
    ok(came == 1 && net.nodes[2]->refused == 1, "where UDP is blocked, IPv6's is");
    net_free(&net);
}

static void chances(void) {
    struct net net = net_of("a public=198.18.0.1 loss=10\nb public=198.18.0.2\n");
    uint8_t p[SIZE];
    for (int i = 0; i < 10000; i++) {
        make(p, UDP, at("198.18.0.1", 80), at("198.18.0.2", 80));
        net_send(&net, net.nodes[0], p, SIZE, i);
    }
    ok(net.nodes[0]->lost > 850 && net.nodes[0]->lost < 1150, "one in ten is lost");
    net_free(&net);
}

static void wrong(void) {
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"", "line 0: there is no node"},
        {"a\n", "line 1: 'a' needs public=, six= or both"},
        {"a public=198.18.0.1\nA public=198.18.0.2\n", "line 2: 'A': a name has at most 31 of a-z, 0-9 and -"},
        {"a public=198.18.0.1\na public=198.18.0.2\n", "line 2: there is another 'a'"},
        {"a public=198.18.0.1\nb public=198.18.0.1\n", "line 2: 'b' has an address of 'a'"},
        {"a public=198.18.0.999\n", "line 1: public=198.18.0.999: public takes an IPv4 address"},
        {"a kind=cone public=198.18.0.1\n", "line 1: kind=cone: kind takes open, full, addr, port, sym or blocked"},
        {"a public=198.18.0.1 up=0\n", "line 1: up=0: up takes kbit/s, more than 0"},
        {"a public=198.18.0.1 up=nan\n", "line 1: up=nan: up takes kbit/s, more than 0"},
        {"a public=198.18.0.1 loss=101\n", "line 1: loss=101: loss takes percent"},
        {"a public=198.18.0.1 fast\n", "line 1: 'fast' is no KEY=VALUE"},
        {"a public=198.18.0.1 speed=1\n", "line 1: there is no 'speed'"},
        {"a kind=port public=198.18.0.1\n",
         "line 1: 'a': private= goes with public= and a kind that is not open, and is needed there"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct net net = {0};
        char said[200] = "", copy[200];
        (void)snprintf(copy, sizeof copy, "%s", cases[i].text);
        FILE *file = *copy ? fmemopen(copy, strlen(copy), "r") : fopen("/dev/null", "re");
        ok(file && !config_read(file, &net, said, sizeof said), "refused");
        same_text(said, cases[i].said, "with words");
        if (file) (void)fclose(file);
        net_free(&net);
    }
}

int main(void) {
    kinds();
    ports();
    ages();
    refuses();
    checksums();
    lines();
    turned_round();
    six();
    chances();
    wrong();
    return done();
}
