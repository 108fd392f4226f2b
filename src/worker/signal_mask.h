/* SPDX-License-Identifier: Apache-2.0
 *
 * Signals that are blocked. Module code has sigprocmask() and pthread_sigmask() of this file's. Runs in workers.
 */
#ifndef WORKER_SIGNAL_MASK_H
#define WORKER_SIGNAL_MASK_H

#include <signal.h>

/* As sigprocmask(), and those that a worker needs are blocked as well if the set has them. */
int signal_mask_set(int how, const sigset_t *set, sigset_t *before);

#endif
