/* SPDX-License-Identifier: Apache-2.0
 *
 * See privileges.h.
 */
#include "master/privileges.h"

#include "base/log.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const char *name_of(const struct config *config)
{
    return config->user[0] != 0 ? config->user : "nobody";
}

static const struct passwd *find_user(const struct config *config, struct errors *errors)
{
    const char *name = name_of(config);
    const struct passwd *user = getpwnam(name);
    if (user == NULL)
        config_reject_value(errors, config, "server", "user", "there is no user '%s'", name);
    return user;
}

/* Without root there is nothing to drop, and nothing else can be had. */
static int check_unprivileged(const struct config *config, struct errors *errors)
{
    const struct passwd *user = config->user[0] != 0 ? getpwnam(config->user) : NULL;
    if (config->user[0] != 0 && (user == NULL || user->pw_uid != geteuid())) {
        config_reject_value(errors, config, "server", "user", "only root can serve as '%s'", config->user);
        return -1;
    }
    return 0;
}

int privileges_resolve(struct privileges *privileges, const struct config *config, struct errors *errors)
{
    *privileges = (struct privileges){0};
    if (geteuid() != 0)
        return check_unprivileged(config, errors);
    const struct passwd *user = find_user(config, errors);
    if (user == NULL)
        return -1;
    privileges->drop = true;
    privileges->uid = user->pw_uid;
    privileges->gid = user->pw_gid;
    snprintf(privileges->user, sizeof privileges->user, "%s", user->pw_name);
    const struct group *group = config->group[0] != 0 ? getgrnam(config->group) : NULL;
    if (config->group[0] != 0 && group == NULL) {
        config_reject_value(errors, config, "server", "group", "there is no group '%s'", config->group);
        return -1;
    }
    if (group != NULL)
        privileges->gid = group->gr_gid;
    privileges->group_count = PRIVILEGES_GROUPS_MAX;
    if (getgrouplist(privileges->user, privileges->gid, privileges->groups, &privileges->group_count) < 0) {
        config_reject_value(errors, config, "server", "user", "'%s' is in more than %d groups", name_of(config), PRIVILEGES_GROUPS_MAX);
        return -1;
    }
    return 0;
}

int privileges_drop(const struct privileges *privileges, int death_signal)
{
    if (privileges->drop) {
        if (setgroups((size_t)privileges->group_count, privileges->groups) < 0 || setgid(privileges->gid) < 0 ||
            setuid(privileges->uid) < 0)
            return -1;
        if (privileges->uid != 0 && setuid(0) == 0) { /* it must not be possible to come back */
            errno = EPERM;
            return -1;
        }
    }
    /* setuid() clears both: without the first a crash leaves no core, without the second workers would outlive a killed master. */
    prctl(PR_SET_DUMPABLE, 1);
    return prctl(PR_SET_PDEATHSIG, death_signal);
}
