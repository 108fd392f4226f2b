/* SPDX-License-Identifier: Apache-2.0
 *
 * `measure NAME...` runs these measures, `measure` all of them. Exit code 1: a bound was missed, or a
 * measure could not be made.
 */
#include "measure.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    bool (*measure)(void);
    const char *help;
} measures[] = {
    {"accept", measure_accept, "where idle workers sleep"},
    {"start", measure_start, "start to first answer"},
    {"memory", measure_memory, "PSS of master and 8 idle workers"},
    {"connections", measure_connections, "10,000 idle connections held, then answered"},
    {"slow", measure_slow, "200 clients of a byte a second, and wrk beside them"},
    {"rude", measure_rude, "400 slow heads, bodies and readers, a pipelining flood, and a good client beside them"},
    {"routes", measure_routes, "what a request costs among 1,000 routes, and among 10"},
    {"batteries", measure_batteries, "what each battery costs beside none"},
    {"idle", measure_idle, "system calls of an idle server in ten seconds"},
    {"save", measure_save, "from saving a file to serving what it says, by tine run"},
};
enum { MEASURES = sizeof measures / sizeof *measures };

void harness_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

bool report(bool met, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("%-6s ", met ? "met" : "MISSED");
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
    return met;
}

size_t workers_in_accept(const pid_t *workers, size_t count)
{
    size_t in_accept = 0;
    for (size_t i = 0; i < count; i++)
        in_accept += wait_until(5000, strcmp(process_file(workers[i], "wchan"), "inet_csk_accept") == 0);
    return in_accept;
}

long long cpu_ns(pid_t process)
{
    long long ns = 0;
    if (sscanf(process_file(process, "schedstat"), "%lld", &ns) != 1)
        harness_fail("cannot read schedstat of %d", process);
    return ns;
}

static bool run_named(const char *name)
{
    for (size_t i = 0; i < MEASURES; i++)
        if (strcmp(measures[i].name, name) == 0)
            return measures[i].measure();
    fprintf(stderr, "usage: measure [NAME...]\n");
    for (size_t i = 0; i < MEASURES; i++)
        fprintf(stderr, "  %-12s %s\n", measures[i].name, measures[i].help);
    exit(2);
}

int main(int argc, char **argv)
{
    bool met = true;
    for (int i = 1; i < argc; i++)
        met = run_named(argv[i]) && met;
    for (size_t i = 0; argc == 1 && i < MEASURES; i++)
        met = measures[i].measure() && met;
    return met ? 0 : 1;
}
