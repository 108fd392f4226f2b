/* SPDX-License-Identifier: Apache-2.0
 *
 * The bookkeeping of workers: spawn, order, reap, judge, replace. Collecting an exit status and judging it are separate.
 * Runs in the master, and between fork and worker_run() in the child.
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
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LEAVE_AT_ONCE_MS = 1000, /* that a worker ordered to quit is given before it is killed */
    BACK_OFF_MS = 100,      /* after the first failure, then doubled */
    BACK_OFF_MAX_MS = 30000,
    ALONE_MS = 1000,         /* the most while no worker serves: requests wait for it */
    STATUS_UNKNOWN = -1,    /* another process reaped it */
    LIVED_MS = 1000,         /* a worker that lived that long did not fail for being started */
};

static unsigned find_free_slot(struct master *m)
{
    for (unsigned i = 0; i < SCOREBOARD_SLOTS; i++)
        if (m->children[i].state == CHILD_NONE)
            return i;
    return SCOREBOARD_SLOTS;
}

static void reset_slot(struct slot *slot)
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

/* A little less than 'most', so that workers do not come to it all at once. */
static int64_t jittered(int64_t most, const struct config *config)
{
    int64_t range = most * config->max_requests_jitter / 100;
    return range > 0 ? most - random() % (range + 1) : most;
}

/* In the child. What it tells is the verdict if it is the first of its generation. */
static _Noreturn void cannot_become(const struct generation *generation, int control, int error)
{
    struct errors errors;
    char message[WORKER_MESSAGE_MAX];
    errors_init(&errors);
    config_reject_value(&errors, generation->config, "server", "user",
                        "cannot become '%s': %s (CAP_SETUID or CAP_SETGID is missing, or this namespace has no such user; 'user = root' "
                        "does without)",
                        generation->privileges.user, strerror(error));
    int length = snprintf(message, sizeof message, "%c%s", MESSAGE_REASON, errors.messages[0]);
    send(control, message, (size_t)length < sizeof message ? (size_t)length : sizeof message - 1, MSG_NOSIGNAL);
    _exit(WORKER_EXIT_REFUSED);
}

static _Noreturn void run_child(struct master *m, unsigned slot, struct generation *generation, unsigned position,
                                bool canary, int control, pid_t master, int64_t max_requests)
{
    forget(m, generation);
    title_set("tine: worker %u, generation %u", position, generation->number);
    logs_use(&generation->logs, generation->config);
    limit_descriptors();
    if (privileges_drop(&generation->privileges, WORKER_LOOK_SIGNAL) < 0)
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
                                 .user = generation->privileges.drop && generation->privileges.uid != 0 ? generation->privileges.user : NULL};
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
    int64_t max_requests = jittered(generation->config->max_requests, generation->config);
    reset_slot(&m->board->slots[slot]);
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

void children_order(struct master *m, unsigned slot, enum worker_order order, int64_t patience)
{
    struct child *child = &m->children[slot];
    struct slot *shared = &m->board->slots[slot];
    enum worker_order before = child->order; /* not what the slot says, which may have been written over */
    bool sooner = before == ORDER_LEAVE && order == ORDER_LEAVE && patience < child->patience;
    if (child->state == CHILD_NONE || (before >= order && !sooner))
        return;
    child->patience = patience;
    child->order = order;
    atomic_store(&shared->patience, patience);
    atomic_store(&shared->order, order);
    if (order >= ORDER_GIVE) {
        child->state = CHILD_LEAVING;
        child->leave_by = m->now + (order == ORDER_QUIT ? LEAVE_AT_ONCE_MS : child->generation->config->timeouts.graceful);
        /* Someone may have been woken for a connection that it will not accept any more. */
        m->kick_until = m->now + 1000;
    }
    children_send(m, slot, MESSAGE_LOOK, NULL, 0);
}

void children_order_all(struct master *m, enum worker_order order, int64_t patience)
{
    for (unsigned i = 0; i < m->slots; i++)
        children_order(m, i, order, patience);
}

void children_quit_unready(struct master *m)
{
    for (unsigned i = 0; i < m->slots; i++)
        if (m->children[i].state == CHILD_STARTING)
            children_order(m, i, ORDER_QUIT, 0);
}

/* Each worker's lines go where its own generation's go. What a dead one left in a full pipe follows with the current ones. */
void children_write_logs(struct master *m)
{
    for (unsigned i = 0; i < m->slots; i++) {
        const struct generation *generation = m->children[i].state != CHILD_NONE ? m->children[i].generation : m->current;
        if (generation != NULL)
            logs_write_ring(&generation->logs, &m->board->slots[i].log);
    }
}

/* One that is due and the one that is to take its place fill one place. */
unsigned children_ready(const struct master *m, const struct generation *generation)
{
    bool filled[CONFIG_WORKERS_MAX] = {false};
    unsigned count = 0;
    for (unsigned i = 0; i < m->slots; i++) {
        const struct child *child = &m->children[i];
        if (child->state != CHILD_READY || child->generation != generation || filled[child->position])
            continue;
        filled[child->position] = true;
        count++;
    }
    return count;
}

/* What had kept it from starting (a database, say) is over, and others may have met the same: they need not sit out what they back off.
 * Only if it was kept itself: else its being ready is no news. */
static void retry_others(struct master *m, const struct child *child)
{
    if (child->generation != m->current || !m->positions[child->position].unready)
        return;
    m->positions[child->position].unready = false;
    for (unsigned i = 0; i < m->wanted; i++) {
        struct position *other = &m->positions[i];
        if (!other->unready || other->retry_at <= m->now)
            continue;
        other->retry_at = m->now;
        log_info("worker %u is started again now: worker %u got ready", i, child->position);
    }
}

/* Its lifetime begins now: one that is due before it is ready would have another started beside it, and that one another. */
static void note_ready(struct master *m, unsigned slot)
{
    struct child *child = &m->children[slot];
    int64_t lifetime = jittered(child->generation->config->max_lifetime, child->generation->config);
    child->state = CHILD_READY;
    child->retire_at = lifetime > 0 ? m->now + lifetime : 0;
    atomic_fetch_add(&m->board->joined, 1);
    retry_others(m, child);
    if (child->canary)
        reload_canary_ready(m, slot);
}

void children_read(struct master *m, unsigned slot)
{
    char message[WORKER_MESSAGE_MAX + 1];
    size_t none = 0;
    for (;;) {
        struct child *child = &m->children[slot];
        ssize_t length = io_receive_message(child->control, message, WORKER_MESSAGE_MAX, NULL, &none);
        if (length <= 0) {
            if (length == 0) /* it is gone, or nearly: its exit status will come */
                io_close(&child->control);
            return;
        }
        message[length] = 0;
        if (message[0] == MESSAGE_REASON && child->canary)
            errors_add(&m->reasons, "%s", message + 1);
        else if (message[0] == MESSAGE_REASON)
            log_error("worker %ld cannot start: %s", (long)child->pid, message + 1);
        if (message[0] == MESSAGE_KICK) /* it was woken for a connection that it has no room for */
            m->kick_until = m->now + 1000;
        if (message[0] == MESSAGE_DUE)
            child->due = true;
        if (message[0] == MESSAGE_READY && child->state == CHILD_STARTING)
            note_ready(m, slot);
    }
}

static bool was_robbed(int status)
{
    return status != STATUS_UNKNOWN && WIFEXITED(status) && WEXITSTATUS(status) == WORKER_EXIT_ROBBED;
}

/* What it was about, in words that follow those of describe(); "" if none of it was a handler's doing. */
static void locate(const struct slot *slot, int status, char *where, size_t size)
{
    supervise_doing(slot, where, size);
    if (where[0] == 0 && was_robbed(status)) /* else a handler called exit() with the same number */
        snprintf(where, size, ": some handler up to that of %.*s closed a descriptor of the server's", (int)sizeof slot->request - 1,
                 slot->request);
}

static void describe(int status, const char *where, char *text, size_t size)
{
    if (status == STATUS_UNKNOWN)
        snprintf(text, size, "has ended%s", where);
    else if (WIFSIGNALED(status))
        snprintf(text, size, "killed by signal %d (%s)%s%s", WTERMSIG(status), strsignal(WTERMSIG(status)),
                 WCOREDUMP(status) ? ", core dumped" : "", where);
    else
        snprintf(text, size, "exited with status %d%s", WEXITSTATUS(status), where);
}

bool children_serves(const struct master *m, const struct child *child)
{
    return child->generation == m->current && (child->state == CHILD_STARTING || child->state == CHILD_READY);
}

/* Inside a handler, or not ready yet, it follows its order before it accepts. */
static bool accepts(const struct master *m, unsigned slot)
{
    const struct slot *shared = &m->board->slots[slot];
    uint32_t state = atomic_load(&shared->state);
    return m->children[slot].state != CHILD_LEAVING || (!atomic_load(&shared->shut) && (state == WORKER_WAITING || state == WORKER_BUSY));
}

bool children_accept(const struct master *m, const struct generation *but)
{
    for (unsigned i = 0; i < m->slots; i++)
        if (m->children[i].state != CHILD_NONE && m->children[i].generation != but && accepts(m, i))
            return true;
    return false;
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
    char where[sizeof shared->request + 80];
    locate(shared, status, where, sizeof where);
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
    reset_slot(shared);
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
