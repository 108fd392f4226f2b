/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a run of harmless bytes ends, eight of them at a time: the inner loops of head.c, and
 * of field values elsewhere. Nothing behind 'end' is read. Pure.
 */
#ifndef HTTP_SCAN_H
#define HTTP_SCAN_H

#include "http/fields.h"

#include <endian.h>
#include <stdint.h>

/* Eight bytes at once, the first one lowest. */
static inline uint64_t scan_load(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return le64toh(word);
}

#define SCAN_EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* The high bit of each byte of 'word' that is below 'low' or DEL. Above the first such byte there may be
 * false ones (a borrow), below it never. */
static inline uint64_t scan_stops(uint64_t word, unsigned char low)
{
    uint64_t del = word ^ SCAN_EACH_BYTE(0x7f);
    uint64_t below = (word - SCAN_EACH_BYTE(low)) & ~word;
    return (below | ((del - SCAN_EACH_BYTE(1)) & ~del)) & SCAN_EACH_BYTE(0x80);
}

/* The first byte from 'at' on that is not visible ASCII; 'end' if all are. */
static inline size_t scan_visible(const char *bytes, size_t at, size_t end)
{
    for (; end - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t word = scan_load(bytes + at);
        uint64_t stops = scan_stops(word, '!') | (word & SCAN_EACH_BYTE(0x80));
        if (stops != 0)
            return at + (size_t)__builtin_ctzll(stops) / 8;
    }
    while (at < end && bytes[at] > ' ' && bytes[at] < 0x7f)
        at++;
    return at;
}

/* The first byte from 'at' on that must not stand in a field value; 'end' if all may. HTAB, the one
 * control byte that may, is too rare to be worth a place in the word. */
static inline size_t scan_value(const char *bytes, size_t at, size_t end)
{
    while (end - at >= sizeof(uint64_t)) {
        uint64_t stops = scan_stops(scan_load(bytes + at), ' ');
        if (stops == 0) {
            at += sizeof(uint64_t);
            continue;
        }
        at += (size_t)__builtin_ctzll(stops) / 8;
        if (bytes[at] != '\t')
            return at;
        at++;
    }
    while (at < end && field_value_bytes[(unsigned char)bytes[at]])
        at++;
    return at;
}

#endif
