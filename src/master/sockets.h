/* SPDX-License-Identifier: Apache-2.0
 *
 * What is done to one listening socket. Runs in the master.
 */
#ifndef MASTER_SOCKETS_H
#define MASTER_SOCKETS_H

#include "master/listeners.h"

/* Makes, binds and listens on listening->address; fills in the rest. A Unix socket that nobody serves any more is replaced.
 * Returns 0, or -1 with errno. */
int sockets_open(struct listening *listening, bool share_port);

/* Takes over a socket that was passed in as listening->fd and is bound to listening->address: sets what still can be set, fills in the
 * rest. */
void sockets_adopt(struct listening *listening);

/* Sets SO_REUSEPORT of a TCP socket on or off. */
void sockets_share_port(struct listening *listening, bool on);

/* Owner, group and mode of a Unix socket. Returns NULL, or what is wrong. */
const char *sockets_set_owner(const struct listening *listening, const struct config_listen *listen);

/* Congestion control of the connections that come from now on. An empty name stands for reno on a loopback address, where there is no
 * network that pacing could spare and BBR's halves the throughput; any other socket, and one that was passed in, stays as it is: it
 * follows the system's, or has what its manager gave it. If another had been chosen, it is put back. Returns NULL, or why it cannot be
 * had (static). */
const char *sockets_set_congestion(struct listening *listening, const char *name);

/* Gives it back what it had before one was chosen. */
void sockets_restore_congestion(struct listening *listening);

/* Returns NULL, or why a socket of that family cannot have it (static). With 'by_root' the want of a right is none: who serves has it. */
const char *sockets_refuse_congestion(int family, const char *name, bool by_root);

/* "*:port" as [::]:port and 0.0.0.0:port. */
void sockets_split_families(const struct address *both, struct address *v6, struct address *v4);

/* From now on no new connection comes in; those that came, and those whose handshake is under way, stay. One that was passed in stays
 * open, as its manager gave it: what comes in there after us waits for whom the service manager starts next. */
void sockets_shut(struct listening *listening);

/* Has it been shut down, by a handler to whom its number was something else, say? Nobody comes in there any more. */
bool sockets_is_dead(const struct listening *listening);

/* Has its address listened at again: a Unix socket that was shut down stays so, hence another takes its place. Returns 0, or -1 with
 * errno: ENOTSUP, when its path was passed in and is not ours to bind. */
int sockets_revive(struct listening *listening);

/* Removes the path of a Unix socket if it still is ours. */
void sockets_unlink(const struct listening *listening);

#endif
