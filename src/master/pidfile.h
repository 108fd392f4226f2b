/* SPDX-License-Identifier: Apache-2.0
 *
 * The pid file, and becoming a daemon. Runs in the master.
 */
#ifndef MASTER_PIDFILE_H
#define MASTER_PIDFILE_H

#include "config/config.h"

/* Writes our pid; "" does nothing. What fails is logged: it is no reason not to serve. */
void pidfile_write(const char *path);

/* Removes the file if it names us. */
void pidfile_remove(const char *path);

/* Goes on in the background. The caller's process waits until the new one has written a byte to the returned descriptor and exits 0, or 1
 * when it ends without. Returns the descriptor in the new process, -1 with errno on failure. */
int pidfile_daemonize(void);

/* Once a daemon serves: whether nothing of ours goes to standard output, or standard error. To hold them open would make who reads them
 * wait for our end: ssh, $(...), a playbook. */
bool pidfile_is_done_with_output(const struct config *config);
bool pidfile_is_done_with_errors(const struct config *config);

#endif
