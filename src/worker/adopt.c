/* SPDX-License-Identifier: Apache-2.0
 *
 * Adopting connections that other workers gave: what they had read is read again here, and they go on as if nothing had been.
 */
#include "worker/give.h"

#include "base/io.h"
#include "base/log.h"
#include "worker/intake.h"
#include "worker/introduce.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

static bool has_room(const struct worker *w)
{
    return w->limit - w->held >= HANDOFF_BATCH || w->held == 0;
}

void adopt_watch(struct worker *w, bool watched)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.u64 = EVENT_CHANNEL};
    watched = watched && has_room(w); /* else it would be woken for what it cannot take, again and again */
    if (w->channel_watched == watched)
        return;
    if (epoll_ctl(w->epoll, watched ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, w->setup->channel[1], &event) == 0)
        w->channel_watched = watched;
}

/* The input buffer, and the body so far as the file has it behind that. */
static int unpack(struct connection *c, const struct handoff_record *record, int pack)
{
    char *room = buffer_reserve(&c->in, record->input);
    if (pread(pack, room, record->input, 0) != (ssize_t)record->input)
        return -1;
    c->in.end += record->input;
    return 0;
}

/* What a message says must fit what it brought: a record of which descriptors are missing is dropped, as the kernel did with them. */
struct parcel {
    int socket, pack, spool;
};

static bool take_fds(const struct handoff_record *record, const int *fds, unsigned count, unsigned *next, struct parcel *parcel)
{
    bool packed = record->input > 0 || (record->body > 0 && !record->spooled);
    unsigned needed = 1u + packed + record->spooled;
    *parcel = (struct parcel){-1, -1, -1};
    if (count - *next < needed)
        return false;
    parcel->socket = fds[(*next)++];
    if (packed)
        parcel->pack = fds[(*next)++];
    if (record->spooled)
        parcel->spool = fds[(*next)++];
    return true;
}

static void restore_deadline(struct worker *w, struct connection *c, const struct handoff_record *record, uint32_t generation)
{
    if (c->generation == generation && c->state == record->state && record->deadline > 0) {
        deadlines_set(&w->deadlines, &c->deadline, record->deadline);
        c->began = record->began;
        c->timed = true;
        if (w->order == ORDER_LEAVE) /* what came before the order was hurried then */
            connection_hurry(w, c);
        table_seal(w, c);
    }
}

static void go_on(struct worker *w, struct connection *c, const struct handoff_record *record, struct parcel *parcel)
{
    uint32_t generation = c->generation;
    if (record->answer != 0)
        exchange_answer_for_dead(w, c, record->answer, record->id);
    else if (record->state == CONNECTION_BODY)
        intake_resume(w, c, record, parcel->pack, &parcel->spool);
    connection_advance(w, c);
    restore_deadline(w, c, record, generation);
}

static void adopt_one(struct worker *w, const struct handoff_record *record, struct parcel *parcel)
{
    struct connection *c = table_take(w, parcel->socket);
    if (c == NULL) {
        io_close(&parcel->socket);
        return;
    }
    scoreboard_count(&w->slot->adopted, 1);
    scoreboard_count(&w->setup->board->totals.adopted, 1);
    c->served = record->served;
    c->local = record->local;
    c->secure = record->secure;
    c->address = record->address;
    if (!introduce(w, c, record->state == CONNECTION_PROXY)) {
        connection_close(w, c); /* its proxy is not trusted any more */
    } else if (record->input > 0 && unpack(c, record, parcel->pack) < 0) {
        log_error("cannot read what came with a connection: %s", strerror(errno));
        connection_close(w, c);
    } else {
        go_on(w, c, record, parcel);
    }
    io_close(&parcel->pack);
    io_close(&parcel->spool);
}

bool adopt(struct worker *w)
{
    struct handoff_message message;
    int fds[HANDOFF_BATCH * HANDOFF_FDS];
    unsigned count, next = 0;
    if (!has_room(w) || handoff_receive(w->setup->channel[1], &message, fds, &count) < 0)
        return false;
    if (message.version != HANDOFF_VERSION || message.count > HANDOFF_BATCH)
        message.count = 0;
    for (unsigned i = 0; i < message.count; i++) {
        struct parcel parcel;
        table_expect(w, message.count - i);
        if (!take_fds(&message.records[i], fds, count, &next, &parcel))
            break;
        adopt_one(w, &message.records[i], &parcel);
    }
    table_expect(w, 0);
    for (; next < count; next++)
        close(fds[next]);
    return true;
}
