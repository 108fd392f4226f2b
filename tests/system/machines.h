/* SPDX-License-Identifier: Apache-2.0
 *
 * Two machines with tine behind HAProxy, and one Redis for both: as users would have it, all on loopback.
 *
 *     /          battery.so, with a session          /limited   answers.so, 1000 requests by X-Key, else by address
 *     /kept      answers.so, behind a cache          /counted   answers.so, 100000 requests by address
 */
#ifndef SYSTEM_MACHINES_H
#define SYSTEM_MACHINES_H

#include "server.h"

enum { LIMITED = 1000, COUNTED = 100000 };

extern struct server one, two, front; /* front: only where HAProxy listens */

/* Skips the test where something of it is missing. */
void machines_launch(void);
void machines_end(void);

/* One request at 'at', in the session of 'cookie' (NULL: none), answered 200 with this body; the cookie from now on. */
const char *in_session(const struct server *at, const char *method, const char *path, const char *cookie, const char *body);

/* As many were answered as came, by HAProxy's own count. */
void expect_nothing_lost(void);

/* And not even a connection failed, so that what may not be asked twice was as safe. */
void expect_nothing_asked_again(void);

/* Each machine was asked more often. */
void expect_both_asked(long least);

#endif
