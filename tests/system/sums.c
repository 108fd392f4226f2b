/* SPDX-License-Identifier: Apache-2.0
 *
 * The sum is FNV-1a, as in tests/modules.
 */
#include "sums.h"

#include <stdint.h>
#include <stdlib.h>

#include "harness.h"

char *make_bytes(size_t length)
{
    char *bytes = malloc(length + 1);
    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)(i * 2654435761u >> 13);
    return bytes;
}

char *sum_of(const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * 16777619u;
    return text("%zu %08x", length, hash);
}
