/* SPDX-License-Identifier: Apache-2.0
 *
 * How many cores crashing workers may leave: a handler that crashes ten times a second shall not fill a disk. Counted over all workers, in
 * memory that they share. Async-signal-safe. Runs in workers.
 */
#ifndef SHARED_CORES_H
#define SHARED_CORES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { CORES_MAX = 5, CORES_WINDOW_MS = 60000 }; /* the first ones tell what there is to know */

struct cores {
    _Atomic uint64_t window; /* when it began, and how many there were in it, in one: nobody sees half of a change */
};

/* Would the kernel make a core of this process? */
bool cores_are_made(void);

/* Takes one of those that may be made at 'now', monotonic ms above 0; false: there were enough. */
bool cores_take(struct cores *cores, int64_t now);

#endif
