/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of a worker share: the worker's own state and the record of a connection.
 *
 * A connection's whole state is its record: what was read and not yet served, where it stands, what is still to
 * be sent, which listener it came from. What refers to it from elsewhere is few: the kernel's event, by place and
 * generation; its neighbours in the list of idle or of free places, by place; by address the heap of deadlines, its
 * own request's calls, and the worker's 'current' and 'served', of which the first is set only while module code runs
 * and the second is of use only while there are answers in 'out'. So a record can be closed, or handed to another
 * process, at any time outside of a handler: connection_free() takes it out of the lists and the heap.
 */
#ifndef WORKER_STATE_H
#define WORKER_STATE_H

#include "app/access_log.h"
#include "app/request.h"
#include "shared/addresses.h"
#include "shared/handoff.h"
#include "worker/deadlines.h"
#include "worker/preemption.h"
#include "worker/spares.h"
#include "worker/worker.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>

enum connection_state {
    CONNECTION_FREE,
    CONNECTION_PROXY,   /* the PROXY header in front of all else is not whole */
    CONNECTION_IDLE,    /* nothing of the next request was read */
    CONNECTION_HEAD,    /* its head is not whole */
    CONNECTION_BODY,    /* its body is not whole */
    CONNECTION_READY,   /* it is whole: its handler's turn */
    CONNECTION_GIVEN,   /* another process has it; its memory is still to be freed */
    CONNECTION_WRITING, /* the client does not take what is to be sent; then on to 'resume' */
    CONNECTION_LINGER,  /* all said; reading to the end, so that the last answer is not lost in a reset */
    CONNECTION_EARLY    /* its body is still to come: the turn of filters that decide whether it may */
};

enum { CONNECTION_NONE = UINT32_MAX };

/* What epoll's data says of descriptors that are no connections: those have a generation above 0 in the upper half. */
enum { EVENT_CONTROL = 0, EVENT_CHANNEL = 1, EVENT_LISTENER = 2 };

struct connection {
    /* Up to 'check' nothing changes while the connection rests. */
    uint32_t index;      /* its place in the table */
    uint32_t generation; /* of the place: events of a former tenant are stale */
    int fd;
    uint8_t state, resume; /* enum connection_state */
    uint8_t listener;
    bool registered;   /* with epoll */
    uint8_t watched;   /* by epoll: for EPOLLIN, for EPOLLOUT, or, 0, for neither */
    bool ends;         /* no request after the current answer */
    bool lingers;      /* there may be unread input: end by CONNECTION_LINGER */
    bool resumed;      /* adopted in the middle of a body */
    bool broken;       /* sending failed: to be closed */
    bool listed;       /* in the list of idle ones */
    bool timed;        /* the clock of its state runs */
    bool local;        /* came by a Unix socket: no address */
    bool secure;       /* by TLS, to the proxy that sent a PROXY header */
    bool trusted;      /* a proxy: what its requests say of their clients counts */
    bool counted;      /* in setup->addresses, at 'places' */
    bool uncountable;  /* there are too many of its client even to count */
    struct address_places places;
    struct in6_addr address; /* of the client, as a PROXY header has it; IPv4 mapped */
    uint32_t served;   /* requests */
    int file;          /* behind 'tail' a stretch of the response's file, which stays the response's: descriptor (-1: none) */
    struct buffer in;  /* read, not yet served; the current request's head is at its front */
    struct buffer out; /* answers that wait for the client */
    struct slice tail; /* behind them bytes that the response keeps */
    off_t file_offset;
    uint64_t file_left;
    const struct response_part *parts; /* and what follows: as tail, then file */
    size_t part_count;
    struct tine_request *request; /* the current one */
    uint64_t check;    /* of all before it; see table.c */
    struct deadline deadline;
    uint32_t older, newer; /* in the list of idle ones */
    int64_t began;     /* monotonic ms: the first byte of the head that is being read, or the end of the last answer when it lingers */
    int64_t arrived;   /* monotonic ms: what was read last came in, or its client took of the answers before it */
    uint64_t outstanding; /* while writing or lingering: bytes that the client had still to take when it was last looked at */
    int64_t until;      /* while starved: the clock of its state; 'deadline' is that of the next try */
    uint32_t discarded; /* bytes read while it lingers */
    bool starved;       /* while writing: the kernel has no memory for it, whatever room to write it tells of */
};

enum { CONNECTION_CHECKED = offsetof(struct connection, check) }; /* bytes */
_Static_assert(3 * sizeof(int) + 16 + sizeof(struct address_places) + sizeof(struct in6_addr) + 2 * sizeof(int) +
                   2 * sizeof(struct buffer) + sizeof(struct slice) + 5 * sizeof(uint64_t) == CONNECTION_CHECKED,
               "bytes between the members would not keep their values");

/* A listening socket as a worker has it: two descriptors of one socket. */
struct listener {
    int door;     /* only for accept4(); the signal handler may replace it by 'dud' */
    int watch;    /* only for epoll, never replaced: a registration whose descriptor was replaced could not be deleted */
    bool watched; /* registered */
    bool local;   /* a Unix socket */
    bool proxied; /* its connections begin with a PROXY header */
};

struct worker {
    const struct worker_setup *setup;
    const struct config *config;
    struct slot *slot;
    struct apps *apps;
    struct access_log *access_format; /* NULL: off */
    struct log_target access_log;
    struct head_limits head_limits;

    struct listener *listeners;
    size_t listener_count;
    int epoll, control;
    int dud;             /* a socket that does not listen: accept4() on it fails at once */
    timer_t accept_timer;
    enum worker_order order;
    volatile sig_atomic_t orphaned; /* the master is gone */
    bool orphan_told;
    int64_t leave_by;    /* monotonic ms, of an orphan; 0: of none */
    int64_t patience;    /* ms after its last answer that a leaving worker keeps an idle connection */
    bool accepting;
    int64_t accept_after; /* back-off after EMFILE and the like; 0: none */
    bool back_off_told;
    int64_t gave_for_room; /* when, last; 0: never */
    struct sockaddr_storage peer; /* of the connection accepted last */
    int64_t now;         /* monotonic ms, of this turn */
    struct preemption preemption;
    int ready;           /* events of this turn */
    int64_t looked_us;   /* monotonic us, when we looked last; 0: since then something was done that may have taken time */

    struct connection *table;
    uint64_t secret;     /* of its check values */
    volatile sig_atomic_t has_children; /* module code has forked: who was there may have our descriptors */
    volatile sig_atomic_t forked;  /* this is no worker, but a child that module code made of one */
    bool robbed;                   /* a descriptor that it cannot do without was closed */
    volatile sig_atomic_t damaged; /* somebody wrote over it: this process is not to be trusted any more */
    uint32_t overwritten;          /* records that were not given for that, when it gave last */
    uint32_t limit;      /* connections that may be held */
    uint32_t top;        /* places used so far */
    uint32_t free;       /* list of free places below top, through 'newer' */
    uint32_t held;
    uint32_t coming;     /* given to us by others, and not yet among those */
    uint32_t oldest, newest; /* of the idle ones */
    uint32_t given;          /* in state CONNECTION_GIVEN */
    bool channel_watched;
    int64_t balance_at;      /* then our share of the connections is looked at; 0: nothing came since */
    uint32_t balance_looks;  /* left */
    uint32_t joined;         /* that of the scoreboard when we looked last */
    uint32_t share;          /* of all connections, when it was looked at last; 0: never */
    int64_t give_after;      /* giving failed: to be tried again then; 0: it did not */
    struct deadlines deadlines;

    struct buffer spare; /* input buffer for whichever connection reads next */
    struct buffer out;   /* answers of the connection that is being served, until they are sent */
    struct spares spares; /* requests */
    bool queue_matters;  /* some app limits how long requests wait */
    bool due_told;       /* the master knows that we are due */
    int64_t refusal_told; /* when a connection that was turned away was last told of; 0: never */
    int64_t unwatched_told; /* the same of one that epoll did not take, */
    int64_t unread_told;    /* and of a file that could not be read while it was sent */
    bool log_stalled;    /* the log took nothing for long */
    uint64_t log_lost;   /* access log lines that could not be kept */
    int64_t log_lost_told;

    pid_t pid;
    struct connection *volatile current; /* for whom module code runs now; NULL: none does */
    struct tine_request *handled;        /* and its request, wherever the connection's own pointer leads by now */
    uint8_t stage;                       /* of that: enum guard_stage */
    struct connection *served;           /* whose answers are in 'out', if there are any */
    volatile sig_atomic_t dying;         /* a handler has taken this process down */
    volatile sig_atomic_t preparing; /* module code runs that readies it: worker_init() */
    volatile sig_atomic_t in_accept, door_replaced, look; /* shared with the signal handler */
};

/* What may come in floods shall not fill the log: is it to be told now, '*told' being when it last was? That is noted. */
enum { TELL_FLOOD_MS = 10000 };
static inline bool is_to_be_told(const struct worker *w, int64_t *told)
{
    if (*told != 0 && w->now - *told < TELL_FLOOD_MS)
        return false;
    *told = w->now;
    return true;
}

/* ---- table.c: places, idle list, check values ---- */

void table_open(struct worker *w);
struct connection *table_take(struct worker *w, int fd); /* NULL: full */
void table_expect(struct worker *w, uint32_t coming);   /* that many more are ours already, though not yet taken */
void table_give_back(struct worker *w, struct connection *c);
struct connection *table_find(struct worker *w, uint64_t event); /* NULL: stale */
uint64_t table_event(const struct connection *c);
struct connection *table_oldest(struct worker *w); /* of the idle ones; NULL: there is none */
struct connection *table_newer(struct worker *w, const struct connection *c); /* the next of them; NULL: there is none */
/* A connection comes to rest: whatever changes it from now on, and seals it no more, is not the worker. */
void table_seal(const struct worker *w, struct connection *c);
/* Is it as it was sealed? If not, the worker is noted as damaged. Async-signal-safe. */
bool table_is_sound(struct worker *w, const struct connection *c);
void table_idle(struct worker *w, struct connection *c);   /* to the young end of the idle list */
void table_unidle(struct worker *w, struct connection *c);

/* ---- connection.c: one socket's life ---- */

/* A place in the table. If there is none left, who was idle longest makes room; NULL: nobody is. */
struct connection *connection_take_place(struct worker *w, int fd);
void connection_open(struct worker *w, int fd, uint8_t listener, const struct sockaddr_storage *peer);
void connection_event(struct worker *w, struct connection *c, uint32_t events);
void connection_timeout(struct worker *w, struct connection *c);
void connection_close(struct worker *w, struct connection *c);
/* Gives its memory and place back; the socket is not touched. */
void connection_free(struct worker *w, struct connection *c);
/* Serves what was read, as far as it goes, and sends the answers. */
void connection_advance(struct worker *w, struct connection *c);
void connection_set_state(struct connection *c, enum connection_state state);
/* The client does not take more: what it was about waits in 'resume'. */
void connection_block(struct connection *c);
/* A leaving worker keeps idle connections only for w->patience ms after their last answer. */
void connection_hurry(struct worker *w, struct connection *c);

/* ---- exchange.c: from bytes to an answer ---- */

/* One step of the current request. True: something changed, call again. */
bool exchange_step(struct worker *w, struct connection *c);
/* The first two of them: a request for what was read, and its head. */
bool exchange_begin(struct worker *w, struct connection *c);
bool exchange_read_head(struct worker *w, struct connection *c);
/* Answers with an error; the connection ends. */
void exchange_refuse(struct worker *w, struct connection *c, int status, const char *detail);
/* What is answered already shall not wait for module code that may take time. False if it has to: the client does not take it now. */
bool exchange_send_earlier(struct worker *w, struct connection *c);
/* The current answer has been sent, or cannot be: logs it and lets go of the request. */
void exchange_finish(struct worker *w, struct connection *c);
/* The client has ended the connection in the middle of a body: nobody is answered, but the access log has a line of it, 400. */
void exchange_break_off(struct connection *c);
/* Lets go of the request without a word: somebody else answers it. */
void exchange_forget(struct worker *w, struct connection *c);
/* Of an adopted connection: its request killed the worker it was with. The request keeps its id. */
void exchange_answer_for_dead(struct worker *w, struct connection *c, int status, const char *id);

/* ---- transmit.c: getting answers out ---- */

/* Has it a response that was queued and not wholly sent? What that borrowed stays with the request until then. */
static inline bool connection_is_sending(const struct connection *c)
{
    return c->file >= 0 || c->tail.length > 0;
}

/* The response's content goes out behind w->out. */
void transmit_queue(struct connection *c, const struct response *response);

/* How much of that is left. */
uint64_t transmit_left(const struct connection *c);

/* Sends w->out, then c's own leftovers and file. Returns 1 when all is out, 0 when the client does not take more now (what is
 * left is kept with the connection), -1 when it is gone. */
int transmit(struct worker *w, struct connection *c);
/* For tine_write(): waits until the client has taken all of it. 'context' is the connection. */
int transmit_stream(void *context, struct iovec *iov, int count);

/* ---- calls.c: what a handler's calls do with its connection; 'context' is that ---- */

extern const struct request_calls connection_calls;

/* ---- journal.c: the access log and slow requests ---- */

void journal_request(struct worker *w, struct tine_request *r);
void journal_flush(struct worker *w); /* never waits */
void journal_end(struct worker *w);   /* of a worker that leaves: waits a little */

/* The one worker of this process, for what has no argument to carry it. */
extern struct worker *the_worker;

#endif
