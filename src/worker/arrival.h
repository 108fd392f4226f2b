/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies that a .stream handler reads while they arrive. Runs in workers.
 */
#ifndef WORKER_ARRIVAL_H
#define WORKER_ARRIVAL_H

#include "worker/state.h"

/* The head is read and the body in order so far: its handler's turn. */
void arrival_begin(struct connection *c);

/* Behind the handler: what has come of the body is read over, or the connection ends. The head stays where it is, as the answer may be
 * made of it. */
void arrival_finish(struct worker *w, struct connection *c);

/* When the answer is out and the head gone: what came behind the body, the next request or some of it, follows in the input. */
void arrival_leave_rest(struct connection *c);

#endif
