/* SPDX-License-Identifier: Apache-2.0
 *
 * The connections of a worker: records in one mapping of their own, so that places are never moved and untouched
 * ones cost nothing.
 */
#include "worker/state.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

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
    w->free = w->oldest = w->newest = CONNECTION_NONE;
}

struct connection *table_take(struct worker *w, int fd)
{
    uint32_t index = w->free;
    if (index != CONNECTION_NONE)
        w->free = w->table[index].newer;
    else if (w->top < w->limit)
        index = w->top++;
    else
        return NULL;
    struct connection *c = &w->table[index];
    *c = (struct connection){.index = index, .generation = c->generation + 1, .fd = fd, .state = CONNECTION_IDLE,
                             .deadline.position = DEADLINE_NONE, .older = CONNECTION_NONE, .newer = CONNECTION_NONE,
                             .file = -1, .arrived = w->now};
    atomic_store_explicit(&w->slot->held, ++w->held, memory_order_relaxed);
    return c;
}

void table_give_back(struct worker *w, struct connection *c)
{
    c->state = CONNECTION_FREE;
    c->fd = -1;
    c->newer = w->free;
    w->free = c->index;
    atomic_store_explicit(&w->slot->held, --w->held, memory_order_relaxed);
}

/* An event names place and generation. Generations are above 0, so that it is none of the worker's own descriptors. */
uint64_t table_event(const struct connection *c)
{
    return (uint64_t)c->generation << 32 | c->index;
}

struct connection *table_find(struct worker *w, uint64_t event)
{
    struct connection *c = &w->table[(uint32_t)event];
    bool here = c->state != CONNECTION_FREE && c->state != CONNECTION_GIVEN;
    return c->generation == event >> 32 && here ? c : NULL;
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

void table_unidle(struct worker *w, struct connection *c)
{
    if (c->older != CONNECTION_NONE)
        w->table[c->older].newer = c->newer;
    else
        w->oldest = c->newer;
    if (c->newer != CONNECTION_NONE)
        w->table[c->newer].older = c->older;
    else
        w->newest = c->older;
}
