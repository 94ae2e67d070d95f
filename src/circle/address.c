#include "circle/address.h"
#include <arpa/inet.h>

struct network {
    uint8_t b[16]; /* IPv4 as ::ffff:a.b.c.d */
    int bits; /* of 128 */
};

static const char separators[] = " ,\t";

/* "address" or "address/bits" of len characters. */
static bool read_network(struct network *out, const char *text, size_t len) {
    struct network network = {.bits = 0};
    char address[64];
    size_t n = strcspn(text, "/");
    if (n > len) n = len;
    if (n == 0 || n >= sizeof address) return false;
    memcpy(address, text, n);
    address[n] = '\0';
    bool four = inet_pton(AF_INET, address, network.b + 12) == 1;
    if (four) memset(network.b + 10, 0xff, 2);
    if (!four && inet_pton(AF_INET6, address, network.b) != 1) return false;
    int most = four ? 32 : 128;
    network.bits = most;
    if (n < len) {
        size_t digits = strspn(text + n + 1, "0123456789");
        if (digits == 0 || digits > 3 || n + 1 + digits != len) return false;
        network.bits = atoi(text + n + 1);
    }
    if (network.bits > most) return false;
    network.bits += 128 - most;
    *out = network;
    return true;
}

static bool inside(const struct network *network, const struct network *address) {
    int whole = network->bits / 8, rest = network->bits % 8;
    uint8_t mask = (uint8_t)(0xff00 >> rest);
    return memcmp(network->b, address->b, (size_t)whole) == 0 &&
           (rest == 0 || ((network->b[whole] ^ address->b[whole]) & mask) == 0);
}

bool networks_valid(const char *list) {
    struct network network;
    for (list += strspn(list, separators); *list; list += strspn(list, separators)) {
        size_t len = strcspn(list, separators);
        if (!read_network(&network, list, len)) return false;
        list += len;
    }
    return true;
}

bool address_listed(const char *address, const char *networks) {
    struct network network, one;
    if (strchr(address, '/') || !read_network(&one, address, strlen(address))) return false;
    for (networks += strspn(networks, separators); *networks; networks += strspn(networks, separators)) {
        size_t len = strcspn(networks, separators);
        if (read_network(&network, networks, len) && inside(&network, &one)) return true;
        networks += len;
    }
    return false;
}

/* Some proxies write the port, too: 198.51.100.7:4711, [2001:db8::1]:4711. */
static const char *without_port(struct arena *arena, const char *address) {
    if (*address == '[') return arena_copy(arena, address + 1, strcspn(address + 1, "]"));
    const char *colon = strchr(address, ':');
    return colon && !strchr(colon + 1, ':') ? arena_copy(arena, address, (size_t)(colon - address)) : address;
}

static bool is_address(const char *text) {
    struct network one;
    return !strchr(text, '/') && read_network(&one, text, strlen(text));
}

const char *address_behind(struct arena *arena, const char *remote, const char *forwarded, const char *networks) {
    size_t end = strlen(forwarded);
    while (end && address_listed(remote, networks)) {
        while (end && strchr(separators, forwarded[end - 1])) end--;
        size_t start = end;
        while (start && !strchr(separators, forwarded[start - 1])) start--;
        const char *next = without_port(arena, arena_copy(arena, forwarded + start, end - start));
        if (!is_address(next)) break;
        remote = next;
        end = start;
    }
    return remote;
}

static const char inner[] =
    "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 169.254.0.0/16 127.0.0.0/8 ::1 fc00::/7 fe80::/10";

/* A name with a dot that is not of a network of one's own (RFC 6762, RFC 8375, RFC 9476 and what homes use), or an outer address.
 */
static bool public_host(const char *host) {
    static const char *const own[] = {".local", ".localhost", ".lan", ".home", ".internal", ".home.arpa", ".alt", ".test"};
    struct network network;
    size_t len = strlen(host);
    if (read_network(&network, host, len)) return !address_listed(host, inner);
    if (!strchr(host, '.') || host[0] == '[') return false;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (len > strlen(own[i]) && strcmp(host + len - strlen(own[i]), own[i]) == 0) return false;
    return true;
}

enum via address_via(struct arena *arena, const char *remote, const char *forwarded, const char *host, const char *networks,
                     const char **client) {
    const char *comma = strrchr(forwarded, ',');
    *client = comma ? comma + 1 : forwarded;
    *client += strspn(*client, separators);
    *client = without_port(arena, arena_copy(arena, *client, strcspn(*client, separators)));
    if (address_listed(remote, networks)) return **client && !is_address(*client) ? VIA_SILENT : VIA_NOBODY;
    if (strcmp(*client, remote) == 0) return VIA_NOBODY;
    if (**client) return VIA_PROXY;
    return address_listed(remote, inner) && public_host(host) ? VIA_SILENT : VIA_NOBODY;
}
