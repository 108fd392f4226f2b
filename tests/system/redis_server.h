/* SPDX-License-Identifier: Apache-2.0
 *
 * A Redis of the test's own: on a port of 127.0.0.1, in a folder of its own, with nothing on disk.
 */
#ifndef SYSTEM_REDIS_SERVER_H
#define SYSTEM_REDIS_SERVER_H

#include "harness.h"

struct redis {
    pid_t pid;
    int port;        /* 0 until it is started; it stays the same when started again */
    const char *dir; /* where it writes, and its socket "redis.sock" */
    const char *more; /* of its command line, "" for nothing */
    bool tls;         /* the port speaks that alone */
};

/* Skips the test where there is none. */
void redis_require(void);

/* Starts it (again), and waits until it answers. */
void redis_start(struct redis *redis);
void redis_kill(struct redis *redis); /* KILL: the connections end. Once is enough */

/* What redis-cli says to the words of a command, on the plain port or (where there is none) the socket. */
const char *redis_say(const struct redis *redis, const char *words);

#endif
