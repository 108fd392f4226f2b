/* SPDX-License-Identifier: Apache-2.0
 *
 * What master and workers know of each other: one mapping, made before the first fork, with a slot a
 * worker. Atomics only: there is no lock that a dying worker could hold. Each field says who writes it. Modules run where it is mapped,
 * and may write over it: the master keeps what it must rely on to itself, and nothing read here may lead out of it or go on for ever.
 */
#ifndef SHARED_SCOREBOARD_H
#define SHARED_SCOREBOARD_H

#include "shared/breaker.h"
#include "shared/cores.h"
#include "shared/log_ring.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { SCOREBOARD_SLOTS = 1088 }; /* twice CONFIG_WORKERS_MAX (a reload has two generations) and some in departure */

enum worker_state {
    WORKER_FREE, /* no process in this slot */
    WORKER_STARTING,
    WORKER_WAITING, /* in accept or epoll_wait */
    WORKER_BUSY,    /* reading, parsing, writing */
    WORKER_HANDLER, /* inside a module's function */
    WORKER_LEAVING,
    WORKER_STATES
};

extern const char *const worker_state_names[WORKER_STATES];

/* Of the server as a whole. Levels only escalate. */
enum master_state {
    MASTER_STARTING,
    MASTER_SERVING,
    MASTER_DELAYING, /* about to stop: readiness fails, and the server serves on ([server] shutdown_delay) */
    MASTER_RETIRING, /* another binary's master has taken over: ours finish what is in progress */
    MASTER_DRAINING, /* no new connections come in; those that wait are served */
    MASTER_LEAVING,  /* workers finish */
    MASTER_QUITTING, /* workers end at once */
    MASTER_STATES
};

extern const char *const master_state_names[MASTER_STATES];

/* What the master wants of a worker; only ever raised. */
enum worker_order {
    ORDER_SERVE,
    ORDER_DRAIN, /* accept on, but every answer says Connection: close */
    ORDER_GIVE,  /* accept no more, give connections to other workers, then exit */
    ORDER_LEAVE, /* accept no more, finish what is held, then exit */
    ORDER_QUIT   /* exit at once */
};

struct slot {
    _Atomic pid_t pid;          /* master */
    _Atomic uint32_t generation; /* master: of its worker */
    _Atomic int64_t started;    /* master: monotonic ms of its fork */
    _Atomic uint32_t order;     /* master: enum worker_order */
    _Atomic uint32_t look;      /* master: there is an order or a message; the worker clears it */
    _Atomic int64_t patience;   /* master: ms after its last answer that a leaving worker keeps an idle connection */
    _Atomic uint32_t state;     /* worker: enum worker_state */
    _Atomic uint32_t active;    /* worker: awake; the master ticks while any is */
    _Atomic bool shut;          /* worker: it accepts no more */
    _Atomic uint32_t held;      /* worker: connections */
    _Atomic uint64_t requests;  /* worker: answered */
    _Atomic uint64_t given, adopted, stalled; /* of this worker; see totals */
    _Atomic int64_t since;      /* worker: monotonic ms at which the handler was entered; 0 outside */
    _Atomic int64_t allowed;    /* worker: ms that handler may take ([timeouts] request) */
    _Atomic uint64_t sequence;  /* worker: of the request its handler is in, or was in last */
    _Atomic uint64_t holding; /* master: the sequence of a request that holds up others; the worker makes it 0 if it cannot give them */
    _Atomic uint64_t condemned; /* master: that has had its time */
    _Atomic bool parted;        /* worker: its handler goes on behind its answer, and 'held' counts its connection no more */
    _Atomic uint64_t streaming; /* worker: the app whose handler sends its response piece by piece; 0: none */
    char request[256];          /* worker: method and target of the request its handler is in */
    struct log_ring log;        /* worker appends, both write out */
};

/* Since the start, of all workers there were. Whoever sees it happen counts it, with scoreboard_count(). */
struct totals {
    _Atomic uint64_t requests;  /* of workers that are gone: those that live count their own */
    _Atomic uint64_t given;     /* connections that a worker handed on, and that were taken */
    _Atomic uint64_t adopted;
    _Atomic uint64_t stalled;   /* handlers that others' connections were taken away from */
    _Atomic uint64_t crashed;   /* requests whose handler crashed */
    _Atomic uint64_t timed_out; /* requests whose handler was ended */
    _Atomic uint64_t kicked;    /* workers told to look for what nobody was woken for */
    _Atomic uint64_t lost;      /* connections that ended with their worker */
};

enum { SCOREBOARD_VERDICT_MAX = 512 };

struct scoreboard {
    _Atomic uint32_t master_sleeps; /* without a deadline; a worker that gets active wakes it */

    /* What only the master knows, and writes. */
    _Atomic uint32_t state;      /* enum master_state */
    _Atomic pid_t master;
    _Atomic uint32_t generation; /* that serves */
    _Atomic uint32_t used;       /* slots, from the first on */
    _Atomic bool busy;           /* the server has much to do */
    _Atomic uint32_t joined;     /* times that a worker got ready, or back from a handler that took its time */
    _Atomic int64_t started;     /* monotonic ms */
    _Atomic int64_t started_at, loaded_at, reload_at; /* wall clock, ms; reload_at 0: never reloaded */
    _Atomic uint32_t verdict_version; /* odd while it is being written */
    _Atomic uint32_t accepted;   /* the last reload was */
    char verdict[SCOREBOARD_VERDICT_MAX];

    struct totals totals;
    struct cores cores;          /* that crashed workers left lately */
    _Atomic uint32_t breakers_used; /* those from here on never saw a crash, and are not looked at: that would make memory of them */
    struct breaker breakers[BREAKER_ROUTES]; /* workers: by the number of the route in its generation */
    struct slot slots[SCOREBOARD_SLOTS];
};

/* Returns the mapping, or NULL with errno. It lives as long as the process. */
struct scoreboard *scoreboard_new(void);

/* Readable when a worker wakes the master. */
int scoreboard_wake_fd(void);

/* Slots, from the first on, that are or were used. */
static inline uint32_t scoreboard_used(const struct scoreboard *board)
{
    uint32_t used = atomic_load_explicit(&board->used, memory_order_relaxed);
    return used < SCOREBOARD_SLOTS ? used : SCOREBOARD_SLOTS;
}

/* Worker: from now on the master is to watch this slot. Wakes it if it sleeps without a deadline. */
void scoreboard_activate(struct scoreboard *board, struct slot *slot);

/* Worker: about to sleep. Makes no system call. */
static inline void scoreboard_deactivate(struct slot *slot)
{
    atomic_store_explicit(&slot->active, 0, memory_order_release);
}

/* Answered since the server's start. */
uint64_t scoreboard_requests(const struct scoreboard *board);

/* Connections that workers hold. */
uint64_t scoreboard_held(const struct scoreboard *board);

/* Does a worker other than that of 'own' wait for work? */
bool scoreboard_has_idle(struct scoreboard *board, const struct slot *own);

/* Does a worker other than that of 'own' serve, at work or not? */
bool scoreboard_has_other(struct scoreboard *board, const struct slot *own);

/* Workers inside a handler of this app that streams. */
uint64_t scoreboard_count_streams(struct scoreboard *board, uint64_t app);

static inline void scoreboard_count(_Atomic uint64_t *counter, uint64_t more)
{
    atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

/* Master: how the last reload ended. */
void scoreboard_write_verdict(struct scoreboard *board, bool accepted, const char *text);

/* Copies it; returns whether that reload was accepted. Never waits: whoever reads while it is written may get half of a line. */
bool scoreboard_read_verdict(const struct scoreboard *board, char text[static SCOREBOARD_VERDICT_MAX]);

/* Master: may it sleep without a deadline? False when some slot of the first 'count' is active or has log
 * lines; then it must tick. */
bool scoreboard_master_may_sleep(struct scoreboard *board, unsigned count);
void scoreboard_master_woke(struct scoreboard *board);

#endif
