/* SPDX-License-Identifier: Apache-2.0
 *
 * Accepting connections on sockets that all workers share, and the signals that get a worker out of accept4(). Runs
 * in workers.
 */
#ifndef WORKER_ACCEPT_H
#define WORKER_ACCEPT_H

#include "worker/state.h"

/* Descriptors and timer. Returns 0, or -1 with errno. */
int accept_open(struct worker *w);

/* Signal handlers; afterwards no signal is blocked. */
void accept_signals(void);

/* Ends an accept4() that has waited for too long. */
int accept_timer_signal(void);

/* Sleeps in accept4(). Returns a connection of the first listener, or -1: look at orders, then come again. */
int accept_blocking(struct worker *w);

/* The listener's event was seen: accepts once, always. */
void accept_while_holding(struct worker *w, size_t listener);

/* Starts serving a connection of the i-th listener. */
void accept_take(struct worker *w, size_t listener, int fd);

/* Has epoll watch the listeners, if the worker can take connections now; or not. */
void accept_watch(struct worker *w);
void accept_unwatch(struct worker *w);

/* A connection may have come for which somebody else was woken, in vain: has epoll look again. */
void accept_rewatch(struct worker *w);

/* No more connections for this worker. */
void accept_close(struct worker *w);

#endif
