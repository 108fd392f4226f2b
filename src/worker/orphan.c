/* SPDX-License-Identifier: Apache-2.0
 *
 * See orphan.h. By a timer whose signal comes to the main thread, and which no module has, nor blocks.
 */
#include "worker/orphan.h"

#include "base/clock.h"
#include "base/log.h"
#include "worker/accept.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PATIENCE_MS = 1000 }; /* with clients that are idle */

bool orphan_is(const struct worker *w)
{
    return w->orphaned || getppid() != w->setup->master;
}

/* When the handler that runs has had its time. Each piece of a stream begins that anew. */
static int64_t end_of_handler(const struct worker *w)
{
    int64_t end = atomic_load(&w->slot->since) + atomic_load(&w->slot->allowed);
    return end < w->leave_by ? end : w->leave_by;
}

static void set_timer(const struct worker *w)
{
    int64_t left = end_of_handler(w) - clock_ms();
    left = left > 1 ? left : 1;
    struct itimerspec time = {.it_value = {left / 1000, left % 1000 * 1000000}};
    timer_settime(w->accept_timer, 0, &time, NULL);
}

static void begin(struct worker *w)
{
    w->orphaned = 1;
    w->leave_by = clock_ms() + w->config->timeouts.graceful;
    if (w->accepting)
        accept_close(w);
    w->accepting = false;
}

void orphan_hear(struct worker *w)
{
    if (!w->orphaned)
        begin(w);
    set_timer(w);
}

/* As the master would: the request is answered 504, by another orphan if there is one. */
void orphan_expire(struct worker *w)
{
    if (!w->orphaned || w->current == NULL)
        return;
    if (clock_ms() < end_of_handler(w)) {
        set_timer(w);
        return;
    }
    atomic_store(&w->slot->condemned, atomic_load(&w->slot->sequence));
    syscall(SYS_tgkill, w->pid, w->pid, SIGABRT);
}

void orphan_become(struct worker *w)
{
    if (w->orphan_told)
        return;
    w->orphan_told = true;
    log_warning("the master is gone: finishing what is held");
    if (!w->orphaned)
        begin(w);
    atomic_store(&w->slot->patience, PATIENCE_MS);
}
