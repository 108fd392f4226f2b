/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections whose handshake is under way, at sockets that let no new ones in: the kernel is asked, for all of the sockets at
 * once. Runs in the master.
 */
#ifndef MASTER_HANDSHAKES_H
#define MASTER_HANDSHAKES_H

#include "config/address.h"

#include <stdbool.h>

/* Addresses that are bound, of TCP sockets; others are passed over. */
struct handshakes {
    const struct address *const *addresses;
    size_t count;
};

/* Is one under way at any of them? */
bool handshakes_exist(const struct handshakes *handshakes);

/* The two ways to know: sock_diag(7), which looks for what is asked, and /proc/net/tcp, all of which is to be read. 1: there are; 0: there
 * are none; -1: it cannot be told so. */
int handshakes_by_diag(const struct handshakes *handshakes);
int handshakes_by_table(const struct handshakes *handshakes);

#endif
