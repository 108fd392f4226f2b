/* SPDX-License-Identifier: Apache-2.0
 *
 * What the rows have in common. See disruption.h.
 */
#include "disruption.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USUAL = 50, THINK_MS = 5 };

void row_serve(struct row *row, const char *ini)
{
    server_prepare(&row->server, ini);
    crowd_prepare(&row->crowd, &row->server);
    server_launch(&row->server);
}

void row_crowd(struct row *row, const struct crowd_plan *plan)
{
    struct crowd_plan patient = *plan;
    patient.patience = row->patience;
    crowd_start(&row->crowd, &row->server, &patient);
    row->next = 0;
}

void row_usual_crowd(struct row *row)
{
    row_crowd(row, &(struct crowd_plan){.clients = {[KEEPS_ASKING] = USUAL}, .think_ms = THINK_MS});
}

/* On a machine that does other things as well there are as many events, no closer together, for as long as patience allows. */
bool row_every(struct row *row, int64_t ms)
{
    int64_t end = row->crowd.started + (int64_t)((double)row->ms * row->patience);
    if (row->next == 0) {
        row->next = row->crowd.started;
        row->planned = row->ms / ms;
        row->due = row->planned;
    }
    if (row->due-- == 0)
        return false;
    if (row->patience > 1 && now_ms() > row->next + ms)
        row->next = now_ms() - ms;
    row->next += ms;
    while (now_ms() < row->next)
        pause_shortly();
    return now_ms() <= end + ms; /* events that take too long are not made up for on one that does nothing else */
}

static void add(struct crowd_tally *sum, const struct crowd_tally *one)
{
    long *to = (long *)sum;
    const long *from = (const long *)one;
    for (size_t i = 0; i < sizeof *sum / sizeof *to; i++)
        to[i] += from[i];
}

void row_crowd_leaves(struct row *row)
{
    crowd_stop(&row->crowd);
    add(&row->tally, &row->crowd.tally);
    row->p50 = crowd_latency_ms(&row->crowd, 0, INT64_MAX, 0.5);
    row->p99 = crowd_latency_ms(&row->crowd, 0, INT64_MAX, 0.99);
    row->max = crowd_latency_ms(&row->crowd, 0, INT64_MAX, 1);
}

void row_stop(struct row *row)
{
    server_stop(&row->server);
}

void row_stop_after_crashes(struct row *row)
{
    server_signal(&row->server, SIGTERM);
    int code = process_wait(row->server.pid, PATIENCE);
    row_expect(row, code == 0, "it ended with %d", code);
}

void row_expect(struct row *row, bool kept, const char *format, ...)
{
    size_t length = strlen(row->missed);
    va_list arguments;
    if (kept)
        return;
    if (length > 0)
        length += (size_t)snprintf(row->missed + length, sizeof row->missed - length, "; ");
    va_start(arguments, format);
    if (length < sizeof row->missed)
        vsnprintf(row->missed + length, sizeof row->missed - length, format, arguments);
    va_end(arguments);
}

void row_expect_nothing_lost(struct row *row)
{
    const struct crowd_tally *t = &row->tally;
    row_expect(row, t->requests > 0, "no request was answered");
    row_expect(row, crowd_lost(t) == 0, "%ld refused, %ld reset, %ld unanswered, %ld timed out, %ld another status, %ld wrong, %ld doubled",
               t->refused, t->reset, t->unanswered, t->timeout, t->status, t->wrong, t->doubled);
    row_expect(row, t->closed == 0, "%ld closed unannounced", t->closed);
}

void row_expect_same_sockets(struct row *row, long clients)
{
    row_expect(row, row->tally.connections == clients, "%ld connections for %ld clients (%ld closes announced)", row->tally.connections,
               clients, row->tally.announced);
}

size_t row_log_count(const struct row *row, const char *needle)
{
    char *log = server_log(&row->server);
    size_t count = text_count(log, needle);
    free(log);
    return count;
}

long row_total(const struct row *row, const char *name)
{
    struct run ran = run_tine("status", "--json", "-c", row->server.ini);
    char *totals = strstr(ran.out, "\"totals\""), *key = text("\"%s\":", name);
    char *at = totals == NULL ? NULL : strstr(totals, key);
    if (ran.code != 0 || at == NULL)
        harness_fail("tine status: %s%s", ran.out, ran.err);
    return strtol(at + strlen(key), NULL, 10);
}

void row_kill_workers(struct row *row)
{
    pid_t workers[WORKERS_MAX];
    while (row_every(row, 200)) {
        size_t count;
        await((count = server_workers(&row->server, workers)) > 0);
        row->done += kill(workers[(size_t)rand() % count], SIGKILL) == 0;
    }
    crowd_await_answers(&row->crowd, row->patience > 1 ? PATIENCE : AGAIN_MS);
}

/* What the dead held; the last of them may have closed its sockets, but not be known to be dead. */
static long held_by_dead(const struct row *row, long ended)
{
    long held = 0;
    wait_until(row->patience > 1 ? 5000 : 2000, (held = row_total(row, "lost")) >= ended);
    return held;
}

void row_expect_only_held_lost(struct row *row)
{
    const struct crowd_tally *t = &row->tally;
    long ended = t->reset + t->unanswered + t->closed, held = held_by_dead(row, ended);
    snprintf(row->note, sizeof row->note, " (%ld connections ended, the dead held %ld)", ended, held);
    /* One that accept() has returned and its worker has not counted yet dies with it untold. Beside other tests, which may have the
     * processor at that moment, it was seen to happen. */
    long untold = row->patience > 1 ? row->done : 0;
    row_expect(row, ended <= held + untold, "%ld connections ended, the dead held %ld", ended, held);
    row_expect(row, t->refused + t->timeout + t->status + t->wrong + t->doubled + t->silent == 0,
               "%ld refused, %ld timed out, %ld another status, %ld wrong, %ld doubled, %ld clients silent at the end", t->refused,
               t->timeout, t->status, t->wrong, t->doubled, t->silent);
}
