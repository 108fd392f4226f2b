/* SPDX-License-Identifier: Apache-2.0
 *
 * Giving connections away, and adopting those that others gave. Runs in workers.
 */
#ifndef WORKER_GIVE_H
#define WORKER_GIVE_H

#include "worker/state.h"

/* give.c. give_all() and give_to_answer() are async-signal-safe. */

/* Gives every connection that can be given, except 'but' (may be NULL) and those that were written over; those, too, that came to us and
 * that adopt() has not taken yet. Returns whether none that can be given was left; if not, the channel is full or the system short of
 * something, and it is to be tried again. */
bool give_all(struct worker *w, const struct connection *but);

/* Gives those that were idle longest, at most 'most' and one message full. Returns how many. */
uint32_t give_oldest(struct worker *w, uint32_t most);

/* Gives the connection whose handler died, to be answered with 'status' by somebody else. */
bool give_to_answer(struct worker *w, struct connection *c, int status);

/* Gives the connection whose handler goes on, but has answered; the handler's own memory stays. With signals blocked: it runs inside of a
 * handler. False: it could not be, and nothing has changed. */
bool give_answered(struct worker *w, struct connection *c);

/* Frees what given connections left behind. Not inside a handler. */
void give_reclaim(struct worker *w);

/* adopt.c */

/* Has epoll watch the channel, or not. */
void adopt_watch(struct worker *w, bool watched);

/* Takes one message of connections, if there is one, and serves them. Returns whether there was. */
bool adopt(struct worker *w);

#endif
