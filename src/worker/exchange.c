/* SPDX-License-Identifier: Apache-2.0
 *
 * From bytes to an answer: the steps of one request on a connection. A step never waits; only a handler does.
 */
#include "worker/state.h"

#include "app/client.h"
#include "app/response.h"
#include "base/clock.h"
#include "base/log.h"
#include "worker/arrival.h"
#include "worker/early.h"
#include "worker/give.h"
#include "worker/growth.h"
#include "worker/guard.h"
#include "worker/handler.h"
#include "worker/intake.h"
#include "worker/introduce.h"
#include "worker/queue.h"

#include <sys/socket.h>

enum {
    OUT_ENOUGH = 1 << 16,        /* answers gathered before they are sent, though more requests are there */
    COPY_BELOW = 1 << 12,        /* content that is copied behind its head, so that the answer to the next request can join it */
    SLOW_US = 5000               /* a handler that is said to take time */
};

bool exchange_begin(struct worker *w, struct connection *c)
{
    if (buffer_length(&c->in) == 0 || c->ends || connection_is_sending(c) || buffer_length(&w->out) > OUT_ENOUGH)
        return false;
    c->request = spares_take(&w->spares, &w->head_limits);
    client_set(c->request, &c->address, c->local);
    c->request->secure = c->secure;
    c->request->trusted = c->trusted ? &w->config->trusted : NULL;
    c->request->stream = (struct request_stream){&connection_calls, c};
    c->began = w->now;
    c->resumed = false;
    connection_set_state(c, CONNECTION_HEAD);
    return true;
}

/* May the client have another exchange after this one? */
static bool decide_keep_alive(const struct worker *w, const struct connection *c)
{
    int64_t most = w->config->limits.keepalive_requests;
    uint32_t wanted = atomic_load_explicit(&w->slot->order, memory_order_relaxed);
    bool staying = (wanted == ORDER_SERVE || wanted == ORDER_GIVE) && !w->orphaned;
    /* Behind a CONNECT there may be what is meant for the other end of a tunnel. */
    return c->request->framing.keep_alive && c->request->target.form != TARGET_AUTHORITY && staying && w->limit > 1 &&
           w->config->timeouts.keepalive > 0 && (most == 0 || c->served + 1 < most);
}

/* Some clients send an empty line behind a body (RFC 9112, 2.2). That is no request begun: the connection is idle. The line is kept, in
 * memory of its own size: a second one is refused whether it comes with the first or later. */
static void keep_empty_line(struct worker *w, struct connection *c)
{
    exchange_forget(w, c);
    buffer_release(&c->in);
    buffer_append(&c->in, "\r\n", 2);
    connection_set_state(c, CONNECTION_IDLE);
}

bool exchange_read_head(struct worker *w, struct connection *c)
{
    struct tine_request *r = c->request;
    const char *reason;
    request_rebase(r, buffer_bytes(&c->in));
    enum head_verdict verdict = head_parse(&r->head, r->bytes, buffer_length(&c->in));
    if (verdict == HEAD_PARTIAL) {
        if (buffer_length(&c->in) == 2 && memcmp(r->bytes, "\r\n", 2) == 0)
            keep_empty_line(w, c);
        return false;
    }
    if (verdict == HEAD_REFUSED) {
        r->refused_length = buffer_length(&c->in);
        exchange_refuse(w, c, r->head.status, r->head.reason);
        return true;
    }
    r->started_us = w->looked_us; /* some microseconds ago at most */
    int status = request_prepare(r, w->apps, &reason);
    r->keep_alive = decide_keep_alive(w, c);
    if (status != 0) {
        exchange_refuse(w, c, status, reason);
    } else if (r->framing.body != BODY_NONE) {
        intake_expect(w, c);
    } else {
        r->ready_us = r->started_us;
        connection_set_state(c, CONNECTION_READY);
    }
    return true;
}

/* Puts the response that was built into w->out. */
static void queue_response(struct worker *w, struct connection *c)
{
    struct tine_request *r = c->request;
    struct response *response = &r->response;
    c->ends = !r->keep_alive || response->close;
    /* When it is the server who ends a connection that the client would have kept, requests may be on their way. Of a client with which the
     * handler spoke more may have come meanwhile, an empty line behind its body, say. */
    bool spoken = r->arrival.begun || response->state >= RESPONSE_BEGUN;
    c->lingers |= c->ends && (r->framing.keep_alive || buffer_length(&c->in) > r->head.length || spoken);
    c->broken |= response->state == RESPONSE_BROKEN;
    if (response->state >= RESPONSE_BEGUN)
        return;
    w->served = c;
    response_format_head(r, &w->out);
    response->sent = response_body_length(r);
    if (response->sent == 0)
        return;
    if (response->fd < 0 && response->sent <= COPY_BELOW) {
        struct slice body = response->memory;
        if (body.data == NULL)
            body = (struct slice){buffer_bytes(&response->body), buffer_length(&response->body)};
        buffer_append(&w->out, body.data, body.length);
    } else {
        transmit_queue(c, response);
    }
}

/* Entering a route that is known to be slow, the others are better off with a worker that waits for work. If there are any: to find out by
 * giving would be to look through all places that the table ever had, with each such request. */
static void give_others_before(struct worker *w, const struct connection *c)
{
    const struct route *route = c->request->match.route.route;
    if (w->held + w->coming < 2 || c->request->answer != 0 || route->recent_us < SLOW_US || w->order == ORDER_LEAVE ||
        !scoreboard_has_idle(w->setup->board, w->slot))
        return;
    adopt_watch(w, false); /* not to us */
    give_all(w, c);
    give_reclaim(w);
}

/* Counts the request; tells the master, once, when this worker has had its share. It serves on until its successor is there. */
static void count_request(struct worker *w, bool large)
{
    char message = MESSAGE_DUE;
    uint64_t requests = atomic_load_explicit(&w->slot->requests, memory_order_relaxed) + 1;
    atomic_store_explicit(&w->slot->requests, requests, memory_order_relaxed);
    if (w->due_told)
        return;
    bool enough = w->setup->max_requests > 0 && requests >= (uint64_t)w->setup->max_requests;
    if (enough || large)
        w->due_told = send(w->control, &message, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

/* The route has crashed too often lately. */
static void answer_broken(struct tine_request *r)
{
    request_answer(r, 503, "this route has failed too often; try again later");
    r->filters = NULL; /* a filter may be what fails */
    response_set_field(r, "Retry-After", "10");
}

/* A request that was let through to see has been answered. By a filter in front, that tells nothing of what crashed behind it. */
static void conclude_try(struct worker *w, struct breaker *breaker, bool reached)
{
    if (!reached) {
        breaker_untried(breaker, w->setup->generation, w->now);
        return;
    }
    breaker_succeeded(breaker, w->setup->generation);
    log_warning("route of %s.%s serves again", breaker->route.app, breaker->route.handler);
}

bool exchange_send_earlier(struct worker *w, struct connection *c)
{
    if (buffer_length(&w->out) == 0)
        return true;
    int sent = transmit(w, c);
    c->request->ready_us = 0;
    if (sent > 0)
        return true;
    c->broken = sent < 0;
    connection_block(c);
    return false;
}

/* The handler, unless its route is broken. False when its client was let go of meanwhile. */
static bool handle(struct worker *w, struct connection *c)
{
    struct tine_request *r = c->request;
    struct breaker *breaker = guard_breaker(w, r);
    enum breaker_verdict verdict = breaker != NULL ? breaker_admit(breaker, w->setup->generation, w->now) : BREAKER_PASS;
    if (verdict == BREAKER_REFUSE)
        answer_broken(r);
    give_others_before(w, c);
    growth_begin(w, r);
    struct handler_result result = handler_run(w, c); /* of the request nothing is certain from here on */
    if (verdict == BREAKER_TRY)
        conclude_try(w, breaker, result.reached);
    count_request(w, growth_end(w));
    return result.ours;
}

/* The answer on its way; with it the exchange is over, unless it takes a while. */
static void answer(struct worker *w, struct connection *c)
{
    queue_response(w, c);
    connection_set_state(c, CONNECTION_IDLE);
    if (!connection_is_sending(c))
        exchange_finish(w, c);
}

/* Apart: else each of a request's five steps would save the registers that only this one needs. */
static __attribute__((noinline)) bool step_ready(struct worker *w, struct connection *c)
{
    if (!request_is_quick(c->request) && !exchange_send_earlier(w, c))
        return false;
    if (w->queue_matters && queue_admit(w, c) == QUEUE_GONE) {
        c->broken = true;
        return false;
    }
    if (!handle(w, c))
        return false;
    c->served++;
    if (c->request->arrival.begun)
        arrival_finish(w, c);
    answer(w, c);
    return true;
}

void exchange_finish(struct worker *w, struct connection *c)
{
    struct tine_request *r = c->request;
    if (r == NULL)
        return;
    if (r->response.state != RESPONSE_NONE && r->response.state != RESPONSE_SENT) {
        r->response.sent -= transmit_left(c); /* cut short */
        journal_request(w, r);
    }
    handler_release(w, c);
    size_t used = r->head.length > 0 ? r->head.length : buffer_length(&c->in);
    buffer_consume(&c->in, used < buffer_length(&c->in) ? used : buffer_length(&c->in));
    if (r->arrival.begun)
        arrival_leave_rest(c);
    c->request = NULL;
    spares_put(&w->spares, r, &w->head_limits);
}

void exchange_break_off(struct connection *c)
{
    c->request->response.status = 400;
    c->request->response.state = RESPONSE_BROKEN;
}

void exchange_forget(struct worker *w, struct connection *c)
{
    if (c->request != NULL)
        spares_put(&w->spares, c->request, &w->head_limits);
    c->request = NULL;
}

void exchange_answer_for_dead(struct worker *w, struct connection *c, int status, const char *id)
{
    const char *reason;
    if (!exchange_begin(w, c))
        return;
    struct tine_request *r = c->request;
    r->bytes = buffer_bytes(&c->in);
    if (head_parse(&r->head, r->bytes, buffer_length(&c->in)) == HEAD_WHOLE)
        request_prepare(r, w->apps, &reason);
    memcpy(r->id, id, sizeof r->id);
    r->id[sizeof r->id - 1] = 0;
    exchange_refuse(w, c, status, status == 504 ? "the handler took too long" : "the handler failed");
}

void exchange_refuse(struct worker *w, struct connection *c, int status, const char *detail)
{
    struct tine_request *r = c->request;
    request_refuse(r, status, detail);
    answer(w, c);
    c->ends = c->lingers = true;
}

bool exchange_step(struct worker *w, struct connection *c)
{
    switch (c->state) {
    case CONNECTION_PROXY:
        return introduce_step(w, c);
    case CONNECTION_IDLE:
        return exchange_begin(w, c);
    case CONNECTION_HEAD:
        return exchange_read_head(w, c);
    case CONNECTION_BODY:
        return intake_step(w, c);
    case CONNECTION_READY:
        return step_ready(w, c);
    case CONNECTION_EARLY:
        return early_step(w, c);
    default:
        return false;
    }
}
