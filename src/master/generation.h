/* SPDX-License-Identifier: Apache-2.0
 *
 * A generation: one configuration and what was opened for it. A reload makes a new one beside the old; the old one is freed
 * when the last of its workers has gone. Runs in the master.
 */
#ifndef MASTER_GENERATION_H
#define MASTER_GENERATION_H

#include "config/config.h"
#include "master/listeners.h"
#include "master/logs.h"
#include "master/modules.h"
#include "master/privileges.h"

struct generation {
    unsigned number; /* 1 is the first */
    struct config *config;
    struct listeners listeners;
    struct modules modules;
    struct logs logs;
    struct privileges privileges;
    int64_t connections; /* a worker may hold */
    int64_t workers_possible; /* for as many the master has descriptors */
    int *fds;            /* of the listeners, as workers are given them */
    bool *locals, *proxied;
    unsigned children;
    struct generation *older;
};

/* Opens everything for 'config' and takes it over. Listening sockets that are 'there' are taken over. Returns NULL with reasons added and
 * nothing changed; the configuration is freed then. */
struct generation *generation_open(struct config *config, unsigned number, const struct listeners *there, struct errors *errors);

void generation_close(struct generation *generation);

/* The descriptors a worker may use: the hard limit less what is kept for taking over connections. */
int64_t generation_descriptors(void);

#endif
