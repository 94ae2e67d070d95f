/* The file of nodes: a line each, its name and what differs from the default.
 *
 *   # a line that is not read
 *   host   public=198.18.0.2 six=2001:db8::2 up=8000
 *   anna   kind=port public=198.18.1.2 private=10.1.0.2 up=8000 down=50000 delay=9 loss=0.1
 *
 *   kind        open, full, addr, port, sym or blocked: nat.h; default open
 *   public      IPv4 address that others see
 *   private     IPv4 address of the device, where there is a NAT (of any kind but open)
 *   six         IPv6 address: never behind a NAT
 *   up, down    kbit/s of IP packets; default 1000000
 *   up_queue, down_queue   ms, after which more is dropped; default 250
 *   delay       ms between its line and the middle of the internet, one way; default 1
 *   loss        percent, in each direction; default 0
 *   timeout     s that a mapping lasts; default 120 (RFC 4787 4.3: at least)
 */
#pragma once
#include "net.h"
#include <stdio.h>

enum { CONFIG_LINE = 512 };

/* Fills an empty net. false: said, of at most `size` bytes, tells what is wrong, with the line. */
bool config_read(FILE *file, struct net *net, char *said, size_t size);
