/* SPDX-License-Identifier: Apache-2.0
 *
 * See privileges.h.
 */
#include "master/privileges.h"

#include "base/log.h"
#include "master/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 30000, HURRIED_MS = 5000 }; /* as why_late() says */

static bool is_hurried;

void privileges_hurry(void)
{
    is_hurried = true;
}

static const char *name_of(const struct config *config)
{
    return config->user[0] != 0 ? config->user : "nobody";
}

enum finding { FOUND, NO_USER, NO_GROUP, TOO_MANY_GROUPS };

struct answer {
    enum finding finding;
    struct privileges privileges;
};

typedef enum finding look_up_function(struct privileges *privileges, const char *name, const char *group);

static enum finding look_up(struct privileges *privileges, const char *name, const char *group_name)
{
    const struct passwd *user = getpwnam(name);
    if (user == NULL)
        return NO_USER;
    privileges->uid = user->pw_uid;
    privileges->gid = user->pw_gid;
    snprintf(privileges->user, sizeof privileges->user, "%s", user->pw_name);
    const struct group *group = group_name[0] != 0 ? getgrnam(group_name) : NULL;
    if (group_name[0] != 0 && group == NULL)
        return NO_GROUP;
    if (group != NULL)
        privileges->gid = group->gr_gid;
    privileges->group_count = PRIVILEGES_GROUPS_MAX;
    if (getgrouplist(privileges->user, privileges->gid, privileges->groups, &privileges->group_count) < 0)
        return TOO_MANY_GROUPS;
    return FOUND;
}

static enum finding look_up_owner(struct privileges *privileges, const char *user_name, const char *group_name)
{
    const struct passwd *user = user_name[0] != 0 ? getpwnam(user_name) : NULL;
    if (user_name[0] != 0 && user == NULL)
        return NO_USER;
    privileges->uid = user != NULL ? user->pw_uid : (uid_t)-1;
    const struct group *group = group_name[0] != 0 ? getgrnam(group_name) : NULL;
    if (group_name[0] != 0 && group == NULL)
        return NO_GROUP;
    privileges->gid = group != NULL ? group->gr_gid : (gid_t)-1;
    return FOUND;
}

static _Noreturn void answer_in_child(look_up_function *look, const char *name, const char *group, int fd)
{
    struct answer answer = {0};
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    answer.finding = look(&answer.privileges, name, group);
    _exit(write(fd, &answer, sizeof answer) == (ssize_t)sizeof answer ? 0 : 1);
}

static const char *why_late(void)
{
    return is_hurried ? "what nsswitch.conf names has not answered in 5 s" : "what nsswitch.conf names has not answered in 30 s";
}

/* What the child wrote, if it does in time; else it is killed. Returns NULL, or why there is no answer. */
static const char *await_answer(struct answer *answer, pid_t pid, int fd)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    int ready;
    while ((ready = poll(&poller, 1, is_hurried ? HURRIED_MS : PATIENCE_MS)) < 0 && errno == EINTR)
        ;
    if (ready <= 0)
        kill(pid, SIGKILL);
    ssize_t length = ready > 0 ? read(fd, answer, sizeof *answer) : 0; /* less than PIPE_BUF, so whole or not at all */
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    if (length == (ssize_t)sizeof *answer)
        return NULL;
    return ready == 0 ? why_late() : "what nsswitch.conf names has crashed or ended the process";
}

/* Asks in a process of its own: what answers (nsswitch.conf) may load libraries of half a megabyte, and threads, connections and faults
 * of theirs would stay in the master. Returns NULL, or why there is no answer. */
static const char *ask(struct answer *answer, look_up_function *look, const char *name, const char *group)
{
    static char why[128];
    int pipes[2];
    if (pipe2(pipes, O_CLOEXEC) < 0)
        return strerror(errno);
    pid_t pid = fork();
    if (pid == 0)
        answer_in_child(look, name, group, pipes[1]);
    if (pid < 0)
        snprintf(why, sizeof why, "%s%s", strerror(errno), launch_hint(errno));
    close(pipes[1]);
    const char *wrong = pid < 0 ? why : await_answer(answer, pid, pipes[0]);
    close(pipes[0]);
    return wrong;
}

static void reject(struct errors *errors, const struct config *config, enum finding finding)
{
    if (finding == NO_USER)
        config_reject_value(errors, config, "server", "user", "there is no user '%s'", name_of(config));
    else if (finding == NO_GROUP)
        config_reject_value(errors, config, "server", "group", "there is no group '%s'", config->group);
    else
        config_reject_value(errors, config, "server", "user", "'%s' is in more than %d groups", name_of(config), PRIVILEGES_GROUPS_MAX);
}

int privileges_resolve(struct privileges *privileges, const struct config *config, struct errors *errors)
{
    bool root = geteuid() == 0;
    struct answer answer = {0};
    *privileges = (struct privileges){0};
    if (!root && config->user[0] == 0)
        return 0;
    const char *wrong = ask(&answer, look_up, name_of(config), root ? config->group : "");
    if (wrong != NULL) {
        config_reject_value(errors, config, "server", "user", "cannot look up '%s': %s", name_of(config), wrong);
        return -1;
    }
    /* Without root there is nothing to drop, and nothing else can be had. */
    if (!root && (answer.finding == NO_USER || answer.privileges.uid != geteuid())) {
        config_reject_value(errors, config, "server", "user", "only root can serve as '%s'", config->user);
        return -1;
    }
    if (!root)
        return 0;
    if (answer.finding != FOUND) {
        reject(errors, config, answer.finding);
        return -1;
    }
    *privileges = answer.privileges;
    privileges->drop = true;
    return 0;
}

const char *privileges_find_owner(const char *user, const char *group, uid_t *uid, gid_t *gid)
{
    struct answer answer = {.privileges = {.uid = (uid_t)-1, .gid = (gid_t)-1}};
    const char *wrong = user[0] != 0 || group[0] != 0 ? ask(&answer, look_up_owner, user, group) : NULL;
    *uid = answer.privileges.uid;
    *gid = answer.privileges.gid;
    return wrong != NULL                  ? wrong
           : answer.finding == NO_USER    ? "there is no such user"
           : answer.finding == NO_GROUP   ? "there is no such group"
                                          : NULL;
}

/* Root that has no capabilities, or is that of a user namespace, and stays who it is keeps its groups as well. */
static int set_groups(const struct privileges *privileges)
{
    int result = setgroups((size_t)privileges->group_count, privileges->groups);
    return result < 0 && errno == EPERM && privileges->uid == geteuid() ? 0 : result;
}

int privileges_drop(const struct privileges *privileges, int death_signal)
{
    if (privileges->drop) {
        if (set_groups(privileges) < 0 || setgid(privileges->gid) < 0 || setuid(privileges->uid) < 0)
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
