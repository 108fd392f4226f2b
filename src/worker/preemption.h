/* SPDX-License-Identifier: Apache-2.0
 *
 * Who has to make room when an event wakes this worker. Usually (SCHED_OTHER) whoever runs on that processor does, at once: right while
 * there is little to do, as nobody shall wait for an answer. But workers of a busy server would break in thousands of times a second, on
 * the very process, often, that was about to send them more. So they let others finish their slice (SCHED_BATCH, see sched(7)), find more
 * to do when their turn comes, and a request costs a tenth less; of many workers, half. Runs in workers.
 */
#ifndef WORKER_PREEMPTION_H
#define WORKER_PREEMPTION_H

#include <stdbool.h>

/* All 0 at first: a worker that preempts. */
struct preemption {
    bool polite; /* others are to finish first */
    bool fixed;  /* the policy is somebody else's choice, and stays */
};

/* At a worker's start; 'wanted' by the configuration. A policy that was set from outside (chrt, CPUSchedulingPolicy=) is fixed; so is
 * one that may not be changed. Sets the one there is: if a filter of system calls kills for that, then now, and not under load. */
void preemption_open(struct preemption *preemption, bool wanted);

/* The server is busy now, or no more. */
void preemption_change(struct preemption *preemption, bool polite);

static inline void preemption_follow(struct preemption *preemption, bool polite)
{
    if (preemption->polite != polite)
        preemption_change(preemption, polite);
}

#endif
