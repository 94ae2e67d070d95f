/* STUN servers (RFC 8489): by their help browsers behind NAT learn the address that others reach them at. Each is a third party
 * that sees the address of every visitor who takes part. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* Servers that anybody may use, by whom they are run. The first is the one that is proposed. */
struct stun {
    const char *url, *who;
};
extern const struct stun stun_servers[];
extern const size_t stun_count;

/* A URI of RFC 7064: stun:host[:port] or stuns:host[:port]; host is a name, an IPv4 address, or an IPv6 one in brackets. What a
 * browser refuses is refused: one bad URI among others ends RTCPeerConnection. */
bool stun_valid(const char *url);
