/* SPDX-License-Identifier: Apache-2.0
 *
 * See timing.h. A head has its time as a whole, from its first byte on; a body and an answer have theirs between two pieces. Whoever is
 * slower than [limits] rate for long has less: pace.h.
 */
#include "worker/timing.h"

#include "worker/pace.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

enum {
    HEAD_GRACE_MS = 5000, /* before the rate counts: heads come in one piece, or lose a packet */
    LINGER_MS = 5000,
    LINGER_MOST_MS = 30000 /* for one that sends all the while */
};

static const struct config_bounds *bounds_of(const struct worker *w, const struct connection *c)
{
    return c->request != NULL ? request_bounds(c->request, w->config) : w->config->bounds;
}

/* Of a head, or a PROXY header, that began at c->began and of which what is in c->in has come. */
static int64_t end_of_head(const struct worker *w, const struct connection *c)
{
    int64_t bought = HEAD_GRACE_MS + pace_worth(buffer_length(&c->in), w->config->limits.rate);
    int64_t most = w->config->timeouts.header;
    return c->began + (bought < most && w->config->limits.rate > 0 ? bought : most);
}

static int64_t end_of_state(const struct worker *w, const struct connection *c)
{
    const struct config_timeouts *timeouts = &bounds_of(w, c)->timeouts;
    switch (c->state) {
    case CONNECTION_IDLE:
        if (w->order == ORDER_LEAVE && w->patience < timeouts->keepalive)
            return w->now + w->patience;
        return w->now + (c->served == 0 ? timeouts->header : timeouts->keepalive);
    case CONNECTION_PROXY:
    case CONNECTION_HEAD:
        return end_of_head(w, c);
    case CONNECTION_WRITING:
        return w->now + timeouts->send;
    case CONNECTION_LINGER:
        return w->now + LINGER_MS;
    default:
        return w->now + timeouts->body;
    }
}

void timing_start(struct worker *w, struct connection *c)
{
    deadlines_set(&w->deadlines, &c->deadline, end_of_state(w, c));
    c->timed = true;
}

void timing_received(struct worker *w, struct connection *c, size_t bytes)
{
    if (c->state == CONNECTION_BODY && c->timed) {
        const struct config_bounds *bounds = bounds_of(w, c);
        deadlines_set(&w->deadlines, &c->deadline,
                      pace_extend(c->deadline.at, w->now, bytes, bounds->limits.rate, bounds->timeouts.body));
    } else {
        c->timed = false;
    }
}

bool timing_may_linger(const struct worker *w, const struct connection *c)
{
    return w->order == ORDER_SERVE && w->now < c->began + LINGER_MOST_MS;
}

void timing_discarded(struct worker *w, struct connection *c, size_t bytes)
{
    int64_t most = c->began + LINGER_MOST_MS;
    if (bytes == 0 || !timing_may_linger(w, c))
        return;
    int64_t until = pace_extend(c->deadline.at, w->now, bytes, w->config->limits.rate, LINGER_MS);
    deadlines_set(&w->deadlines, &c->deadline, until < most ? until : most);
}

uint32_t timing_queued(int fd)
{
    int bytes = 0;
    return ioctl(fd, SIOCOUTQ, &bytes) == 0 ? (uint32_t)bytes : 0;
}

uint32_t timing_unread(int fd)
{
    int bytes = 0;
    return ioctl(fd, SIOCINQ, &bytes) == 0 ? (uint32_t)bytes : 0;
}

/* All that the client has still to take, here and in the kernel. epoll tells of room to write only when a good part of the socket's
 * buffer is free: a slow reader makes progress that only this shows. */
static uint64_t outstanding(const struct connection *c)
{
    return buffer_length(&c->out) + transmit_left(c) + timing_queued(c->fd);
}

void timing_blocked(struct connection *c)
{
    c->outstanding = outstanding(c);
}

void timing_starved(struct worker *w, struct connection *c)
{
    int64_t again = w->now + TIMING_MEMORY_MS;
    c->until = c->deadline.at;
    if (again < c->until)
        deadlines_set(&w->deadlines, &c->deadline, again);
}

void timing_fed(struct worker *w, struct connection *c)
{
    c->starved = false;
    deadlines_set(&w->deadlines, &c->deadline, c->until);
}

bool timing_taken(struct worker *w, struct connection *c)
{
    uint64_t before = c->outstanding;
    c->outstanding = outstanding(c);
    uint64_t taken = c->outstanding < before ? before - c->outstanding : 0;
    const struct config_bounds *bounds = bounds_of(w, c);
    int64_t most = c->state == CONNECTION_LINGER ? LINGER_MS : bounds->timeouts.send;
    int64_t until = pace_extend(c->deadline.at, w->now, taken, bounds->limits.rate, most);
    if (until <= w->now)
        return false;
    deadlines_set(&w->deadlines, &c->deadline, until);
    return true;
}
