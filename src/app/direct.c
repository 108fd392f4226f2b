/* SPDX-License-Identifier: Apache-2.0
 *
 * See direct.h. The steps are those of worker/exchange.c and worker/intake.c, in memory.
 */
#include "app/direct.h"

#include "app/client.h"
#include "app/receive.h"
#include "app/response.h"
#include "app/server.h"
#include "app/shared.h"
#include "base/clock.h"

#include <errno.h>
#include <poll.h>

/* One request on its way. */
struct call {
    struct direct *direct;
    const struct direct_client *client;
    struct tine_request *request;
    struct slice rest; /* what was sent behind the head and is not taken yet */
    struct chunked chunked; /* takes the answer out of its chunks */
    bool head_sent;
    int64_t slept;
};

/* ---- what a handler's calls do ---- */

static void take_chunks(struct call *call, struct slice bytes)
{
    while (bytes.length > 0) {
        struct slice data = {NULL, 0};
        size_t consumed;
        enum chunked_verdict verdict = chunked_decode(&call->chunked, bytes.data, bytes.length, &consumed, &data);
        if (verdict == CHUNKED_DATA)
            call->client->body(call->client->context, data);
        else if (verdict != CHUNKED_MORE)
            return;
        bytes = (struct slice){bytes.data + consumed, bytes.length - consumed};
    }
}

/* The head is sent first, and as one piece. */
static int send_answer(void *context, struct iovec *iov, int count)
{
    struct call *call = context;
    for (int i = 0; i < count; i++) {
        struct slice bytes = {iov[i].iov_base, iov[i].iov_len};
        if (bytes.length == 0)
            continue;
        if (!call->head_sent)
            call->client->head(call->client->context, bytes);
        else if (call->request->response.chunked)
            take_chunks(call, bytes);
        else
            call->client->body(call->client->context, bytes);
        call->head_sent = true;
    }
    return 0;
}

static bool admit(void *context)
{
    const struct call *call = context;
    const struct tine_app *app = call->request->match.app;
    return app == NULL || app->section->limits.streams > 0;
}

static void nothing(void *context)
{
    (void)context;
}

static int wait_for(void *context, int fd, short events, int64_t ms)
{
    struct call *call = context;
    int64_t patience = call->client->patience, left = patience < 0 || ms < patience - call->slept ? ms : patience - call->slept;
    int64_t now = clock_ms() + (left > 0), began = now; /* it has begun already, and no less than the time is slept */
    int64_t until = left < INT64_MAX - now ? now + left : INT64_MAX;
    struct pollfd poller = {.fd = fd, .events = events};
    int ready;
    do {
        ready = poll(&poller, 1, now >= until ? 0 : until - now < 1000 ? (int)(until - now) : 1000);
        now = clock_ms();
    } while (ready <= 0 && now < until);
    call->slept += now > began ? now - began : 0;
    return ready > 0 ? 2 : left < ms;
}

static const struct request_calls calls = {.send = send_answer, .admit = admit, .release = nothing, .answered = nothing, .wait = wait_for};

static long read_on(void *context, char *to, size_t size)
{
    struct call *call = context;
    struct request_arrival *arrival = &call->request->arrival;
    long length = 0;
    while (arrival->open && size > 0 && length == 0) {
        size_t used = 0;
        if (call->rest.length == 0)
            return receive_fail(arrival, 400, "the connection ended before the body did");
        length = receive_piece(call->request, call->rest, to, size, &used);
        call->rest = (struct slice){call->rest.data + used, call->rest.length - used};
    }
    return length;
}

/* ---- the steps of a request ---- */

static bool refuse(struct call *call, int status, const char *reason)
{
    request_refuse(call->request, status, reason);
    return false;
}

static bool decide_keep_alive(const struct config *config, const struct tine_request *r)
{
    return r->framing.keep_alive && r->target.form != TARGET_AUTHORITY && config->connections != 1 && config->timeouts.keepalive > 0 &&
           config->limits.keepalive_requests != 1;
}

/* Is there something to be handled? Else it is answered. */
static bool read_head(struct call *call, size_t length)
{
    struct tine_request *r = call->request;
    const char *reason;
    enum head_verdict verdict = head_parse(&r->head, r->bytes, length);
    if (verdict == HEAD_PARTIAL)
        return refuse(call, 408, "the head of the request took too long");
    if (verdict == HEAD_REFUSED)
        return refuse(call, r->head.status, r->head.reason);
    int status = request_prepare(r, call->direct->apps, &reason);
    r->keep_alive = decide_keep_alive(call->direct->config, r);
    call->rest = (struct slice){r->bytes + r->head.length, length - r->head.length};
    return status == 0 || refuse(call, status, reason);
}

static bool refuse_body(struct call *call, int status, const char *reason)
{
    if (call->request->filters == NULL)
        return refuse(call, status, reason);
    receive_give_up(call->request, status, reason);
    return true;
}

static bool read_body(struct call *call)
{
    struct tine_request *r = call->request;
    const char *reason;
    size_t used;
    int status = receive_begin(r, call->direct->config, &call->direct->head_limits, &reason);
    if (status != 0)
        return refuse_body(call, status, reason);
    if (r->answer == 0 && r->match.route.route->stream) {
        receive_by_piece(r, read_on);
        return true;
    }
    status = receive_take(r, call->rest.data, call->rest.length, &used);
    if (status == 0)
        return refuse(call, 408, "the body of the request came too slowly");
    return status == 1 || refuse_body(call, status, receive_refusal(r, status));
}

/* Does the connection end because the handler has left some of the body? */
static void read_over(struct call *call)
{
    struct tine_request *r = call->request;
    char scrap[4096];
    uint64_t most = r->arrival.taken + RECEIVE_LEFT_OVER_MAX;
    while (r->arrival.open && r->arrival.status == 0 && r->arrival.taken < most)
        if (read_on(call, scrap, sizeof scrap) < 0)
            break;
    if (r->arrival.open)
        r->keep_alive = false;
}

/* Of several that are open each has its turn. */
static void take_turn(struct direct *direct)
{
    server_use(NULL, direct->config->health);
    server_ask(direct->apps);
    shared_use(&direct->shared);
}

static struct tine_request *begin(struct call *call, char *bytes)
{
    static const struct in6_addr loopback = {.s6_addr = {[10] = 0xff, 0xff, 127, 0, 0, 1}};
    const struct networks *trusted = &call->direct->config->trusted;
    struct tine_request *r = call->request = request_new(&call->direct->head_limits);
    chunked_init(&call->chunked, &(struct chunked_limits){0, 0, 0, 0});
    client_set(r, &loopback, false);
    r->secure = false;
    r->trusted = networks_have(trusted, &loopback, false) ? trusted : NULL;
    r->stream = (struct request_stream){&calls, call};
    r->bytes = bytes;
    return r;
}

struct direct_answer direct_call(struct direct *direct, char *bytes, size_t length, const struct direct_client *client)
{
    struct call call = {.direct = direct, .client = client};
    struct tine_request *r = begin(&call, bytes);
    take_turn(direct);
    if (read_head(&call, length) && (r->framing.body == BODY_NONE || read_body(&call))) {
        request_handle(r);
        if (r->arrival.begun)
            read_over(&call);
    }
    if (r->response.state == RESPONSE_BUILT)
        response_send_whole(r);
    struct direct_answer answer = {r->response.status, r->response.state != RESPONSE_BROKEN};
    request_free(r);
    return answer;
}

/* ---- opening, closing ---- */

int direct_open(struct direct *direct, struct config *config, bool start, struct errors *errors)
{
    const struct config_limits *limits = &config->limits;
    size_t before = errors->count;
    *direct = (struct direct){.config = config, .shared.fd = -1};
    direct->head_limits = (struct head_limits){(uint32_t)limits->request_line, (uint32_t)limits->header_field, (uint32_t)limits->headers,
                                               (uint32_t)limits->header_count};
    if (store_open(&direct->shared, (size_t)config->shared) < 0)
        errors_add(errors, "cannot make the memory of [server] shared: %s", strerror(errno));
    request_seed_ids();
    server_use(NULL, config->health);
    server_ask(NULL);
    direct->apps = apps_load(config, NULL, errors);
    shared_use(&direct->shared);
    if (errors->count == before && start)
        apps_start(direct->apps, errors);
    return errors->count == before ? 0 : -1;
}

void direct_close(struct direct *direct)
{
    take_turn(direct);
    apps_stop(direct->apps);
    server_ask(NULL);
    shared_use(NULL);
    apps_close(direct->apps);
    store_close(&direct->shared);
    config_free(direct->config);
}
