/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies that a .stream handler reads while they arrive. Runs in workers.
 */
#ifndef WORKER_ARRIVAL_H
#define WORKER_ARRIVAL_H

#include "worker/state.h"

/* The head is read and the body in order so far: its handler's turn. */
void arrival_begin(struct connection *c);

/* Behind the handler: what has come of the body is read over, and the input begins with the next request; or the connection ends. */
void arrival_finish(struct worker *w, struct connection *c);

#endif
