/* SPDX-License-Identifier: Apache-2.0
 *
 * The log files: opened by the master, inherited by workers, opened again on USR1. Runs in the master.
 */
#ifndef MASTER_LOGS_H
#define MASTER_LOGS_H

#include "base/errors.h"
#include "config/config.h"
#include "shared/scoreboard.h"

struct logs {
    struct log_target access;
    int error; /* -1: off */
};

/* Opens what the configuration names. Returns 0, or -1 with reasons added and nothing changed. */
int logs_open(struct logs *logs, const struct config *config, struct errors *errors);
void logs_close(struct logs *logs);

/* Messages of this process go there from now on. */
void logs_use(const struct logs *logs, const struct config *config);

/* Writes out the lines that a worker left. Never waits. */
void logs_write_ring(const struct logs *logs, struct log_ring *ring);

#endif
