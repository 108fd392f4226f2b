/* SPDX-License-Identifier: Apache-2.0
 *
 * Who has to make room when an event wakes this worker. Usually (SCHED_OTHER) whoever runs on that processor does, at once: right for a
 * worker that has little to do, as nobody shall wait for an answer. But a busy one would break in thousands of times a second, on the very
 * process, often, that was about to send it more. So it lets others finish their slice (SCHED_BATCH, see sched(7)), finds more to do when
 * its turn comes, and a request costs a tenth less.
 */
#ifndef WORKER_PREEMPTION_H
#define WORKER_PREEMPTION_H

#include <stdbool.h>
#include <stdint.h>

/* All 0 at first: a worker that preempts. */
struct preemption {
    int64_t since;   /* monotonic ms: when counting began */
    uint32_t events; /* since then */
    bool polite;     /* others finish first */
    bool fixed;      /* the policy is somebody else's choice */
};

/* Counts the events of a turn. True when others are to be treated differently from now on. Pure. */
bool preemption_count(struct preemption *preemption, int64_t now, uint32_t events);

/* The same, and tells the system. A policy that was set from outside (chrt, CPUSchedulingPolicy=) stays; so does one that may not be changed. */
void preemption_note(struct preemption *preemption, int64_t now, uint32_t events);

#endif
