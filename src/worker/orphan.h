/* SPDX-License-Identifier: Apache-2.0
 *
 * The master is gone, killed even: a worker accepts no more, finishes what it holds and leaves. Nobody is there to set a bound, so it sets
 * its own. Runs in workers.
 */
#ifndef WORKER_ORPHAN_H
#define WORKER_ORPHAN_H

#include "worker/state.h"

/* Is it? Async-signal-safe. */
bool orphan_is(const struct worker *w);

/* Module code runs, or is about to, and may do so for ever: the listeners are closed here and now, or nobody could listen there meanwhile,
 * and the handler is bounded by [timeouts] request, or graceful if that is less. Async-signal-safe. */
void orphan_hear(struct worker *w);

/* The timer has expired, which is that of accept4() outside of handlers. In its signal's handler. */
void orphan_expire(struct worker *w);

/* Between handlers; once. */
void orphan_become(struct worker *w);

#endif
