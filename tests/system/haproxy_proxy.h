/* SPDX-License-Identifier: Apache-2.0
 *
 * A HAProxy of the test's own, on etc/haproxy.cfg as it is: that file takes its
 * addresses from the environment.
 */
#ifndef SYSTEM_HAPROXY_PROXY_H
#define SYSTEM_HAPROXY_PROXY_H

#include "server.h"

/* Skips the test where there is none. */
void haproxy_require(void);

/* Starts it before these two, with its socket and its log in 'dir'; front->address is where clients find it. Both are up then. */
void haproxy_start(struct server *front, const struct server *one, const struct server *two, const char *dir);
void haproxy_stop(void);

/* A field of `show stat` by the name that stands at its top, of "PROXY,SERVER". */
long haproxy_count(const char *which, const char *field);
bool haproxy_is_up(const char *which);
bool haproxy_is_down(const char *which);

/* All of `show stat`, for messages. */
char *haproxy_statistics(void);

#endif
