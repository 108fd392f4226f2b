/* SPDX-License-Identifier: Apache-2.0
 *
 * Signals that a worker cannot do without are not to be blocked by module code, as the C library's own are not: one left blocked, all of
 * them by a library that wants no signals in its threads, say, and the worker would hear no order, and no handler of it that hangs or
 * crashes would be answered for. Modules bind to these functions, as the executable exports them.
 */
#include "worker/signal_mask.h"

#include "worker/accept.h"
#include "worker/state.h"

#include <dlfcn.h>

typedef int set_mask(int how, const sigset_t *set, sigset_t *before);

/* What is left of a set. */
static sigset_t without_ours(const sigset_t *set)
{
    const int ours[] = {WORKER_LOOK_SIGNAL, accept_timer_signal(), SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    sigset_t rest = *set;
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        sigdelset(&rest, ours[i]);
    return rest;
}

static struct {
    set_mask *process, *thread;
} real;

/* Once, when the program starts: later this may run in a signal handler. */
static __attribute__((constructor)) void find_real(void)
{
    *(void **)&real.process = dlsym(RTLD_NEXT, "sigprocmask");
    *(void **)&real.thread = dlsym(RTLD_NEXT, "pthread_sigmask");
}

/* A library that is loaded with the program may have come first. */
static set_mask *known(set_mask *const *found)
{
    if (*found == NULL)
        find_real();
    return *found;
}

static int set_but_ours(set_mask *set_real, int how, const sigset_t *set, sigset_t *before)
{
    bool is_worker = the_worker != NULL && !the_worker->forked;
    if (!is_worker || set == NULL || how == SIG_UNBLOCK)
        return set_real(how, set, before);
    sigset_t rest = without_ours(set);
    return set_real(how, &rest, before);
}

int signal_mask_set(int how, const sigset_t *set, sigset_t *before)
{
    return known(&real.process)(how, set, before);
}

__attribute__((visibility("default"))) int sigprocmask(int how, const sigset_t *set, sigset_t *before)
{
    return set_but_ours(known(&real.process), how, set, before);
}

__attribute__((visibility("default"))) int pthread_sigmask(int how, const sigset_t *set, sigset_t *before)
{
    return set_but_ours(known(&real.thread), how, set, before);
}
