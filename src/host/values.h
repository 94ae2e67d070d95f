/* Are the values in a copy such as this program writes? Whoever restores one may have it from somebody else; each is asked of what
 * makes it: settings of `polycircle set`, names, choices, origins and addresses of their parsers. */
#pragma once
#include "circle/ctx.h"

/* More than any instance counts to, and far from where counting ends: 53 bits in a browser. */
#define VALUES_GEN (INT64_C(1) << 31)
#define VALUES_VERSION (INT64_C(1) << 40)

/* copy->store is the copy. ERR_DAMAGED: the first that is not, in words (copy->fault). */
enum err values_valid(struct ctx *copy);
