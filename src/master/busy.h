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

/* 'requests' were answered since the server's start. Looks only now and then; returns whether there is much to do. Pure. */
bool busy_look(struct busy *busy, int64_t now, uint64_t requests, unsigned cpus);

#endif
