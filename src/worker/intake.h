/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of a request as it comes in. Runs in workers.
 */
#ifndef WORKER_INTAKE_H
#define WORKER_INTAKE_H

#include "worker/state.h"

/* The head is read, and a body follows: refuses it or gets ready for it, with 100 (Continue) where the client waits for that. */
void intake_expect(struct worker *w, struct connection *c);

/* It may come: tells a client that waits for that. */
void intake_go_on(struct worker *w, struct connection *c);

/* Nothing more of it is read. Filters see that, too. */
void intake_refuse(struct worker *w, struct connection *c, int status, const char *reason);

/* Takes what has come of it. True: it is whole, or was refused. */
bool intake_step(struct worker *w, struct connection *c);

/* Takes bytes out of the input from behind the head on; what is behind them moves up. */
void intake_remove(struct connection *c, size_t length);

/* Of an adopted connection: goes on in the middle of a body. 'pack' holds what came of it behind the input, or *spool is its file,
 * which is taken over. */
void intake_resume(struct worker *w, struct connection *c, const struct handoff_record *record, int pack, int *spool);

#endif
