/* SPDX-License-Identifier: Apache-2.0
 *
 * See arrival.h. While a handler runs nothing of its connection's record may change (guard.h): what was in the input before is read there
 * in place, what comes meanwhile is kept with the request, and the record is put in order behind the handler.
 */
#include "worker/arrival.h"

#include "app/receive.h"
#include "base/clock.h"
#include "base/io.h"
#include "worker/intake.h"
#include "worker/pace.h"
#include "worker/progress.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

enum { RECEIVE_BYTES = 16384 };

/* What was received and not yet taken. */
static struct slice waiting(const struct connection *c)
{
    const struct tine_request *r = c->request;
    const struct request_arrival *arrival = &r->arrival;
    size_t behind = buffer_length(&c->in) - r->head.length;
    if (arrival->used < behind)
        return (struct slice){buffer_bytes(&c->in) + r->head.length + arrival->used, behind - arrival->used};
    return (struct slice){buffer_bytes(&arrival->bytes), buffer_length(&arrival->bytes)};
}

static void drop(struct connection *c, size_t bytes)
{
    struct request_arrival *arrival = &c->request->arrival;
    if (arrival->used < buffer_length(&c->in) - c->request->head.length)
        arrival->used += bytes;
    else
        buffer_consume(&arrival->bytes, bytes);
}

static long take(struct connection *c, char *to, size_t size)
{
    size_t used;
    long length = receive_piece(c->request, waiting(c), to, size, &used);
    if (length >= 0)
        drop(c, used);
    return length;
}

/* Of a counted body no more than belongs to it. Returns as recv() does. */
static ssize_t receive(struct connection *c)
{
    struct tine_request *r = c->request;
    struct request_arrival *arrival = &r->arrival;
    uint64_t most = RECEIVE_BYTES;
    if (r->framing.body == BODY_LENGTH && r->framing.length - arrival->taken < most)
        most = r->framing.length - arrival->taken;
    ssize_t length = recv(c->fd, buffer_reserve(&arrival->bytes, RECEIVE_BYTES), (size_t)most, MSG_DONTWAIT);
    if (length > 0)
        arrival->bytes.end += (size_t)length;
    return length;
}

/* Waits for the client until *until, which bytes that come put off. The handler is not what takes time here. */
static long wait_for_more(struct connection *c, int64_t *until)
{
    struct request_arrival *arrival = &c->request->arrival;
    const struct config_bounds *bounds = request_bounds(c->request, the_worker->config);
    for (;;) {
        ssize_t length = receive(c);
        int64_t now = clock_ms();
        progress_note();
        if (length > 0) {
            *until = pace_extend(*until, now, (uint64_t)length, bounds->limits.rate, bounds->timeouts.body);
            return 0;
        }
        if (length == 0 || (errno != EAGAIN && errno != EINTR)) /* it may still read */
            return receive_fail(arrival, 400, "the connection ended before the body did");
        if (now >= *until)
            return receive_fail(arrival, 408, "the body of the request came too slowly");
        if (arrival->taken == 0)
            io_acknowledge(c->fd);
        struct pollfd poller = {.fd = c->fd, .events = POLLIN};
        poll(&poller, 1, progress_wait(*until - now));
    }
}

static long ask_for_body(struct connection *c)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct iovec iov = {(char *)interim, sizeof interim - 1};
    struct request_arrival *arrival = &c->request->arrival;
    arrival->asked = true;
    if (c->request->response.state >= RESPONSE_BEGUN || transmit_stream(c, &iov, 1) == 0)
        return 0;
    return receive_fail(arrival, 400, "the client is gone");
}

static long read_on(void *context, char *to, size_t size)
{
    struct connection *c = context;
    struct request_arrival *arrival = &c->request->arrival;
    if (!table_is_sound(the_worker, c)) /* it may be another client's socket by now */
        return receive_fail(arrival, 500, "the handler failed");
    if (!arrival->asked && ask_for_body(c) < 0)
        return -1;
    int64_t until = clock_ms() + arrival->patience; /* what the handler did meanwhile is not the client's time */
    long length = 0;
    while (arrival->open && size > 0 && length == 0)
        length = waiting(c).length > 0 ? take(c, to, size) : wait_for_more(c, &until);
    arrival->patience = until - clock_ms();
    return length;
}

/* Reads over what is there already. */
static void read_over(struct connection *c)
{
    struct request_arrival *arrival = &c->request->arrival;
    char scrap[4096];
    uint64_t most = arrival->taken + RECEIVE_LEFT_OVER_MAX;
    while (arrival->open && arrival->asked && arrival->status == 0 && arrival->taken < most) {
        if (waiting(c).length == 0 && receive(c) <= 0)
            return;
        if (take(c, scrap, sizeof scrap) < 0)
            return;
    }
}

void arrival_begin(struct connection *c)
{
    struct tine_request *r = c->request;
    struct request_arrival *arrival = &r->arrival;
    receive_by_piece(r, read_on);
    arrival->patience = request_bounds(r, the_worker->config)->timeouts.body;
    connection_set_state(c, CONNECTION_READY);
}

void arrival_finish(struct worker *w, struct connection *c)
{
    struct tine_request *r = c->request;
    struct request_arrival *arrival = &r->arrival;
    read_over(c);
    intake_remove(c, arrival->used);
    arrival->used = 0;
    if (arrival->open) { /* where the next request begins cannot be told */
        r->keep_alive = false;
        c->lingers = true;
        buffer_clear(&arrival->bytes, 0);
    }
    c->arrived = w->now;
}

void arrival_leave_rest(struct connection *c)
{
    struct buffer *bytes = &c->request->arrival.bytes;
    if (buffer_length(bytes) > 0)
        buffer_append(&c->in, buffer_bytes(bytes), buffer_length(bytes));
    buffer_clear(bytes, 0);
}
