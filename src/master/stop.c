/* SPDX-License-Identifier: Apache-2.0
 *
 * Stopping, in an order that loses nothing: readiness fails while all is served as before ([server] shutdown_delay), no new connection
 * comes in, those that wait are accepted and answered, then workers finish what they hold, and the listeners are closed last. Levels only
 * escalate. Runs in the master.
 */
#include "master/master.h"

#include "base/log.h"
#include "worker/worker.h"

#include <poll.h>

enum {
    HANDSHAKES_MS = 3000, /* a SYN+ACK is sent again after 1 s and 3 s */
    IDLE_MS = 1000,       /* a client that sends requests more often than this is told Connection: close in time */
    STEP_MS = 20
};

static void drain(struct master *m)
{
    int64_t left = m->stop_deadline > m->now ? m->stop_deadline - m->now : 0; /* a master that was late itself: none */
    log_info("stopping: finishing what is in progress, for at most %lld s", (long long)(left + 500) / 1000);
    m->state = MASTER_DRAINING;
    m->finish_at = m->stop_deadline - left / 4; /* the last quarter of the time is for finishing */
    m->handshakes_until = m->now + HANDSHAKES_MS;
    listeners_shut(&m->current->listeners, NULL);
    m->kick_until = m->stop_deadline;
    children_quit_unready(m);
    children_order_all(m, ORDER_DRAIN, 0);
}

/* Readiness fails from now on, and all is served as before: whoever balances load finds out in time. */
static void delay(struct master *m)
{
    int64_t wait = m->current->config->shutdown_delay;
    m->stop_deadline = m->now + m->current->config->timeouts.graceful;
    m->drain_at = m->now + wait;
    m->state = MASTER_DELAYING;
    reload_cancel(m);
    upgrade_cancel(m);
    if (wait == 0)
        drain(m);
    else
        log_info("stopping in %lld ms: serving on, not ready ([server] shutdown_delay)", (long long)wait);
}

static void quit(struct master *m)
{
    if (m->state == MASTER_QUITTING)
        return;
    log_info("stopping at once");
    m->state = MASTER_QUITTING;
    reload_cancel(m);
    upgrade_cancel(m);
    children_order_all(m, ORDER_QUIT, 0);
}

void stop_request(struct master *m, int signal)
{
    if (m->state == MASTER_RETIRING && signal != SIGINT) {
        upgrade_pass_stop(m);
        return;
    }
    succession_stop(m, signal == SIGINT || m->state > MASTER_SERVING);
    if (m->state != MASTER_SERVING || signal == SIGINT)
        quit(m); /* not yet serving, or asked a second time */
    else
        delay(m);
}

/* Orders can only be raised, so it does no harm to say it to all. */
static void leave(struct master *m)
{
    m->state = MASTER_LEAVING;
    children_order_all(m, ORDER_LEAVE, IDLE_MS);
    for (unsigned i = 0; i < m->slots; i++)
        if (m->children[i].leave_by > m->stop_deadline)
            m->children[i].leave_by = m->stop_deadline;
}

/* Who is ordered to give, or to quit, takes nothing. */
static bool anybody_takes(const struct master *m)
{
    for (unsigned i = 0; i < m->slots; i++)
        if (m->children[i].state != CHILD_NONE && m->children[i].order != ORDER_GIVE && m->children[i].order != ORDER_QUIT)
            return true;
    return false;
}

static bool anything_is_left(const struct master *m)
{
    struct pollfd given = {.fd = m->channel[1], .events = POLLIN};
    return poll(&given, 1, 0) > 0 || (m->state == MASTER_DRAINING && !listeners_are_drained(m->now < m->handshakes_until));
}

void stop_make_up(struct master *m)
{
    bool stopping = m->state == MASTER_DRAINING || m->state == MASTER_LEAVING;
    if (!stopping || m->now >= m->stop_deadline || anybody_takes(m) || !anything_is_left(m))
        return;
    int slot = children_spawn(m, m->current, 0, false);
    if (slot < 0)
        return;
    log_info("one more worker, to finish what the last one left");
    if (m->state == MASTER_LEAVING)
        leave(m);
    else
        children_order(m, (unsigned)slot, ORDER_DRAIN, 0);
}

void stop_step(struct master *m)
{
    if (m->state == MASTER_DELAYING && m->now >= m->drain_at)
        drain(m);
    else if (m->state == MASTER_DELAYING)
        master_wake_at(m, m->drain_at);
    if (m->state == MASTER_DRAINING) {
        bool drained = listeners_are_drained(m->now < m->handshakes_until);
        if (drained || m->now >= m->finish_at)
            leave(m);
        else
            master_wake_at(m, m->now + STEP_MS);
    }
}
