/* SPDX-License-Identifier: Apache-2.0
 *
 * Module code on behalf of a request: its handler with the filters around it, filters before its body is there, and what a module gave to
 * be called when nobody needs its content any more. Nowhere else does a worker that serves enter it; while it is in there the slot says so,
 * and since when, so that it is watched, and guard.h says what becomes of a crash. Runs in workers.
 */
#ifndef WORKER_HANDLER_H
#define WORKER_HANDLER_H

#include "worker/state.h"

/* What is known of a request behind its handler, when the request itself may be gone. */
struct handler_result {
    bool ours;    /* its client was not let go of meanwhile */
    bool reached; /* no filter in front has answered */
};

/* Runs the handler of the connection's request. */
struct handler_result handler_run(struct worker *w, struct connection *c);

/* Asks those filters that want to be asked before the body is there. Returns 0 when they let it pass, or a status: early.h. */
int handler_ask_early(struct worker *w, struct connection *c);

/* The response's content is needed no more: a module that lent it has it back. The answer was made before. */
void handler_release(struct worker *w, struct connection *c);

#endif
