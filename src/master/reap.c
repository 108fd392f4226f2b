/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of a worker: collecting an exit status and judging it are separate. What it held is given back, and when its place is filled
 * again depends on how it ended. Runs in the master.
 */
#include "master/master.h"

#include "base/io.h"
#include "base/log.h"
#include "worker/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum {
    BACK_OFF_MS = 100, /* after the first failure, then doubled */
    BACK_OFF_MAX_MS = 30000,
    ALONE_MS = 1000,     /* the most while no worker serves: requests wait for it */
    STATUS_UNKNOWN = -1, /* another process reaped it */
    SHUT_OUT_MS = 1000,  /* within which they do */
    LIVED_MS = 1000      /* a worker that lived that long did not fail for being started */
};

static bool was_robbed(int status)
{
    return status != STATUS_UNKNOWN && WIFEXITED(status) && WEXITSTATUS(status) == WORKER_EXIT_ROBBED;
}

/* All workers find out that a socket was shut down, the first of them before it is open again. */
static bool was_shut_out(struct master *m, const struct child *child, int status)
{
    if (was_robbed(status) && listeners_revive(&child->generation->listeners))
        m->shut_out_until = m->now + SHUT_OUT_MS;
    return was_robbed(status) && m->now < m->shut_out_until;
}

/* What it was about, in words that follow those of describe(); "" if none of it was a handler's doing. */
static void locate(const struct slot *slot, int status, bool shut_out, char *where, size_t size)
{
    supervise_doing(slot, where, size);
    /* Else a handler called exit() with the same number. */
    if (where[0] == 0 && was_robbed(status) && !shut_out)
        snprintf(where, size, ": some handler up to that of %.*s closed a descriptor of the server's",
                 (int)sizeof slot->request - 1, slot->request);
}

static void describe(int status, const char *where, char *text, size_t size)
{
    if (status == STATUS_UNKNOWN)
        snprintf(text, size, "has ended%s", where);
    else if (WIFSIGNALED(status))
        snprintf(text, size, "killed by signal %d (%s)%s%s", WTERMSIG(status), strsignal(WTERMSIG(status)),
                 WCOREDUMP(status) ? ", core dumped" : "", where);
    else
        snprintf(text, size, "exited with status %d%s", WEXITSTATUS(status),
                 was_robbed(status) && where[0] == 0 ? ": a socket that it waited on was shut down" : where);
}

static bool anybody_serves(const struct master *m)
{
    for (unsigned i = 0; i < m->slots; i++)
        if (children_serves(m, &m->children[i]))
            return true;
    return false;
}

/* A worker that got ready and did not fail for being started: it lived a while, or was killed by who can kill anything. */
static bool is_sound(const struct master *m, const struct child *child, int status)
{
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    return child->state != CHILD_STARTING && (killed || m->now - child->started >= LIVED_MS);
}

/* How long until its place is filled again: at once if a handler took it down or it was sound, else ever longer, with jitter so that
 * several do not come back in step. The last one to go bounds how long there is none. */
static void back_off(struct master *m, const struct child *child, int status, bool in_handler)
{
    struct position *position = &m->positions[child->position];
    position->unready = child->state == CHILD_STARTING;
    if (in_handler || is_sound(m, child, status)) {
        position->failures = 0;
        position->retry_at = m->now;
        return;
    }
    int64_t wait = BACK_OFF_MS << (position->failures < 9 ? position->failures : 9), most = anybody_serves(m) ? BACK_OFF_MAX_MS : ALONE_MS;
    if (wait > most)
        wait = most;
    wait += wait * (random() % 256) / 1024;
    position->failures++;
    position->retry_at = m->now + wait;
    log_info("worker %u is started again in %lld ms", child->position, (long long)wait);
}

static void judge(struct master *m, const struct child *child, int status, const char *where)
{
    char how[512];
    describe(status, where, how, sizeof how);
    bool clean = status == STATUS_UNKNOWN || (WIFEXITED(status) && WEXITSTATUS(status) == WORKER_EXIT_CLEAN);
    if (clean && child->state == CHILD_LEAVING) {
        log_debug("worker %ld has left", (long)child->pid);
        return;
    }
    if (child->canary) {
        reload_canary_gone(m, child->aborted ? "had to be killed: [timeouts] start passed" : how);
        return;
    }
    log_error("worker %ld %s", (long)child->pid, how);
    if (child->generation == m->current && master_is_open(m))
        back_off(m, child, status, where[0] != 0);
    else if (where[0] != 0 || is_sound(m, child, status)) /* not one that cannot start: that would go on to the end */
        stop_make_up(m);
}

static void forget_child(struct master *m, unsigned slot, int status)
{
    struct child child = m->children[slot];
    struct slot *shared = &m->board->slots[slot];
    if (child.control >= 0) {
        children_read(m, slot); /* its last words */
        io_close(&m->children[slot].control);
    }
    char where[sizeof shared->request + 100];
    locate(shared, status, was_shut_out(m, &child, status), where, sizeof where);
    log_ring_recover(&shared->log, &child.generation->logs.access, child.pid);
    log_ring_free(&shared->log);
    logs_write_ring(&child.generation->logs, &shared->log);
    child.state = m->children[slot].state;
    m->children[slot].state = CHILD_NONE;
    scoreboard_count(&m->board->totals.requests, atomic_load(&shared->requests));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != WORKER_EXIT_CLEAN)
        scoreboard_count(&m->board->totals.lost, atomic_load(&shared->held));
    if (m->addresses != NULL)
        addresses_clear(m->addresses, slot);
    children_reset_slot(shared);
    atomic_store(&shared->state, WORKER_FREE);
    atomic_store(&shared->pid, 0);
    child.generation->children--;
    m->alive--;
    m->kick_until = m->now + 1000;
    judge(m, &child, status, where);
}

/* What became of them process 1 learns. That they are gone their end of the socket tells. */
static void reap_children_of_another(struct master *m)
{
    for (unsigned i = 0; i < m->slots; i++)
        if (m->children[i].state != CHILD_NONE && m->children[i].control < 0)
            forget_child(m, i, STATUS_UNKNOWN);
}

void children_reap(struct master *m)
{
    int status;
    pid_t pid;
    if (m->upgrade.in_place)
        reap_children_of_another(m);
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == m->upgrade.pid)
            upgrade_gone(m, status);
        for (unsigned i = 0; i < m->slots; i++)
            if (m->children[i].state != CHILD_NONE && m->children[i].pid == pid)
                forget_child(m, i, status);
    }
    reload_release_old(m);
}
