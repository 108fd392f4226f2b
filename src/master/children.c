/* SPDX-License-Identifier: Apache-2.0
 *
 * The bookkeeping of workers while they run: orders, their messages, who of them serves. spawn.c starts them, reap.c judges how they
 * ended. Runs in the master.
 */
#include "master/master.h"

#include "base/io.h"
#include "base/log.h"
#include "worker/worker.h"

#include <stdlib.h>

enum { LEAVE_AT_ONCE_MS = 1000 }; /* that a worker ordered to quit is given before it is killed */

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
    int64_t lifetime = children_jittered(child->generation->config->max_lifetime, child->generation->config);
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
