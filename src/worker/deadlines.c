/* SPDX-License-Identifier: Apache-2.0
 *
 * See deadlines.h.
 */
#include "worker/deadlines.h"

#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>

static void place(struct deadlines *deadlines, uint32_t at, struct deadlines_entry entry)
{
    deadlines->entries[at] = entry;
    entry.deadline->position = at;
}

static void sift_up(struct deadlines *deadlines, uint32_t at, struct deadlines_entry entry)
{
    while (at > 0 && deadlines->entries[(at - 1) / 2].at > entry.at) {
        place(deadlines, at, deadlines->entries[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(deadlines, at, entry);
}

static void sift_down(struct deadlines *deadlines, uint32_t at, struct deadlines_entry entry)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child + 1 < deadlines->count && deadlines->entries[child + 1].at < deadlines->entries[child].at)
            child++;
        if (child >= deadlines->count || deadlines->entries[child].at >= entry.at)
            break;
        place(deadlines, at, deadlines->entries[child]);
        at = child;
    }
    place(deadlines, at, entry);
}

void deadlines_set(struct deadlines *deadlines, struct deadline *deadline, int64_t at)
{
    struct deadlines_entry entry = {at, deadline};
    bool later = at >= deadline->at;
    deadline->at = at;
    if (deadline->position != DEADLINE_NONE) {
        if (!later && at < deadlines->entries[deadline->position].at)
            sift_up(deadlines, deadline->position, entry);
        return;
    }
    if (deadlines->count == deadlines->capacity) {
        deadlines->capacity = deadlines->capacity > 0 ? deadlines->capacity * 2 : 64;
        deadlines->entries = memory_resize(deadlines->entries, deadlines->capacity * sizeof entry);
    }
    sift_up(deadlines, deadlines->count++, entry);
}

void deadlines_remove(struct deadlines *deadlines, struct deadline *deadline)
{
    uint32_t at = deadline->position;
    if (at == DEADLINE_NONE)
        return;
    deadline->position = DEADLINE_NONE;
    struct deadlines_entry last = deadlines->entries[--deadlines->count];
    if (at == deadlines->count)
        return;
    if (at > 0 && deadlines->entries[(at - 1) / 2].at > last.at)
        sift_up(deadlines, at, last);
    else
        sift_down(deadlines, at, last);
}

struct deadline *deadlines_next(struct deadlines *deadlines, int64_t now)
{
    while (deadlines->count > 0 && deadlines->entries[0].at <= now) {
        struct deadline *first = deadlines->entries[0].deadline;
        if (first->at <= now) {
            deadlines_remove(deadlines, first);
            return first;
        }
        sift_down(deadlines, 0, (struct deadlines_entry){first->at, first});
    }
    return NULL;
}

int64_t deadlines_wait(const struct deadlines *deadlines, int64_t now)
{
    if (deadlines->count == 0)
        return -1;
    return deadlines->entries[0].at > now ? deadlines->entries[0].at - now : 0;
}
