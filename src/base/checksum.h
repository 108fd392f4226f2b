/* SPDX-License-Identifier: Apache-2.0
 *
 * A sum by which memory of ours is known to be as we left it, for what module code might write over by accident. Not against an
 * adversary, nor for files. It takes some tens of nanoseconds for what fits a few cache lines. Pure, and async-signal-safe.
 */
#ifndef BASE_CHECKSUM_H
#define BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Of 'size' bytes, a multiple of 8. Each word times a number of its own, so that two that changed places do not go unseen; an odd one, so
 * that no change of a single word does. With a secret, so that nothing is right that was made elsewhere. */
static inline uint64_t checksum(uint64_t secret, const void *bytes, size_t size)
{
    uint64_t sum = secret;
#pragma GCC unroll 32
    for (size_t i = 0; i < size / sizeof(uint64_t); i++) {
        uint64_t word;
        memcpy(&word, (const char *)bytes + i * sizeof word, sizeof word);
        sum += word * (0x6d2b79f5 - 2 * 0x01234567 * i);
    }
    return sum;
}

#endif
