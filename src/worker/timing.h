/* SPDX-License-Identifier: Apache-2.0
 *
 * How long a connection may stay as it is: the clock of each state. Runs in workers.
 */
#ifndef WORKER_TIMING_H
#define WORKER_TIMING_H

#include "worker/state.h"

/* The clock of the state that the connection is in starts. */
void timing_start(struct worker *w, struct connection *c);

/* 'bytes' were read. */
void timing_received(struct worker *w, struct connection *c, size_t bytes);

/* In CONNECTION_WRITING and _LINGER: from now on it is looked at what the client takes. */
void timing_blocked(struct connection *c);

/* After a failure to send for want of memory. That there is some again nobody tells. */
enum { TIMING_MEMORY_MS = 10 };

/* In CONNECTION_WRITING, with its clock running: it is starved, so its deadline is that of the next try. */
void timing_starved(struct worker *w, struct connection *c);

/* It is tried: the deadline is that of its clock again. */
void timing_fed(struct worker *w, struct connection *c);

/* In CONNECTION_WRITING and _LINGER: what the client has taken since gives it more time. False: its time is up. */
bool timing_taken(struct worker *w, struct connection *c);

/* In CONNECTION_LINGER, since c->began: may what its client still sends give it time? Not when the worker is to leave. */
bool timing_may_linger(const struct worker *w, const struct connection *c);

/* In the same: 'bytes' were read and thrown away. */
void timing_discarded(struct worker *w, struct connection *c, size_t bytes);

/* Bytes that were sent on a socket and that the client has not acknowledged. */
uint32_t timing_queued(int fd);

/* Bytes that came on a socket and were not read. */
uint32_t timing_unread(int fd);

#endif
