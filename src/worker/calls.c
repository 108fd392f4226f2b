/* SPDX-License-Identifier: Apache-2.0
 *
 * What a handler's calls do with its connection while it runs: may it stream, waiting, letting go of a client that has its answer. All of
 * this runs on top of a handler, so a record that is not as it was sealed is not touched.
 */
#include "worker/state.h"

#include "base/clock.h"
#include "worker/give.h"
#include "worker/signal_mask.h"

#include <poll.h>
#include <sys/socket.h>

enum { LOOK_MS = 200, POLL_MAX_MS = 3600000 };

/* FNV-1a: who it is, in every generation. Never 0. */
static uint64_t app_id(const struct config_app *section)
{
    uint64_t hash = 14695981039346656037u;
    for (const char *p = section->name; *p != 0; p++)
        hash = (hash ^ (unsigned char)*p) * 1099511628211u;
    return hash | 1;
}

/* First said, then counted, so that two workers cannot both take the last place; at worst neither does. What a dead worker has said
 * ends with its slot. */
static bool admit(void *context)
{
    struct worker *w = the_worker;
    const struct connection *c = context;
    if (!table_is_sound(w, c))
        return false;
    const struct tine_app *app = c->request->match.app;
    if (app == NULL)
        return true;
    struct scoreboard *board = w->setup->board;
    uint64_t id = app_id(app->section);
    atomic_store(&w->slot->streaming, id);
    if (scoreboard_count_streams(board, id) <= (uint64_t)app->section->limits.streams)
        return true;
    atomic_store(&w->slot->streaming, 0);
    return false;
}

static void release(void *context)
{
    (void)context;
    atomic_store(&the_worker->slot->streaming, 0);
}

static bool is_to_end(const struct worker *w)
{
    return w->orphaned || atomic_load(&w->slot->order) != ORDER_SERVE;
}

/* The master signals no worker that is inside a handler, but what it orders it also says on the control socket. If something else is
 * to be read there, which is not done in here, the order is looked for now and then. */
static int wait_for(void *context, int fd, short events, int64_t ms)
{
    struct worker *w = the_worker;
    const struct connection *c = context;
    int64_t now = clock_ms() + (ms > 0); /* it has begun already, and no less than the time is slept */
    int64_t until = ms < INT64_MAX - now ? now + ms : INT64_MAX, most = POLL_MAX_MS;
    if (!table_is_sound(w, c))
        return -1;
    /* -1, of a client that was given, is passed over */
    struct pollfd fds[3] = {{.fd = c->fd, .events = POLLRDHUP}, {.fd = fd, .events = events}, {.fd = w->control, .events = POLLIN}};
    while (!is_to_end(w)) {
        int64_t left = until - clock_ms();
        int ready = poll(fds, 3, left <= 0 ? 0 : (int)(left < most ? left : most));
        if (ready == 0 && left <= 0)
            return 0;
        if (ready <= 0)
            continue;
        if (fds[0].revents != 0)
            return -1;
        if (fds[1].revents != 0)
            return 2;
        if ((fds[2].revents & (POLLHUP | POLLERR)) != 0) /* the master is gone */
            return 1;
        fds[2].fd = -1;
        most = LOOK_MS;
    }
    return 1;
}

/* The client of an answer that ends the connection sees the end; all others' connections go to whoever has time for them. */
static void part(struct worker *w, struct connection *c)
{
    struct tine_request *r = c->request;
    const struct request_arrival *arrival = &r->arrival;
    if (arrival->begun && (arrival->open || buffer_length(&arrival->bytes) > 0)) /* of a .stream handler, which is not through with it */
        return;
    if (r->keep_alive && !r->response.close) {
        atomic_store(&w->slot->parted, give_answered(w, c));
        return;
    }
    shutdown(c->fd, SHUT_WR);
}

static void answered(void *context)
{
    struct worker *w = the_worker;
    struct connection *c = context;
    sigset_t all, before;
    if (!table_is_sound(w, c))
        return;
    sigfillset(&all);
    signal_mask_set(SIG_BLOCK, &all, &before); /* a stall would give in the middle of this giving */
    journal_request(w, c->request);
    part(w, c);
    signal_mask_set(SIG_SETMASK, &before, NULL);
}

const struct request_calls connection_calls = {.send = transmit_stream, .admit = admit, .release = release, .answered = answered,
                                               .wait = wait_for};
