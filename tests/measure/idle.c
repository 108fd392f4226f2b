/* SPDX-License-Identifier: Apache-2.0
 *
 * What a server costs that has nothing to do: where its workers sleep, its memory, its system calls.
 */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS = 8, MEMORY_BOUND_KB = 3584 };

static void start(struct server *server, pid_t *workers)
{
    server_start(server, EIGHT_WORKERS PROBE);
    server_await_workers(server, WORKERS, workers);
    expect_get(server, "/hello", 200, "hello");
}

bool measure_accept(void)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    start(&server, workers);
    size_t in_accept = workers_in_accept(workers, WORKERS);
    server_stop(&server);
    return report(in_accept == WORKERS, "idle workers that sleep in inet_csk_accept: %zu of %d", in_accept, WORKERS);
}

static long pss_kb(pid_t process)
{
    char *at = strstr(process_file(process, "smaps_rollup"), "\nPss:");
    if (at == NULL)
        harness_fail("cannot read smaps_rollup of %d", process);
    return strtol(at + 5, NULL, 10);
}

bool measure_memory(void)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    start(&server, workers);
    workers_in_accept(workers, WORKERS);
    long master = pss_kb(server.pid), all = master;
    for (int i = 0; i < WORKERS; i++)
        all += pss_kb(workers[i]);
    server_stop(&server);
    return report(all < MEMORY_BOUND_KB, "PSS of master and %d idle workers: %ld KB, the master %ld KB of it (bound: %d KB)", WORKERS, all,
                  master, MEMORY_BOUND_KB);
}

/* Calls with a result: those under way when strace comes or goes are written without one. */
static size_t calls_in(char *trace)
{
    size_t calls = 0;
    for (char *line = strtok(trace, "\n"); line != NULL; line = strtok(NULL, "\n"))
        if (text_matches(line, "\\) += [-0-9]")) {
            calls++;
            fprintf(stderr, "  %s\n", line);
        }
    return calls;
}

bool measure_idle(void)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    start(&server, workers);
    workers_in_accept(workers, WORKERS);
    run("sleep", "2"); /* the last request's log line, and the second that the master ticks on */
    const char *trace = text("%s/trace", server.dir);
    char *attach = text("exec timeout -s INT 10 strace -f -o %s -p %d", trace, server.pid);
    for (int i = 0; i < WORKERS; i++)
        attach = text("%s -p %d", attach, workers[i]);
    struct run ran = run("sh", "-c", attach);
    if (text_count(ran.err, "attached") != WORKERS + 1)
        harness_fail("strace did not attach to all: %s", ran.err);
    size_t calls = calls_in(file_read(trace, NULL));
    server_stop(&server);
    return report(calls == 0, "system calls of an idle master and %d workers in 10 s: %zu (bound: 0)", WORKERS, calls);
}
