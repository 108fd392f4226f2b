/* SPDX-License-Identifier: Apache-2.0
 *
 * Which connection's time is up first: a binary heap. Moving a deadline back, which happens with every request, costs
 * nothing: the heap keeps the earlier time and looks at the connection's own deadline when that comes. Pure.
 */
#ifndef WORKER_DEADLINES_H
#define WORKER_DEADLINES_H

#include <stdint.h>

enum { DEADLINE_NONE = UINT32_MAX };

/* What a connection keeps of it. 'at' is its deadline in monotonic milliseconds; the caller may raise it at any time and
 * calls deadlines_set() to lower it. */
struct deadline {
    int64_t at;
    uint32_t position; /* in the heap; DEADLINE_NONE: not in it */
};

struct deadlines {
    struct deadlines_entry {
        int64_t at;
        struct deadline *deadline;
    } *entries;
    uint32_t count, capacity;
};

/* Sets deadline->at, entering it into the heap if need be. */
void deadlines_set(struct deadlines *deadlines, struct deadline *deadline, int64_t at);
void deadlines_remove(struct deadlines *deadlines, struct deadline *deadline);

/* Takes out one whose time has come, or returns NULL. */
struct deadline *deadlines_next(struct deadlines *deadlines, int64_t now);

/* Milliseconds until the next call of deadlines_next() can have a result; -1: none is waiting. */
int64_t deadlines_wait(const struct deadlines *deadlines, int64_t now);

#endif
