/* Chance that is the same in each run: xorshift64 (Marsaglia 2003). */
#pragma once
#include <stdint.h>

enum { DICE_FIRST = 1 }; /* any state but 0 */

static inline uint32_t dice(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 16);
}
