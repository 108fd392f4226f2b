/* SPDX-License-Identifier: Apache-2.0
 *
 * Has the server as a whole much to do? Then its workers let others finish before they run: see worker/preemption.h. One worker
 * cannot know: that of many each has little to do says nothing.
 */
#ifndef MASTER_BUSY_H
#define MASTER_BUSY_H

#include <stdbool.h>
#include <stdint.h>

/* All 0 at first. */
struct busy {
    int64_t since;     /* monotonic ms: when counting began */
    uint64_t requests; /* since the server's start, by then */
    bool busy;
};

/* Both run in the master, and are pure. Was it looked at long enough ago? */
bool busy_is_due(const struct busy *busy, int64_t now);

/* When it is due: 'requests' were answered since the server's start, 'connections' are held now. Returns whether there is much to do. */
bool busy_look(struct busy *busy, int64_t now, uint64_t requests, uint64_t connections, unsigned cpus);

#endif
