/* SPDX-License-Identifier: Apache-2.0
 *
 * The finaliser of splitmix64: every bit of the input counts for every bit of the result. It can be undone, so it hides nothing from who
 * wants to know. Pure.
 */
#ifndef BASE_MIX_H
#define BASE_MIX_H

#include <stdint.h>

/* What is added before, so that few bits are mixed well too; 0 stays 0 without. */
#define MIX_STEP UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

#endif
