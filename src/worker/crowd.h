/* SPDX-License-Identifier: Apache-2.0
 *
 * [limits] per_address: how many connections a client has, whichever workers hold them. Runs in workers.
 */
#ifndef WORKER_CROWD_H
#define WORKER_CROWD_H

#include "worker/state.h"

/* Counts the connection, unless it is exempt: by a Unix socket, or of a trusted proxy, which has many clients. */
void crowd_join(struct worker *w, struct connection *c);

/* It is no longer ours. Async-signal-safe. */
void crowd_leave(struct worker *w, struct connection *c);

/* Are there more of its client than may be? Then it was told so, and is to be closed. */
bool crowd_refuses(struct worker *w, struct connection *c);

#endif
