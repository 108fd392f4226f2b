/* SPDX-License-Identifier: Apache-2.0
 *
 * A circuit breaker for each route: one that keeps crashing its workers answers 503 for a while, then lets one request try, and as long as
 * none was answered another after each such while. In memory that all workers share, so that it counts whichever worker crashed; atomics
 * only, and async-signal-safe.
 */
#ifndef SHARED_BREAKER_H
#define SHARED_BREAKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    BREAKER_NO_ROUTE = 0,  /* the number that stands for all requests that have no handler; routes are counted from 1 */
    BREAKER_ROUTES = 2048, /* routes of a generation beyond these are not limited */
    BREAKER_WINDOW_MS = 60000,
    BREAKER_PAUSE_MS = 10000
};

/* Whose it is, for people. Plain bytes, and only shown: the same ones whoever writes them, but for BREAKER_NO_ROUTE, where it is the filter
 * that crashed last. Each text ends within its array even while it is written: its last byte is never anything but NUL. */
struct breaker_route {
    char app[48], module[128], handler[48], method[16], path[160];
};

struct breaker {
    _Atomic uint32_t generation; /* whose route it is: a reload begins anew */
    _Atomic uint32_t crashes;    /* in the window */
    _Atomic int64_t window;      /* monotonic ms: when it began */
    _Atomic int64_t open_until;  /* 0: closed, all is well */
    _Atomic int32_t trying;      /* a request was let through to see, and has not been answered */
    _Atomic int64_t since;       /* monotonic ms: when it opened first */
    _Atomic uint32_t total;      /* crashes since it began anew */
    struct breaker_route route;  /* written with the first crash */
};

enum breaker_verdict {
    BREAKER_PASS,
    BREAKER_TRY,   /* as pass, and the outcome decides: call breaker_succeeded(), breaker_untried() or breaker_crashed() */
    BREAKER_REFUSE /* 503 */
};

/* May a request enter the route? Call for routes of 'generation'. */
enum breaker_verdict breaker_admit(struct breaker *breaker, uint32_t generation, int64_t now);

/* Has the route of 'generation' crashed too often lately? breaker_admit() says whether a request may enter it all the same. */
bool breaker_is_open(struct breaker *breaker, uint32_t generation);

/* The route took a worker of 'generation' down. Returns whether it is open now, having crashed 'limit' times in a minute, or as it was
 * tried. */
bool breaker_crashed(struct breaker *breaker, uint32_t generation, uint32_t limit, int64_t now);

/* A request that a worker of 'generation' let through to try has been answered. */
void breaker_succeeded(struct breaker *breaker, uint32_t generation);

/* It was answered by somebody else, so it told nothing: the next one tries. */
void breaker_untried(struct breaker *breaker, uint32_t generation, int64_t now);

#endif
