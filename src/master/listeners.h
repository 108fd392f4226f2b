/* SPDX-License-Identifier: Apache-2.0
 *
 * Listening sockets: bound once, shared by all workers, kept across reloads for as long as their address stays in the
 * configuration. Runs in the master.
 */
#ifndef MASTER_LISTENERS_H
#define MASTER_LISTENERS_H

#include "base/errors.h"
#include "config/config.h"

#include <sys/stat.h>

enum { CONGESTION_MAX = 16 }; /* TCP_CA_NAME_MAX, which user space is not told */

struct listening {
    struct address address; /* as written: port 0 stays 0 */
    struct address bound;   /* as it is */
    int fd;
    unsigned references; /* generations that have it */
    int64_t backlog;
    dev_t device; /* of a Unix socket: is the path still ours? */
    ino_t inode;
    char congestion[CONGESTION_MAX]; /* control that it had before we chose another; "": we never did */
    bool passed; /* in, by the service manager, or on, to another binary: nothing may be done to it that would outlive us */
    bool dual;   /* an IPv6 socket that accepts IPv4 too; ours never do */
    bool closing; /* dropped, or the server stops: no new connections come in */
    int64_t shut_at; /* monotonic ms */
};

struct listeners {
    struct listening **all;
    const struct config_listen **written; /* what each was opened for */
    size_t count;
};

/* Opens what the configuration asks for; an address that 'old' (may be NULL) has is taken over as it is. Returns 0, or -1 with the
 * reasons added and nothing changed. */
int listeners_open(struct listeners *listeners, const struct config *config, const struct listeners *old, struct errors *errors);

/* Frees the list and closes what no other list has. */
void listeners_release(struct listeners *listeners);

/* Lets no new connection in at those that 'keep' (may be NULL) does not have; those that came stay. */
void listeners_shut(struct listeners *listeners, const struct listeners *keep);

/* Of those that were shut, in whatever list: has everything that was let in been accepted? With 'handshakes' those that are under way
 * count too. */
bool listeners_are_drained(bool handshakes);

/* One that came from another process: it stays as long as a list has it. */
void listeners_inherit(struct listeners *listeners, struct listening *listening);

/* In a child: closes those that 'own' does not have. */
void listeners_forget(struct listeners *listeners, const struct listeners *own);

/* Another process goes on with those that are 'kept': nothing is done to them any more. The others are shut. */
void listeners_hand_over(struct listeners *listeners, const bool *kept);

/* Does a connection wait to be accepted? */
bool listeners_have_waiting(const struct listeners *listeners);

/* Is one of them shut? */
bool listeners_have_closing(const struct listeners *listeners);

/* Those that were shut and are drained stop to listen, in every process. */
void listeners_close_dropped(struct listeners *listeners);

/* Those that somebody else shut down listen again. Workers that had such a one find out, and leave. Returns whether there were any. */
bool listeners_revive(const struct listeners *listeners);

/* Gives sockets what else was written for them: backlog, congestion control, and owner and mode of a Unix socket. */
void listeners_update(struct listeners *listeners);

void listeners_log(const struct listeners *listeners);

#endif
