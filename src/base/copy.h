/* SPDX-License-Identifier: Apache-2.0
 *
 * A copy of a few bytes. Most of what heads and log lines are made of is shorter than the call of a function that copies any number.
 */
#ifndef BASE_COPY_H
#define BASE_COPY_H

#include <string.h>

/* As memcpy(). Up to 16 by two moves that may overlap each other. */
static inline void copy_bytes(char *to, const char *from, size_t length)
{
    if (length > 16) {
        memcpy(to, from, length);
    } else if (length >= 8) {
        memcpy(to, from, 8);
        memcpy(to + length - 8, from + length - 8, 8);
    } else if (length >= 4) {
        memcpy(to, from, 4);
        memcpy(to + length - 4, from + length - 4, 4);
    } else if (length > 0) {
        to[0] = from[0];
        to[length / 2] = from[length / 2];
        to[length - 1] = from[length - 1];
    }
}

#endif
