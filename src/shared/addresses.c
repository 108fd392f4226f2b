/* SPDX-License-Identifier: Apache-2.0
 *
 * See addresses.h.
 */
#include "shared/addresses.h"

#include "base/mix.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

struct addresses *addresses_new(void)
{
    /* NORESERVE: untouched slots cost nothing, and there are many. */
    struct addresses *addresses = mmap(NULL, sizeof *addresses, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (addresses == MAP_FAILED)
        return NULL;
    if (getrandom(addresses->secret, sizeof addresses->secret, 0) == sizeof addresses->secret)
        return addresses;
    munmap(addresses, sizeof *addresses);
    return NULL;
}

struct address_places addresses_find(const struct addresses *addresses, const struct in6_addr *address)
{
    uint64_t key;
    memcpy(&key, &address->s6_addr[IN6_IS_ADDR_V4MAPPED(address) ? 8 : 0], sizeof key);
    uint64_t hash = mix(mix(key ^ addresses->secret[0]) ^ addresses->secret[1]);
    return (struct address_places){{hash % ADDRESSES_PLACES, (hash >> 32) % ADDRESSES_PLACES}};
}

/* One writer: no other process counts in this slot. Its signal handlers do, but never while it is in here: they act inside of handlers. */
bool addresses_add(struct addresses *addresses, size_t slot, struct address_places places)
{
    _Atomic uint16_t *first = &addresses->counts[slot][0][places.place[0]], *second = &addresses->counts[slot][1][places.place[1]];
    if (atomic_load_explicit(first, memory_order_relaxed) == UINT16_MAX || atomic_load_explicit(second, memory_order_relaxed) == UINT16_MAX)
        return false;
    atomic_store(&addresses->used[slot], true);
    atomic_fetch_add(first, 1);
    atomic_fetch_add(second, 1);
    return true;
}

void addresses_remove(struct addresses *addresses, size_t slot, struct address_places places)
{
    atomic_fetch_sub(&addresses->counts[slot][0][places.place[0]], 1);
    atomic_fetch_sub(&addresses->counts[slot][1][places.place[1]], 1);
}

uint32_t addresses_count(const struct addresses *addresses, size_t slots, struct address_places places)
{
    uint32_t counts[ADDRESSES_ROWS] = {0, 0};
    for (size_t slot = 0; slot < slots; slot++)
        for (int row = 0; row < ADDRESSES_ROWS && atomic_load_explicit(&addresses->used[slot], memory_order_relaxed); row++)
            counts[row] += atomic_load(&addresses->counts[slot][row][places.place[row]]);
    return counts[0] < counts[1] ? counts[0] : counts[1];
}

void addresses_clear(struct addresses *addresses, size_t slot)
{
    if (!atomic_exchange(&addresses->used[slot], false))
        return;
    /* Whole pages: they are given back, and read as zeros. */
    if (madvise((void *)addresses->counts[slot], sizeof addresses->counts[slot], MADV_REMOVE) < 0)
        memset((void *)addresses->counts[slot], 0, sizeof addresses->counts[slot]);
}
