/* SPDX-License-Identifier: Apache-2.0
 *
 * What a worker tells of its requests: access log lines into the slot's ring, slow requests into the error log. The
 * lines are kept before the answer is sent: who was answered is in the log, whatever happens to the worker next.
 */
#include "worker/state.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <poll.h>

enum {
    WRITE_AT = LOG_RING_SIZE / 2, /* bytes gathered before a busy worker writes them out itself */
    STALL_MS = 2000,              /* to wait for a reader, or for the master, which is writing the ring out */
    LEAVE_MS = 1000,              /* the same of a worker that leaves */
    TELL_EVERY_MS = 60000
};

/* Says so, but not with every line: the disk may be full. */
static void tell_lost(struct worker *w, size_t lines, int error)
{
    w->log_lost += lines;
    if (w->log_lost == 0 || (w->log_lost_told != 0 && w->now - w->log_lost_told < TELL_EVERY_MS))
        return;
    log_error("access log: %llu lines lost: %s", (unsigned long long)w->log_lost, log_ring_why(error));
    w->log_lost = 0;
    w->log_lost_told = w->now;
}

void journal_flush(struct worker *w)
{
    w->looked_us = 0; /* whoever reads the log may not be in a hurry */
    size_t lost = log_ring_write(&w->slot->log, &w->access_log, getpid());
    if (lost > 0)
        tell_lost(w, lost, errno);
}

/* False: there is not that much room by then. */
static bool await_room(struct worker *w, size_t room, int64_t until)
{
    journal_flush(w);
    while (log_ring_length(&w->slot->log) + room > LOG_RING_SIZE) {
        if (clock_ms() >= until)
            return false;
        poll(NULL, 0, 1);
        journal_flush(w);
    }
    return true;
}

void journal_end(struct worker *w)
{
    await_room(w, LOG_RING_SIZE, clock_ms() + LEAVE_MS);
}

/* A log that takes nothing for long shall not hold requests up: from then on, until it takes some again, lines that find no room are
 * lost. */
static void keep_line(struct worker *w, const char *line, size_t length)
{
    struct log_ring *ring = &w->slot->log;
    if (!log_ring_append(ring, line, length)) {
        w->log_stalled = !await_room(w, length, w->log_stalled ? 0 : clock_ms() + STALL_MS);
        if (w->log_stalled || !log_ring_append(ring, line, length)) {
            tell_lost(w, 1, EAGAIN);
            return;
        }
    }
    if (w->access_log.immediate || log_ring_length(ring) >= WRITE_AT)
        journal_flush(w);
}

/* A stream takes as long as there is news: of it only the beginning can be late. */
static void tell_slow(struct worker *w, struct tine_request *r)
{
    bool streamed = r->response.begun_us > 0;
    int64_t took = (streamed ? r->response.begun_us : clock_us()) - r->started_us;
    struct slice method = request_method(r), target = head_target(&r->head, r->bytes);
    if (r->started_us == 0 || took < w->config->log_slow * 1000)
        return;
    log_warning("slow request: %.*s %.*s took %lld ms%s (%s, request %s)", (int)method.length, method.data,
                (int)(target.length < 500 ? target.length : 500), target.data, (long long)(took / 1000), streamed ? " to begin" : "",
                request_handler_name(r), tine_id(r));
}

void journal_request(struct worker *w, struct tine_request *r)
{
    if (w->config->log_slow > 0)
        tell_slow(w, r);
    if (w->access_format == NULL)
        return;
    char line[LOG_RING_LINE_MAX];
    keep_line(w, line, access_log_format(w->access_format, r, line, sizeof line));
}
