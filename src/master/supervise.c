/* SPDX-License-Identifier: Apache-2.0
 *
 * Watching workers: handlers that hold up others or take too long, workers that do not get ready or do not end, connections that nobody
 * was woken for. Runs in the master.
 */
#include "master/master.h"

#include "base/log.h"
#include "worker/worker.h"

#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    GRACE_AFTER_ABORT_MS = 1000,
    LOOK_MS = 20,    /* for connections that nobody was woken for */
    NONE_IDLE_MS = 5, /* between two looks, while there is nobody to wake */
    LATE_MS = 50,    /* to wake that much later than planned is an absence */
    UNSEEN_MS = 500  /* some ticks: no handler runs that long before it is seen */
};

const char *supervise_doing(const struct slot *slot, char *text, size_t size)
{
    char request[sizeof slot->request];
    text[0] = 0;
    if (atomic_load(&slot->state) != WORKER_HANDLER)
        return text;
    memcpy(request, slot->request, sizeof request);
    request[sizeof request - 1] = 0;
    snprintf(text, size, ", inside the handler of %s", request);
    return text;
}

/* An abort is for the main thread, which has the handler; a kill for the process, whose main thread may have ended before its others. */
static void send_signal(pid_t pid, int signal)
{
    if (signal == SIGKILL)
        kill(pid, signal);
    else
        syscall(SYS_tgkill, pid, pid, signal);
}

/* The signal first: a log may hold up who writes to it, and by then the request may be another. */
static void kill_with(struct master *m, unsigned slot, int signal, const char *why)
{
    struct child *child = &m->children[slot];
    char where[320];
    supervise_doing(&m->board->slots[slot], where, sizeof where);
    send_signal(child->pid, signal);
    log_error("worker %ld %s%s: %s", (long)child->pid, why, where, signal == SIGABRT ? "aborting it" : "killing it");
    child->aborted = true;
    child->condemned = 0;
    child->kill_at = m->now + GRACE_AFTER_ABORT_MS;
}

/* Read twice: sequence and time belong together. */
int64_t supervise_time(struct master *m, unsigned slot, uint64_t *sequence)
{
    struct slot *shared = &m->board->slots[slot];
    *sequence = atomic_load(&shared->sequence);
    int64_t since = atomic_load(&shared->since);
    if (since <= 0 || atomic_load(&shared->state) != WORKER_HANDLER || atomic_load(&shared->sequence) != *sequence)
        return -1;
    return m->now > since ? m->now - since : 0;
}

/* Once, as a signal may end a handler's sleep early. If it could not give all it took back that it was told: again after twice the time. */
static void order_to_give(struct master *m, unsigned slot, uint64_t sequence, int64_t took)
{
    struct slot *shared = &m->board->slots[slot];
    struct child *child = &m->children[slot];
    bool again = child->stalled == sequence;
    if (atomic_load(&shared->holding) == sequence || (again && took < 2 * child->stalled_for))
        return;
    child->stalled = sequence;
    child->stalled_for = took;
    atomic_store(&shared->holding, sequence);
    if (!again) {
        scoreboard_count(&shared->stalled, 1);
        scoreboard_count(&m->board->totals.stalled, 1);
    }
    syscall(SYS_tgkill, child->pid, child->pid, WORKER_LOOK_SIGNAL);
}

static void look_until(struct master *m, int64_t until)
{
    if (m->kick_until < until)
        m->kick_until = until;
}

/* It may have been woken, by the same wait, for a connection as well that is still to be accepted: nobody else was. */
static void look_for_waiting(struct master *m, struct child *child, uint64_t sequence)
{
    if (child->looked == sequence)
        return;
    child->looked = sequence;
    look_until(m, m->now + LOOK_MS);
}

void supervise_absence(struct master *m, int64_t planned)
{
    int64_t late = m->now - planned;
    if (late < LATE_MS)
        return;
    m->absence.total += late;
    m->absence.from = planned;
    m->absence.to = m->now;
    for (unsigned i = 0; i < m->slots; i++) /* to answer for its handler, which was aborted, takes a worker that runs */
        if (m->children[i].kill_at != 0)
            m->children[i].kill_at += late;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* How much of the time that a handler took was one of nobody's running. It may have begun before the last absence and be seen only now;
 * or it woke a master that slept and would have seen it long ago. */
static int64_t absent_in(const struct master *m, struct child *child, int64_t took)
{
    const struct absence *absence = &m->absence;
    int64_t since = m->now - took;
    if (child->since != since) {
        int64_t unseen = took < UNSEEN_MS ? 0 : took;
        child->since = since;
        child->absent = absence->total - (since < absence->to ? absence->to - larger(since, absence->from) : unseen);
    }
    return absence->total - child->absent;
}

/* One that holds up others is told to give them away; one that has had its time is aborted. To the main thread: a thread of a
 * module's own would be interrupted for nothing. Both orders carry the sequence: if the request has ended, they are about none. */
static void watch_handler(struct master *m, unsigned slot)
{
    struct slot *shared = &m->board->slots[slot];
    struct child *child = &m->children[slot];
    uint64_t sequence;
    int64_t took = supervise_time(m, slot, &sequence), allowed = atomic_load(&shared->allowed);
    int64_t stall_after = child->generation->config->timeouts.stall_after;
    if (took < 0)
        return;
    allowed += absent_in(m, child, took);
    if (took >= allowed) {
        atomic_store(&shared->condemned, sequence);
        kill_with(m, slot, SIGABRT, "is in one request longer than [timeouts] request allows");
        child->condemned = sequence;
        return;
    }
    bool others = atomic_load(&shared->held) > (atomic_load(&shared->parted) ? 0 : 1);
    if (took >= stall_after)
        look_for_waiting(m, child, sequence);
    if (took >= stall_after && others)
        order_to_give(m, slot, sequence, took);
    master_wake_at(m, m->now - took + (took < stall_after ? stall_after : allowed));
}

/* It says itself, on its way out, which app takes so long. */
static void watch_start(struct master *m, unsigned slot)
{
    const struct child *child = &m->children[slot];
    int64_t until = child->started + child->generation->config->timeouts.start;
    if (child->state != CHILD_STARTING)
        return;
    if (m->now < until)
        master_wake_at(m, until);
    else
        kill_with(m, slot, SIGABRT, "is not ready in the time that [timeouts] start gives");
}

/* The request ended between our look and the signal, which the worker passed over then: it is as good as any. */
static void forgive(struct child *child, const struct slot *shared)
{
    if (child->condemned == 0 || (atomic_load(&shared->state) == WORKER_HANDLER && atomic_load(&shared->sequence) == child->condemned))
        return;
    child->aborted = false;
    child->condemned = 0;
    child->kill_at = 0;
}

static void watch_end(struct master *m, unsigned slot)
{
    struct child *child = &m->children[slot];
    bool late = child->leave_by != 0 && m->now >= child->leave_by;
    if ((child->kill_at != 0 && m->now >= child->kill_at) || (late && child->order == ORDER_QUIT)) {
        child->leave_by = 0; /* from here on it is killed, again and again */
        kill_with(m, slot, SIGKILL, "does not end");
    } else if (late) {
        children_order(m, slot, ORDER_QUIT, 0);
    }
    if (child->kill_at != 0)
        master_wake_at(m, child->kill_at);
    if (child->leave_by != 0)
        master_wake_at(m, child->leave_by);
}

void supervise_handlers(struct master *m)
{
    for (unsigned i = 0; i < m->slots; i++) {
        struct child *child = &m->children[i];
        if (child->state == CHILD_NONE)
            continue;
        forgive(child, &m->board->slots[i]);
        if (!child->aborted) {
            watch_start(m, i);
            watch_handler(m, i);
        }
        watch_end(m, i);
    }
}

/* The next idle worker in rotation, one of the current generation if there is. */
static bool kick_one(struct master *m)
{
    for (unsigned tried = 0; tried < 2 * m->slots; tried++) {
        unsigned i = m->kick_next++ % m->slots;
        const struct child *child = &m->children[i];
        if (child->state != CHILD_READY || child->canary || atomic_load(&m->board->slots[i].state) != WORKER_WAITING)
            continue;
        if (child->generation != m->current && tried < m->slots)
            continue;
        children_send(m, i, MESSAGE_KICK, NULL, 0);
        return true;
    }
    return false;
}

static bool anything_waits(const struct master *m)
{
    bool waits = listeners_have_waiting(&m->current->listeners);
    for (const struct generation *g = m->old; g != NULL && !waits; g = g->older)
        waits = listeners_have_waiting(&g->listeners);
    return waits;
}

/* If the worker that a connection woke did not accept it (it stopped, it was killed), nobody else is woken for it. So while one waits,
 * idle workers are told to look, one after the other, a millisecond apart. */
void supervise_waiting(struct master *m)
{
    if (m->kick_until == 0 || m->current == NULL)
        return;
    if (m->now > m->kick_until || !anything_waits(m)) {
        m->kick_until = m->now > m->kick_until ? 0 : m->kick_until;
        if (m->kick_until != 0)
            master_wake_at(m, m->now + 20);
        return;
    }
    if (kick_one(m)) {
        scoreboard_count(&m->board->totals.kicked, 1);
        master_wake_at(m, m->now + 1);
        return;
    }
    /* All are in handlers. Who comes out of one may not know of what waits: so we go on, but more calmly. */
    look_until(m, m->now + LOOK_MS);
    master_wake_at(m, m->now + NONE_IDLE_MS);
}

void supervise_channel(struct master *m)
{
    m->channel_quiet_until = m->now + (kick_one(m) ? 1 : 5);
}
