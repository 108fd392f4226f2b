/* SPDX-License-Identifier: Apache-2.0
 *
 * See preemption.h.
 */
#include "worker/preemption.h"

#include "base/log.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

enum {
    WINDOW_MS = 50,
    BUSY_PER_MS = 4, /* events: some hundredths of a processor at least */
    CALM_PER_MS = 2  /* less than that, so that a load between does not change it with every window */
};

bool preemption_count(struct preemption *preemption, int64_t now, uint32_t events)
{
    int64_t elapsed = now - preemption->since;
    preemption->events += events;
    if (elapsed < WINDOW_MS)
        return false;
    bool was = preemption->polite;
    preemption->polite = preemption->events >= elapsed * (was ? CALM_PER_MS : BUSY_PER_MS);
    preemption->since = now;
    preemption->events = 0;
    return preemption->polite != was;
}

/* Threads and children of modules shall not inherit it. Once that is said, only root may take it back: so it is said each time. */
static int set_policy(int policy)
{
    struct sched_param none = {0};
    return sched_setscheduler(0, policy | SCHED_RESET_ON_FORK, &none);
}

void preemption_note(struct preemption *preemption, int64_t now, uint32_t events)
{
    if (preemption->fixed || !preemption_count(preemption, now, events))
        return;
    int expected = preemption->polite ? SCHED_OTHER : SCHED_BATCH;
    if ((sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) != expected) {
        preemption->fixed = true;
    } else if (set_policy(preemption->polite ? SCHED_BATCH : SCHED_OTHER) < 0) {
        log_debug("cannot change the scheduling policy: %s", strerror(errno));
        preemption->fixed = true;
    }
}
