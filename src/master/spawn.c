/* SPDX-License-Identifier: Apache-2.0
 *
 * The start of a worker: its slot of the scoreboard, fork, and what the child forgets and becomes before worker_run(). Runs in the
 * master, and in the child.
 */
#include "master/master.h"

#include "base/io.h"
#include "base/log.h"
#include "base/title.h"
#include "master/launch.h"
#include "master/notify.h"
#include "master/pidfile.h"
#include "worker/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static unsigned find_free_slot(struct master *m)
{
    for (unsigned i = 0; i < SCOREBOARD_SLOTS; i++)
        if (m->children[i].state == CHILD_NONE)
            return i;
    return SCOREBOARD_SLOTS;
}

void children_reset_slot(struct slot *slot)
{
    /* The log ring stays: lines of the former worker may still be in it, and the next one writes on behind them. */
    atomic_store(&slot->order, ORDER_SERVE);
    atomic_store(&slot->state, WORKER_STARTING);
    atomic_store(&slot->active, 0);
    atomic_store(&slot->shut, false);
    atomic_store(&slot->look, 0);
    atomic_store(&slot->held, 0);
    atomic_store(&slot->since, 0);
    atomic_store(&slot->requests, 0);
    atomic_store(&slot->sequence, 0);
    atomic_store(&slot->holding, 0);
    atomic_store(&slot->condemned, 0);
    atomic_store(&slot->streaming, 0);
    atomic_store(&slot->parted, false);
    atomic_store(&slot->given, 0);
    atomic_store(&slot->adopted, 0);
    atomic_store(&slot->stalled, 0);
}

/* All that a child must forget of the master. */
static void forget(struct master *m, const struct generation *own)
{
    for (unsigned i = 0; i < m->slots; i++)
        if (m->children[i].state != CHILD_NONE)
            io_close(&m->children[i].control);
    notify_forget();
    control_forget(&m->control);
    upgrade_forget(&m->upgrade);
    io_close(&m->shared.fd); /* what is mapped stays */
    succession_forget(&m->succession, &own->listeners);
    struct generation *const others[] = {m->current, m->next, m->old};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        for (struct generation *g = others[i]; g != NULL; g = g->older) {
            if (g == own)
                continue;
            logs_close(&g->logs);
            listeners_forget(&g->listeners, &own->listeners);
        }
    master_release_signals();
}

static void limit_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = (rlim_t)generation_descriptors();
    setrlimit(RLIMIT_NOFILE, &limit);
}

int64_t children_jittered(int64_t most, const struct config *config)
{
    int64_t range = most * config->max_requests_jitter / 100;
    return range > 0 ? most - random() % (range + 1) : most;
}

static const char *remedy_for(int error)
{
    return error == EPERM    ? " (CAP_SETUID or CAP_SETGID is missing; 'user = root' does without)"
           : error == EINVAL ? " (this user namespace has no such user; 'user = root' does without)"
                             : "";
}

/* In the child. What it tells is the verdict if it is the first of its generation. */
static _Noreturn void cannot_become(const struct generation *generation, int control, int error)
{
    struct errors errors;
    char message[WORKER_MESSAGE_MAX];
    errors_init(&errors);
    config_reject_value(&errors, generation->config, "server", "user", "cannot become '%s': %s%s", generation->privileges.user,
                        strerror(error), remedy_for(error));
    int length = snprintf(message, sizeof message, "%c%s", MESSAGE_REASON, errors.messages[0]);
    send(control, message, (size_t)length < sizeof message ? (size_t)length : sizeof message - 1, MSG_NOSIGNAL);
    _exit(WORKER_EXIT_REFUSED);
}

static _Noreturn void run_child(struct master *m, unsigned slot, struct generation *generation, unsigned position,
                                bool canary, int control, pid_t master, int64_t max_requests)
{
    const struct privileges *privileges = &generation->privileges;
    forget(m, generation);
    title_set("tine: worker %u, generation %u", position, generation->number);
    logs_use(&generation->logs, generation->config);
    limit_descriptors();
    if (privileges_drop(privileges, WORKER_LOOK_SIGNAL) < 0)
        cannot_become(generation, control, errno);
    if (getppid() != master) /* it died before the death signal was asked for */
        _exit(1);
    struct worker_setup setup = {.config = generation->config, .connections = generation->connections,
                                 .module_files = generation->modules.files, .listeners = generation->fds,
                                 .listeners_local = generation->locals, .listeners_proxied = generation->proxied,
                                 .listener_count = generation->listeners.count,
                                 .generation = generation->number, .max_requests = max_requests,
                                 .access_log = generation->logs.access, .board = m->board,
                                 .slot = &m->board->slots[slot],
                                 .addresses = generation->config->limits.per_address > 0 ? m->addresses : NULL,
                                 .shared = m->shared,
                                 .channel = {m->channel[0], m->channel[1]}, .control = control, .master = master, .canary = canary,
                                 .silent_output = pidfile_is_done_with_output(generation->config),
                                 .silent_errors = pidfile_is_done_with_errors(generation->config),
                                 .user = privileges->drop && privileges->uid != 0 ? privileges->user : NULL};
    worker_run(&setup);
}

/* Once, until one can be started: it is tried each second. Of the first of a generation each time: whoever asked for it looks here. */
static void tell_failure(struct master *m, bool canary, const char *what, const char *why, const char *hint)
{
    if (canary || !m->spawn_failed)
        log_error("cannot %s a worker: %s%s", what, why, hint);
    m->spawn_failed = true;
}

/* Fork with all signals blocked (they are, but in the wait): the child unblocks them when its handlers stand. */
int children_spawn(struct master *m, struct generation *generation, unsigned position, bool canary)
{
    unsigned slot = find_free_slot(m);
    int pair[2];
    if (slot == SCOREBOARD_SLOTS || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        tell_failure(m, canary, "start", slot == SCOREBOARD_SLOTS ? "too many are leaving" : strerror(errno), "");
        return -1;
    }
    pid_t master = getpid();
    /* Drawn here: children would all draw the same. */
    int64_t max_requests = children_jittered(generation->config->max_requests, generation->config);
    children_reset_slot(&m->board->slots[slot]);
    atomic_store(&m->board->slots[slot].generation, generation->number);
    atomic_store(&m->board->slots[slot].started, m->now);
    /* Before it is there: a worker that counts who does what must find itself. */
    if (slot >= m->slots)
        m->slots = slot + 1;
    atomic_store(&m->board->used, m->slots);
    pid_t pid = fork();
    if (pid == 0) {
        io_close(&pair[0]);
        run_child(m, slot, generation, position, canary, pair[1], master, max_requests);
    }
    io_close(&pair[1]);
    if (pid < 0) {
        tell_failure(m, canary, "fork", strerror(errno), launch_hint(errno));
        io_close(&pair[0]);
        return -1;
    }
    m->spawn_failed = false;
    m->children[slot] = (struct child){.state = CHILD_STARTING, .pid = pid, .position = position, .generation = generation,
                                       .control = pair[0], .canary = canary, .started = m->now};
    atomic_store(&m->board->slots[slot].pid, pid);
    generation->children++;
    m->alive++;
    return (int)slot;
}
