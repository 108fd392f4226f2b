/* SPDX-License-Identifier: Apache-2.0
 *
 * Who has come to hold more than a fair share of the connections gives some away: kept connections stay where they were accepted, and one
 * worker with most of them makes their clients wait while others sleep.
 */
#ifndef WORKER_BALANCE_H
#define WORKER_BALANCE_H

#include "worker/state.h"

enum { BALANCE_AWAY_MS = 5 }; /* in one handler: then it is not counted on */

/* Connections came in: their number is to be looked at, in a moment. (A worker that is new, or back, is noticed without.) */
void balance_note(struct worker *w);

/* May this one take what others give without being asked? */
bool balance_may_take(const struct worker *w);

/* Gives what is too much, if it is time to look. Between two turns. */
void balance(struct worker *w);

#endif
