/* SPDX-License-Identifier: Apache-2.0
 *
 * What the master of one binary leaves to that of the next: listening sockets, the hand-off channel, the control socket, what modules
 * share. It travels over a link, a socket pair of which the new process finds one end by its environment. All messages are lines of text,
 * so that binaries of different age understand each other; what one does not know it passes over.
 *
 *     old    one message with the channel and the control socket, one with the memory file, one for each listening socket, then "end"
 *     new    "reason ..." several times and "refused": it cannot start; or "keep N" for each socket it goes on with, "keep-channel",
 *            "keep-control", then "prepared"
 *     old    "take over": from now on the new one serves (or "cancel": it is to leave)
 *     new    "serves": it does; until then whoever cannot wait any longer for it kills it, and serves on
 *     new    "complete": all its workers are there, and those of the old one may leave
 *     old    "settled": they do, if the new one is complete or not: nothing is taken back any more
 *     old    "speak": the service manager knows who its main process is
 *
 * Each may be told to stop at any time: the new one then says "leaving" or "quitting", which the old one does as well; the old one, while
 * the new one may still fail, says "stop".
 *
 * Runs in the master.
 */
#ifndef MASTER_INHERITANCE_H
#define MASTER_INHERITANCE_H

#include "master/listeners.h"

struct master;

enum { INHERITANCE_MESSAGE_MAX = 2048, INHERITANCE_AGAIN_MS = 50 };

struct inheritance {
    int link;            /* to the master before us; -1: there is none */
    unsigned generation; /* that it serves */
    unsigned added;      /* workers it has beyond those that its file says */
    int channel[2];      /* -1: what it sends there would not be understood */
    int control;         /* -1: it has none */
    int shared;          /* memory file of store.h; -1: none */
    char *control_value; /* of [server] control */
    dev_t control_device;
    ino_t control_inode;
    struct listeners listeners;
};

/* Old: everything, into a link that nobody reads yet. 0, or -1 with errno: it does not take as many. */
int inheritance_send(int link, const struct master *m);

/* Old: in the environment, for the program that is executed next; and out of it, if that failed. */
void inheritance_announce(int link);
void inheritance_withdraw(void);

/* New: reads it, if there is any, and takes it out of the environment. Before any descriptor is opened. */
void inheritance_init(void);

/* Is there any? */
bool inheritance_exists(void);

/* New: the caller's from now on. */
void inheritance_take(struct inheritance *inheritance);

/* New: the old one is to know why this one does not start. */
void inheritance_refuse(int link, const struct errors *errors);

/* The same while the one that was sent has not been taken. As process 1 it returns when the old one has seen its workers out: everything
 * ends with us. */
void inheritance_give_up(const struct errors *errors);

/* One message on a link. Never waits: what there is no memory for is owed, and all that is told behind it. */
void inheritance_tell(int link, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sends what is owed. True: something still is, and this is to be called again in INHERITANCE_AGAIN_MS. */
bool inheritance_pay(void);

/* Closes the link; nothing is owed there any more. */
void inheritance_end(int *link);

/* The next message, as text. False: there is none now. *ended: nor will there be. */
bool inheritance_hear(int link, char text[static INHERITANCE_MESSAGE_MAX], bool *ended);

#endif
