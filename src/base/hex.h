/* SPDX-License-Identifier: Apache-2.0
 *
 * Hexadecimal digits. Pure.
 */
#ifndef BASE_HEX_H
#define BASE_HEX_H

/* 0 to 15; -1: it is none. */
static inline int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

#endif
