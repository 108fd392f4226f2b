/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting as the successor of another binary's master: everything is made ready on what it left, and only when that one says so the
 * first worker begins to serve. Runs in the master.
 */
#ifndef MASTER_SUCCESSION_H
#define MASTER_SUCCESSION_H

#include "master/inheritance.h"

struct succession {
    struct inheritance from;
    bool asked;      /* whether we may take over; waits for the answer */
    bool completed;  /* it was told that all our workers are there */
    bool settled;    /* it leaves, whether they are or not */
    int64_t linger_until; /* when we stop: the old one has its own bounds; 0: we do not */
    unsigned canary; /* slot of our first worker */
};

/* Takes what was left, if anything. The hand-off channel is set to that one, or left alone. */
void succession_open(struct master *m);

/* In a child: closes what 'own' does not have. */
void succession_forget(struct succession *succession, const struct listeners *own);

/* The first worker is ready. True: the answer is awaited, and the commit comes with it. */
bool succession_ask(struct master *m, unsigned canary);

/* Ends the link, and lets go of what no generation has. */
void succession_close(struct succession *succession);

/* After the commit: lets go of what the new generation did not go on with. */
void succession_settle(struct master *m);

void succession_step(struct master *m);

/* We do not start. True: the other one has been told why. */
bool succession_refuse(struct master *m, const struct errors *errors);

/* A reload before the one that was before us has let go could do something to sockets that it may still take back. */
bool succession_is_pending(const struct master *m);

/* The server stops, at once or not: so does what is left of the old one. */
void succession_stop(struct master *m, bool at_once);

/* Nor do we end before that one has seen its workers out: when the main process of a service has gone, or process 1, the rest is killed. */
bool succession_lingers(struct master *m);

#endif
