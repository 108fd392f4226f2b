/* SPDX-License-Identifier: Apache-2.0
 *
 * Who a request comes from, and whether its app lets that client in. Runs in workers.
 */
#ifndef APP_CLIENT_H
#define APP_CLIENT_H

#include "app/request.h"

/* The request comes from this address; 'local': by a Unix socket, which has none. */
void client_set(struct tine_request *r, const struct in6_addr *address, bool local);

/* Of a request that a trusted proxy sent (r->trusted): sets the client that it asks for, and whether that one came by TLS, as Forwarded,
 * X-Forwarded-For and X-Forwarded-Proto have it. Returns 0, or the status to refuse it with, and *reason. forwarding.c */
int client_find(struct tine_request *r, const char **reason);

/* May the client come to the app that its request was routed to ([app:NAME] allow and deny)? */
bool client_is_admitted(const struct tine_request *r);

#endif
