/* SPDX-License-Identifier: Apache-2.0
 *
 * Adopting connections that other workers gave: what they had read is read again here, and they go on as if nothing had been.
 */
#include "worker/give.h"

#include "base/io.h"
#include "base/log.h"
#include "worker/intake.h"
#include "worker/introduce.h"
#include "worker/parcels.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

/* For a message, of which nobody knows how much is in it. Of few connections a quarter is enough: were all workers to wait for more, what
 * was given would be nobody's. */
static bool has_room(const struct worker *w)
{
    uint32_t least = w->limit / 4 < HANDOFF_BATCH ? (w->limit + 3) / 4 : HANDOFF_BATCH;
    return w->limit - w->held >= least;
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

static void go_on(struct worker *w, struct connection *c, struct parcel *parcel)
{
    const struct handoff_record *record = &parcel->record;
    uint32_t generation = c->generation;
    if (record->answer != 0)
        exchange_answer_for_dead(w, c, record->answer, record->id);
    else if (record->state == CONNECTION_BODY)
        intake_resume(w, c, record, parcel->pack, &parcel->spool);
    connection_advance(w, c);
    restore_deadline(w, c, record, generation);
}

static void lose(struct worker *w, struct parcel *parcel)
{
    log_error("there is no place for a connection that another worker gave: it is lost");
    scoreboard_count(&w->setup->board->totals.lost, 1);
    io_close(&parcel->socket);
    io_close(&parcel->pack);
    io_close(&parcel->spool);
}

static void adopt_one(struct worker *w, struct parcel *parcel)
{
    const struct handoff_record *record = &parcel->record;
    struct connection *c = connection_take_place(w, parcel->socket);
    table_expect(w, parcels_left()); /* only now: it shall not be missing meanwhile */
    if (c == NULL) {
        lose(w, parcel);
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
        go_on(w, c, parcel);
    }
    io_close(&parcel->pack);
    io_close(&parcel->spool);
}

static bool has_place(const struct worker *w)
{
    return w->held < w->limit || w->oldest != CONNECTION_NONE;
}

/* Those that find no place go back to the channel, where they wait for one: whoever gave them may be the next to have it.
 *
 * Once there is damage, whose answers are whose is not known for sure any more: what has not been taken by then is left to others, by
 * guard_damaged() if it came to us. */
bool adopt(struct worker *w)
{
    struct parcel parcel;
    if (w->damaged || !has_room(w) || !parcels_receive(w))
        return false;
    while (!w->damaged && (has_place(w) || !parcels_pass_on(w)) && parcels_next(w, &parcel)) /* serving one may pass on the others */
        adopt_one(w, &parcel);
    return true;
}
