/* SPDX-License-Identifier: Apache-2.0
 *
 * See preemption.h.
 */
#include "worker/preemption.h"

#include "base/log.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

/* Threads and children of modules shall not inherit it. Once that is said, only root may take it back: so it is said each time. */
static int set_policy(int policy)
{
    struct sched_param none = {0};
    return sched_setscheduler(0, policy | SCHED_RESET_ON_FORK, &none);
}

void preemption_change(struct preemption *preemption, bool polite)
{
    int expected = polite ? SCHED_OTHER : SCHED_BATCH;
    preemption->polite = polite;
    if (preemption->fixed)
        return;
    if ((sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) != expected) {
        preemption->fixed = true;
    } else if (set_policy(polite ? SCHED_BATCH : SCHED_OTHER) < 0) {
        log_debug("cannot change the scheduling policy: %s", strerror(errno));
        preemption->fixed = true;
    }
}
