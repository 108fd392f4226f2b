/* SPDX-License-Identifier: Apache-2.0
 *
 * Who has to make room when an event wakes this worker. Usually (SCHED_OTHER) whoever runs on that processor does, at once: right while
 * there is little to do, as nobody shall wait for an answer. But workers of a busy server would break in thousands of times a second, on the
 * very process, often, that was about to send them more. So they let others finish their slice (SCHED_BATCH, see sched(7)), find more to do
 * when their turn comes, and a request costs a tenth less; of many workers, half.
 */
#ifndef WORKER_PREEMPTION_H
#define WORKER_PREEMPTION_H

#include <stdbool.h>

/* All 0 at first: a worker that preempts. */
struct preemption {
    bool polite; /* others finish first */
    bool fixed;  /* the policy is somebody else's choice */
};

/* A policy that was set from outside (chrt, CPUSchedulingPolicy=) stays; so does one that may not be changed. */
void preemption_change(struct preemption *preemption, bool polite);

static inline void preemption_follow(struct preemption *preemption, bool polite)
{
    if (preemption->polite != polite)
        preemption_change(preemption, polite);
}

#endif
