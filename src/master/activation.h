/* SPDX-License-Identifier: Apache-2.0
 *
 * Socket activation, the protocol of sd_listen_fds(3): a service manager binds, and passes listening sockets from descriptor 3 on.
 * They are told by the address that they are bound to, never by their names or their order: the INI file stays what says
 * where tine listens. Runs in the master.
 */
#ifndef MASTER_ACTIVATION_H
#define MASTER_ACTIVATION_H

#include "config/address.h"

/* Reads LISTEN_* and removes them from the environment. Before any descriptor is opened. */
void activation_init(void);

/* The socket that was passed in for `address`, now the caller's: CLOEXEC, blocking, listening. -1: there is none. For [::]:port and for
 * "*:port", which begins with it, the socket may accept IPv4 too. */
int activation_take(const struct address *address);

/* Closes what was not taken, each with a warning that names it. */
void activation_close_rest(void);

#endif
