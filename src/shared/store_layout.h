/* SPDX-License-Identifier: Apache-2.0
 *
 * How the memory of store.h is laid out. For store.c and store_entries.c.
 */
#ifndef SHARED_STORE_LAYOUT_H
#define SHARED_STORE_LAYOUT_H

#include "shared/store.h"

#include <stdatomic.h>

enum {
    STORE_WORDS = (STORE_KEY_MAX + STORE_VALUE_MAX) / 8,
};

/* One to a cache line: counting in one does not slow down another. */
struct counter {
    _Atomic uint64_t hash; /* 0: free */
    _Atomic int64_t value;
    uint64_t unused[6];
};

struct place {
    _Atomic uint64_t owner; /* process id of the writer, 0 for none; above it how often it was taken */
    _Atomic int64_t used;   /* monotonic ms at which it was last read or written */
    _Atomic uint64_t hash;
    _Atomic int64_t expires;
    _Atomic uint64_t lengths; /* of the key; above 32 bits, of the value */
    _Atomic uint64_t words[STORE_WORDS]; /* the key up to STORE_KEY_MAX, then the value */
};

struct bucket {
    _Atomic uint64_t state;
    uint64_t unused[7];
    struct place places[STORE_PLACES];
};

struct store {
    uint64_t layout;
    uint64_t secret[2];
    uint64_t unused[5];
    struct counter counters[]; /* then the buckets */
};

_Static_assert(sizeof(struct place) == 512 && sizeof(struct bucket) == 64 + STORE_PLACES * 512 && sizeof(struct counter) == 64 &&
               sizeof(struct store) == 64, "the layout is the same in every binary of this STORE_LAYOUT");
_Static_assert(STORE_PLACES == 16 && STORE_WORDS * 8 == STORE_KEY_MAX + STORE_VALUE_MAX, "the masks and words fit");

#endif
