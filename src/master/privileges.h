/* SPDX-License-Identifier: Apache-2.0
 *
 * Who the workers are. Resolved in the master, dropped to in each worker after the fork.
 */
#ifndef MASTER_PRIVILEGES_H
#define MASTER_PRIVILEGES_H

#include "base/errors.h"
#include "config/config.h"

#include <sys/types.h>

enum { PRIVILEGES_GROUPS_MAX = 64 };

struct privileges {
    bool drop;
    uid_t uid;
    gid_t gid;
    char user[64]; /* for the log */
    gid_t groups[PRIVILEGES_GROUPS_MAX]; /* supplementary */
    int group_count;
};

/* The process serves from now on: workers wait for a master that waits. What looks up names, a directory on the network, say, has 5 s then,
 * and 30 s before. */
void privileges_hurry(void);

/* From [server] user and group. Started as root without a user, workers are nobody. Returns 0, or -1 with reasons added. */
int privileges_resolve(struct privileges *privileges, const struct config *config, struct errors *errors);

/* Whose a file is to be: both may be "", which stands for -1, whoever has it. Returns NULL, or what is wrong (static). */
const char *privileges_find_owner(const char *user, const char *group, uid_t *uid, gid_t *gid);

/* For good. Also: core dumps stay possible, and 'death_signal' comes when the parent dies. Returns 0, or -1 with errno. */
int privileges_drop(const struct privileges *privileges, int death_signal);

#endif
