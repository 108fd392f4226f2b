/* SPDX-License-Identifier: Apache-2.0
 *
 * What came to this worker in one message on the hand-off channel, and is taken from it one by one. Module code may run for each that
 * was taken, and may never return: what was not taken by then is passed on, as it came. Runs in workers.
 */
#ifndef WORKER_PARCELS_H
#define WORKER_PARCELS_H

#include "worker/state.h"

/* A connection; the descriptors are the caller's. */
struct parcel {
    struct handoff_record record;
    int socket, pack, spool; /* -1: there is none */
};

/* Receives a message, if there is one, and returns whether there was. All of the one before must have been taken: parcels_next() said so.
 * What came without its descriptors is told of, and counted as lost. */
bool parcels_receive(struct worker *w);

/* The next one of it. False: there is none any more. */
bool parcels_next(struct worker *w, struct parcel *parcel);

/* How many are left. */
uint32_t parcels_left(void);

/* Gives what is left to whoever takes it. False: it could not be, and is still ours. Async-signal-safe. Not while one is being taken. */
bool parcels_pass_on(struct worker *w);

#endif
