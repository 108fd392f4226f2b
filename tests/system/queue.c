/* SPDX-License-Identifier: Apache-2.0
 *
 * [timeouts] queue: requests that wait for their turn behind a busy handler, and clients that did not wait for it.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>

TestSuite(queue, .timeout = 120);

/* One worker and never more: while its handler is at the gate, nothing else is served. */
#define ALONE(queue) ONE_WORKER "workers_max = 1\nhealth = on\n[timeouts]\nrequest = 60s\nqueue = " queue "\n" PROBE TROUBLE \
    "[app:patient]\npath = /patient\nmodule = @MODULES@/probe.so\nqueue = 0\n"

static struct client gate_enter(const struct server *server, const char *name)
{
    struct client busy = client_connect(server);
    client_enter_gate(&busy, server, name);
    return busy;
}

static void gate_open(const struct server *server, struct client *busy, const char *name)
{
    server_open_gate(server, name);
    struct response response = client_read(busy);
    expect_response(&response, 200, NULL);
    client_close(busy);
}

/* Nothing can be waited for: that time passes is what is tested. */
static void wait_ms(int64_t ms)
{
    int64_t start = now_ms();
    wait_until(ms + 1, now_ms() - start >= ms);
}

static struct client ask_later(const struct server *server, const char *path)
{
    struct client client = client_connect(server);
    client_send(&client, request("GET", path, ""));
    return client;
}

static void expect_answer(struct client *client, int status, const char *retry_after)
{
    struct response response = client_read(client);
    expect_response(&response, status, NULL);
    const char *value = response_header(&response, "Retry-After");
    cr_assert(retry_after == NULL ? value == NULL : value != NULL && strcmp(value, retry_after) == 0, "Retry-After: %s", value);
    response_free(&response);
}

Test(queue, who_has_waited_too_long_is_503_with_retry_after_and_may_ask_again)
{
    struct server server;
    server_start(&server, ALONE("1500ms"));
    struct client kept = ask_later(&server, "/hello"); /* waits in a socket that the worker holds */
    expect_answer(&kept, 200, NULL);
    struct client busy = gate_enter(&server, "a");
    client_send(&kept, request("GET", "/hello", ""));
    struct client fresh = ask_later(&server, "/hello"); /* waits in the listener's queue */
    struct client patient = ask_later(&server, "/patient/hello"), live = ask_later(&server, "/-/live"), none = ask_later(&server, "/none");
    wait_ms(2500);
    gate_open(&server, &busy, "a");
    expect_answer(&fresh, 503, "2");
    expect_answer(&kept, 503, "2");
    expect_answer(&patient, 200, NULL);
    expect_answer(&live, 200, NULL);
    expect_answer(&none, 404, NULL);
    client_send(&fresh, request("GET", "/hello", ""));
    expect_answer(&fresh, 200, NULL);
    client_send(&kept, request("GET", "/hello", ""));
    expect_answer(&kept, 200, NULL);
    server_stop(&server);
}

Test(queue, who_has_waited_less_is_answered)
{
    struct server server;
    server_start(&server, ALONE("60s"));
    struct client kept = ask_later(&server, "/hello");
    expect_answer(&kept, 200, NULL);
    struct client busy = gate_enter(&server, "a");
    client_send(&kept, request("GET", "/hello", ""));
    struct client fresh = ask_later(&server, "/hello");
    wait_ms(1000);
    gate_open(&server, &busy, "a");
    expect_answer(&fresh, 200, NULL);
    expect_answer(&kept, 200, NULL);
    server_stop(&server);
}

/* The time that counts is that since the request was whole, and since its client took the answers before it. */
Test(queue, a_slow_client_has_not_waited)
{
    struct server server;
    server_start(&server, ALONE("500ms"));
    struct client slow = client_connect(&server), reader = client_connect(&server);
    client_send(&slow, "POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab");
    setsockopt(reader.fd, SOL_SOCKET, SO_RCVBUF, &(int){262144}, sizeof(int));
    client_send(&reader, text("%s%s", request("GET", "/block/8000000", ""), request("GET", "/hello", "")));
    wait_ms(1500);
    client_send(&slow, "c");
    expect_answer(&slow, 200, NULL);
    expect_answer(&reader, 200, NULL);
    expect_answer(&reader, 200, NULL);
    server_stop(&server);
}

static void reset(struct client *client)
{
    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    client_close(client);
}

/* Handlers run for those alone who can still be answered. */
static void leave_while_waiting(const char *ini, bool kept)
{
    struct server server;
    server_start(&server, ini);
    struct client gone = client_connect(&server);
    if (kept) {
        client_send(&gone, request("GET", "/hello", ""));
        expect_answer(&gone, 200, NULL);
    } else {
        client_close(&gone);
    }
    struct client busy = gate_enter(&server, "a");
    if (!kept)
        gone = client_connect(&server);
    client_send(&gone, request("GET", "/log", "")); /* says so when it runs */
    wait_ms(200);
    reset(&gone);
    wait_ms(200);
    gate_open(&server, &busy, "a");
    expect_get(&server, "/hello", 200, "hello");
    cr_assert_not(server_log_has(&server, "the probe says 42"), "%s", server_log(&server));
    expect_get(&server, "/log", 200, NULL);
    cr_assert(server_log_has(&server, "the probe says 42"));
    server_stop(&server);
}

Test(queue, a_kept_connection_that_was_reset_is_passed_over)
{
    leave_while_waiting(ALONE("0"), true);
}

Test(queue, a_new_connection_that_was_reset_is_passed_over)
{
    leave_while_waiting(ALONE("60s"), false);
}

/* It may wait for its answer, as far as anybody can tell. */
Test(queue, a_client_that_has_closed_its_half_is_answered)
{
    struct server server;
    server_start(&server, ALONE("60s"));
    struct client busy = gate_enter(&server, "a");
    struct client half = ask_later(&server, "/hello");
    shutdown(half.fd, SHUT_WR);
    wait_ms(200);
    gate_open(&server, &busy, "a");
    expect_answer(&half, 200, NULL);
    client_expect_close(&half);
    server_stop(&server);
}

/* Each client's second half, or second request, comes in time, but the handler does not let the worker look before its time is over. */
Test(queue, who_came_in_time_is_answered_however_late_the_worker_looks)
{
    enum { MS = 2000 };
    struct server server;
    struct client clients[3], busy;
    int64_t start, sent;
    server_start(&server, text(ONE_WORKER "workers_max = 1\n[timeouts]\nrequest = 60s\nstall_after = 1h\nkeepalive = %1$dms\n"
                               "header = %1$dms\nbody = %1$dms\n" PROBE TROUBLE, MS));
    do {
        start = now_ms();
        for (int i = 0; i < 3; i++)
            clients[i] = client_connect(&server);
        client_send(&clients[0], "GET /hel");
        client_send(&clients[1], "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
        expect_kept(&clients[2], request("GET", "/hello", ""), NULL); /* behind the others: these have been read, too */
        const char *name = text("%lld", (long long)start);
        busy = gate_enter(&server, name);
        client_send(&clients[0], "lo HTTP/1.1\r\nHost: a\r\n\r\n");
        client_send(&clients[1], "cd");
        client_send(&clients[2], request("GET", "/hello", ""));
        sent = now_ms();
        wait_ms(MS);
        gate_open(&server, &busy, name);
        for (int i = 0; i < 3; i++) {
            if (sent - start < MS)
                expect_answer(&clients[i], 200, NULL);
            client_close(&clients[i]);
        }
    } while (sent - start >= MS); /* not sent in time, on a machine that is busy */
    server_stop(&server);
}
