#include "circle/stun.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct stun stun_servers[] = {
    {"stun:stun.nextcloud.com:443", "Nextcloud GmbH, Germany"},
    {"stun:stun.cloudflare.com:3478", "Cloudflare, Inc., USA"},
    {"stun:stun.l.google.com:19302", "Google LLC, USA"},
};
const size_t stun_count = sizeof stun_servers / sizeof *stun_servers;

enum { HOST_MOST = 253 }; /* RFC 1035 3.1, as text */

static bool port_valid(const char *text) {
    size_t len = strlen(text);
    int port = len >= 1 && len <= 5 && strspn(text, "0123456789") == len ? atoi(text) : 0;
    return port >= 1 && port <= 65535;
}

/* Labels of letters, digits and dashes; one of digits at the end is an IPv4 address, or nothing. */
static bool name_valid(const char *host) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    struct in_addr four;
    const char *last = host;
    for (const char *label = host;; label += strspn(label, ".")) {
        size_t len = strspn(label, letters);
        if (len == 0 || len > 63 || label[0] == '-' || label[len - 1] == '-') return false;
        last = label;
        label += len;
        if (!*label) break;
        if (*label != '.' || label[1] == '.') return false;
    }
    return last[strspn(last, "0123456789")] || inet_pton(AF_INET, host, &four) == 1;
}

static bool host_valid(const char *host) {
    struct in6_addr six;
    char text[HOST_MOST + 1];
    size_t len = strlen(host);
    if (len == 0 || len > HOST_MOST) return false;
    if (host[0] != '[') return name_valid(host);
    (void)snprintf(text, sizeof text, "%s", host + 1);
    char *end = strchr(text, ']');
    if (!end || end[1]) return false;
    *end = '\0';
    return inet_pton(AF_INET6, text, &six) == 1;
}

bool stun_valid(const char *url) {
    char host[HOST_MOST + 1];
    size_t scheme = strncmp(url, "stun:", 5) == 0 ? 5 : strncmp(url, "stuns:", 6) == 0 ? 6 : 0;
    const char *at = url + scheme;
    size_t len = *at == '[' ? strcspn(at, "]") + 1 : strcspn(at, ":");
    if (!scheme || len > strlen(at) || len > HOST_MOST) return false;
    memcpy(host, at, len);
    host[len] = '\0';
    return host_valid(host) && (!at[len] || (at[len] == ':' && port_valid(at + len + 1)));
}
