/* Whose request is it, behind proxies? X-Forwarded-For is believed only as far as listed proxies wrote it. */
#pragma once
#include "util/arena.h"

/* Addresses and networks in CIDR form (RFC 4632, RFC 4291 2.3), separated by spaces or commas. */
bool networks_valid(const char *list);
/* false: not an address, or in none of them. An IPv4 address mapped into IPv6 counts as IPv4. */
bool address_listed(const char *address, const char *networks);
/* The right-most address of remote's chain that is not a listed proxy: remote itself unless it is listed, else what stands
 * behind it in forwarded (X-Forwarded-For, "client, proxy, proxy"; ports behind these are left out). What is not an address there
 * ends the chain: then the last address that was one. */
const char *address_behind(struct arena *arena, const char *remote, const char *forwarded, const char *networks);

/* Who stands between the visitors and us? An unlisted proxy that says for whom it speaks (*client); one that says nothing: it is
 * listed, and *client is no address ("unknown"), or the request comes from an inner address (RFC 1918, RFC 6598, RFC 4193,
 * loopback, link-local) and names a host of the public; or nobody that shows. Behind either all visitors have one address. */
enum via { VIA_NOBODY, VIA_PROXY, VIA_SILENT };
enum via address_via(struct arena *arena, const char *remote, const char *forwarded, const char *host, const char *networks,
                     const char **client);
