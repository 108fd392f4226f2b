/* SPDX-License-Identifier: Apache-2.0
 *
 * Who a request comes from, and whether its app lets that client in. Runs in workers.
 */
#ifndef APP_CLIENT_H
#define APP_CLIENT_H

#include "app/request.h"

/* The request comes from this address; 'local': by a Unix socket, which has none. */
void client_set(struct tine_request *r, const struct in6_addr *address, bool local);

/* May the client come to the app that its request was routed to ([app:NAME] allow and deny)? */
bool client_is_admitted(const struct tine_request *r);

#endif
