/* SPDX-License-Identifier: Apache-2.0
 *
 * `tine reload`, as those who deploy call it: what it answers, and its exit code.
 */
#ifndef SYSTEM_RELOAD_H
#define SYSTEM_RELOAD_H

#include "server.h"

/* Asks and waits for the verdict. */
struct run reload_ask(const struct server *server);

/* The same beside the test: its output goes to the file 'out', its errors to the one that is named so with .err behind it. */
pid_t reload_ask_beside(const struct server *server, const char *out);

/* Fails unless it went well and said just that. */
void reload_expect(struct run ran, const char *verdict);

/* Fails unless it was refused with reasons that match. For other commands of the control socket too. */
void reload_expect_refused(struct run ran, const char *expression);

#endif
