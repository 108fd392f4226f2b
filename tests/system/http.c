/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP/1.1 as clients speak it that mean well: connections, pipelines, methods, bodies.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

TestSuite(http, .timeout = 120);

static struct server server;

static void serve(void)
{
    server_start(&server, ONE_WORKER "[limits]\nbody = 16m\n" PROBE TROUBLE);
}

static void stop(void)
{
    if (server.pid > 0)
        server_stop(&server);
}

#define HttpTest(name) Test(http, name, .init = serve, .fini = stop)

/* Sends on 'client' and expects this answer. */
static void exchange(struct client *client, const char *sent, int status, const char *body)
{
    client_send(client, sent);
    struct response response = client_read(client);
    expect_response(&response, status, body);
    response_free(&response);
}

HttpTest(a_connection_is_kept_for_many_requests)
{
    struct client client = client_connect(&server);
    for (int i = 0; i < 100; i++)
        exchange(&client, request("GET", text("/query?q=%d", i), ""), 200, text("%d|q=%d", i, i));
    client_close(&client);
}

HttpTest(pipelined_requests_are_answered_in_order)
{
    struct client client = client_connect(&server);
    char *all = text("%s", "");
    for (int i = 0; i < 30; i++)
        all = text("%s%s", all, i % 3 == 0 ? text("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n%02d", i)
                                           : request("GET", text("/items/%d", i), ""));
    client_send(&client, all);
    for (int i = 0; i < 30; i++) {
        struct response response = client_read(&client);
        expect_response(&response, 200, text(i % 3 == 0 ? "%02d" : "item %d", i));
    }
    client_close(&client);
}

/* All that one read brought leaves in one write: a client that has polled once can read all ten. */
HttpTest(answers_to_pipelined_requests_leave_together)
{
    struct client client = client_connect(&server);
    exchange(&client, request("GET", "/hello", ""), 200, "hello");
    char *all = text("%s", "");
    for (int i = 0; i < 10; i++)
        all = text("%s%s", all, request("GET", "/hello", ""));
    client_send(&client, all);
    cr_assert_gt(client_receive(&client, PATIENCE), 0);
    cr_assert_eq(text_count(client.data, "HTTP/1.1 200 OK"), 10, "%zu of 10", text_count(client.data, "HTTP/1.1 200 OK"));
    client_close(&client);
}

HttpTest(a_finished_answer_does_not_wait_for_a_slow_handler_behind_it)
{
    struct client client = client_connect(&server);
    exchange(&client, request("GET", "/trouble/nap/300", ""), 200, NULL); /* now the route is known to be slow */
    client_send(&client, text("%s%s", request("GET", "/hello", ""), request("GET", "/trouble/gate/a", "")));
    struct response response = client_read(&client);
    expect_response(&response, 200, "hello");
    server_open_gate(&server, "a");
    response = client_read(&client);
    expect_response(&response, 200, "through gate a");
    client_close(&client);
}

HttpTest(connection_close_is_honoured)
{
    struct client client = client_connect(&server);
    exchange(&client, request("GET", "/hello", ""), 200, "hello");
    client_send(&client, request("GET", "/hello", "Connection: Foo, CLOSE\r\n"));
    struct response response = client_read(&client);
    expect_response(&response, 200, "hello");
    cr_assert(strcasecmp(response_header(&response, "Connection"), "close") == 0);
    client_expect_close(&client);
    client_close(&client);
}

HttpTest(http_1_0_is_closed_unless_it_asks_to_be_kept)
{
    struct client client = client_connect(&server);
    exchange(&client, "GET /hello HTTP/1.0\r\n\r\n", 200, "hello");
    client_expect_close(&client);
    client_close(&client);
    client = client_connect(&server);
    client_send(&client, "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    struct response response = client_read(&client);
    expect_response(&response, 200, "hello");
    cr_assert_not_null(response_header(&response, "Connection"), "a kept HTTP/1.0 connection must be told");
    exchange(&client, "GET /hello HTTP/1.0\r\n\r\n", 200, "hello");
    client_expect_close(&client);
    client_close(&client);
}

HttpTest(http_1_0_gets_no_chunks)
{
    struct client client = client_connect(&server);
    client_send(&client, "GET /stream/300000 HTTP/1.0\r\n\r\n");
    struct response response = client_read(&client);
    expect_response(&response, 200, NULL);
    cr_assert_not(response.chunked);
    cr_assert_eq(response.length, 300000);
    client_close(&client);
}

HttpTest(head_is_answered_as_get_without_a_body)
{
    const char *const paths[] = {"/hello", "/block/100000", "/users/ada", "/nowhere"};
    for (size_t i = 0; i < 4; i++) {
        struct response with = get(&server, paths[i]);
        struct client client = client_connect(&server);
        client_send(&client, request("HEAD", paths[i], ""));
        struct response without = client_read_head(&client);
        cr_assert_eq(without.status, with.status);
        cr_assert_str_eq(response_header(&without, "Content-Length"), response_header(&with, "Content-Length"));
        cr_assert_str_eq(response_header(&without, "Content-Type"), response_header(&with, "Content-Type"));
        exchange(&client, request("GET", "/hello", ""), 200, "hello"); /* nothing lies in between */
        client_close(&client);
    }
}

HttpTest(head_of_a_stream_has_no_body)
{
    struct client client = client_connect(&server);
    client_send(&client, request("HEAD", "/stream/500000", ""));
    struct response response = client_read_head(&client);
    cr_assert_eq(response.status, 200);
    exchange(&client, request("GET", "/hello", ""), 200, "hello");
    client_close(&client);
}

HttpTest(every_response_has_date_server_and_id)
{
    const char *const requests[] = {request("GET", "/hello", ""), request("GET", "/nowhere", ""), request("GET", "/nothing", ""),
                                    request("DELETE", "/hello", ""), "BAD\r\n\r\n"};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct response response = ask(&server, requests[i]);
        const char *date = response_header(&response, "Date");
        cr_assert(date != NULL && text_matches(date, "^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} 20[0-9]{2} [0-9:]{8} GMT$"),
                  "%s", response.head);
        cr_assert_not_null(response_header(&response, "Server"), "%s", response.head);
        cr_assert_not_null(response_header(&response, "X-Request-Id"), "%s", response.head);
        cr_assert_eq(text_count(response.head, "Date:"), 1);
    }
}

HttpTest(the_date_is_that_of_the_answer)
{
    for (int i = 0; i < 3; i++) {
        time_t next = time(NULL) + 1;
        await(time(NULL) >= next);
        struct response response = get(&server, "/hello");
        struct tm tm;
        const char *date = response_header(&response, "Date");
        cr_assert_not_null(strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm), "%s", date);
        double apart = difftime(time(NULL), timegm(&tm));
        cr_assert(apart >= 0 && apart <= 3, "%s is %.0f s off", date, apart);
    }
}

HttpTest(a_request_id_is_accepted_or_made)
{
    struct response response = ask(&server, request("GET", "/id", "X-Request-Id: abc-123_XYZ.4\r\n"));
    expect_response(&response, 200, "abc-123_XYZ.4");
    cr_assert_str_eq(response_header(&response, "X-Request-Id"), "abc-123_XYZ.4");
    struct response one = get(&server, "/id"), two = get(&server, "/id");
    cr_assert_str_eq(one.body, response_header(&one, "X-Request-Id"));
    cr_assert_str_neq(one.body, two.body);
    cr_assert_gt(strlen(one.body), 7);
}

HttpTest(a_request_id_that_could_forge_logs_is_replaced)
{
    char *lengthy = memset(calloc(1, 1001), 'a', 1000);
    const char *const ids[] = {"a b", "\"quoted\"", "<script>", "", "caf\xc3\xa9", lengthy};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        struct response response = ask(&server, request("GET", "/id", text("X-Request-Id: %s\r\n", ids[i])));
        expect_response(&response, 200, NULL);
        cr_assert_str_neq(response.body, ids[i]);
        cr_assert_str_eq(response.body, response_header(&response, "X-Request-Id"));
        cr_assert(text_matches(response.body, "^[A-Za-z0-9._-]+$"), "%s", response.body);
    }
}

HttpTest(options_and_405_name_the_methods)
{
    struct response response = ask(&server, request("DELETE", "/echo", ""));
    expect_response(&response, 405, NULL);
    const char *allow = response_header(&response, "Allow");
    cr_assert(allow != NULL && strstr(allow, "POST") && strstr(allow, "PUT") && !strstr(allow, "GET"), "%s", response.head);
    response = ask(&server, request("OPTIONS", "/hello", ""));
    cr_assert(response.status == 204 || response.status == 200);
    allow = response_header(&response, "Allow");
    cr_assert(allow != NULL && strstr(allow, "GET") && strstr(allow, "HEAD") && strstr(allow, "OPTIONS"), "%s", response.head);
    response = ask(&server, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    cr_assert(response.status == 204 || response.status == 200, "OPTIONS *: %d", response.status);
}

HttpTest(unknown_paths_are_404)
{
    const char *const paths[] = {"/nowhere", "/hello/", "/HELLO", "/users/", "/users/a/b", "/items/one", "/trouble/none"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        expect_get(&server, paths[i], 404, NULL);
}

HttpTest(absolute_form_is_answered)
{
    struct client client = client_connect(&server);
    exchange(&client, "GET http://tine.test/query?q=1 HTTP/1.1\r\nHost: tine.test\r\n\r\n", 200, "1|q=1");
    exchange(&client, "GET http://tine.test HTTP/1.1\r\nHost: other.test\r\n\r\n", 200, "hello");
    client_close(&client);
}

HttpTest(an_empty_line_before_a_request_is_skipped)
{
    struct client client = client_connect(&server);
    exchange(&client, "\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n", 200, "hello");
    client_close(&client);
}

/* One line is skipped, two are none that RFC 9112, 2.2 has in mind; the answer must not depend on when the second comes. */
HttpTest(a_second_empty_line_is_refused_in_one_piece_and_in_two)
{
    struct response response = ask(&server, "\r\n\r\n");
    expect_response(&response, 400, NULL);
    struct client client = client_connect(&server);
    exchange(&client, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n\r\n", 200, "hello");
    cr_assert_eq(client_receive(&client, 200), -2);
    client_send(&client, "\r\n");
    response = client_read(&client);
    expect_response(&response, 400, NULL);
    client_close(&client);
}

/* A pipeline cut at every place gives the same answers. */
HttpTest(any_split_gives_the_same_answers)
{
    const char *all = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n"
                      "GET /items/7 HTTP/1.1\r\nHost: a\r\n\r\n";
    const char *const answers[] = {"hello", "abcde", "item 7"};
    struct client client = client_connect(&server);
    for (size_t step = 1; step < 60; step += step < 4 ? 1 : 17) {
        for (size_t at = 0; at < strlen(all); at += step)
            client_send_bytes(&client, all + at, at + step > strlen(all) ? strlen(all) - at : step);
        for (size_t i = 0; i < 3; i++) {
            struct response response = client_read(&client);
            expect_response(&response, 200, answers[i]);
        }
    }
    client_close(&client);
}

HttpTest(a_client_that_has_closed_its_half_is_answered)
{
    struct client client = client_connect(&server);
    client_send(&client, text("%s%s", request("GET", "/hello", ""), request("GET", "/block/3000000", "")));
    shutdown(client.fd, SHUT_WR);
    struct response response = client_read(&client);
    expect_response(&response, 200, "hello");
    response = client_read(&client);
    cr_assert_eq(response.length, 3000000);
    client_expect_close(&client);
    client_close(&client);
}

HttpTest(a_client_that_leaves_without_its_answer_hurts_nobody)
{
    for (int i = 0; i < 20; i++) {
        struct client client = client_connect(&server);
        client_send(&client, request("GET", i % 2 == 0 ? "/block/5000000" : "/stream/5000000", ""));
        if (i % 3 == 0)
            setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
        client_close(&client);
    }
    expect_get(&server, "/hello", 200, "hello");
}

/* Its answer says that it is the last of the connection, and that ends in order. */
static void expect_last(struct client *client)
{
    client_send(client, request("GET", "/hello", ""));
    struct response response = client_read(client);
    expect_response(&response, 200, "hello");
    cr_assert_str_eq(response_header(&response, "Connection"), "close");
    client_expect_close(client);
}

/* By a Unix socket as by TCP. The worker is busy, so that both are there when it looks: the request and the end. */
Test(http, a_request_that_came_whole_is_served_though_its_client_has_closed)
{
    struct client clients[2], busy;
    server_start(&server, "[server]\nlisten = 127.0.0.1:0, unix:@DIR@/sock\nworkers = 1\nworkers_max = 1\n"
                          "[timeouts]\nstall_after = 60s\n" PROBE TROUBLE);
    clients[0] = client_connect(&server);
    clients[1] = client_connect_to(text("unix:%s/sock", server.dir));
    for (int i = 0; i < 2; i++)
        expect_kept(&clients[i], request("GET", "/hello", ""), "hello");
    busy = client_connect(&server);
    client_enter_gate(&busy, &server, "closed");
    for (int i = 0; i < 2; i++) {
        client_send(&clients[i], text("POST /echo?%d HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde", i));
        client_send(&clients[i], "GET /half HTTP/1.1\r\n");
        client_close(&clients[i]);
    }
    server_open_gate(&server, "closed");
    struct response response = client_read(&busy);
    expect_response(&response, 200, "through gate closed");
    for (int i = 0; i < 2; i++)
        await(text_count(file_read(server.access, NULL), text("POST /echo?%d HTTP/1.1\" 200", i)) == 1);
    expect_get(&server, "/hello", 200, "hello");
    cr_assert_eq(text_count(file_read(server.access, NULL), "/half"), 0);
    server_stop(&server);
}

Test(http, keepalive_requests_bounds_a_connection)
{
    server_start(&server, ONE_WORKER "[limits]\nkeepalive_requests = 3\n" PROBE);
    struct client client = client_connect(&server);
    exchange(&client, request("GET", "/hello", ""), 200, "hello");
    exchange(&client, request("GET", "/hello", ""), 200, "hello");
    expect_last(&client);
    server_stop(&server);
}

Test(http, a_worker_of_one_connection_keeps_none)
{
    server_start(&server, ONE_WORKER "connections = 1\n" PROBE);
    struct client client = client_connect(&server);
    expect_last(&client);
    server_stop(&server);
}

/* A worker that holds all it may: who comes then waits in the queue, and gets a turn. */
Test(http, more_connections_than_a_worker_may_hold_wait_their_turn)
{
    enum { CLIENTS = 20 };
    struct client clients[CLIENTS];
    server_start(&server, ONE_WORKER "connections = 5\n[timeouts]\nkeepalive = 1s\n" PROBE);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = client_connect(&server);
        client_send(&clients[i], request("GET", "/hello", ""));
    }
    for (int i = 0; i < CLIENTS; i++) {
        struct response response = client_read(&clients[i]);
        expect_response(&response, 200, "hello");
        client_close(&clients[i]);
    }
    server_stop(&server);
}
