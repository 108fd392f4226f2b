/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients that are slow, silent or many: each ends at its timeout, and none of them occupies a worker.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(slow_clients, .timeout = 120);

/* Timeouts are kept to a second or so: never early, and not much later. */
enum { LATE = 6000 };

static void expect_status_at(struct client *client, int status, int64_t from, int64_t ms)
{
    struct response response = client_read(client);
    int64_t took = now_ms() - from;
    expect_response(&response, status, NULL);
    expect_field(&response, "Connection", "close"); /* RFC 9110, 15.5.9 */
    cr_assert_geq(took, ms - 50, "after %d ms already", (int)took);
    cr_assert_lt(took, ms + LATE, "only after %d ms", (int)took);
    client_expect_close(client);
}

Test(slow_clients, a_head_that_does_not_end_is_408)
{
    struct server server;
    server_start(&server, ONE_WORKER "[timeouts]\nheader = 1s\n" PROBE);
    struct client client = client_connect(&server);
    int64_t start = now_ms();
    client_send(&client, "GET /hello HTTP/1.1\r\nHo");
    expect_status_at(&client, 408, start, 1000);
    server_stop(&server);
}

/* The timeout is for the whole head: a byte now and then does not buy time. */
Test(slow_clients, a_head_in_drops_is_408)
{
    struct server server;
    server_start(&server, ONE_WORKER "[timeouts]\nheader = 1s\n" PROBE);
    struct client client = client_connect(&server);
    int64_t start = now_ms();
    client_send(&client, "GET /hello HTTP/1.1\r\nX: ");
    while (client_receive(&client, 100) == -2) {
        cr_assert_lt(now_ms() - start, 1000 + LATE);
        client_try_send(&client, "y", 1);
    }
    expect_status_at(&client, 408, start, 1000);
    server_stop(&server);
}

Test(slow_clients, a_second_head_that_does_not_end_is_408)
{
    struct server server;
    server_start(&server, ONE_WORKER "[timeouts]\nheader = 1s\n" PROBE);
    struct client client = client_connect(&server);
    client_send(&client, request("GET", "/hello", ""));
    client_read(&client);
    int64_t start = now_ms();
    client_send(&client, "G");
    expect_status_at(&client, 408, start, 1000);
    server_stop(&server);
}

Test(slow_clients, a_body_that_stalls_is_408)
{
    struct server server;
    server_start(&server, ONE_WORKER "[timeouts]\nbody = 1s\n" PROBE);
    const char *const starts[] = {"Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n5\r\nab"};
    for (int i = 0; i < 2; i++) {
        struct client client = client_connect(&server);
        int64_t start = now_ms();
        client_send(&client, text("POST /echo HTTP/1.1\r\nHost: a\r\n%s", starts[i]));
        expect_status_at(&client, 408, start, 1000);
        client_close(&client);
    }
    server_stop(&server);
}

Test(slow_clients, an_idle_connection_is_closed_without_a_word)
{
    struct server server;
    server_start(&server, ONE_WORKER "[timeouts]\nkeepalive = 1s\n" PROBE);
    struct client client = client_connect(&server);
    client_send(&client, request("GET", "/hello", ""));
    client_read(&client);
    int64_t start = now_ms();
    client_expect_close(&client);
    cr_assert_geq(now_ms() - start, 900);
    cr_assert_lt(now_ms() - start, 1000 + LATE);
    server_stop(&server);
}

Test(slow_clients, a_client_that_never_says_a_word_is_closed)
{
    struct server server;
    server_start(&server, ONE_WORKER "[timeouts]\nheader = 1s\nkeepalive = 1s\n" PROBE);
    struct client client = client_connect(&server);
    bool clean;
    cr_assert(client_drain(&client, 1000 + LATE, &clean));
    server_stop(&server);
}

/* Some clients send an empty line behind a body: that begins no request. */
Test(slow_clients, a_stray_line_end_begins_no_head)
{
    struct server server;
    server_start(&server, ONE_WORKER "[timeouts]\nheader = 1s\nkeepalive = 3s\n" PROBE);
    struct client client = client_connect(&server);
    const char *const sent[] = {text("%s\r\n", request("GET", "/hello", "")), request("GET", "/hello", "")};
    for (int i = 0; i < 2; i++) {
        client_send(&client, sent[i]);
        struct response response = client_read(&client);
        expect_response(&response, 200, "hello");
        if (i == 0)
            cr_assert_eq(client_receive(&client, 1500), -2, "the time of a head ran");
    }
    client_send(&client, "\r\n");
    int64_t start = now_ms();
    client_expect_close(&client);
    cr_assert_geq(now_ms() - start, 2500);
    cr_assert_lt(now_ms() - start, 3000 + LATE);
    server_stop(&server);
}

/* Connects with a bounded receive window, so that a large answer has to wait in the server. (Much smaller than
 * this, and loopback with its segments of 64 KB crawls.) */
static struct client client_connect_narrow(const struct server *server)
{
    struct client client = client_connect(server);
    setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &(int){262144}, sizeof(int));
    return client;
}

Test(slow_clients, a_client_that_does_not_read_is_dropped_after_send)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    server_start(&server, ONE_WORKER "[timeouts]\nsend = 1s\n" PROBE);
    server_await_workers(&server, 1, workers);
    expect_get(&server, "/hello", 200, "hello");
    int before = process_sockets(workers[0]);
    struct client client = client_connect_narrow(&server);
    client_send(&client, request("GET", "/block/30000000", ""));
    await(process_sockets(workers[0]) > before); /* held, */
    int64_t start = now_ms();
    await(process_sockets(workers[0]) <= before); /* and dropped while nobody reads */
    cr_assert_lt(now_ms() - start, 1000 + LATE);
    size_t got = 0;
    for (long more; (more = client_receive(&client, PATIENCE)) != 0 && more != -1; client.length = 0) {
        cr_assert_neq(more, -2, "the connection still stands");
        got += (size_t)more;
    }
    cr_assert_lt(got, 30000000);
    server_stop(&server);
}

Test(slow_clients, a_handler_that_streams_to_a_client_that_does_not_read_goes_on_after_send)
{
    struct server server;
    server_start(&server, ONE_WORKER "[timeouts]\nsend = 1s\n" PROBE);
    struct client client = client_connect_narrow(&server);
    client_send(&client, request("GET", "/stream/30000000", ""));
    expect_get(&server, "/hello", 200, "hello"); /* the only worker, after its handler gave up */
    server_stop(&server);
}

/* It is not the handler who takes that long: a client that does not read shall not cost a worker. */
Test(slow_clients, a_client_that_does_not_read_or_send_kills_no_worker)
{
    struct server server;
    pid_t before[WORKERS_MAX], after[WORKERS_MAX];
    server_start(&server, ONE_WORKER "workers_max = 1\n[timeouts]\nsend = 3s\nbody = 3s\nrequest = 500ms\n[limits]\nrate = 0\n" PROBE
                                     "[app:input]\npath = /input\nmodule = @MODULES@/input.so\n");
    server_await_workers(&server, 1, before);
    struct client reader = client_connect_narrow(&server), sender = client_connect(&server);
    client_send(&reader, request("GET", "/stream/30000000", ""));
    expect_get(&server, "/hello", 200, "hello");
    client_send(&sender, request("POST", "/input/stream/sum?size=10", "Content-Length: 10\r\n"));
    struct response response = client_read(&sender);
    expect_response(&response, 408, NULL);
    response_free(&response);
    server_await_workers(&server, 1, after);
    cr_assert_eq(before[0], after[0], "another worker");
    client_close(&reader);
    client_close(&sender);
    server_stop(&server);
}

Test(slow_clients, a_slow_reader_gets_all_and_others_are_served_meanwhile)
{
    struct server server;
    server_start(&server, ONE_WORKER PROBE);
    struct client slow = client_connect_narrow(&server);
    client_send(&slow, request("GET", "/block/16000000", "Connection: close\r\n"));
    size_t got = 0;
    unsigned char *all = malloc(17000000);
    for (int round = 0;; round++) {
        long more = recv(slow.fd, all + got, round < 100 ? 5000 : 100000, 0);
        cr_assert_geq(more, 0);
        if (more == 0)
            break;
        got += (size_t)more;
        if (round % 20 == 0 && round < 100)
            expect_get(&server, "/hello", 200, "hello");
    }
    all[got] = 0;
    size_t head = (size_t)(strstr((char *)all, "\r\n\r\n") + 4 - (char *)all);
    cr_assert_eq(got - head, 16000000);
    for (size_t i = 0; i < 16000000; i++)
        if (all[head + i] != '0' + i % 10)
            harness_fail("byte %zu is %d", i, all[head + i]);
    server_stop(&server);
}

static void stop_beside_a_silent_client(bool accepted)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    server_start(&server, ONE_WORKER "[timeouts]\nheader = 10s\ngraceful = 20s\n" PROBE);
    server_await_workers(&server, 1, workers);
    expect_get(&server, "/hello", 200, "hello");
    int before = process_sockets(workers[0]);
    struct client client = client_connect(&server);
    if (accepted)
        await(process_sockets(workers[0]) > before);
    int64_t start = now_ms();
    server_stop(&server);
    cr_assert_lt(now_ms() - start, 7000, "after %d ms", (int)(now_ms() - start));
    client_close(&client);
}

Test(slow_clients, a_client_that_never_says_a_word_does_not_hold_up_a_stop)
{
    stop_beside_a_silent_client(true);
}

/* The system itself still waits for its first byte. */
Test(slow_clients, a_client_not_yet_accepted_does_not_hold_up_a_stop)
{
    stop_beside_a_silent_client(false);
}

/* Three hundred half requests of every kind, one worker: a good client notices nothing. */
Test(slow_clients, many_do_not_stop_others)
{
    enum { SLOW = 300 };
    const char *const beginnings[] = {"", "G", "GET /hello HTTP/1.1\r\nHo",
                                      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"};
    struct server server;
    struct client slow[SLOW];
    server_start(&server, ONE_WORKER PROBE);
    for (int i = 0; i < SLOW; i++) {
        slow[i] = client_connect(&server);
        client_send(&slow[i], beginnings[i % 4]);
    }
    for (int i = 0; i < 20; i++) {
        int64_t start = now_ms();
        expect_get(&server, "/hello", 200, "hello");
        cr_assert_lt(now_ms() - start, LATE);
    }
    for (int i = 2; i < SLOW; i += 4) { /* and none of them is forgotten */
        client_send(&slow[i], "st: a\r\n\r\n");
        struct response response = client_read(&slow[i]);
        expect_response(&response, 200, "hello");
        response_free(&response);
    }
    for (int i = 0; i < SLOW; i++)
        client_close(&slow[i]);
    server_stop(&server);
}

/* One worker for all: what a client asks for at once is not served at once while another waits. */
Test(slow_clients, a_pipeline_is_served_in_turn_with_others)
{
    enum { MANY = 300 };
    struct server server;
    char *pipeline = calloc(MANY, 64);
    server_start(&server, ONE_WORKER "workers_max = 1\n[timeouts]\nstall_after = 10s\n" PROBE TROUBLE);
    struct client good = client_connect(&server), greedy = client_connect(&server);
    client_send(&good, request("GET", "/hello", ""));
    client_read(&good);
    for (int i = 0; i < MANY; i++)
        strcat(pipeline, "GET /trouble/nap/3 HTTP/1.1\r\nHost: a\r\n\r\n");
    client_send(&greedy, pipeline);
    struct response response = client_read(&greedy); /* it has begun */
    for (int i = 0; i < 5; i++) {
        client_send(&good, request("GET", "/hello", ""));
        response = client_read(&good);
        expect_response(&response, 200, "hello");
    }
    while (client_receive(&greedy, 0) > 0)
        continue;
    cr_assert_lt(text_count(greedy.data, "HTTP/1.1 200 OK"), MANY - 1, "all of the others' requests came first");
    for (int i = 1; i < MANY; i++) {
        response = client_read(&greedy);
        expect_response(&response, 200, NULL);
        response_free(&response);
    }
    free(pipeline);
    server_stop(&server);
}

Test(slow_clients, a_busy_handler_does_not_stop_the_other_worker)
{
    struct server server;
    server_start(&server, TWO_WORKERS PROBE TROUBLE);
    struct client busy = client_connect(&server);
    client_enter_gate(&busy, &server, "a");
    for (int i = 0; i < 50; i++)
        expect_get(&server, "/hello", 200, "hello");
    server_open_gate(&server, "a");
    struct response response = client_read(&busy);
    expect_response(&response, 200, "through gate a");
    server_stop(&server);
}

/* All handlers busy: the others wait in the queue and are answered, none is refused or forgotten. */
Test(slow_clients, who_comes_while_all_are_busy_waits_and_is_answered)
{
    enum { WAITING = 40 };
    struct server server;
    struct client busy[2], waiting[WAITING];
    server_start(&server, TWO_WORKERS PROBE TROUBLE);
    for (int i = 0; i < 2; i++) {
        busy[i] = client_connect(&server);
        client_send(&busy[i], request("GET", text("/trouble/gate/%d", i), ""));
        server_log_await(&server, text("gate %d entered", i), 1);
    }
    for (int i = 0; i < WAITING; i++) {
        waiting[i] = client_connect(&server);
        client_send(&waiting[i], request("GET", "/hello", ""));
    }
    for (int i = 0; i < 2; i++)
        server_open_gate(&server, text("%d", i));
    for (int i = 0; i < WAITING; i++) {
        struct response response = client_read(&waiting[i]);
        expect_response(&response, 200, "hello");
        client_close(&waiting[i]);
    }
    server_stop(&server);
}
