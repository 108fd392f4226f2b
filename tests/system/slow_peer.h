/* SPDX-License-Identifier: Apache-2.0
 *
 * A server that handlers ask, beside the test: it speaks as much as need be of PostgreSQL's, Redis' or HTTP's language, and answers a
 * number with that number, in two pieces, each after a pause.
 */
#ifndef SYSTEM_SLOW_PEER_H
#define SYSTEM_SLOW_PEER_H

enum language { LANGUAGE_POSTGRESQL, LANGUAGE_REDIS, LANGUAGE_HTTP };

enum { SLOW_PEER_PAUSE_MS = 3 };

/* Returns its port on 127.0.0.1. It ends with the test. */
int slow_peer_start(enum language language);

#endif
