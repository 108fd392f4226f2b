/* SPDX-License-Identifier: Apache-2.0
 *
 * Testing what a configuration says of its modules, in a child process: loading runs a stranger's code.
 */
#ifndef MASTER_CHECK_H
#define MASTER_CHECK_H

#include "base/errors.h"
#include "config/config.h"

/* Files and folders that are written to: of logs, the pid file, spooled bodies, Unix sockets; and what listening sockets want of the
 * system. Adds what is wrong with them. With 'tests' nothing is to be served, and a right that root's server would have is not missed. */
void check_surroundings(const struct config *config, bool tests, struct errors *errors);

/* Loads every module and reads its settings, without worker_init. Adds what is wrong. Waits, at most 30 s. Unless 'print' is NULL and
 * if nothing is wrong, the effective configuration is written there. */
void check_apps(const struct config *config, FILE *print, struct errors *errors);

#endif
