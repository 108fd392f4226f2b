/* SPDX-License-Identifier: Apache-2.0
 *
 * One socket's life: opened, read, served, blocked, timed out, ended. What a request is, exchange.c knows.
 */
#include "worker/state.h"

#include "base/io.h"
#include "base/log.h"
#include "worker/crowd.h"
#include "worker/introduce.h"
#include "worker/queue.h"
#include "worker/timing.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    READ_LEAST = 2048,       /* room to have before a read */
    READ_BUFFER = 16 << 10,  /* of the buffer that is lent for it */
    TURN_MS = 5,             /* of one client's pipeline before others are served */
    LEAVING_LINGER_MS = 500, /* for a client that has had all its answers */
    LINGER_READS = 64,       /* of an event, so that a flood does not hold the worker */
    LINGER_BYTES = 256 << 20 /* thrown away at most. Many clients look for an answer only when they have sent all of a body */
};

void connection_set_state(struct connection *c, enum connection_state state)
{
    c->state = (uint8_t)state;
    c->timed = false;
}

void connection_block(struct connection *c)
{
    c->resume = c->state;
    c->lingers = true; /* more may come meanwhile than belongs to its requests */
    timing_blocked(c);
    connection_set_state(c, CONNECTION_WRITING);
}

/* The buffer goes back to the worker unless something is left in it. */
static void return_buffer(struct worker *w, struct connection *c)
{
    if (c->in.data == NULL || buffer_length(&c->in) > 0)
        return;
    if (w->spare.data == NULL && c->in.capacity == READ_BUFFER) {
        w->spare = c->in;
        c->in = BUFFER_EMPTY;
    } else {
        buffer_release(&c->in);
    }
}

/* Is it one of those that make room for others? */
static void list(struct worker *w, struct connection *c, bool idle)
{
    if (c->listed == idle)
        return;
    if (idle)
        table_idle(w, c);
    else
        table_unidle(w, c);
    c->listed = idle;
}

void connection_free(struct worker *w, struct connection *c)
{
    exchange_forget(w, c);
    crowd_leave(w, c);
    list(w, c, false);
    deadlines_remove(&w->deadlines, &c->deadline);
    c->in.start = c->in.end = 0;
    return_buffer(w, c);
    buffer_release(&c->out);
    table_give_back(w, c);
}

/* Closing ends its registration too, and the connection, unless a child that module code forked has the socket as well; given ones are
 * deleted before. */
static void close_socket(struct worker *w, struct connection *c)
{
    if (w->has_children) {
        epoll_ctl(w->epoll, EPOLL_CTL_DEL, c->fd, NULL);
        shutdown(c->fd, SHUT_RDWR);
    }
    close(c->fd);
}

void connection_close(struct worker *w, struct connection *c)
{
    if (c->request != NULL) {
        c->ends = true;
        if (c->state == CONNECTION_BODY)
            exchange_break_off(c);
        exchange_finish(w, c);
    }
    close_socket(w, c);
    connection_free(w, c);
}

/* Of a client that does not read, or an answer that cannot be finished: what waits in the kernel is thrown away, and the client
 * is told by a reset that it has not got all. */
static void reset_on_close(const struct worker *w, int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    if (w->has_children) /* closing is not the end of it then; to disconnect it is, and resets */
        connect(fd, &nobody, sizeof nobody);
}

/* It has had its answers, but nobody would see its next request. */
static void tell_unwatched(struct worker *w, int error)
{
    if (is_to_be_told(w, &w->unwatched_told))
        log_warning("cannot watch a connection, which is closed: %s%s (told every %d s at most)", strerror(error),
                    error == ENOSPC ? " (the limit of what epoll watches for one user: fs.epoll.max_user_watches)" : "",
                    TELL_FLOOD_MS / 1000);
}

/* The last thing that is done to a connection in a turn: now it rests. */
static void watch(struct worker *w, struct connection *c)
{
    uint8_t wanted = c->state != CONNECTION_WRITING ? EPOLLIN : c->starved ? 0 : EPOLLOUT;
    if (c->registered && c->watched == wanted) {
        table_seal(w, c);
        return;
    }
    struct epoll_event event = {.events = wanted, .data.u64 = table_event(c)};
    if (epoll_ctl(w->epoll, c->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd, &event) < 0) {
        tell_unwatched(w, errno);
        connection_close(w, c);
        return;
    }
    c->registered = true;
    c->watched = wanted;
    table_seal(w, c);
}

/* Everything is said. Closing at once with unread input would send a reset, and that can overtake the answer. */
static void end(struct worker *w, struct connection *c)
{
    if (!c->lingers || shutdown(c->fd, SHUT_WR) < 0) {
        connection_close(w, c);
        return;
    }
    buffer_release(&c->in);
    list(w, c, false); /* its answer may still be lost */
    connection_set_state(c, CONNECTION_LINGER);
    c->began = w->now;
    timing_blocked(c);
    timing_start(w, c);
    watch(w, c);
}

/* Before the wait: clock, list of idle ones, what epoll watches for. */
static void rest(struct worker *w, struct connection *c)
{
    return_buffer(w, c);
    list(w, c, c->state == CONNECTION_IDLE && c->request == NULL);
    if (!c->timed) {
        if (c->state == CONNECTION_HEAD || c->state == CONNECTION_BODY)
            io_acknowledge(c->fd);
        timing_start(w, c);
    }
    if (c->state == CONNECTION_WRITING && c->starved)
        timing_starved(w, c);
    watch(w, c);
}

/* Sends what was answered. Returns whether the connection can go on at once. */
static bool send_answers(struct worker *w, struct connection *c)
{
    int sent = transmit(w, c);
    if (sent < 0)
        c->broken = true;
    else if (sent == 0)
        connection_block(c);
    else if (c->request != NULL && c->state == CONNECTION_IDLE)
        exchange_finish(w, c); /* its file is out */
    return sent == 1;
}

/* Does more of a pipeline wait, and was it this connection's turn for long enough? */
static bool is_others_turn(const struct worker *w, const struct connection *c, int64_t end_of_turn)
{
    return w->now >= end_of_turn && c->state == CONNECTION_IDLE && buffer_length(&c->in) > 0;
}

void connection_advance(struct worker *w, struct connection *c)
{
    bool go_on = true;
    int64_t end_of_turn = w->now + TURN_MS;
    while (go_on) {
        while (!is_others_turn(w, c, end_of_turn) && exchange_step(w, c))
            ;
        go_on = !c->broken && (buffer_length(&w->out) > 0 || connection_is_sending(c)) && c->state != CONNECTION_WRITING &&
                send_answers(w, c);
    }
    if (c->state == CONNECTION_FREE) /* its handler let go of it */
        return;
    if (c->broken) {
        buffer_clear(&w->out, 1 << 16); /* it shall not go to the next one */
        reset_on_close(w, c->fd);
        connection_close(w, c);
    } else if (c->ends && c->state == CONNECTION_IDLE) {
        end(w, c);
    } else {
        if (is_others_turn(w, c, end_of_turn) && !connection_is_sending(c))
            connection_block(c); /* there is room to write, so it comes again at once, but behind the others */
        rest(w, c);
    }
}

/* What a former read left behind stays in front; the request's head may move with it. */
static char *room_to_read(struct worker *w, struct connection *c)
{
    if (c->in.data == NULL && w->spare.data != NULL) {
        c->in = w->spare;
        w->spare = BUFFER_EMPTY;
    }
    char *room = buffer_reserve(&c->in, c->in.data == NULL ? READ_BUFFER : READ_LEAST);
    if (c->request != NULL)
        request_rebase(c->request, buffer_bytes(&c->in));
    return room;
}

static void receive(struct worker *w, struct connection *c)
{
    char *room = room_to_read(w, c);
    ssize_t length = recv(c->fd, room, c->in.capacity - c->in.end, 0);
    if (length > 0) {
        c->in.end += (size_t)length;
        timing_received(w, c, (size_t)length);
        if (queue_note(w, c))
            connection_advance(w, c);
        else
            connection_close(w, c);
    } else if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
        rest(w, c);
    } else {
        connection_close(w, c); /* the end, or a reset; of a request half sent nothing can be answered */
    }
}

/* Reads to the end and throws away. */
static void drain(struct worker *w, struct connection *c)
{
    char scrap[8192];
    uint32_t before = c->discarded;
    w->looked_us = 0;
    for (int i = 0; i < LINGER_READS; i++) {
        ssize_t length = recv(c->fd, scrap, sizeof scrap, 0);
        if (length > 0) {
            c->discarded += (uint32_t)length;
            if (c->discarded <= LINGER_BYTES)
                continue;
        }
        if (length >= 0 || (errno != EAGAIN && errno != EINTR)) {
            connection_close(w, c);
            return;
        }
        break;
    }
    timing_discarded(w, c, c->discarded - before);
}

static void resume_output(struct worker *w, struct connection *c)
{
    uint64_t before = c->outstanding;
    if (c->starved)
        timing_fed(w, c);
    c->state = c->resume;
    bool sent = send_answers(w, c);
    c->arrived = w->now; /* that it waited until now was its client's doing */
    if (sent) {
        c->timed = false;
        connection_advance(w, c);
    } else if (c->broken) {
        connection_close(w, c);
    } else {
        c->outstanding = before; /* it blocks as before, and its clock runs on */
        timing_taken(w, c);
        c->timed = true;
        rest(w, c);
    }
}

void connection_event(struct worker *w, struct connection *c, uint32_t events)
{
    if (c->state == CONNECTION_LINGER)
        drain(w, c);
    else if (c->state == CONNECTION_WRITING)
        resume_output(w, c);
    else if ((events & EPOLLERR) != 0) /* reset: nobody waits for an answer to what may still be there to be read */
        connection_close(w, c);
    else
        receive(w, c); /* with EPOLLHUP as well: a Unix socket whose other end was closed in order still has what was sent before */
}

static void set_address(struct connection *c, const struct sockaddr_storage *peer)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
    if (peer->ss_family == AF_INET6) {
        c->address = ((const struct sockaddr_in6 *)peer)->sin6_addr;
        return;
    }
    c->address.s6_addr[10] = c->address.s6_addr[11] = 0xff;
    memcpy(&c->address.s6_addr[12], &v4->sin_addr, sizeof v4->sin_addr);
}

struct connection *connection_take_place(struct worker *w, int fd)
{
    struct connection *c = table_take(w, fd), *oldest;
    if (c != NULL || (oldest = table_oldest(w)) == NULL)
        return c;
    connection_close(w, oldest);
    return table_take(w, fd);
}

void connection_open(struct worker *w, int fd, uint8_t listener, const struct sockaddr_storage *peer)
{
    struct connection *c = connection_take_place(w, fd);
    if (c == NULL) {
        close(fd);
        return;
    }
    c->listener = listener;
    c->local = w->listeners[listener].local;
    if (!c->local)
        set_address(c, peer);
    if (!introduce(w, c, w->listeners[listener].proxied) || crowd_refuses(w, c)) {
        connection_close(w, c);
        return;
    }
    receive(w, c); /* with TCP_DEFER_ACCEPT the request is there already */
}

/* What is there came in time for all that is known: nobody looked while a handler ran, or it came this very moment. Its event is in the
 * next turn. */
static bool has_input(struct worker *w, struct connection *c)
{
    bool lingers = c->state == CONNECTION_LINGER && timing_may_linger(w, c);
    bool reads = c->state >= CONNECTION_PROXY && c->state <= CONNECTION_BODY;
    if ((!reads && !lingers) || timing_unread(c->fd) == 0)
        return false;
    deadlines_set(&w->deadlines, &c->deadline, w->now + 1);
    return true;
}

/* Its client takes nothing, or there is to be another try. */
static void write_on(struct worker *w, struct connection *c)
{
    bool starved = c->starved;
    if (starved)
        timing_fed(w, c);
    if (w->now >= c->deadline.at && !timing_taken(w, c)) {
        reset_on_close(w, c->fd);
        connection_close(w, c);
    } else if (starved) {
        resume_output(w, c);
    }
}

void connection_timeout(struct worker *w, struct connection *c)
{
    if (has_input(w, c))
        return;
    switch (c->state) {
    case CONNECTION_HEAD:
    case CONNECTION_BODY:
        exchange_refuse(w, c, 408, c->state == CONNECTION_HEAD ? "the head of the request took too long"
                                                               : "the body of the request came too slowly");
        connection_advance(w, c);
        break;
    case CONNECTION_IDLE:
        c->ends = c->lingers = true; /* a request may be on its way: no reset */
        end(w, c);
        if (w->order == ORDER_LEAVE && c->state == CONNECTION_LINGER)
            deadlines_set(&w->deadlines, &c->deadline, w->now + LEAVING_LINGER_MS);
        break;
    case CONNECTION_WRITING:
        write_on(w, c);
        break;
    case CONNECTION_LINGER: /* as long as the client takes of its answer what the kernel still has of it */
        if (timing_queued(c->fd) == 0 || !timing_taken(w, c))
            connection_close(w, c);
        break;
    default:
        connection_close(w, c);
    }
}

void connection_hurry(struct worker *w, struct connection *c)
{
    if (c->state != CONNECTION_IDLE || !c->listed)
        return;
    /* Since its last answer; one that never sent a request is given the time from now on. */
    int64_t since = c->served > 0 ? c->deadline.at - w->config->timeouts.keepalive : w->now;
    if (since + w->patience < c->deadline.at)
        deadlines_set(&w->deadlines, &c->deadline, since + w->patience);
}
