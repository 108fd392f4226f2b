/* SPDX-License-Identifier: Apache-2.0
 *
 * A crowd of clients that never retry: one process beside the test, all its sockets in one epoll. Each request has a number
 * of its own, which the module `ledger` answers and counts, so that a wrong, doubled or lost answer is known as such.
 */
#ifndef DISRUPTION_CROWD_H
#define DISRUPTION_CROWD_H

#include "../system/server.h"

enum habit {
    KEEPS_ASKING,  /* one request at a time on a connection that it never closes */
    COMES_ANEW,    /* a new connection for each request */
    POSTS_SLOWLY,  /* as the first, with 100 KB of body in ten pieces */
    PIPELINES,     /* as the first, eight requests at once, in three pieces */
    HABITS
};

struct crowd_plan {
    const char *address; /* NULL: the server's first */
    int clients[HABITS];
    double patience; /* more than 1: other tests run beside, and answers take their time */
    int think_ms; /* on average, between an answer and the next request */
    const char *token; /* not NULL: they create articles of Conduit, called by their numbers, with this token */
};

struct crowd_tally {
    long requests;   /* answered as they should be */
    long refused;    /* could not connect */
    long reset;      /* the connection was reset after a request had been sent */
    long unanswered; /* the same, by an orderly end */
    long timeout;    /* no answer within five seconds (20 where patience is due), or not let in */
    long status;     /* another status than 200 */
    long wrong;      /* another's answer, one more than was asked for, or one that the ledger knows nothing of */
    long doubled;    /* served twice */
    long closed;     /* ended between requests, though the answer before did not say so */
    long announced;  /* answers with "Connection: close" that the client had not asked for */
    long connections;
    long crossed;    /* during a stop only: a request met the end of an idle connection, and was not served */
    long silent;     /* clients that had no answer after crowd_await_answers() */
};

struct crowd {
    pid_t process;
    struct crowd_board *board; /* shared with the process */
    unsigned char *ledger;     /* shared with the server's workers */
    void (*recount)(struct crowd *crowd); /* fills it from elsewhere, once the crowd has gone; NULL: it is as it should be */
    int64_t started, stopped;
    struct crowd_tally tally;  /* once it has stopped */
};

/* The app to put into the INI text, and its file, to be made before the server starts. */
#define LEDGER "[app:ledger]\npath = /ledger\nmodule = @MODULES@/ledger.so\nfile = @DIR@/ledger\n"
void crowd_prepare(struct crowd *crowd, const struct server *server);

void crowd_start(struct crowd *crowd, const struct server *server, const struct crowd_plan *plan);

/* Waits until everybody has been answered again, or for so long. */
void crowd_await_answers(struct crowd *crowd, int64_t ms);

/* From now on the server may close what is idle, and need not take new connections. */
void crowd_expect_end(struct crowd *crowd);

/* Lets every request under way be answered and counts all. */
void crowd_stop(struct crowd *crowd);

long crowd_lost(const struct crowd_tally *tally);

/* Of the answers to requests sent between these times (now_ms()): how long that part of them took at most. 1: all. */
double crowd_latency_ms(const struct crowd *crowd, int64_t from, int64_t to, double part);

#endif
