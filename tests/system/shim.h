/* SPDX-License-Identifier: Apache-2.0
 *
 * A tine under tests/modules/faults.c: system calls that fail, or a clock that jumps, for as long as a file is there.
 */
#ifndef SYSTEM_SHIM_H
#define SYSTEM_SHIM_H

#include "server.h"

void shim_start(struct server *server, const char *ini);

/* The same in steps; between them calls may be told to fail from the start on. */
void shim_prepare(struct server *server, const char *ini);
void shim_launch(struct server *server);

/* From now on the call fails with this error. */
void fault_begin(const struct server *server, const char *call, int error);

/* The same for one process alone. */
void fault_begin_in(const struct server *server, const char *call, int error, pid_t process);

void fault_end(const struct server *server, const char *call);

/* How often it has failed since fault_begin(). */
size_t fault_count(const struct server *server, const char *call);

/* From now on the wall clock is so much ahead of the real one. */
void clock_jump(const struct server *server, long seconds);

#endif
