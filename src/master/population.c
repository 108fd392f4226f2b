/* SPDX-License-Identifier: Apache-2.0
 *
 * How many workers there are: as many as are wanted, more while all are inside handlers; those that are due are replaced, the new one
 * first. Runs in the master.
 */
#include "master/master.h"

#include "base/log.h"

enum {
    BUSY_MS = 5,           /* in one handler: long enough to tell waiting from working */
    RETRY_MS = 1000,
    RESERVE = 2,         /* processes that a reload, or a new binary, needs beside all workers */
    SETTLED_MS = 60000   /* until it is tried again whether there can be more */
};

/* A worker that is due to be replaced does not count: that is how its successor comes about. */
static bool is_filled(const struct master *m, unsigned position)
{
    for (unsigned i = 0; i < m->slots; i++)
        if (children_serves(m, &m->children[i]) && m->children[i].position == position && !m->children[i].due)
            return true;
    return false;
}

/* Those that leave, or are to when others are ready, make room by themselves. */
static bool is_anybody_leaving(const struct master *m)
{
    for (unsigned i = 0; i < m->slots; i++)
        if (m->children[i].state != CHILD_NONE && !children_serves(m, &m->children[i]))
            return true;
    return false;
}

/* There can be no more processes. Were added workers to take up all that there can be, no reload would find room, and nobody could mend
 * what they all wait for. For a moment only, if others are about to leave: they wait for nobody then. */
static void settle_for(struct master *m, unsigned count)
{
    bool for_long = !is_anybody_leaving(m);
    unsigned reserve = for_long ? RESERVE : 0;
    m->settled = count > m->base + reserve ? count - reserve : m->base;
    m->settled_until = m->now + (for_long ? SETTLED_MS : RETRY_MS);
    m->wanted = m->settled;
    if (for_long)
        log_warning("there cannot be more than %u workers: %u serve on, so that there is room for a reload", count, m->wanted);
}

/* If one cannot be started the others are not tried either. */
static void spawn_missing_workers(struct master *m)
{
    for (unsigned i = 0; i < m->wanted; i++) {
        struct position *position = &m->positions[i];
        if (is_filled(m, i))
            continue;
        if (position->retry_at <= m->now && m->spawn_at <= m->now && children_spawn(m, m->current, i, false) < 0) {
            m->spawn_at = m->now + RETRY_MS;
            if (i >= m->base)
                settle_for(m, i);
        }
        int64_t retry_at = position->retry_at > m->spawn_at ? position->retry_at : m->spawn_at;
        if (retry_at > m->now)
            master_wake_at(m, retry_at);
    }
}

static bool is_younger(const struct child *one, const struct child *other)
{
    return one->started != other->started ? one->started > other->started : one > other;
}

/* One that is itself due is good enough: were all to wait for one that is not, while each is due as soon as it is ready, none would ever
 * leave. */
static bool has_successor(const struct master *m, const struct child *child)
{
    for (unsigned i = 0; i < m->slots; i++) {
        const struct child *other = &m->children[i];
        if (other != child && other->state == CHILD_READY && !other->canary && other->position == child->position &&
            other->generation == child->generation && (!other->due || is_younger(other, child)))
            return true;
    }
    return false;
}

/* Those beyond the number that is wanted, and those that are due and have a successor: they give what they hold and leave. */
static void retire_surplus_workers(struct master *m)
{
    for (unsigned i = 0; i < m->slots; i++) {
        struct child *child = &m->children[i];
        if (child->state != CHILD_READY || child->generation != m->current)
            continue;
        if (child->position >= m->wanted || (child->due && has_successor(m, child)))
            children_order(m, i, ORDER_GIVE, child->generation->config->timeouts.graceful);
    }
}

/* The worker itself says when it has answered enough or grown too large; its age is seen here. */
static void find_aged_workers(struct master *m)
{
    for (unsigned i = 0; i < m->slots; i++) {
        struct child *child = &m->children[i];
        if (!children_serves(m, child) || child->due || child->retire_at == 0)
            continue;
        if (m->now >= child->retire_at)
            child->due = true;
        else
            master_wake_at(m, child->retire_at);
    }
}

/* Workers inside handlers, and whether all of them are, each for a while: then requests wait for a worker. Those of the generation before
 * that have not been replaced yet serve as well as any. */
static unsigned count_busy(struct master *m, bool *all)
{
    unsigned busy = 0;
    *all = true;
    for (unsigned i = 0; i < m->slots; i++) {
        const struct child *child = &m->children[i];
        if (child->canary || (child->state != CHILD_READY && !children_serves(m, child)))
            continue;
        uint64_t sequence;
        bool is_busy = child->state == CHILD_READY && supervise_time(m, i, &sequence) >= BUSY_MS;
        busy += is_busy;
        *all = *all && is_busy;
    }
    return busy;
}

static unsigned count_most(const struct master *m)
{
    int64_t wanted = m->current->config->workers_max, possible = m->current->workers_possible;
    unsigned most = (unsigned)(wanted < possible ? wanted : possible);
    return m->now < m->settled_until && m->settled < most ? m->settled : most;
}

/* While all wait in handlers a quarter more are added at a time; those that the last idle_worker had no use for leave. */
static void adapt(struct master *m)
{
    bool all;
    unsigned most = count_most(m), busy = count_busy(m, &all);
    if (busy > m->peak)
        m->peak = busy;
    if (all && busy > 0 && m->wanted < most) {
        m->wanted += 1 + m->wanted / 4;
        if (m->wanted > most)
            m->wanted = most;
    }
    if (m->wanted <= m->base) {
        m->window_end = 0;
        return;
    }
    if (m->window_end == 0)
        m->window_end = m->now + m->current->config->timeouts.idle_worker;
    if (m->now >= m->window_end) {
        m->wanted = m->peak + 1 > m->base ? (m->peak + 1 < m->wanted ? m->peak + 1 : m->wanted) : m->base;
        m->peak = 0;
        m->window_end = m->now + m->current->config->timeouts.idle_worker;
    }
    master_wake_at(m, m->window_end);
}

/* What handlers wait for they wait for after a reload too, and with a new binary: as many are added as were. */
void population_reset(struct master *m)
{
    unsigned added = m->wanted - m->base + m->succession.from.added, most = count_most(m);
    m->succession.from.added = 0;
    m->base = (unsigned)m->current->config->workers;
    m->wanted = m->base + added < most ? m->base + added : most;
    if (m->wanted < m->base)
        m->wanted = m->base;
    m->peak = 0;
    m->window_end = 0;
}

void population_change(struct master *m, int by)
{
    if (m->state != MASTER_SERVING || (by < 0 && m->base == 1) || (by > 0 && m->base == CONFIG_WORKERS_MAX))
        return;
    if (by > 0 && m->base >= m->current->workers_possible) {
        log_warning("%u workers: for more the limit of open files is too low", m->base);
        return;
    }
    m->base = (unsigned)((int)m->base + by);
    m->wanted = by > 0 && m->wanted >= m->base ? m->wanted : m->base;
    log_info("%u workers", m->base);
}

void population_step(struct master *m)
{
    if (!master_is_open(m) || m->current == NULL)
        return;
    adapt(m);
    find_aged_workers(m);
    spawn_missing_workers(m);
    if (m->transaction != TRANSACTION_DRAIN)
        retire_surplus_workers(m);
}
