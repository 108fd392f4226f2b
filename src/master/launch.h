/* SPDX-License-Identifier: Apache-2.0
 *
 * Executing the program that this process was started as, as it lies there now, with a link on which it finds what the master leaves to
 * it. Runs in the master.
 */
#ifndef MASTER_LAUNCH_H
#define MASTER_LAUNCH_H

#include <sys/types.h>

struct master;

/* What this process was called with. Before the title is set, and before PATH changes: of a name alone it is remembered where that was
 * found. */
void launch_init(int argc, char **argv);

/* Its path. */
const char *launch_program(void);

/* What may be done about a fork() that failed so, in brackets; else "". */
const char *launch_hint(int error);

/* In a process of its own. Returns its pid, and our end of the link; or -1 with errno. */
pid_t launch_beside(struct master *m, int *link);

/* In this very process, of which a copy goes on beside it: returns 0 in that copy, with its end of the link; or -1 with errno, and there is
 * no copy. */
int launch_here(struct master *m, int *link);

#endif
