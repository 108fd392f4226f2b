/* SPDX-License-Identifier: Apache-2.0
 *
 * See status.h. What others write meanwhile may be seen before or after, field by field; text is never more than a line of a status.
 */
#include "shared/status.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { BROKEN_MAX = 50 }; /* broken routes that are told one by one */

static json_t *make_time(int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm broken;
    char date[32], text[48];
    if (ms == 0 || gmtime_r(&seconds, &broken) == NULL)
        return json_null();
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &broken);
    snprintf(text, sizeof text, "%s.%03dZ", date, (int)(ms % 1000));
    return json_string(text);
}

/* Of bytes that another process may be writing, and that came from a client: printable ASCII. */
static json_t *make_text(const char *bytes, size_t size)
{
    char text[1024];
    size_t length = 0;
    for (; length < size - 1 && length < sizeof text - 1 && bytes[length] != 0; length++)
        text[length] = bytes[length] >= ' ' && bytes[length] <= '~' ? bytes[length] : '?';
    text[length] = 0;
    return json_string(text);
}

static json_t *make_request(const struct slot *slot, int64_t now)
{
    int64_t since = atomic_load(&slot->since);
    if (since == 0 || atomic_load(&slot->state) != WORKER_HANDLER)
        return json_null();
    return json_pack("{s:o, s:I}", "line", make_text(slot->request, sizeof slot->request), "running_ms",
                     (json_int_t)(now > since ? now - since : 0));
}

static json_t *make_worker(const struct slot *slot, size_t index, pid_t pid, int64_t now)
{
    uint32_t state = atomic_load(&slot->state);
    return json_pack("{s:I, s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "slot", (json_int_t)index, "pid", (json_int_t)pid,
                     "generation", (json_int_t)atomic_load(&slot->generation), "state",
                     state < WORKER_STATES ? worker_state_names[state] : "?", "age_ms",
                     (json_int_t)(now - atomic_load(&slot->started)), "requests", (json_int_t)atomic_load(&slot->requests),
                     "held", (json_int_t)atomic_load(&slot->held), "given", (json_int_t)atomic_load(&slot->given), "adopted",
                     (json_int_t)atomic_load(&slot->adopted), "stalled", (json_int_t)atomic_load(&slot->stalled), "request",
                     make_request(slot, now));
}

/* Slots that were never used are not looked at: looking would make memory of them. */
static json_t *make_workers(const struct scoreboard *board)
{
    json_t *workers = json_array();
    int64_t now = clock_ms();
    uint32_t used = scoreboard_used(board);
    for (uint32_t i = 0; i < used; i++) {
        const struct slot *slot = &board->slots[i];
        pid_t pid = atomic_load(&slot->pid);
        if (pid == 0)
            continue;
        json_array_append_new(workers, make_worker(slot, i, pid, now));
    }
    return workers;
}

static json_t *make_totals(const struct scoreboard *board)
{
    const struct totals *totals = &board->totals;
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "requests", (json_int_t)scoreboard_requests(board),
                     "given", (json_int_t)atomic_load(&totals->given), "adopted", (json_int_t)atomic_load(&totals->adopted),
                     "stalled", (json_int_t)atomic_load(&totals->stalled), "crashed", (json_int_t)atomic_load(&totals->crashed),
                     "timed_out", (json_int_t)atomic_load(&totals->timed_out), "kicked",
                     (json_int_t)atomic_load(&totals->kicked), "lost", (json_int_t)atomic_load(&totals->lost));
}

/* Its time is told as what is left of it; 0: the next request tries. */
static json_t *make_broken_route(const struct breaker *breaker, int64_t until, int64_t now)
{
    const struct breaker_route *route = &breaker->route;
    int64_t since = atomic_load(&breaker->since), ago = since > 0 && since < now ? now - since : 0;
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:b}", "app", make_text(route->app, sizeof route->app), "module",
                     make_text(route->module, sizeof route->module), "handler", make_text(route->handler, sizeof route->handler),
                     "method", make_text(route->method, sizeof route->method), "path", make_text(route->path, sizeof route->path),
                     "since", make_time(clock_wall_ms() - ago), "crashes", (json_int_t)atomic_load(&breaker->total), "retry_ms",
                     (json_int_t)(until > now ? until - now : 0), "trying", atomic_load(&breaker->trying) != 0);
}

/* Routes that crashed too often and answer 503: all are counted, the first ones told. */
static json_t *make_broken(const struct scoreboard *board, json_int_t *count)
{
    json_t *routes = json_array();
    int64_t now = clock_ms();
    uint32_t used = atomic_load(&board->breakers_used), generation = atomic_load(&board->generation);
    for (uint32_t i = 0; i < used && i < BREAKER_ROUTES; i++) {
        const struct breaker *breaker = &board->breakers[i];
        int64_t until = atomic_load(&breaker->open_until);
        if (until != 0 && atomic_load(&breaker->generation) == generation && ++*count <= BROKEN_MAX)
            json_array_append_new(routes, make_broken_route(breaker, until, now));
    }
    return routes;
}

static json_t *make_reload(const struct scoreboard *board)
{
    char verdict[SCOREBOARD_VERDICT_MAX];
    int64_t at = atomic_load(&board->reload_at);
    if (at == 0)
        return json_null();
    bool accepted = scoreboard_read_verdict(board, verdict);
    return json_pack("{s:o, s:b, s:o}", "at", make_time(at), "accepted", accepted, "verdict", make_text(verdict, sizeof verdict));
}

json_t *status_make(struct scoreboard *board)
{
    uint32_t state = atomic_load(&board->state);
    json_int_t broken_count = 0;
    json_t *workers = make_workers(board), *broken = make_broken(board, &broken_count);
    return json_pack("{s:s, s:s, s:I, s:I, s:o, s:I, s:o, s:o, s:o, s:I, s:o, s:o}", "version", TINE_VERSION, "state",
                     state < MASTER_STATES ? master_state_names[state] : "?", "pid", (json_int_t)atomic_load(&board->master),
                     "generation", (json_int_t)atomic_load(&board->generation), "started", make_time(atomic_load(&board->started_at)),
                     "uptime_ms", (json_int_t)(clock_ms() - atomic_load(&board->started)), "loaded",
                     make_time(atomic_load(&board->loaded_at)), "reload", make_reload(board), "broken", broken,
                     "broken_count", broken_count, "workers", workers, "totals",
                     make_totals(board));
}
