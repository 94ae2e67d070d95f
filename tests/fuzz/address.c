#include "circle/address.h"
#include "fuzz.h"

/* Three lines: the peer's address, the header, the list of proxies. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct arena a;
    char *remote = arena_copy(&a, (const char *)data, size), *forwarded = strchr(remote, '\n');
    char *networks = forwarded ? strchr(forwarded + 1, '\n') : NULL;
    if (networks) {
        *forwarded++ = *networks++ = '\0';
        const char *who = address_behind(&a, remote, forwarded, networks);
        MUST(strcmp(who, remote) == 0 || (address_listed(remote, networks) && strstr(forwarded, who)));
        MUST(networks_valid(networks) || *networks);
        /* the walk ends at somebody who is no listed proxy, or at the chain's end */
        MUST(!address_listed(who, networks) || strcmp(address_behind(&a, who, "", networks), who) == 0);
    }
    arena_reset(&a);
    return 0;
}
