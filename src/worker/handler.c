/* SPDX-License-Identifier: Apache-2.0
 *
 * See handler.h.
 */
#include "worker/handler.h"

#include "app/early.h"
#include "app/module.h"
#include "app/response.h"
#include "base/clock.h"
#include "worker/balance.h"
#include "worker/guard.h"

#include <string.h>

/* What the master can say of a worker that hangs or dies in a handler. Plain bytes: they may be read half written, and are only shown. */
static void note_request(struct slot *slot, const struct tine_request *r)
{
    struct slice method = request_method(r), target = head_target(&r->head, r->bytes);
    size_t room = sizeof slot->request - method.length - 2, length = target.length < room ? target.length : room;
    char *end = mempcpy(slot->request, method.data, method.length);
    *end++ = ' ';
    *(char *)mempcpy(end, target.data, length) = 0;
}

static void enter(struct worker *w, struct connection *c, enum guard_stage stage)
{
    struct tine_request *r = c->request;
    struct slot *slot = w->slot;
    atomic_store_explicit(&slot->allowed, request_bounds(r, w->config)->timeouts.request, memory_order_relaxed);
    note_request(slot, r);
    atomic_store_explicit(&slot->since, w->now, memory_order_relaxed);
    atomic_store_explicit(&slot->state, WORKER_HANDLER, memory_order_release);
    guard_enter(w, c, stage);
}

static void leave(struct worker *w)
{
    struct slot *slot = w->slot;
    guard_leave(w);
    atomic_store_explicit(&slot->state, WORKER_BUSY, memory_order_release);
    atomic_store_explicit(&slot->since, 0, memory_order_relaxed);
}

struct handler_result handler_run(struct worker *w, struct connection *c)
{
    struct tine_request *r = c->request;
    struct slot *slot = w->slot;
    int64_t entered = w->now;
    enter(w, c, GUARD_HANDLER);
    w->looked_us = request_handle(r);
    guard_returned(w);
    w->now = w->looked_us / 1000;
    if (r->response.state >= RESPONSE_BEGUN) /* nothing of it is still to be sent */
        response_release(&r->response);
    struct handler_result result = {.ours = c->state != CONNECTION_GIVEN, .reached = r->filters == NULL || r->passed == r->filters->count};
    if (atomic_load_explicit(&slot->streaming, memory_order_relaxed) != 0)
        atomic_store(&slot->streaming, 0);
    leave(w); /* the request of one that was given ends here */
    if (w->now - entered >= BALANCE_AWAY_MS)
        atomic_fetch_add_explicit(&w->setup->board->joined, 1, memory_order_relaxed);
    if (!result.ours)
        atomic_store(&slot->parted, false);
    return result;
}

/* It may have taken time. */
static void look_at_clock(struct worker *w)
{
    w->looked_us = clock_us();
    w->now = w->looked_us / 1000;
}

int handler_ask_early(struct worker *w, struct connection *c)
{
    enter(w, c, GUARD_HANDLER);
    int status = early_ask(c->request);
    guard_returned(w);
    leave(w);
    look_at_clock(w);
    return status;
}

/* May it be other than the server's own code, which neither waits nor is worth the guard? A filter answers as well. */
static bool is_lent_by_module(const struct tine_request *r)
{
    const struct tine_app *app = r->match.app;
    return r->response.release != NULL && (r->filters != NULL || (app != NULL && module_is_file(app->section->module)));
}

void handler_release(struct worker *w, struct connection *c)
{
    if (!is_lent_by_module(c->request))
        return;
    enter(w, c, GUARD_RELEASE);
    response_release(&c->request->response);
    guard_returned(w);
    leave(w);
    look_at_clock(w);
}
