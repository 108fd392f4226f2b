/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker: the process that accepts connections and runs handlers. The master forks it, drops its privileges and
 * calls worker_run().
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include "config/config.h"
#include "shared/addresses.h"
#include "shared/log_ring.h"
#include "shared/scoreboard.h"
#include "shared/store.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* How a worker ends; the master judges by it. Anything else is a crash. */
enum worker_exit {
    WORKER_EXIT_CLEAN = 0,
    WORKER_EXIT_REFUSED = 3, /* it could not start: its reasons were sent */
    WORKER_EXIT_ROBBED = 4   /* what it waits on was closed; the log may be as well, so the master tells */
};

/* "Look": at the order in your slot and at the control socket. A standard signal: several are one. */
enum { WORKER_LOOK_SIGNAL = SIGURG };

/* Messages on the control socket; the first byte says which. */
enum worker_message {
    MESSAGE_READY = 'R',  /* worker: handlers are initialised */
    MESSAGE_REASON = 'E', /* worker: a line of why it cannot start follows; then it exits */
    MESSAGE_DUE = 'D',    /* worker: it has answered enough, or grown too large: another shall take its place */
    MESSAGE_GO = 'G',     /* master, to a canary: accept now */
    MESSAGE_KICK = 'K',   /* master: a connection may wait that nobody was woken for */
    MESSAGE_LOOK = 'L',   /* master: there is an order in the slot */
    MESSAGE_LOGS = 'F'    /* master: descriptors of access and error log come with it */
};

enum { WORKER_MESSAGE_MAX = 2048 };

/* All that a worker is given. */
struct worker_setup {
    const struct config *config;
    int64_t connections;       /* it may hold */
    unsigned generation;
    int64_t max_requests;      /* it is to answer; 0: any number */
    char *const *module_files; /* what to load for each app */
    const int *listeners;      /* listening sockets, all */
    const bool *listeners_local; /* which of them are Unix sockets */
    const bool *listeners_proxied; /* and on which connections begin with a PROXY header */
    size_t listener_count;
    struct log_target access_log;
    struct scoreboard *board;
    struct slot *slot;
    struct addresses *addresses; /* NULL: connections are not counted by address */
    struct store_map shared; /* of modules */
    int channel[2]; /* for connections: [0] to give, [1] to adopt */
    int control; /* socket to the master */
    pid_t master;
    bool silent_output, silent_errors; /* once it serves: a daemon's, who has its logs elsewhere */
    bool canary; /* waits for MESSAGE_GO before it accepts */
    const char *user; /* whom it became, for want of privileges; NULL: it is whom the master is */
};

/* Runs until the master orders otherwise or is gone. The caller has all signals blocked. Never returns. */
_Noreturn void worker_run(const struct worker_setup *setup);

#endif
