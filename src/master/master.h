/* SPDX-License-Identifier: Apache-2.0
 *
 * The master: binds, forks, supervises. It never reads a byte from a client, never runs a module's code and never sleeps but
 * in its one wait, so that nothing that happens to a worker happens to it.
 */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include "base/errors.h"
#include "master/busy.h"
#include "master/control.h"
#include "master/generation.h"
#include "master/succession.h"
#include "master/upgrade.h"
#include "shared/addresses.h"
#include "shared/scoreboard.h"
#include "shared/store.h"

#include <signal.h>

/* How the command line wants it. */
struct master_options {
    const char *path; /* of the INI file */
    const char *const *overrides;
    size_t override_count;
};

enum child_state {
    CHILD_NONE,
    CHILD_STARTING, /* forked; has not said that it is ready */
    CHILD_READY,
    CHILD_LEAVING   /* ordered to */
};

struct child {
    enum child_state state;
    pid_t pid;
    unsigned position; /* which of the generation's workers it is */
    struct generation *generation;
    int control;
    bool canary;      /* waits for the commit */
    bool go_owed, logs_owed; /* it was not told of that, or handed those, yet */
    bool unheard;     /* that it cannot be told was logged */
    bool due;         /* another is to take its place */
    int64_t retire_at; /* of one that is ready: then it is due; 0: no such time */
    int64_t started;
    enum worker_order order; /* what it was told last */
    int64_t patience;
    int64_t leave_by; /* after it: ordered to quit, then killed; 0: no such time */
    bool aborted;     /* SIGABRT was sent: SIGKILL is next */
    int64_t kill_at;  /* then; 0: no such time */
    uint64_t condemned; /* the sequence of the request it was aborted for; 0: it was for none */
    uint64_t stalled; /* the sequence of the request for which it was told to give the others away, last */
    uint64_t looked;  /* the sequence of the request that took long enough to look what its worker may have been woken for, last */
    int64_t stalled_for; /* ms by then */
    int64_t since;    /* what its slot said last, and */
    int64_t absent;   /* how long this master had been absent in all by then */
};

/* Time in which the master was not run though it wanted to: the machine was paused (a frozen container, a moved virtual machine, ^Z) or
 * is overloaded beyond measure, and its workers will not have run either. */
struct absence {
    int64_t total;    /* ms, of all */
    int64_t from, to; /* the last one; monotonic ms. At first when this master began: handlers that another watched are seen late */
};

/* One of the workers that there shall be; its back-off. */
struct position {
    int64_t retry_at;
    unsigned failures; /* in a row, outside of handlers */
    bool unready;      /* the last of them was before it was ready */
};

enum transaction_state {
    TRANSACTION_NONE,
    TRANSACTION_CANARY, /* the first worker of the next generation prepares itself */
    TRANSACTION_DRAIN,  /* committed; listeners that were dropped are served to their end */
    TRANSACTION_REPLACE /* old workers leave as new ones get ready */
};

/* That a transaction was accepted: who asked is told later. */
struct verdict {
    int64_t by;    /* monotonic ms: then at the latest; 0: nobody has still to be told */
    char text[96];
};

struct master {
    struct master_options options;
    struct scoreboard *board;
    struct addresses *addresses; /* connections by client address; NULL until a configuration wants them counted */
    struct store_map shared; /* what modules of all generations share */
    int channel[2]; /* the hand-off channel */
    int64_t channel_quiet_until; /* not watched before */
    enum master_state state;
    int64_t now, wake_at; /* monotonic ms; wake_at 0: no deadline */
    int64_t active_until; /* ticks go on until then */
    struct absence absence;
    struct busy busy;
    unsigned cpus; /* granted to us when we started */

    struct generation *current; /* its workers serve; NULL until the first commit */
    struct generation *next;    /* of a transaction under way */
    struct generation *old;     /* list: some workers still finish */
    enum transaction_state transaction;
    int64_t transaction_deadline;
    bool reload_again;
    unsigned reload_run;   /* of the transaction that read the file last: each has a verdict of its own */
    struct verdict reload_verdict, upgrade_verdict;
    struct control control;
    struct errors reasons; /* why the canary failed */
    struct upgrade upgrade;       /* to a new binary */
    struct succession succession; /* to an old one's master */

    struct child children[SCOREBOARD_SLOTS]; /* by slot */
    unsigned slots;                          /* used so far */
    unsigned alive;
    struct position positions[CONFIG_WORKERS_MAX];
    int64_t spawn_at;     /* when it is tried again to start workers; it could not be done */
    bool spawn_failed;    /* and that has been told */
    unsigned base;        /* workers that are always there */
    unsigned wanted;      /* that there shall be now */
    unsigned peak;        /* inside handlers at once, since the window began */
    int64_t shut_out_until; /* who was robbed till then found a listening socket shut down */
    unsigned settled;     /* until settled_until there shall be no more, but what base says: it could not be done */
    int64_t settled_until;
    int64_t window_end;   /* then those that were not needed leave; 0: there are none beyond base */

    int64_t drain_at, finish_at, stop_deadline, handshakes_until;
    int64_t kick_until; /* a connection may wait that nobody was woken for */
    unsigned kick_next;
    int exit_status;
};

/* Serves `config` until stopped, and takes it over. `ready_fd` (-1: none) gets a byte when the server listens. Returns the exit status. */
int master_run(const struct master_options *options, struct config *config, int ready_fd);

/* The first thing that a process does which may become a master: an order that comes before there is one waits for it. */
void master_hold_signals(void);

/* The last thing before another program is executed that is to be one: the same, and all others through. */
void master_pass_signals(sigset_t *before);

/* In a worker: what the master catches is as it was. */
void master_release_signals(void);

/* In a copy of the master: what was noted is the other's to act on. */
void master_forget_signals(void);

/* ---- for the files of master/ ---- */

/* New connections come in, and workers that are missing are made up for. */
static inline bool master_is_open(const struct master *m)
{
    return m->state == MASTER_SERVING || m->state == MASTER_DELAYING;
}

/* The next wait ends at 'at' at the latest. */
void master_wake_at(struct master *m, int64_t at);

/* spawn.c */
int children_spawn(struct master *m, struct generation *generation, unsigned position, bool canary); /* slot, or -1 */
void children_reset_slot(struct slot *slot);
int64_t children_jittered(int64_t most, const struct config *config); /* a little less, so that workers do not come to it all at once */

/* reap.c */
void children_reap(struct master *m);

/* children.c */
void children_read(struct master *m, unsigned slot); /* messages of a worker */
void children_order(struct master *m, unsigned slot, enum worker_order order, int64_t patience);
void children_order_all(struct master *m, enum worker_order order, int64_t patience);
void children_quit_unready(struct master *m); /* they have nothing to finish, and may take their time over worker_init() */
void children_write_logs(struct master *m);
bool children_serves(const struct master *m, const struct child *child); /* or is about to, for the current generation */
bool children_accept(const struct master *m, const struct generation *but); /* does any accept connections, of all generations but that? */
unsigned children_ready(const struct master *m, const struct generation *generation); /* places that have one that is */

/* telling.c */
int children_send(struct master *m, unsigned slot, char message, const int *fds, size_t count); /* 0, or -1: it is lost */
void children_let_go(struct master *m, unsigned canary); /* it serves from now on */
void children_hand_logs(struct master *m, const struct generation *generation); /* anew, to all its workers */
void children_pay(struct master *m); /* what could not be told yet */

/* supervise.c */
void supervise_absence(struct master *m, int64_t planned); /* it is m->now, and at 'planned' the wait should have ended */
void supervise_handlers(struct master *m);
void supervise_waiting(struct master *m); /* connections may wait in listeners that nobody was woken for */
void supervise_channel(struct master *m); /* connections wait in the channel */
/* How long a slot's worker has been in one handler, in ms; -1: in none. *sequence says in which. */
int64_t supervise_time(struct master *m, unsigned slot, uint64_t *sequence);
/* What a worker was doing, as far as its slot says; "" outside of a handler. */
const char *supervise_doing(const struct slot *slot, char *text, size_t size);

/* population.c */
void population_step(struct master *m);
void population_reset(struct master *m);          /* to what the configuration says, and what was added goes on */
void population_change(struct master *m, int by); /* one more, one fewer: TTIN, TTOU */

/* reload.c */
void reload_begin(struct master *m, struct config *config); /* also the start: then config is given */
void reload_commit(struct master *m, unsigned canary);
void reload_request(struct master *m);
void reload_step(struct master *m);
void reload_cancel(struct master *m);
void reload_canary_ready(struct master *m, unsigned slot);
void reload_canary_gone(struct master *m, const char *how);
void reload_release_old(struct master *m);

/* verdict.c: how a transaction ended; to the log, to who asked, to the scoreboard */
void verdict_accept(struct master *m);
void verdict_refuse(struct master *m, const struct errors *errors);
void verdict_accept_upgrade(struct master *m);
void verdict_refuse_upgrade(struct master *m, const struct errors *errors);
void verdict_revoke_upgrade(struct master *m, const char *text); /* it was accepted, but is not any more */
void verdict_step(struct master *m);   /* tells who asked that it was accepted, once nobody old accepts connections */
void verdict_finish(struct master *m); /* the same at once, at our end */

/* stop.c */
void stop_request(struct master *m, int signal);
void stop_make_up(struct master *m); /* a worker is gone that was to finish something, perhaps the last one */
void stop_step(struct master *m);

#endif
