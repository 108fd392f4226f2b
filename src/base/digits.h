/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers in decimal, right where they are to stand. Pure.
 */
#ifndef BASE_DIGITS_H
#define BASE_DIGITS_H

#include <stddef.h>

enum { DIGITS_MAX = 20 }; /* of UINT64_MAX */

/* Writes 1 to DIGITS_MAX digits, and no NUL; returns how many. */
static inline size_t digits_put(char *to, unsigned long long number)
{
    size_t count = 1;
    for (unsigned long long power = 10; count < DIGITS_MAX && number >= power; power *= 10)
        count++;
    for (size_t at = count; at > 0; number /= 10)
        to[--at] = (char)('0' + number % 10);
    return count;
}

#endif
