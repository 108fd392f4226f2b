/* SPDX-License-Identifier: Apache-2.0
 *
 * [timeouts] queue: requests that had to wait for their turn, in the kernel or behind other handlers. Runs in workers.
 */
#ifndef WORKER_QUEUE_H
#define WORKER_QUEUE_H

#include "worker/state.h"

/* Does any app limit how long requests wait? Else nothing is looked at. */
bool queue_matters(const struct config *config);

/* Bytes were read: notes since when they were there to be read. False: the client is gone. */
bool queue_note(struct worker *w, struct connection *c);

/* The request's turn has come. */
enum queue_verdict {
    QUEUE_PASS,
    QUEUE_LATE, /* it waited too long: it is set up to be answered 503 */
    QUEUE_GONE  /* nobody waits for its answer any more */
};
enum queue_verdict queue_admit(struct worker *w, struct connection *c);

#endif
