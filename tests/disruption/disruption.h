/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of the table: something is done to a server again and again while a crowd asks, and what the crowd lost is held
 * against what was promised. A row runs in a process of its own.
 */
#ifndef DISRUPTION_DISRUPTION_H
#define DISRUPTION_DISRUPTION_H

#include "../system/client.h"
#include "crowd.h"

enum { AGAIN_MS = 1500 }; /* after the last kill, by when everybody is answered again */

struct row {
    int64_t ms;      /* how long it shall last */
    double patience; /* 1; more when other tests run beside: what a bound in milliseconds is multiplied by */
    struct server server;
    struct crowd crowd;
    struct crowd_tally tally; /* of all crowds there were */
    long planned, done;       /* events */
    double p50, p99, max;     /* milliseconds */
    int64_t next;             /* when the next event is due */
    long due;                 /* how many are still to come */
    char missed[600];         /* which promises were not kept; empty: none */
    char note[200];
};

/* Starts the server on the INI text with the ledger behind it. */
void row_serve(struct row *row, const char *ini);
void row_crowd(struct row *row, const struct crowd_plan *plan);

/* The usual crowd: fifty that keep their connections. */
void row_usual_crowd(struct row *row);

/* Waits until the next event is due, every so many milliseconds; false when the time is over. Counts what was planned. */
bool row_every(struct row *row, int64_t ms);

/* The crowd goes home; its tally is added to the row's. */
void row_crowd_leaves(struct row *row);

/* The server is stopped and must leave nothing. Not for rows with crashes: they are told in its log. */
void row_stop(struct row *row);
void row_stop_after_crashes(struct row *row);

/* Notes a promise that was not kept. */
void row_expect(struct row *row, bool kept, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Nothing lost, nothing closed unannounced; the same sockets at the end as at the beginning. */
void row_expect_nothing_lost(struct row *row);
void row_expect_same_sockets(struct row *row, long clients);

size_t row_log_count(const struct row *row, const char *needle);

/* A number of `tine status --json`, of the totals. */
long row_total(const struct row *row, const char *name);

/* Every 200 ms one of the workers, until the time is over; then everybody must be answered once more. */
void row_kill_workers(struct row *row);

/* tine counts what its dead workers held: no more than that was lost, and only by the end of a connection. */
void row_expect_only_held_lost(struct row *row);

void row_hup(struct row *row);
void row_upgrade(struct row *row);
void row_population(struct row *row);
void row_recycling(struct row *row);
void row_bad_files(struct row *row);
void row_addresses(struct row *row);
void row_order(struct row *row);
void row_idle(struct row *row);
void row_crashes(struct row *row);
void row_limited(struct row *row);
void row_slow(struct row *row);
void row_hanging(struct row *row);
void row_killed(struct row *row);
void row_stopped(struct row *row);
void row_conduit_hup(struct row *row);
void row_conduit_upgrade(struct row *row);
void row_conduit_recycling(struct row *row);
void row_conduit_crashes(struct row *row);
void row_conduit_killed(struct row *row);

#endif
