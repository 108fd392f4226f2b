/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers in decimal, right where they are to stand. Pure.
 */
#ifndef BASE_DIGITS_H
#define BASE_DIGITS_H

#include <stddef.h>
#include <string.h>

enum { DIGITS_MAX = 20 }; /* of UINT64_MAX */

/* Writes 1 to DIGITS_MAX digits, and no NUL; returns how many. */
static inline size_t digits_put(char *to, unsigned long long number)
{
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960"
        "616263646566676869707172737475767778798081828384858687888990919293949596979899";
    size_t count = 1;
    for (unsigned long long power = 10; count < DIGITS_MAX && number >= power; power *= 10)
        count++;
    size_t at = count;
    for (; at >= 2; number /= 100)
        memcpy(to + (at -= 2), pairs + number % 100 * 2, 2);
    if (at == 1)
        to[0] = (char)('0' + number);
    return count;
}

#endif
