/* Are the values in a copy such as this program writes? Whoever restores one may have it from somebody else; each is asked of what
 * makes it: settings of `polycircle set`, names, choices, origins and addresses of their parsers. */
#pragma once
#include "circle/ctx.h"

/* More than any instance counts to, and far from where counting ends: 53 bits in a browser. */
#define VALUES_GEN (INT64_C(1) << 31)
#define VALUES_VERSION (INT64_C(1) << 40)
/* As far as a restore counts on: from there no instance comes to where its own copies are refused, nor, with the versions of its
 * lists, beyond what browsers tell each other (u32, PROTOCOL 2.3: behind it nobody would link to anybody any longer). */
#define COUNTED_GEN (VALUES_GEN / 2)
#define COUNTED_VERSION (UINT32_MAX - (INT64_C(1) << 24))

/* copy->store is the copy. ERR_DAMAGED: the first that is not, in words (copy->fault). */
enum err values_valid(struct ctx *copy);
