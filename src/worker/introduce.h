/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is at the other end of a connection. Runs in workers.
 */
#ifndef WORKER_INTRODUCE_H
#define WORKER_INTRODUCE_H

#include "worker/state.h"

/* c->address or c->local is known. 'proxied': a PROXY header is to come. False: it is not to be served. */
bool introduce(struct worker *w, struct connection *c, bool proxied);

/* In CONNECTION_PROXY: true when the header is whole, or none. */
bool introduce_step(struct worker *w, struct connection *c);

/* Logs why a connection is turned away; not each time. */
void introduce_tell(struct worker *w, const struct connection *c, const char *why);

#endif
