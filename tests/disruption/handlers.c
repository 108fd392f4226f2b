/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows in which handlers crash, hang or take their time, and workers are killed. What becomes of the offender is looked at
 * beside the crowd.
 */
#include "disruption.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EIGHT "[server]\nlisten = 127.0.0.1:0\nworkers = 8\n"

enum { CLIENTS = 50 };

static const char *const ways[] = {"null", "abort", "exit", "_exit", "stack", "segv", "bus", "fpe", "ill"};

void row_crashes(struct row *row)
{
    row_serve(row, EIGHT LEDGER TROUBLE);
    row_usual_crowd(row);
    while (row_every(row, 100)) {
        const char *way = ways[(size_t)row->done % (sizeof ways / sizeof *ways)];
        struct response response = get(&row->server, text("/trouble/crash/%s", way));
        row_expect(row, response.status == 500, "%s was answered %d", way, response.status);
        row->done++;
    }
    row_crowd_leaves(row);
    long counted = row_total(row, "crashed");
    row_expect(row, counted == row->done, "%ld crashes, tine status counts %ld", row->done, counted);
    row_expect_nothing_lost(row);
    row_expect_same_sockets(row, CLIENTS);
    row_stop_after_crashes(row);
}

enum { CRASH_LIMIT = 5, PAUSE_MS = 10000 };

/* Until the limit each is answered 500; from then on 503, at least for the pause, which began after the last one was sent. */
static void crash_once(struct row *row, long *crashes, int64_t *last_sent)
{
    int64_t sent = now_ms();
    struct response response = get(&row->server, text("/trouble/crash/%s", ways[(size_t)*crashes % (sizeof ways / sizeof *ways)]));
    bool paused = *crashes >= CRASH_LIMIT && now_ms() < *last_sent + PAUSE_MS;
    bool right = *crashes < CRASH_LIMIT ? response.status == 500
                 : paused               ? response.status == 503
                                        : response.status == 500 || response.status == 503;
    row_expect(row, right, "after %ld crashes answered %d", *crashes, response.status);
    if (response.status == 500) {
        *last_sent = sent;
        ++*crashes;
    }
}

/* The crowd stays until the route is back: nobody may lose anything then either. */
void row_limited(struct row *row)
{
    long crashes = 0;
    int64_t last_sent = 0;
    row_serve(row, EIGHT "crash_limit = 5\n" LEDGER TROUBLE);
    row_usual_crowd(row);
    for (; row_every(row, 100); row->done++) {
        crash_once(row, &crashes, &last_sent);
        int other = get(&row->server, "/trouble/nap/0").status;
        row_expect(row, other == 200, "another route of the module answered %d", other);
    }
    row_expect(row, crashes >= CRASH_LIMIT, "%ld crashes", crashes);
    bool back = wait_until(PAUSE_MS + PATIENCE, get(&row->server, "/trouble/crash/nothing").status == 404);
    int64_t after = now_ms() - last_sent;
    row_expect(row, back && after >= PAUSE_MS, "it was back after %d ms", (int)after);
    row_crowd_leaves(row);
    snprintf(row->note, sizeof row->note, " (%ld were let in; back %d ms after the last)", crashes, (int)after);
    long counted = row_total(row, "crashed");
    row_expect(row, counted == crashes, "%ld crashes, tine status counts %ld", crashes, counted);
    row_expect_nothing_lost(row);
    row_expect_same_sockets(row, CLIENTS);
    row_stop_after_crashes(row);
}

enum { NAPPING = 4, NAP_MS = 2000, SETTLING_MS = 300 };

/* The route is not known to be slow until it was so once: the first round is looked at by itself. */
void row_slow(struct row *row)
{
    struct client nappers[NAPPING];
    int64_t known = 0;
    if (row->ms < 3 * NAP_MS)
        row->ms = 3 * NAP_MS;
    row_serve(row, EIGHT LEDGER TROUBLE);
    row_usual_crowd(row);
    /* Once everybody has a worker, and on new connections each time: else those who nap have workers of their own. */
    await(now_ms() - row->crowd.started > SETTLING_MS);
    row->planned = NAPPING * (row->ms / NAP_MS);
    for (long round = 0; round < row->ms / NAP_MS; round++) {
        for (int i = 0; i < NAPPING; i++) {
            nappers[i] = client_connect(&row->server);
            client_send(&nappers[i], request("GET", text("/trouble/nap/%d", NAP_MS), ""));
        }
        for (int i = 0; i < NAPPING; i++) {
            struct response response = client_read(&nappers[i]);
            row->done += response.status == 200;
            client_close(&nappers[i]);
        }
        known = known == 0 ? now_ms() : known;
    }
    int64_t end = now_ms();
    row_crowd_leaves(row);
    double before = crowd_latency_ms(&row->crowd, 0, known - 1, 0.99), after = crowd_latency_ms(&row->crowd, known, end, 0.99);
    snprintf(row->note, sizeof row->note, " (p99 %.1f ms before the route is known, %.1f after)", before, after);
    row_expect(row, before < 100 * row->patience, "p99 %.1f ms before the route is known", before);
    row_expect(row, row->max < NAP_MS * 0.9, "somebody waited %.1f ms", row->max); /* few would: a part of a hundred would not show it */
    row_expect(row, after < 20 * row->patience, "p99 %.1f ms once it is", after);
    row_expect_nothing_lost(row);
    row_expect_same_sockets(row, CLIENTS);
    row_stop(row);
}

void row_hanging(struct row *row)
{
    int64_t longest = 0;
    row_serve(row, EIGHT "[timeouts]\nrequest = 1s\n" LEDGER TROUBLE);
    row_usual_crowd(row);
    while (row_every(row, 1250)) {
        int64_t start = now_ms();
        struct response response = get(&row->server, "/trouble/nap/60000");
        int64_t took = now_ms() - start;
        row_expect(row, response.status == 504, "answered %d", response.status);
        longest = took > longest ? took : longest;
        row->done++;
    }
    row_crowd_leaves(row);
    snprintf(row->note, sizeof row->note, " (504 after at most %d ms)", (int)longest);
    row_expect(row, (double)longest < 1500 * row->patience, "504 after %d ms", (int)longest);
    row_expect_nothing_lost(row);
    row_expect_same_sockets(row, CLIENTS);
    row_stop_after_crashes(row);
}

void row_killed(struct row *row)
{
    const struct crowd_tally *t = &row->tally;
    row_serve(row, EIGHT LEDGER);
    row_usual_crowd(row);
    row_kill_workers(row);
    row_crowd_leaves(row);
    row_expect_only_held_lost(row);
    row_expect(row, t->connections <= CLIENTS + t->reset + t->unanswered + t->closed, "%ld connections", t->connections);
    row_stop(row);
}

enum { ROUND_MS = 500 };

/* A server for each stop. Until TERM nothing may be lost at all; afterwards new connections may be refused, and a request may
 * meet the end of an idle connection, if it is not served then. */
void row_stopped(struct row *row)
{
    int64_t longest = 0, end = now_ms() + row->ms;
    row->planned = row->ms / 2000;
    while (now_ms() < end || row->done < row->planned) {
        row_serve(row, EIGHT LEDGER);
        row_crowd(row, &(struct crowd_plan){.clients = {[KEEPS_ASKING] = CLIENTS - 20, [COMES_ANEW] = 20}, .think_ms = 10});
        await(now_ms() - row->crowd.started > ROUND_MS);
        crowd_expect_end(&row->crowd);
        int64_t start = now_ms();
        server_stop(&row->server);
        longest = now_ms() - start > longest ? now_ms() - start : longest;
        row_crowd_leaves(row);
        row->done++;
    }
    snprintf(row->note, sizeof row->note, " (ended after at most %d ms; %ld requests met the end of an idle connection)", (int)longest,
             row->tally.crossed);
    row_expect(row, longest < 25000, "it took %d ms to end", (int)longest);
    row_expect_nothing_lost(row);
}
