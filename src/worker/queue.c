/* SPDX-License-Identifier: Apache-2.0
 *
 * See queue.h. When all workers are in handlers, requests wait where no worker sees them: in the queue of the listening socket, or in
 * their own. The kernel knows since when.
 *
 * Gone is a client whose connection was reset. One that has only closed its sending half waits for its answer, as far as anybody can
 * tell (RFC 9112, 9.6), and gets one; what it costs if it does not is bounded by the queue's own limit.
 */
#include "worker/queue.h"

#include "app/response.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

enum { WAITED_MS = 10 }; /* before a second look is worth its system call */

bool queue_matters(const struct config *config)
{
    bool matters = config->timeouts.queue > 0;
    for (size_t i = 0; i < config->app_count; i++)
        matters |= config->apps[i].timeouts.queue > 0;
    for (size_t i = 0; i < config->route_count; i++)
        matters |= config->routes[i].own.timeouts.queue > 0;
    return matters;
}

/* Milliseconds since the last bytes came in; -1: the connection was reset. Of Unix sockets nothing is known: 0. */
static int64_t look_at(int fd)
{
    struct tcp_info info;
    socklen_t length = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0)
        return 0;
    return info.tcpi_state == TCP_CLOSE ? -1 : (int64_t)info.tcpi_last_data_recv;
}

bool queue_note(struct worker *w, struct connection *c)
{
    int64_t waited = w->queue_matters ? look_at(c->fd) : 0;
    c->arrived = w->now - waited;
    return waited >= 0;
}

static int64_t limit_of(const struct worker *w, const struct connection *c)
{
    /* /-/live has no app, and is asked by those who restart what does not answer: that would make it worse. */
    return c->request->match.app != NULL && c->request->answer == 0 ? request_bounds(c->request, w->config)->timeouts.queue : 0;
}

enum queue_verdict queue_admit(struct worker *w, struct connection *c)
{
    int64_t limit = limit_of(w, c), waited = w->now - c->arrived;
    char seconds[24];
    if (limit == 0)
        return QUEUE_PASS;
    if (waited >= WAITED_MS && look_at(c->fd) < 0)
        return QUEUE_GONE;
    if (waited <= limit)
        return QUEUE_PASS;
    c->request->answer = 503;
    c->request->answer_reason = "the server is too busy: this request has waited too long for its turn";
    snprintf(seconds, sizeof seconds, "%lld", (long long)(limit + 999) / 1000);
    response_set_field(c->request, "Retry-After", seconds);
    return QUEUE_LATE;
}
