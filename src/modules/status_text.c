/* SPDX-License-Identifier: Apache-2.0
 *
 * See status_text.h.
 *
 *     tine 0.1, pid 4711: serving for 2 h 5 min, since 2026-11-22T14:00:00.000Z
 *     generation 3, loaded 2026-11-22T15:00:00.000Z
 *     last reload 2026-11-22T16:00:00.000Z: reload refused: generation 3 serves on: server.ini:3: ...
 */
#include "status_text.h"

#include <stdio.h>
#include <stdlib.h>

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "-";
}

static long long number_of(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

/* The two largest units, no more precise than that. */
static const char *duration(long long ms, char text[static 48])
{
    long long s = ms / 1000;

    if (s < 10)
        snprintf(text, 48, "%lld.%03lld s", s, ms % 1000);
    else if (s < 60)
        snprintf(text, 48, "%lld s", s);
    else if (s < 3600)
        snprintf(text, 48, "%lld min %lld s", s / 60, s % 60);
    else if (s < 86400)
        snprintf(text, 48, "%lld h %lld min", s / 3600, s / 60 % 60);
    else
        snprintf(text, 48, "%lld d %lld h", s / 86400, s / 3600 % 24);
    return text;
}

static void print_server(const json_t *status, FILE *out)
{
    const json_t *reload = json_object_get(status, "reload");
    char text[48];

    fprintf(out, "tine %s, pid %lld: %s, started %s, up %s\n", text_of(status, "version"), number_of(status, "pid"),
            text_of(status, "state"), text_of(status, "started"), duration(number_of(status, "uptime_ms"), text));
    fprintf(out, "generation %lld, loaded %s\n", number_of(status, "generation"), text_of(status, "loaded"));
    if (json_is_object(reload))
        fprintf(out, "last reload %s: %s\n", text_of(reload, "at"), text_of(reload, "verdict"));
    else
        fputs("never reloaded\n", out);
}

static void print_totals(const json_t *totals, FILE *out)
{
    const char *key;
    json_t *value;
    const char *separator = "";

    json_object_foreach((json_t *)totals, key, value) {
        fprintf(out, "%s%s %lld", separator, key, (long long)json_integer_value(value));
        separator = ", ";
    }
    fputs("\n", out);
}

static void print_broken_route(const json_t *route, FILE *out)
{
    long long crashes = number_of(route, "crashes"), left = number_of(route, "retry_ms");
    char text[48];

    fprintf(out, "  %s %s (%s.%s of %s): since %s, %lld %s, ", text_of(route, "method"), text_of(route, "path"), text_of(route, "app"),
            text_of(route, "handler"), text_of(route, "module"), text_of(route, "since"), crashes, crashes == 1 ? "crash" : "crashes");
    if (json_is_true(json_object_get(route, "trying")))
        fputs("being tried now\n", out);
    else if (left == 0)
        fputs("tried with the next request\n", out);
    else
        fprintf(out, "tried again in %s\n", duration(left, text));
}

static void print_broken(const json_t *status, FILE *out)
{
    const json_t *routes = json_object_get(status, "broken");
    long long count = number_of(status, "broken_count");
    size_t index;
    json_t *route;

    if (count == 0)
        return;
    fputs("\nbroken routes, answering 503:\n", out);
    json_array_foreach((json_t *)routes, index, route)
        print_broken_route(route, out);
    if (count > (long long)json_array_size(routes))
        fprintf(out, "  and %lld more\n", count - (long long)json_array_size(routes));
}

static void print_worker(const json_t *worker, FILE *out)
{
    const json_t *request = json_object_get(worker, "request");
    char age[48], running[48];

    fprintf(out, "%4lld %8lld %4lld %-8s %13s %10lld %6lld", number_of(worker, "slot"), number_of(worker, "pid"),
            number_of(worker, "generation"), text_of(worker, "state"), duration(number_of(worker, "age_ms"), age),
            number_of(worker, "requests"), number_of(worker, "held"));
    if (json_is_object(request))
        fprintf(out, "  %s (%s)", text_of(request, "line"), duration(number_of(request, "running_ms"), running));
    fputs("\n", out);
}

char *status_text(const json_t *status)
{
    const json_t *workers = json_object_get(status, "workers");
    char *text = NULL;
    size_t size, index;
    json_t *worker;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        return NULL;
    print_server(status, out);
    print_totals(json_object_get(status, "totals"), out);
    print_broken(status, out);
    fputs("\nslot      pid  gen state              age   requests   held  request\n", out);
    json_array_foreach(workers, index, worker)
        print_worker(worker, out);
    fclose(out);
    return text;
}
