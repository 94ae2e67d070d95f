/* One NAT, in the words of RFC 4787 for UDP and RFC 5382 for TCP. Time is given by the caller, in seconds. */
#pragma once
#include "packet.h"

/*          mapping                        filtering
 * open     none: no NAT                   none
 * full     endpoint-independent           endpoint-independent ("full cone")
 * addr     endpoint-independent           address-dependent
 * port     endpoint-independent           address and port-dependent
 * sym      address and port-dependent     address and port-dependent ("symmetric")
 * blocked  as port, for TCP: no UDP gets through, either way
 * TCP is filtered by address and port everywhere, as home routers do. */
enum nat_kind { NAT_OPEN, NAT_FULL, NAT_ADDR, NAT_PORT, NAT_SYM, NAT_BLOCKED, NAT_KINDS };
extern const char *const nat_names[NAT_KINDS];

enum { NAT_MAPPINGS = 4096 }; /* no more at once */

struct mapping;
struct nat {
    enum nat_kind kind;
    struct address outside;
    double timeout; /* of a UDP mapping since the last packet outwards, and of each remote that it lets in; TCP's is 2 h 4 min */
    struct mapping *mappings;
    unsigned count;
    uint64_t chance; /* of dice.h */
};

/* A packet leaves: where it seems to come from. It makes a mapping or refreshes it. false: refused. */
bool nat_out(struct nat *nat, const struct head *head, double now, struct endpoint *from);
/* A packet has come to the outside: whom it is for. It refreshes nothing. false: refused. */
bool nat_in(struct nat *nat, const struct head *head, double now, struct endpoint *to);
void nat_free(struct nat *nat);
