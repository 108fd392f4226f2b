/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may not, shall not upload: the step between a head and a body that is still to come, in which filters say so. Once for a request; who
 * adopts a connection in the middle of a body does not ask again. Runs in workers.
 */
#ifndef WORKER_EARLY_H
#define WORKER_EARLY_H

#include "worker/state.h"

/* The body is not there whole. True: it is the turn of filters that are to be asked. */
bool early_begin(struct connection *c);

/* Asks them: the body is read, or the request is answered without. */
bool early_step(struct worker *w, struct connection *c);

#endif
