/* SPDX-License-Identifier: Apache-2.0
 *
 * Binary upgrade: the master starts the program that lies where it was started from and, when that one is ready, leaves all it has
 * to it. Until the new one has all its workers, or has had [timeouts] start for them, the old one can take everything back. Runs in the
 * master.
 */
#ifndef MASTER_UPGRADE_H
#define MASTER_UPGRADE_H

#include "base/errors.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct master;
struct pollfd;

enum upgrade_state {
    UPGRADE_NONE,
    UPGRADE_TRYING,   /* the new binary starts */
    UPGRADE_PROVEN,   /* as process 1: it could, and ends again, since it is to be this process */
    UPGRADE_BECOMING, /* it has ended */
    UPGRADE_HANDED,   /* the new one serves, our workers too; it may still fail */
    UPGRADE_DRAINING, /* sockets that it does not go on with are served to their end */
    UPGRADE_LEAVING   /* our workers give what they hold, and leave */
};

struct upgrade {
    enum upgrade_state state;
    bool wanted;       /* once a reload that is under way is through */
    pid_t pid;         /* the new master; of a copy of process 1, that; -1: it has ended */
    int link;          /* to it; -1: none */
    int64_t deadline;  /* monotonic ms */
    bool *kept;        /* which of our listening sockets it goes on with */
    bool adopts;       /* it understands what is given on the channel */
    bool controls;     /* it goes on with the control socket */
    bool prepared;     /* it asks whether it may take over */
    bool serves;       /* it has taken over */
    bool complete;     /* it has all its workers */
    bool spoken;       /* it was told that the service manager knows of it */
    bool reopens;      /* logs were opened anew meanwhile */
    bool in_place;     /* we were process 1, which the new one is now: its workers are ours no more to wait for */
    struct errors reasons; /* why it cannot start */
};

void upgrade_open(struct upgrade *upgrade);
void upgrade_release(struct upgrade *upgrade);

/* In a child: closes what is the master's. */
void upgrade_forget(struct upgrade *upgrade);

/* SIGUSR2, or asked for on the control socket. */
void upgrade_request(struct master *m);
void upgrade_step(struct master *m);

/* The server stops. */
void upgrade_cancel(struct master *m);

/* TERM to a master that has handed over but might have to take back. */
void upgrade_pass_stop(struct master *m);

/* HUP or USR1: if there is a new master, it is to know. */
void upgrade_pass_signal(struct master *m, int signal);

/* The new master does not have all it needs of us yet, or the service manager has still to be told of it. */
bool upgrade_is_busy(struct master *m);

/* The process that was tried has ended. */
void upgrade_gone(struct master *m, int status);

#endif
