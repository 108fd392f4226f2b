/* SPDX-License-Identifier: Apache-2.0
 *
 * See request.h.
 */
#include "app/request.h"

#include "app/blame.h"
#include "app/bounds.h"
#include "app/client.h"
#include "app/input.h"
#include "app/problem.h"
#include "app/response.h"
#include "app/server.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/mix.h"
#include "http/fields.h"
#include "http/status.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    KEEP_BYTES = 1 << 16, /* response memory kept from one request to the next */
    SHRUNK_BYTES = 1 << 12, /* the same of each that is not needed often */
    QUICK_US = 1000
};

static struct {
    uint64_t next;
} ids;

void request_seed_ids(void)
{
    if (getrandom(&ids.next, sizeof ids.next, GRND_NONBLOCK) != sizeof ids.next)
        ids.next = (uint64_t)clock_us();
}

struct tine_request *request_new(const struct head_limits *limits)
{
    struct tine_request *r = memory_new(sizeof *r);
    r->fields = memory_new(limits->count * sizeof *r->fields);
    arena_init(&r->arena);
    body_init(&r->body);
    r->response.fd = -1;
    request_reset(r, limits);
    return r;
}

void request_free(struct tine_request *r)
{
    if (r->input != NULL)
        input_release(r->input);
    response_reset(&r->response); /* its file */
    body_reset(&r->body);
    buffer_release(&r->arrival.bytes);
    buffer_release(&r->body.memory);
    buffer_release(&r->response.fields);
    buffer_release(&r->response.body);
    buffer_release(&r->response.draft);
    arena_release(&r->arena);
    free(r->fields);
    free(r);
}

void request_reset(struct tine_request *r, const struct head_limits *limits)
{
    if (r->input != NULL) {
        input_release(r->input);
        r->input = NULL;
    }
    arena_reset(&r->arena);
    body_reset(&r->body);
    response_reset(&r->response);
    buffer_clear(&r->response.fields, KEEP_BYTES);
    buffer_clear(&r->response.body, KEEP_BYTES);
    buffer_clear(&r->response.draft, KEEP_BYTES);
    head_init(&r->head, r->fields, limits);
    r->match.app = NULL;
    r->match.route.route = NULL;
    r->bounds = NULL;
    r->path = NULL;
    r->id[0] = 0;
    r->answer = 0;
    r->filters = NULL;
    r->filter = NULL;
    r->keys_of = NULL;
    r->passed = 0;
    r->afters_ran = r->asked_early = false;
    r->phase = FILTERS_BUILD;
    r->attributes = NULL;
    r->deferred = NULL;
    r->started_us = r->ready_us = 0;
    r->refused_length = 0;
    r->blames = 0;
    r->target = (struct target){0};
    r->framing = (struct framing){0};
    r->host = (struct slice){"", 0};
    r->arrival.begun = r->arrival.live = false;
    if (r->arrival.bytes.data != NULL)
        buffer_release(&r->arrival.bytes);
}

size_t request_shrink(struct tine_request *r)
{
    struct buffer *buffers[] = {&r->body.memory, &r->response.fields, &r->response.body, &r->response.draft};
    size_t bytes = 0;
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) {
        bytes += buffers[i]->capacity;
        buffer_clear(buffers[i], SHRUNK_BYTES);
        bytes -= buffers[i]->capacity;
    }
    return bytes;
}

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* Eight hexadecimal digits at once: each half byte gets a byte of its own; of those above 9 the sixth bit carries. */
static void put_hex(char *text, uint32_t number)
{
    uint64_t x = number;
    x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
    x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x << 4) & EACH_BYTE(0x0f);
    x += EACH_BYTE('0') + ((x + EACH_BYTE(6)) >> 4 & EACH_BYTE(1)) * ('a' - '0' - 10);
    memcpy(text, &x, sizeof x);
}

void request_make_id(char id[static REQUEST_MADE_ID + 1])
{
    uint64_t x = mix(ids.next += MIX_STEP); /* splitmix64: a counter, mixed */
    put_hex(id, (uint32_t)x);
    put_hex(id + 8, (uint32_t)(x >> 32));
    id[REQUEST_MADE_ID] = 0;
}

/* A client's id is taken if it can do no harm in a log or a header. */
static bool id_is_fit(struct slice id)
{
    if (id.length == 0 || id.length > REQUEST_ID_MAX)
        return false;
    for (size_t i = 0; i < id.length; i++)
        if (!field_token_bytes[(unsigned char)id.data[i]] && strchr("/=:@", id.data[i]) == NULL)
            return false;
    return true;
}

static void set_id(struct tine_request *r)
{
    struct slice given = head_value(&r->head, r->bytes, HEAD_X_REQUEST_ID);
    if (given.data != NULL && id_is_fit(given)) {
        memcpy(r->id, given.data, given.length);
        r->id[given.length] = 0;
    } else {
        request_make_id(r->id);
    }
}

const char *tine_id(tine_request *r)
{
    if (r->id[0] == 0)
        request_make_id(r->id);
    return r->id;
}

static const char *const known_methods[] = {"GET",     "HEAD",    "POST",  "PUT",   "DELETE",
                                            "CONNECT", "OPTIONS", "TRACE", "PATCH", NULL};

static bool method_is_known(struct slice method)
{
    for (const char *const *known = known_methods; *known != NULL; known++)
        if (slice_equals(method, slice_from(*known)))
            return true;
    return false;
}

/* The target's authority counts before Host (RFC 9112, 3.2.2). */
static void set_host(struct tine_request *r)
{
    struct slice authority = r->target.authority;
    if (r->target.form != TARGET_ABSOLUTE)
        authority = head_value(&r->head, r->bytes, HEAD_HOST);
    r->host = authority.data != NULL && authority.length > 0 ? authority_host(authority) : (struct slice){"", 0};
    if (r->host.length > 1 && r->host.data[r->host.length - 1] == '.') /* of a whole name: the same host (RFC 3986, 3.2.2) */
        r->host.length--;
}

static void find_route(struct tine_request *r, const struct apps *apps)
{
    struct buffer allow = BUFFER_EMPTY;
    struct slice path = slice_from(r->path), method = request_method(r);
    int status = server_match(method, path, &r->match.route, &allow);
    if (status == 404) {
        status = apps_match(apps, method, r->host, path, &r->match, &allow);
        r->filters = apps_filters(apps, r->host, path, &r->match);
        r->bounds = bounds_for(apps->config, r->match.app, method, path);
    } else if (status == 0) {
        r->filters = NULL; /* nobody shall be kept from asking whether we live */
    }
    r->answer_reason = "no route has this path";
    if (r->match.app != NULL && !client_is_admitted(r)) {
        status = 403;
        r->filters = apps->filters; /* the app's own see nothing of who may not come there */
        r->answer_reason = "clients of this address may not come here";
    } else if (status == 405) {
        buffer_append(&allow, ", OPTIONS", sizeof ", OPTIONS"); /* NUL included */
        response_set_field(r, "Allow", buffer_bytes(&allow));
        r->answer_reason = "the path is there, but not for this method; see Allow";
        if (slice_equals(method, SLICE("OPTIONS")))
            status = 204;
        else if (!method_is_known(method))
            status = 501;
    }
    if (allow.data != NULL)
        buffer_release(&allow);
    r->answer = status;
}

/* A target that is not about a path: OPTIONS * asks about the server as a whole (RFC 9110, 9.3.7). */
static void answer_pathless(struct tine_request *r)
{
    bool asterisk = r->target.form == TARGET_ASTERISK;
    r->path = asterisk ? "*" : "";
    r->answer = asterisk ? 204 : 501;
    r->answer_reason = "this server is no proxy";
}

int request_prepare(struct tine_request *r, const struct apps *apps, const char **reason)
{
    struct slice method = request_method(r);
    if (r->started_us == 0)
        r->started_us = clock_us();
    set_id(r);
    if (framing_decide(&r->framing, &r->head, r->bytes) < 0) {
        *reason = r->framing.reason;
        return r->framing.status;
    }
    int status = r->trusted != NULL ? client_find(r, reason) : 0;
    if (status != 0)
        return status;
    if (target_parse(&r->target, head_target(&r->head, r->bytes), method) < 0) {
        *reason = "the request target is malformed";
        return 400;
    }
    set_host(r);
    r->filters = apps->filters;
    if (r->target.form == TARGET_ASTERISK || r->target.form == TARGET_AUTHORITY) {
        answer_pathless(r);
        return 0;
    }
    char *path = arena_alloc(&r->arena, r->target.path.length + 1);
    r->path = path;
    if (path_decode(r->target.path, path) < 0) {
        r->path = NULL;
        *reason = "the path has a broken percent-encoding, an encoded NUL or leaves the root";
        return 400;
    }
    if (r->target.https && !r->secure) { /* RFC 9110, 7.4: not over a connection that is not secured */
        r->answer = 421;
        r->answer_reason = "https is not spoken on this connection";
        return 0;
    }
    find_route(r, apps);
    return 0;
}

static void rebase(struct slice *slice, const char *from, const char *to)
{
    if (slice->data != NULL && slice->length > 0)
        slice->data = to + (slice->data - from);
}

void request_rebase(struct tine_request *r, char *bytes)
{
    if (bytes == r->bytes)
        return;
    rebase(&r->target.path, r->bytes, bytes);
    rebase(&r->target.query, r->bytes, bytes);
    rebase(&r->target.authority, r->bytes, bytes);
    rebase(&r->host, r->bytes, bytes);
    r->bytes = bytes;
}

static void note_duration(struct route *route, int64_t took)
{
    route->recent_us = route->recent_us < 0 ? took : (route->recent_us * 7 + took) / 8;
}

/* A handler cannot forget to answer. */
void request_complete(struct tine_request *r, int result)
{
    struct response *response = &r->response;
    if (response->state == RESPONSE_BEGUN && result >= 400) { /* too late to say so, but not to keep it from looking whole */
        request_blame(r, TINE_ERROR, "failed with %d after its response had begun", result);
        response->state = RESPONSE_BROKEN;
        response->close = true;
    }
    if (response->state == RESPONSE_BEGUN) {
        response_finish_stream(r);
        return;
    }
    if (response->state == RESPONSE_SENT && result >= 400)
        request_blame(r, TINE_ERROR, "failed with %d after tine_finish()", result);
    if (response->state >= RESPONSE_BEGUN || response->closed)
        return;
    if (result != 0 && (result < 200 || result > 599)) {
        request_blame(r, TINE_ERROR, "returned %d, which is neither 0 nor a status from 200 to 599", result);
        if (r->filters == NULL)
            response_discard(r); /* else fields that filters have set shall stay */
        problem_answer(r, 500, "the handler failed");
        return;
    }
    if (response->state == RESPONSE_BUILT) {
        if (result != 0)
            response->status = result;
        return;
    }
    if (result >= 400)
        problem_answer(r, result, input_reason(r, result));
    else
        response_empty(r, result != 0 ? result : response->status != 0 ? response->status : 204);
}

void request_refuse(struct tine_request *r, int status, const char *detail)
{
    r->keep_alive = false;
    if (status != r->answer)
        response_discard(r); /* what belongs to the answer that it would have been: which methods there are, say */
    problem_answer(r, status, detail);
}

bool request_is_quick(const struct tine_request *r)
{
    const struct route *route = r->match.route.route;
    if (r->answer != 0)
        return r->filters == NULL;
    return !route->stream && route->recent_us >= 0 && route->recent_us < QUICK_US;
}

void request_answer(struct tine_request *r, int status, const char *reason)
{
    r->answer = status;
    r->answer_reason = reason;
}

/* Where there is no handler. */
static int answer(struct tine_request *r)
{
    if (r->answer >= 400)
        return problem_answer(r, r->answer, r->answer_reason);
    response_empty(r, r->answer);
    return r->answer;
}

int64_t request_handle(struct tine_request *r)
{
    struct route *route = r->match.route.route;
    int64_t before = r->ready_us > 0 ? r->ready_us : clock_us();
    int result = r->filters != NULL ? filters_before(r) : 0;
    bool handled = result == 0 && r->answer == 0;
    if (result == 0)
        result = handled ? route->handler(r) : answer(r);
    int64_t after = clock_us();
    request_complete(r, result);
    if (r->filters != NULL || r->deferred != NULL) {
        filters_after(r, false);
        filters_done(r);
        after = clock_us();
    }
    if (handled)
        note_duration(route, after - before);
    return after;
}

const char *tine_handler_name(tine_request *r)
{
    if (r->match.app == NULL || r->match.route.route == NULL)
        return NULL;
    return tine_printf(r, "%s.%s", r->match.app->section->name, r->match.route.route->name);
}

const char *request_handler_name(struct tine_request *r)
{
    if (r->filter != NULL)
        return tine_printf(r, "%s.%s", r->filter->self->section->name, r->filter->code.name);
    const char *name = tine_handler_name(r);
    return name != NULL ? name : "-";
}
