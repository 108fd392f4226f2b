/* SPDX-License-Identifier: Apache-2.0
 *
 * UTF-8 (RFC 3629), byte by byte: no overlong forms, no surrogates, nothing above U+10FFFF. Pure.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/slice.h"

/* Where a text stands. */
struct utf8 {
    unsigned char more;        /* bytes that the character still needs */
    unsigned char least, most; /* of the next one */
    bool broken;
};

#define UTF8_START ((struct utf8){0, 0x80, 0xbf, false})

/* Returns false from the first byte on that cannot stand where it does. */
bool utf8_step(struct utf8 *state, unsigned char byte);

static inline bool utf8_is_between(const struct utf8 *state)
{
    return !state->broken && state->more == 0;
}

bool utf8_is_valid(struct slice text);

/* The length of the character at the front of a text that ends with a NUL; 0: there is none. */
size_t utf8_character(const char *text);

/* Puts a '?' in place of each byte that belongs to no character. */
void utf8_mend(char *text);

#endif
