/* SPDX-License-Identifier: Apache-2.0
 *
 * Signs of life of a handler that waits for its client. That time is the client's, and has bounds of its own ([timeouts] body and send,
 * [limits] rate): without these signs [timeouts] request would end the worker for what a client does not do.
 */
#ifndef WORKER_PROGRESS_H
#define WORKER_PROGRESS_H

#include "base/clock.h"
#include "worker/state.h"

enum { PROGRESS_LOOK_MS = 1000 };

/* The handler's time starts anew. */
static inline void progress_note(void)
{
    atomic_store_explicit(&the_worker->slot->since, clock_ms(), memory_order_relaxed);
}

/* How long to poll() for the client, of the 'left' ms that it has, before the next sign. */
static inline int progress_wait(int64_t left)
{
    int64_t most = atomic_load_explicit(&the_worker->slot->allowed, memory_order_relaxed) / 4;
    if (most > PROGRESS_LOOK_MS)
        most = PROGRESS_LOOK_MS;
    if (most < 1)
        most = 1;
    return (int)(left < most ? left : most);
}

#endif
