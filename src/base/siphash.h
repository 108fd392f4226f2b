/* SPDX-License-Identifier: Apache-2.0
 *
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a hash with a secret key, so that nobody who chooses what is hashed can make
 * it collide. Pure.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* Words are taken in the order of little-endian machines on all of them. */
uint64_t siphash(const uint64_t key[static 2], const void *data, size_t length);

#endif
