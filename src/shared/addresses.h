/* SPDX-License-Identifier: Apache-2.0
 *
 * How many connections each client address has, over all workers ([limits] per_address). In memory that all share: every worker counts
 * what it holds in a part of its own, and whoever wants to know adds them up. So nothing is locked, a connection that is handed over
 * is simply counted elsewhere, and of a worker that dies the master clears the part.
 *
 * The memory is bounded: an address has two places of a table, by a hash with a secret, and the smaller count is its own unless both
 * places are shared with others. Of n other addresses at the limit that happens with a chance of (n / 32768)^2.
 */
#ifndef SHARED_ADDRESSES_H
#define SHARED_ADDRESSES_H

#include "shared/scoreboard.h"

#include <netinet/in.h>

enum { ADDRESSES_ROWS = 2, ADDRESSES_PLACES = 32768 };

struct addresses {
    _Atomic uint16_t counts[SCOREBOARD_SLOTS][ADDRESSES_ROWS][ADDRESSES_PLACES]; /* worker; touched ones alone cost memory */
    _Atomic bool used[SCOREBOARD_SLOTS]; /* worker: it has counted something */
    uint64_t secret[2];
};

/* Where an address is counted. */
struct address_places {
    uint16_t place[ADDRESSES_ROWS];
};

/* Returns the mapping, or NULL with errno. It lives as long as the process. */
struct addresses *addresses_new(void);

/* IPv4 addresses (mapped) stand for themselves, IPv6 ones for their /64: a client has that many. */
struct address_places addresses_find(const struct addresses *addresses, const struct in6_addr *address);

/* Worker: one connection more, one fewer, in its slot. False: it has as many as can be counted. Async-signal-safe. */
bool addresses_add(struct addresses *addresses, size_t slot, struct address_places places);
void addresses_remove(struct addresses *addresses, size_t slot, struct address_places places);

/* Connections of the address in the first 'slots' slots. */
uint32_t addresses_count(const struct addresses *addresses, size_t slots, struct address_places places);

/* Master: the worker of this slot is gone. */
void addresses_clear(struct addresses *addresses, size_t slot);

#endif
