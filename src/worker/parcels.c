/* SPDX-License-Identifier: Apache-2.0
 *
 * See parcels.h. What is left is kept as the message that it would be if it were sent again: so passing it on is one system call, and all
 * that it says, of clocks and of half a body, stays as its first giver said it. Were all of it taken before the first is served, some could
 * not be given any more: a body that this configuration refuses is in the middle of its answer.
 *
 * Like the table it has a check value, as module code may write over it.
 */
#include "worker/parcels.h"

#include "base/checksum.h"
#include "base/log.h"

#include <string.h>
#include <unistd.h>

enum { FDS_MAX = HANDOFF_BATCH * HANDOFF_FDS };

static struct left {
    struct handoff_message message;
    int fds[FDS_MAX];
    unsigned fd_count;
    uint64_t check; /* of all before it */
} left;
_Static_assert(offsetof(struct left, check) % sizeof(uint64_t) == 0, "the check value is of whole words");

static uint64_t check_value(const struct worker *w)
{
    return checksum(w->secret, &left, offsetof(struct left, check));
}

static bool is_sound(const struct worker *w)
{
    return left.check == check_value(w);
}

static bool is_packed(const struct handoff_record *record)
{
    return record->input > 0 || (record->body > 0 && !record->spooled);
}

/* What a message says must fit what it brought. At a receiver's limit of descriptors the kernel closes those that do not fit, the last
 * ones. Returns how many records are gone with theirs. */
static uint32_t keep_whole(void)
{
    uint32_t count = left.message.count, whole = 0;
    unsigned used = 0;
    for (; whole < count; whole++) {
        const struct handoff_record *record = &left.message.records[whole];
        unsigned needed = 1u + is_packed(record) + record->spooled;
        if (left.fd_count - used < needed)
            break;
        used += needed;
    }
    for (unsigned i = used; i < left.fd_count; i++)
        close(left.fds[i]);
    left.message.count = whole;
    left.fd_count = used;
    return count - whole;
}

bool parcels_receive(struct worker *w)
{
    if (handoff_receive(w->setup->channel[1], &left.message, left.fds, &left.fd_count) < 0)
        return false;
    uint32_t lost = keep_whole();
    if (lost > 0) {
        log_error("no descriptors are left for %u of the connections that another worker gave: they are lost", lost);
        scoreboard_count(&w->setup->board->totals.lost, lost);
    }
    left.check = check_value(w);
    table_expect(w, left.message.count);
    return true;
}

uint32_t parcels_left(void)
{
    return left.message.count;
}

static int take_fd(bool is_there, unsigned *next)
{
    return is_there ? left.fds[(*next)++] : -1;
}

static void take_first(struct parcel *parcel)
{
    unsigned used = 0;
    parcel->record = left.message.records[0];
    parcel->socket = take_fd(true, &used);
    parcel->pack = take_fd(is_packed(&parcel->record), &used);
    parcel->spool = take_fd(parcel->record.spooled, &used);
    left.message.count--;
    left.fd_count -= used;
    memmove(left.message.records, left.message.records + 1, left.message.count * sizeof left.message.records[0]);
    memmove(left.fds, left.fds + used, left.fd_count * sizeof left.fds[0]);
}

bool parcels_next(struct worker *w, struct parcel *parcel)
{
    if (!is_sound(w)) {
        w->damaged = 1; /* what is coming ends with this process */
        return false;
    }
    if (left.message.count == 0)
        return false;
    take_first(parcel);
    left.check = check_value(w);
    return true;
}

bool parcels_pass_on(struct worker *w)
{
    if (w->coming == 0)
        return true;
    if (!is_sound(w)) {
        w->damaged = 1;
        w->overwritten += w->coming;
        return true;
    }
    if (handoff_send(w->setup->channel[0], &left.message, left.fds, left.fd_count) < 0)
        return false;
    for (unsigned i = 0; i < left.fd_count; i++)
        close(left.fds[i]);
    left.message.count = left.fd_count = 0;
    left.check = check_value(w);
    atomic_fetch_sub(&w->slot->held, w->coming); /* if we are dying, these are not lost */
    w->coming = 0;
    return true;
}
