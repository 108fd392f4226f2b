/* SPDX-License-Identifier: Apache-2.0
 *
 * A service manager of the test's own: it starts tine as systemd does, hears what it says and passes sockets in.
 */
#ifndef SYSTEM_MANAGER_H
#define SYSTEM_MANAGER_H

#include "client.h"

struct manager {
    int fd;
    char name[108];       /* as NOTIFY_SOCKET has it */
    char *messages[1000]; /* all so far, each as it came */
    int64_t heard[1000];  /* when, on the monotonic clock in ms */
    size_t count;
};

/* A datagram socket at a path in the test's directory, or an abstract one. */
void manager_open(struct manager *manager, bool abstract);

/* The index of the first message from 'from' on that holds 'needle' at the start of a line; waits for it. */
size_t manager_await(struct manager *manager, const char *needle, size_t from);

/* What came within 'ms' that holds it: false if nothing did. */
bool manager_hears(struct manager *manager, const char *needle, size_t from, int64_t ms);

/* The value of NAME in a message ("STATUS"), or NULL. */
char *manager_value(const struct manager *manager, size_t index, const char *name);

/* Starts a prepared server; 'environment' are words for env(1), with @PID@ for the process id that tine will have. Its descriptors
 * 3, 4, ... are 'fds'. */
void manager_launch(struct server *server, const char *environment, const int *fds, size_t count);

/* The same of one that does not start, until it has ended. */
struct run manager_run(const struct server *server, const char *environment, const int *fds, size_t count);

/* A listening socket, as managers make them: not blocking, and "*" is one IPv6 socket for both families. Else "127.0.0.1" or "unix:PATH".
 * 'bound' is how tine writes its address. */
int manager_listen(const char *address, char bound[128]);

#endif
