/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a running server takes orders ([server] control): the master listens there, `tine reload` and `tine status`
 * connect. Both find the address on their own, from the configuration file alone. Pure.
 */
#ifndef CONFIG_CONTROL_H
#define CONFIG_CONTROL_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

/* The absolute path 'path' without empty, '.' and '..' segments, so that one file has one name however it was written. Links are not
 * followed: a folder that is switched from release to release by a link keeps its server. 'clean' has room for 'path'. */
void control_clean_path(const char *path, char *clean);

/* The address for this value of 'control': "auto" is an abstract socket named after the absolute path 'file' of the configuration and the
 * user id of the master, any other a socket at that path. Returns 0 or, when the path is too long, -1. */
int control_address(const char *control, const char *file, uid_t uid, struct sockaddr_un *address, socklen_t *length);

#endif
