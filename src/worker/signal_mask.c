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

/* Found once, when a worker starts: later this may run in a signal handler. */
static set_mask *find(set_mask **real, const char *name)
{
    if (*real == NULL)
        *(void **)real = dlsym(RTLD_NEXT, name);
    return *real;
}

static int set_but_ours(set_mask *real, int how, const sigset_t *set, sigset_t *before)
{
    bool is_worker = the_worker != NULL && !the_worker->forked;
    if (!is_worker || set == NULL || how == SIG_UNBLOCK)
        return real(how, set, before);
    sigset_t rest = without_ours(set);
    return real(how, &rest, before);
}

static set_mask *process_mask, *thread_mask;

int signal_mask_set(int how, const sigset_t *set, sigset_t *before)
{
    return find(&process_mask, "sigprocmask")(how, set, before);
}

__attribute__((visibility("default"))) int sigprocmask(int how, const sigset_t *set, sigset_t *before)
{
    return set_but_ours(find(&process_mask, "sigprocmask"), how, set, before);
}

__attribute__((visibility("default"))) int pthread_sigmask(int how, const sigset_t *set, sigset_t *before)
{
    return set_but_ours(find(&thread_mask, "pthread_sigmask"), how, set, before);
}
