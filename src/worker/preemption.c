/* SPDX-License-Identifier: Apache-2.0
 *
 * See preemption.h.
 */
#include "worker/preemption.h"

#include "base/log.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

static void set_policy(struct preemption *preemption, int from, int to)
{
    struct sched_param none = {0};
    if (sched_getscheduler(0) != from) {
        preemption->fixed = true;
    } else if (sched_setscheduler(0, to, &none) < 0) {
        log_debug("cannot set the scheduling policy: %s", strerror(errno));
        preemption->fixed = true;
    }
}

void preemption_open(struct preemption *preemption, bool wanted)
{
    if (wanted)
        set_policy(preemption, SCHED_OTHER, SCHED_OTHER);
    else
        preemption->fixed = true;
}

void preemption_change(struct preemption *preemption, bool polite)
{
    preemption->polite = polite;
    if (!preemption->fixed)
        set_policy(preemption, polite ? SCHED_OTHER : SCHED_BATCH, polite ? SCHED_BATCH : SCHED_OTHER);
}
