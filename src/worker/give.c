/* SPDX-License-Identifier: Apache-2.0
 *
 * Giving connections to whichever worker takes them. Everything up to "given" is async-signal-safe: a worker whose handler hangs or
 * crashed gives from within a signal handler. Memory is freed later, by give_reclaim(), outside of it.
 *
 * What cannot be given stays and is finished here: answers half written, connections that only linger.
 */
#include "worker/give.h"

#include "base/io.h"
#include "worker/crowd.h"
#include "worker/parcels.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

/* Static: a signal handler's stack is small. Only one batch is made at a time. */
static struct batch {
    struct handoff_message message;
    int fds[HANDOFF_BATCH * HANDOFF_FDS];
    unsigned fd_count;
    struct connection *connections[HANDOFF_BATCH];
    int packs[HANDOFF_BATCH]; /* descriptors of ours that only the message needs */
} batch;

/* Nothing is being written: it is the turn of others, and more of its pipeline waits. */
static bool is_waiting_for_its_turn(const struct connection *c)
{
    return c->state == CONNECTION_WRITING && c->resume == CONNECTION_IDLE && !connection_is_sending(c) && buffer_length(&c->out) == 0;
}

static bool can_give(const struct connection *c)
{
    bool between = is_waiting_for_its_turn(c) || c->state == CONNECTION_PROXY || c->state == CONNECTION_IDLE ||
                   c->state == CONNECTION_HEAD || c->state == CONNECTION_BODY;
    return between && !c->ends && !c->broken && !connection_is_sending(c) && buffer_length(&c->out) == 0;
}

/* What was read and not yet served, and the body so far, in a file in memory. Returns its descriptor, or -1. */
static int pack(const struct connection *c, const struct handoff_record *record)
{
    struct iovec iov[2] = {{c->in.data + c->in.start, record->input}, {NULL, 0}};
    size_t whole = record->input;
    if (record->body > 0 && !record->spooled) {
        const struct buffer *body = &c->request->body.memory;
        iov[1] = (struct iovec){body->data + body->start, (size_t)record->body};
        whole += (size_t)record->body;
    }
    int fd = handoff_open_pack();
    if (fd >= 0 && writev(fd, iov, 2) != (ssize_t)whole)
        io_close(&fd);
    return fd;
}

static void describe(const struct connection *c, int answer, struct handoff_record *record)
{
    const struct tine_request *r = c->request;
    *record = (struct handoff_record){.address = c->address, .deadline = c->deadline.at, .began = c->began, .served = c->served,
                                      .answer = (uint16_t)answer, .state = c->state, .local = c->local, .secure = c->secure,
                                      .input = (uint32_t)buffer_length(&c->in)};
    if (is_waiting_for_its_turn(c)) {
        record->state = CONNECTION_IDLE;
        record->deadline = 0;
    }
    if (c->state == CONNECTION_BODY) {
        record->body = r->body.length;
        record->spooled = r->body.fd >= 0;
        record->chunked = r->chunked;
        record->chunked.reason = NULL;
    }
    if (answer != 0)
        memcpy(record->id, r->id, sizeof record->id);
}

static int add(struct connection *c, int answer)
{
    unsigned i = batch.message.count;
    struct handoff_record *record = &batch.message.records[i];
    describe(c, answer, record);
    batch.packs[i] = -1;
    if (record->input > 0 || (record->body > 0 && !record->spooled)) {
        batch.packs[i] = pack(c, record);
        if (batch.packs[i] < 0)
            return -1;
    }
    batch.fds[batch.fd_count++] = c->fd;
    if (batch.packs[i] >= 0)
        batch.fds[batch.fd_count++] = batch.packs[i];
    if (record->spooled)
        batch.fds[batch.fd_count++] = c->request->body.fd;
    batch.connections[i] = c;
    batch.message.count++;
    return 0;
}

/* It is somebody else's now. Out of epoll before our copy is closed: a registration lives as long as the socket does, anywhere. */
static void let_go(struct worker *w, struct connection *c)
{
    if (c->registered)
        epoll_ctl(w->epoll, EPOLL_CTL_DEL, c->fd, NULL);
    close(c->fd);
    crowd_leave(w, c);
    c->fd = -1;
    c->state = CONNECTION_GIVEN;
    table_seal(w, c);
    w->given++;
    scoreboard_count(&w->slot->given, 1);
    scoreboard_count(&w->setup->board->totals.given, 1);
    atomic_fetch_sub(&w->slot->held, 1); /* if we are dying, this one is not lost */
}

/* Sends the batch and starts a new one. On failure all stays as it was. */
static bool send_batch(struct worker *w)
{
    batch.message.version = HANDOFF_VERSION;
    bool sent = batch.message.count == 0 ||
                handoff_send(w->setup->channel[0], &batch.message, batch.fds, batch.fd_count) == 0;
    for (unsigned i = 0; i < batch.message.count; i++) {
        io_close(&batch.packs[i]);
        if (sent)
            let_go(w, batch.connections[i]);
    }
    batch.message.count = batch.fd_count = 0;
    return sent;
}

bool give_all(struct worker *w, const struct connection *but)
{
    w->overwritten = 0;
    batch.message.count = batch.fd_count = 0; /* whatever became of the last one */
    bool all = parcels_pass_on(w), sent = true;
    for (uint32_t i = 0; i < w->top && sent; i++) {
        struct connection *c = &w->table[i];
        bool sound = c == but || table_is_sound(w, c);
        w->overwritten += !sound;
        if (c == but || !sound || !can_give(c))
            continue;
        if (add(c, 0) < 0)
            all = false; /* others need nothing that is to be had */
        if (batch.message.count == HANDOFF_BATCH)
            sent = send_batch(w);
    }
    return send_batch(w) && sent && all;
}

uint32_t give_oldest(struct worker *w, uint32_t most)
{
    if (most > HANDOFF_BATCH)
        most = HANDOFF_BATCH;
    batch.message.count = batch.fd_count = 0;
    for (struct connection *c = table_oldest(w); c != NULL && batch.message.count < most; c = table_newer(w, c))
        if (!table_is_sound(w, c) || (can_give(c) && add(c, 0) < 0))
            break;
    uint32_t count = batch.message.count;
    return send_batch(w) ? count : 0;
}

bool give_to_answer(struct worker *w, struct connection *c, int status)
{
    size_t head = c->request->head.length, length = buffer_length(&c->in);
    batch.message.count = batch.fd_count = 0;
    c->state = CONNECTION_HEAD; /* its adopter reads the head again, in which its handler may have had text terminated */
    head_restore(buffer_bytes(&c->in), head < length ? head : length);
    return add(c, status) == 0 && send_batch(w);
}

bool give_answered(struct worker *w, struct connection *c)
{
    struct connection before = *c;
    batch.message.count = batch.fd_count = 0;
    const struct tine_request *r = c->request;
    /* Moved, not consumed: the handler reads its head until it returns. A body that it has read while it came is still there, too. */
    c->in.start += r->head.length + (r->arrival.begun ? r->arrival.used : 0);
    c->served++;
    c->state = CONNECTION_WRITING; /* as if it waited for its turn */
    c->resume = CONNECTION_IDLE;
    if (add(c, 0) == 0 && send_batch(w))
        return true;
    *c = before; /* sealed as it was */
    return false;
}

void give_reclaim(struct worker *w)
{
    for (uint32_t i = 0; i < w->top && w->given > 0; i++) {
        struct connection *c = &w->table[i];
        if (c->state != CONNECTION_GIVEN || !table_is_sound(w, c))
            continue;
        w->given--;
        connection_free(w, c);
    }
}
