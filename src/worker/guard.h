/* SPDX-License-Identifier: Apache-2.0
 *
 * What happens when a handler hangs or dies: the other connections of its worker are given to other workers, and its own request
 * is answered by one of them, with 500, or 504 if it took too long. Runs in workers, in signal handlers.
 */
#ifndef WORKER_GUARD_H
#define WORKER_GUARD_H

#include "worker/state.h"

/* The breaker of the route that a request goes to, or of filters that run where there is no handler (404, 405, 413 and the like); NULL:
 * none is set, or no code of a module runs. */
struct breaker *guard_breaker(const struct worker *w, const struct tine_request *r);

/* Signal handlers on a stack of their own. */
void guard_open(struct worker *w);

/* From here on an end by errx() and the like is seen. Exit functions run last one first: to be called when modules have theirs. */
void guard_watch_exits(void);

/* What module code runs for. */
enum guard_stage {
    GUARD_HANDLER, /* an answer */
    GUARD_RELEASE  /* the answer is made: it has its content back */
};

/* From here to guard_leave() module code runs for this connection; what happens to the process in between is its doing. */
void guard_enter(struct worker *w, struct connection *c, enum guard_stage stage);
void guard_leave(struct worker *w);

/* Module code is back, before anything is done for it: does not return in a child that it forked, which would serve on as a second
 * worker on the same sockets, watched by nobody. */
void guard_returned(const struct worker *w);

/* Module code has written over the table of connections, and who knows what else: those that are whole are given away, and the worker
 * ends. Not inside a handler. */
_Noreturn void guard_damaged(struct worker *w);

/* Module code has closed what the worker waits on: it gives what it can, and ends. Not inside a handler. */
_Noreturn void guard_robbed(struct worker *w);

/* The master may have seen that this handler takes long: the others are given away. In the signal handler that looks. */
void guard_stalled(struct worker *w);

#endif
