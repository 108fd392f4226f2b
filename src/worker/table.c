/* SPDX-License-Identifier: Apache-2.0
 *
 * The connections of a worker: records in one mapping of their own, so that places are never moved and untouched
 * ones cost nothing.
 *
 * Module code runs in the same process, and may write where it likes. So each record at rest has a check value: one that does not fit
 * is not given to another worker, whose client it might not be, nor used here. It takes some tens of nanoseconds a request.
 */
#include "worker/state.h"

#include "base/checksum.h"
#include "base/log.h"
#include "worker/balance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

static uint64_t check_value(const struct worker *w, const struct connection *c)
{
    return checksum(w->secret, c, CONNECTION_CHECKED);
}

void table_seal(const struct worker *w, struct connection *c)
{
    c->check = check_value(w, c);
}

bool table_is_sound(struct worker *w, const struct connection *c)
{
    if (c->check == check_value(w, c))
        return true;
    w->damaged = 1;
    return false;
}

void table_open(struct worker *w)
{
    size_t size = w->limit * sizeof *w->table;
    w->table = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (w->table == MAP_FAILED) {
        log_error("cannot map a table of %u connections: %s", w->limit, strerror(errno));
        exit(1);
    }
#ifdef __SANITIZE_ADDRESS__
    __lsan_register_root_region(w->table, size); /* what only a connection points to is no leak */
#endif
    if (getrandom(&w->secret, sizeof w->secret, 0) != (ssize_t)sizeof w->secret)
        w->secret = (uint64_t)(uintptr_t)w->table ^ (uint64_t)getpid() << 48;
    w->free = w->oldest = w->newest = CONNECTION_NONE;
}

/* What would be lost with this process. */
static void tell_held(struct worker *w)
{
    atomic_store_explicit(&w->slot->held, w->held + w->coming, memory_order_relaxed);
}

void table_expect(struct worker *w, uint32_t coming)
{
    w->coming = coming;
    tell_held(w);
}

struct connection *table_take(struct worker *w, int fd)
{
    uint32_t index = w->free;
    /* The links are not part of the check value: one that was written over may lead to a record that is sound, and in use. */
    if (index != CONNECTION_NONE &&
        (index >= w->top || !table_is_sound(w, &w->table[index]) || w->table[index].state != CONNECTION_FREE)) {
        w->damaged = 1;
        index = w->free = CONNECTION_NONE; /* the rest of the list is lost with it */
    }
    if (index != CONNECTION_NONE)
        w->free = w->table[index].newer;
    else if (w->top < w->limit)
        index = w->top++;
    else
        return NULL;
    struct connection *c = &w->table[index];
    uint32_t generation = c->generation < UINT32_MAX ? c->generation + 1 : 1;
    *c = (struct connection){.index = index, .generation = generation, .fd = fd, .state = CONNECTION_IDLE,
                             .deadline.position = DEADLINE_NONE, .older = CONNECTION_NONE, .newer = CONNECTION_NONE,
                             .file = -1, .arrived = w->now};
    w->held++;
    tell_held(w);
    balance_note(w);
    return c;
}

void table_give_back(struct worker *w, struct connection *c)
{
    c->state = CONNECTION_FREE;
    c->fd = -1;
    c->newer = w->free;
    w->free = c->index;
    table_seal(w, c);
    w->held--;
    tell_held(w);
}

/* An event names place and generation. Generations are above 0, so that it is none of the worker's own descriptors. */
uint64_t table_event(const struct connection *c)
{
    return (uint64_t)c->generation << 32 | c->index;
}

struct connection *table_find(struct worker *w, uint64_t event)
{
    struct connection *c = &w->table[(uint32_t)event];
    if (!table_is_sound(w, c))
        return NULL;
    bool here = c->state != CONNECTION_FREE && c->state != CONNECTION_GIVEN;
    return c->generation == event >> 32 && here ? c : NULL;
}

struct connection *table_oldest(struct worker *w)
{
    if (w->oldest == CONNECTION_NONE)
        return NULL;
    if (w->oldest < w->top && table_is_sound(w, &w->table[w->oldest]))
        return &w->table[w->oldest];
    w->damaged = 1;
    return NULL;
}

void table_idle(struct worker *w, struct connection *c)
{
    c->older = w->newest;
    c->newer = CONNECTION_NONE;
    if (w->newest != CONNECTION_NONE)
        w->table[w->newest].newer = c->index;
    else
        w->oldest = c->index;
    w->newest = c->index;
}

/* The links are not part of the check value, as neighbours change them. But each leads back. */
static bool is_linked(const struct worker *w, const struct connection *c)
{
    bool older = c->older == CONNECTION_NONE ? w->oldest == c->index : c->older < w->top && w->table[c->older].newer == c->index;
    bool newer = c->newer == CONNECTION_NONE ? w->newest == c->index : c->newer < w->top && w->table[c->newer].older == c->index;
    return older && newer;
}

struct connection *table_newer(struct worker *w, const struct connection *c)
{
    if (!is_linked(w, c))
        w->damaged = 1;
    return w->damaged || c->newer == CONNECTION_NONE ? NULL : &w->table[c->newer];
}

void table_unidle(struct worker *w, struct connection *c)
{
    if (!is_linked(w, c)) {
        w->damaged = 1;
        return;
    }
    if (c->older != CONNECTION_NONE)
        w->table[c->older].newer = c->newer;
    else
        w->oldest = c->newer;
    if (c->newer != CONNECTION_NONE)
        w->table[c->newer].older = c->older;
    else
        w->newest = c->older;
}
