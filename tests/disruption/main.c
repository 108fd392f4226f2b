/* SPDX-License-Identifier: Apache-2.0
 *
 * `disruption [--seconds N] [--patience N] [ROW...]` runs these rows, or all, and prints the table. Exit code 1: a promise was
 * not kept.
 */
#include "disruption.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    const char *name, *event;
    void (*fill)(struct row *row);
} rows[] = {
    {"hup", "HUP every 500 ms", row_hup},
    {"upgrade", "USR2 every 2 s", row_upgrade},
    {"population", "TTIN or TTOU every 100 ms", row_population},
    {"recycling", "max_requests = 50", row_recycling},
    {"bad_files", "a bad INI file and a reload every 200 ms", row_bad_files},
    {"crashes", "a handler crashes every 100 ms", row_crashes},
    {"limited", "the same, crash_limit = 5", row_limited},
    {"slow", "2 s handlers, four at a time, 8 workers", row_slow},
    {"hanging", "a hanging handler, request = 1s", row_hanging},
    {"killed", "kill -9 of a worker every 200 ms", row_killed},
    {"order", "slow POSTs, pipelines; HUP every 500 ms", row_order},
    {"stopped", "TERM under load, new connections coming", row_stopped},
    {"idle", "10,000 idle connections, as nobody; HUP", row_idle},
    {"addresses", "addresses come, go, widen every 500 ms", row_addresses},
    {"conduit_hup", "Conduit: HUP every 500 ms", row_conduit_hup},
    {"conduit_upgrade", "Conduit: USR2 every 2 s", row_conduit_upgrade},
    {"conduit_recycling", "Conduit: max_requests = 50", row_conduit_recycling},
    {"conduit_crashes", "Conduit: a handler crashes every 100 ms", row_conduit_crashes},
    {"conduit_killed", "Conduit: kill -9 of a worker every 200 ms", row_conduit_killed},
};
enum { ROWS = sizeof rows / sizeof *rows, NOT_MADE = 3 };

void harness_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(NOT_MADE);
}

static void print_row(const struct row *row, const char *name, const char *event)
{
    const struct crowd_tally *t = &row->tally;
    printf("%-17s  %-41s %5ld of %-5ld %8ld %5ld %6ld %7ld %6.1f %6.1f %6.0f  %s%s%s\n", name, event, row->done, row->planned, t->requests,
           crowd_lost(t), t->closed, t->connections, row->p50, row->p99, row->max, row->missed[0] == 0 ? "kept" : "BROKEN: ", row->missed,
           row->note);
    fflush(stdout);
}

/* Each row in its own process: what it started ends with it. */
static bool run_row(size_t index, int64_t ms, double patience)
{
    int status;
    fflush(stdout);
    pid_t process = fork();
    if (process == 0) {
        struct row row = {.ms = ms, .patience = patience};
        rows[index].fill(&row);
        row_expect(&row, row.done > 0 && row.done * 100 >= row.planned * 95, "the event happened too rarely");
        print_row(&row, rows[index].name, rows[index].event);
        exit(row.missed[0] != 0);
    }
    if (waitpid(process, &status, 0) != process || !WIFEXITED(status) || WEXITSTATUS(status) > 1)
        printf("%-17s  %-41s BROKEN: it could not be looked at\n", rows[index].name, rows[index].event);
    return status == 0;
}

static size_t row_named(const char *name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return i;
    fprintf(stderr, "usage: disruption [--seconds N] [--patience N] [ROW...]\n");
    for (size_t i = 0; i < ROWS; i++)
        fprintf(stderr, "  %-18s %s\n", rows[i].name, rows[i].event);
    exit(2);
}

int main(int argc, char **argv)
{
    int64_t ms = 10000;
    double patience = 1;
    bool kept = true;
    int first = 1;
    for (; first + 1 < argc && argv[first][0] == '-'; first += 2) {
        if (strcmp(argv[first], "--seconds") == 0)
            ms = (int64_t)(atof(argv[first + 1]) * 1000);
        else if (strcmp(argv[first], "--patience") == 0)
            patience = atof(argv[first + 1]);
        else
            row_named(argv[first]);
    }
    printf("%-17s  %-41s %14s %8s %5s %6s %7s %6s %6s %6s\n", "row", "done to the server", "times", "requests", "lost", "closed", "sockets",
           "p50 ms", "p99", "max");
    for (int i = first; i < argc; i++)
        kept = run_row(row_named(argv[i]), ms, patience) && kept;
    for (size_t i = 0; first == argc && i < ROWS; i++)
        kept = run_row(i, ms, patience) && kept;
    return kept ? 0 : 1;
}
