/* SPDX-License-Identifier: Apache-2.0
 *
 * Getting answers out to the client without ever waiting for it, but for a handler that streams.
 */
#include "worker/state.h"

#include "app/blame.h"
#include "base/clock.h"
#include "worker/pace.h"
#include "worker/progress.h"
#include "worker/timing.h"

#include <errno.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

enum {
    KEEP_BYTES = 1 << 16,
    FILE_LONG = 1 << 20,    /* with its head, as what fits is done with then, and while nobody else waits for a turn */
    FILE_TURN = 1 << 18,    /* each time else: the less waits in the kernel, the less it costs, and the sooner it is the others' turn */
    FILE_LATE = 4 << 20,    /* but for a client that had to wait for us, or we for it: as much as the kernel takes */
    LATE_MS = 5             /* since its last turn: a handler took its time, there are many, or the network is what is slow */
};

/* On to the next stretch of the response's file; behind the last there is no file. */
static void next_part(struct connection *c)
{
    if (c->part_count == 0) {
        c->file = -1;
        return;
    }
    c->tail = c->parts->text;
    c->file_offset = c->parts->offset;
    c->file_left = c->parts->length;
    c->parts++;
    c->part_count--;
}

void transmit_queue(struct connection *c, const struct response *response)
{
    if (response->fd < 0) {
        struct slice body = {buffer_bytes(&response->body), buffer_length(&response->body)};
        c->tail = response->memory.data != NULL ? response->memory : body;
        return;
    }
    c->file = response->fd;
    c->file_left = 0;
    c->parts = response->parts;
    c->part_count = response->part_count;
    next_part(c);
}

uint64_t transmit_left(const struct connection *c)
{
    uint64_t left = c->tail.length;
    if (c->file < 0)
        return left;
    for (size_t i = 0; i < c->part_count; i++)
        left += c->parts[i].text.length + c->parts[i].length;
    return left + c->file_left;
}

static bool is_for_want_of_memory(int error)
{
    return error == ENOBUFS || error == ENOMEM;
}

static bool is_for_later(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || is_for_want_of_memory(error);
}

/* After such a failure to send. */
static int put_off(struct connection *c, int error)
{
    c->starved = is_for_want_of_memory(error);
    return 0;
}

/* What does not go out in one piece takes a while, and more may come meanwhile than belongs to its client's requests. */
static void note_delay(struct connection *c, uint64_t left)
{
    c->lingers |= left > 0;
}

/* The buffer, then the tail; as long as there is a buffer nothing of the tail is sent. Two pieces of memory cost the kernel more than to
 * put the first in front of the second, where it stays for this call only: the next answer of the same content has a head of its own. */
static ssize_t send_once(const struct connection *c, const struct buffer *buffer, int flags)
{
    size_t length = buffer_length(buffer);
    char *tail = (char *)c->tail.data;
    if (c->tail.length == 0)
        return send(c->fd, buffer_bytes(buffer), length, flags);
    if (length == 0)
        return send(c->fd, tail, c->tail.length, flags);
    if (length <= c->request->response.room)
        return send(c->fd, memcpy(tail - length, buffer_bytes(buffer), length), length + c->tail.length, flags);
    struct iovec iov[2] = {{buffer_bytes(buffer), length}, {tail, c->tail.length}};
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = 2};
    return sendmsg(c->fd, &message, flags);
}

/* What lies in memory, in one call as long as there is room. 1: all sent, 0: the client does not take more now, -1: it is gone. */
static int send_bytes(struct connection *c, struct buffer *buffer, int flags)
{
    while (buffer_length(buffer) + c->tail.length > 0) {
        size_t length = buffer_length(buffer);
        ssize_t sent = send_once(c, buffer, MSG_NOSIGNAL | flags);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return is_for_later(errno) ? put_off(c, errno) : -1;
        size_t of_buffer = (size_t)sent < length ? (size_t)sent : length, of_tail = (size_t)sent - of_buffer;
        if (of_buffer > 0)
            buffer_consume(buffer, of_buffer);
        if (of_tail > 0)
            c->tail = (struct slice){c->tail.data + of_tail, c->tail.length - of_tail};
        note_delay(c, buffer_length(buffer) + c->tail.length);
    }
    return 1;
}

/* The promised length cannot be kept, only the connection ended. */
static int cut_short(const struct connection *c)
{
    request_blame(c->request, TINE_WARNING, "promised %llu bytes more of a file than there are, so the connection is closed: did it shrink "
                  "while it was sent?", (unsigned long long)transmit_left(c));
    return -1;
}

/* The client has left, or the network between is gone. */
static bool is_of_connection(int error)
{
    switch (error) {
    case EPIPE:
    case ECONNRESET:
    case ECONNABORTED:
    case ECONNREFUSED:
    case ENOTCONN:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
    case ENETRESET:
        return true;
    default:
        return false;
    }
}

/* All else is not the client's doing. A handler does wrong with each of its requests; a disk that fails shall not fill the log. */
static void tell_of_file(struct worker *w, const struct connection *c, int error)
{
    const struct tine_request *r = c->request;
    struct slice target = head_target(&r->head, r->bytes);
    if (error == EBADF || error == EINVAL || error == ESPIPE)
        request_blame(c->request, TINE_ERROR, "sends a descriptor that is no open file: %s", strerror(error));
    else if (!is_of_connection(error) && is_to_be_told(w, &w->unread_told))
        request_blame(c->request, TINE_ERROR, "sends a file that cannot be read, so the connection is closed: %s (answer to %.*s; told "
                      "every %d s at most)", strerror(error), (int)(target.length < 500 ? target.length : 500), target.data,
                      TELL_FLOOD_MS / 1000);
}

/* 'turn': bytes that may go now. */
static int send_file(struct worker *w, struct connection *c, size_t *turn)
{
    while (c->file_left > 0) {
        size_t piece = c->file_left < *turn ? (size_t)c->file_left : *turn;
        if (piece == 0)
            return 0;
        ssize_t sent = sendfile(c->fd, c->file, &c->file_offset, piece);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && is_for_later(errno))
            return put_off(c, errno);
        if (sent == 0)
            return cut_short(c);
        if (sent < 0) {
            tell_of_file(w, c, errno);
            return -1;
        }
        c->file_left -= (uint64_t)sent;
        note_delay(c, c->file_left);
        *turn -= (size_t)sent;
    }
    return 1;
}

static int transmit_memory(struct worker *w, struct connection *c)
{
    bool older = buffer_length(&c->out) > 0; /* then w->out is empty: nothing is served while the client is behind */
    struct buffer *buffer = older ? &c->out : &w->out;
    int result = send_bytes(c, buffer, c->file >= 0 && c->file_left > 0 ? MSG_MORE : 0);
    if (!older) {
        if (result == 0)
            buffer_append(&c->out, buffer_bytes(buffer), buffer_length(buffer));
        buffer_clear(buffer, KEEP_BYTES);
    } else if (result == 1) {
        buffer_release(&c->out);
    }
    return result;
}

static size_t size_of_turn(const struct worker *w, const struct connection *c)
{
    if (buffer_length(&w->out) > 0)
        return FILE_LONG;
    if (w->now - c->arrived >= LATE_MS)
        return FILE_LATE;
    return w->ready < 2 ? FILE_LONG : FILE_TURN;
}

int transmit(struct worker *w, struct connection *c)
{
    size_t turn = size_of_turn(w, c);
    if (c->file >= 0 || c->tail.length > KEEP_BYTES)
        w->looked_us = 0;
    for (;;) {
        int result = transmit_memory(w, c);
        if (result == 1 && c->file >= 0)
            result = send_file(w, c, &turn);
        if (result != 1 || c->file < 0)
            return result;
        next_part(c);
    }
}

/* A handler's answer on its way: what its client still has to take, and until when it is waited for. */
struct stream {
    int fd;
    int64_t timeout, rate, until;
    uint64_t outstanding;
};

/* What the client has taken, though there is no room to write yet, gives it time: only a good part of the socket's buffer counts as
 * room. */
static void look_at(struct stream *stream, uint64_t unsent)
{
    uint64_t before = stream->outstanding;
    stream->outstanding = unsent + timing_queued(stream->fd);
    if (stream->outstanding >= before)
        return;
    stream->until = pace_extend(stream->until, clock_ms(), before - stream->outstanding, stream->rate, stream->timeout);
}

/* Waits for room to write. Nothing tells of what a client takes before there is: so it is looked for now and then. The handler is not what
 * takes time here. */
static int wait_writable(struct stream *stream, uint64_t unsent)
{
    for (;;) {
        look_at(stream, unsent);
        progress_note();
        int64_t left = stream->until - clock_ms();
        struct pollfd poller = {.fd = stream->fd, .events = POLLOUT};
        if (left <= 0)
            return -1;
        if (poll(&poller, 1, progress_wait(left)) > 0)
            return 0;
    }
}

/* After such a failure to send. That the system has memory again nobody tells: there may be room to write all the while. */
static int wait_to_send(struct stream *stream, uint64_t unsent, int error)
{
    if (is_for_want_of_memory(error))
        poll(NULL, 0, TIMING_MEMORY_MS);
    return wait_writable(stream, unsent);
}

static uint64_t length_of(const struct iovec *iov, int count)
{
    uint64_t length = 0;
    for (int i = 0; i < count; i++)
        length += iov[i].iov_len;
    return length;
}

static void advance_iov(struct iovec **iov, int *count, size_t sent)
{
    while (*count > 0 && sent >= (*iov)->iov_len) {
        sent -= (*iov)->iov_len;
        (*iov)++;
        (*count)--;
    }
    if (*count > 0) {
        (*iov)->iov_base = (char *)(*iov)->iov_base + sent;
        (*iov)->iov_len -= sent;
    }
}

static int send_all(struct stream *stream, struct iovec *iov, int count)
{
    stream->until = clock_ms() + stream->timeout;
    stream->outstanding = 0;
    for (advance_iov(&iov, &count, 0); count > 0;) {
        struct msghdr message = {.msg_iov = iov, .msg_iovlen = (size_t)count};
        ssize_t sent = sendmsg(stream->fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR && (!is_for_later(errno) || wait_to_send(stream, length_of(iov, count), errno) < 0))
            return -1;
        if (sent > 0) {
            advance_iov(&iov, &count, (size_t)sent);
            progress_note();
        }
    }
    return 0;
}

int transmit_stream(void *context, struct iovec *iov, int count)
{
    struct worker *w = the_worker;
    struct connection *c = context;
    if (!table_is_sound(w, c)) /* it may be another client's socket by now */
        return -1;
    const struct config_bounds *bounds = request_bounds(c->request, w->config);
    struct stream stream = {.fd = c->fd, .timeout = bounds->timeouts.send, .rate = bounds->limits.rate};
    struct iovec before = {buffer_bytes(&w->out), buffer_length(&w->out)}; /* answers to earlier requests */
    int result = send_all(&stream, &before, 1);
    buffer_clear(&w->out, KEEP_BYTES);
    return result < 0 ? -1 : send_all(&stream, iov, count);
}
