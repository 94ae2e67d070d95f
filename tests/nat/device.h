/* A node's end of its line: a TUN device in its network namespace, /run/netns/NAME. Linux only; needs root. */
#pragma once
#include "net.h"

/* Makes net0 there, up, with the node's addresses and the default route, and loopback up; the caller is in its own namespace again.
 * NULL, or what could not be done; errno tells why. */
const char *device_open(struct node *node);
