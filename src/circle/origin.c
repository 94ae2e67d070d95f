#include "circle/origin.h"
#include "util/err.h"

/* A name, an IPv4 address or an IPv6 one in brackets, and a port perhaps. */
static bool host_valid(const char *host, size_t len) {
    size_t name = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    if (name >= len) return name == len || *host != '[';
    size_t digits = strspn(host + name + 1, "0123456789");
    return name > 0 && host[name] == ':' && digits >= 1 && digits <= 5 && name + 1 + digits == len;
}

bool url_plain(const char *url) {
    for (const char *p = url; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("?#\\\"'<>", *p)) return false;
    return text_utf8(url);
}

bool origin_of(struct arena *arena, const char *url, const char **origin) {
    size_t scheme = strncasecmp(url, "https://", 8) == 0 ? 8 : strncasecmp(url, "http://", 7) == 0 ? 7 : 0;
    size_t host = scheme ? strcspn(url + scheme, "/?#") : 0;
    if (!host) return false;
    char *text = arena_copy(arena, url, scheme + host);
    if (!url_plain(text) || strchr(text, '@') || !host_valid(text + scheme, host)) return false;
    for (char *p = text; *p; p++) *p = (char)tolower((unsigned char)*p);
    const char *standard = scheme == 8 ? ":443" : ":80";
    size_t len = strlen(text), tail = strlen(standard);
    if (len > tail && strcmp(text + len - tail, standard) == 0) text[len - tail] = '\0';
    *origin = text;
    return true;
}
