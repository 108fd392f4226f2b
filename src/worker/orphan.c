/* SPDX-License-Identifier: Apache-2.0
 *
 * See orphan.h. The alarm may be a module's by then; it is taken all the same.
 */
#include "worker/orphan.h"

#include "base/clock.h"
#include "base/log.h"
#include "worker/accept.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PATIENCE_MS = 1000 }; /* with clients that are idle */

static int64_t leave_by; /* monotonic ms, of who heard of it inside a handler */
static bool is_told;

bool orphan_is(const struct worker *w)
{
    return w->orphaned || getppid() != w->setup->master;
}

/* When the handler that runs has had its time. Each piece of a stream begins that anew. */
static int64_t end_of_handler(const struct worker *w)
{
    int64_t end = atomic_load(&w->slot->since) + atomic_load(&w->slot->allowed);
    return end < leave_by ? end : leave_by;
}

static void set_alarm(int64_t until)
{
    int64_t left = until - clock_ms();
    alarm(left > 0 ? (unsigned)(left / 1000 + 1) : 1);
}

/* As the master would: the request is answered 504, by another orphan if there is one. If the handler has ended meanwhile it is about
 * nothing. */
static void on_alarm(int signal)
{
    struct worker *w = the_worker;
    int saved = errno;
    (void)signal;
    if (w->current != NULL && clock_ms() < end_of_handler(w)) {
        set_alarm(end_of_handler(w));
    } else if (w->current != NULL) {
        atomic_store(&w->slot->condemned, atomic_load(&w->slot->sequence));
        syscall(SYS_tgkill, w->pid, w->pid, SIGABRT);
    }
    errno = saved;
}

void orphan_hear(struct worker *w)
{
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART | SA_ONSTACK};
    if (w->orphaned)
        return;
    w->orphaned = 1;
    if (w->accepting)
        accept_close(w);
    w->accepting = false;
    leave_by = clock_ms() + w->config->timeouts.graceful;
    sigaction(SIGALRM, &action, NULL);
    set_alarm(end_of_handler(w));
}

void orphan_become(struct worker *w)
{
    if (is_told)
        return;
    is_told = true;
    log_warning("the master is gone: finishing what is held");
    w->orphaned = 1;
    atomic_store(&w->slot->patience, PATIENCE_MS);
    signal(SIGALRM, SIG_DFL);
    set_alarm(clock_ms() + w->config->timeouts.graceful);
}
