/* SPDX-License-Identifier: Apache-2.0
 *
 * Telling the service manager how we are: the protocol of sd_notify(3), datagrams to $NOTIFY_SOCKET. Without a manager every call
 * does nothing. Nothing here waits: what the manager's full queue does not take is owed, and sent later, in order. Runs in the master.
 *
 *     begin of a reload       RELOADING=1, MONOTONIC_USEC
 *     its end, and the start  READY=1 (a refused reload as well: the old generation serves on)
 *     stop                    STOPPING=1, EXTEND_TIMEOUT_USEC, so that the unit need not know [timeouts] graceful
 *     all of them             STATUS, a line for people; alone when only the number of workers has changed
 *     half of WATCHDOG_USEC   WATCHDOG=1: then an idle master wakes up
 */
#ifndef MASTER_NOTIFY_H
#define MASTER_NOTIFY_H

#include <stdbool.h>
#include <sys/types.h>

struct master;

/* Reads NOTIFY_SOCKET and WATCHDOG_* and removes them from the environment: they are meant for this process alone. */
void notify_init(void);

/* In a child: closes what is the master's. */
void notify_forget(void);

/* For the program that this process executes next: what notify_init() read. */
void notify_pass_on(void);
void notify_withdraw(void); /* it was not executed */

/* While another process is the manager's main one we must not speak. */
void notify_hold(bool held);

/* Process 'pid' is the main one from now on, and we are silent. */
void notify_hand_over(pid_t pid);

/* Is anything owed still? */
bool notify_owes(void);

/* A reload begins; READY follows with its verdict. */
void notify_reloading(void);

/* A generation was committed to. */
void notify_ready(const struct master *m);

/* The start, or a reload, is refused, first of all for this reason. */
void notify_refused(const struct master *m, const char *reason);

/* There is no master, and will be none, for this reason. */
void notify_cannot_start(const char *reason);

/* Each turn: what has changed, what is owed, the watchdog. Asks to be woken for the next. */
void notify_step(struct master *m);

#endif
