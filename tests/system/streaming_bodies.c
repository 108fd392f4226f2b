/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies that a .stream handler reads while they arrive: waited for, asked for with 100 (Continue), bounded, left unread.
 */
#include "client.h"
#include "sums.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

TestSuite(streaming_bodies, .timeout = 120);

static struct server server;

static const char ini[] = ONE_WORKER
    "workers_max = 1\n[limits]\nbody = 4m\nbody_memory = 64k\n[app:input]\npath = /\nmodule = @MODULES@/input.so\n";

static void serve(void)
{
    server_start(&server, ini);
}

static void stop(void)
{
    if (server.pid > 0)
        server_stop(&server);
}

#define StreamTest(name) Test(streaming_bodies, name, .init = serve, .fini = stop)

static void expect_next(struct client *client, int status, const char *body)
{
    struct response response = client_read(client);
    expect_response(&response, status, body);
    response_free(&response);
}

/* The connection serves on behind whatever was done on it. */
static void expect_alive(struct client *client)
{
    client_send(client, request("GET", "/cookie/x", ""));
    expect_next(client, 200, "(none)");
}

StreamTest(arrive_whole_in_every_size_and_by_every_size_of_read)
{
    const size_t sizes[] = {0, 1, 5000, 16384, 70000, 3000000};
    const int reads[] = {1, 7, 16384, 20000};
    struct client client = client_connect(&server);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *bytes = make_bytes(sizes[i]);
        for (size_t k = sizes[i] > 100000 ? 2 : 0; k < sizeof reads / sizeof *reads; k++) {
            client_send(&client, request("POST", text("/stream/sum?size=%d", reads[k]), text("Content-Length: %zu\r\n", sizes[i])));
            client_send_bytes(&client, bytes, sizes[i]);
            expect_next(&client, 200, sum_of(bytes, sizes[i]));
        }
        free(bytes);
    }
    expect_alive(&client);
    client_close(&client);
}

StreamTest(in_chunks_arrive_whole_with_the_next_request_behind_them)
{
    char *bytes = make_bytes(100000);
    struct client client = client_connect(&server);
    for (int size = 1; size <= 20000; size = size * 50 - 1) {
        client_send(&client, request("POST", text("/stream/sum?size=%d", size), "Transfer-Encoding: chunked\r\n"));
        client_send(&client, "5;x=y\r\n");
        client_send_bytes(&client, bytes, 5);
        client_send(&client, text("\r\n%x\r\n", 99995));
        client_send_bytes(&client, bytes + 5, 99995);
        client_send(&client, text("\r\n0\r\nT: v\r\n\r\n%s", request("GET", "/cookie/x", "")));
        expect_next(&client, 200, sum_of(bytes, 100000));
        expect_next(&client, 200, "(none)");
    }
    free(bytes);
    client_close(&client);
}

StreamTest(the_handler_runs_before_the_body_is_whole)
{
    struct client client = client_connect(&server);
    client_send(&client, request("POST", "/stream/first", "Content-Length: 1000\r\n"));
    client_send(&client, "hello");
    struct response response = client_read(&client);
    expect_response(&response, 200, "hello");
    expect_field(&response, "Connection", "close");
    client_expect_close(&client);
    client_close(&client);
}

StreamTest(what_is_there_and_was_not_read_is_read_over)
{
    struct client client = client_connect(&server);
    static const char *const paths[] = {"/stream/unread", "/stream/first"};
    static const char *const bodies[] = {"not read", "01234"};
    for (size_t i = 0; i < 2; i++) {
        client_send(&client, text("%s0123456789", request("POST", paths[i], "Content-Length: 10\r\n")));
        expect_next(&client, 200, bodies[i]);
        client_send(&client, text("%sa\r\n0123456789\r\n0\r\n\r\n%s", request("POST", paths[i], "Transfer-Encoding: chunked\r\n"),
                                  request("GET", "/query?a", "")));
        expect_next(&client, 200, bodies[i]);
        expect_next(&client, 200, "a=;");
    }
    expect_alive(&client);
    client_close(&client);
}

StreamTest(a_flood_that_nobody_reads_ends_with_the_answer)
{
    char *bytes = make_bytes(3000000);
    struct client client = client_connect(&server);
    client_send(&client, request("POST", "/stream/unread", "Content-Length: 4000000\r\n"));
    client_try_send(&client, bytes, 3000000);
    expect_next(&client, 200, "not read");
    client_close(&client);
    free(bytes);
}

StreamTest(expect_is_answered_at_the_first_read)
{
    struct client client = client_connect(&server);
    client_send(&client, text("%s%s", request("GET", "/query?a", ""),
                              request("POST", "/stream/first", "Content-Length: 5\r\nExpect: 100-continue\r\n")));
    expect_next(&client, 200, "a=;");
    cr_assert_eq(client_read(&client).status, 100);
    client_send(&client, "hello");
    expect_next(&client, 200, "hello");
    expect_alive(&client);
    client_send(&client, request("POST", "/stream/unread", "Content-Length: 5\r\nExpect: 100-continue\r\n"));
    struct response response = client_read(&client);
    expect_response(&response, 200, "not read");
    expect_field(&response, "Connection", "close");
    client_expect_close(&client);
    client_close(&client);
}

StreamTest(too_large_is_413)
{
    struct client client = client_connect(&server);
    client_send(&client, request("POST", "/stream/sum", "Content-Length: 5000000\r\n"));
    expect_next(&client, 413, NULL);
    client_close(&client);
    client = client_connect(&server);
    client_send(&client, text("%s5\r\nhello\r\nffffff\r\n", request("POST", "/stream/sum", "Transfer-Encoding: chunked\r\n")));
    expect_next(&client, 413, NULL);
    client_expect_close(&client);
    client_close(&client);
}

StreamTest(broken_chunks_are_400)
{
    struct client client = client_connect(&server);
    client_send(&client, text("%s5\r\nhello\r\nxyz\r\n", request("POST", "/stream/sum", "Transfer-Encoding: chunked\r\n")));
    expect_next(&client, 400, NULL);
    client_expect_close(&client);
    client_close(&client);
}

StreamTest(a_body_taken_whole_is_as_any_other)
{
    struct client client = client_connect(&server);
    char *bytes = make_bytes(200000);
    for (int i = 0; i < 200000; i++)
        bytes[i] = (char)('a' + i % 26);
    bytes[200000] = 0;
    client_send(&client, request("POST", "/stream/body", "Content-Length: 200000\r\n"));
    client_send_bytes(&client, bytes, 100);
    client_send_bytes(&client, bytes + 100, 199900);
    expect_next(&client, 200, bytes);
    expect_alive(&client);
    client_close(&client);
    free(bytes);
}

StreamTest(what_comes_behind_a_body_taken_whole_is_not_lost)
{
    struct client client = client_connect(&server);
    client_send(&client, request("POST", "/stream/body", "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n"));
    cr_assert_eq(client_read(&client).status, 100); /* so the handler reads by now, and nothing was there before */
    client_send(&client, text("5\r\nhello\r\n0\r\n\r\n%s", request("GET", "/query?a", "")));
    expect_next(&client, 200, "hello");
    expect_next(&client, 200, "a=;");
    client_close(&client);
}

StreamTest(a_crash_in_the_midst_is_answered_500)
{
    struct client client = client_connect(&server);
    client_send(&client, text("%s0123456", request("POST", "/stream/crash", "Content-Length: 1000\r\n")));
    expect_next(&client, 500, NULL);
    client_close(&client);
    client = client_connect(&server);
    expect_alive(&client);
    client_close(&client);
}

StreamTest(a_client_that_goes_leaves_the_worker_serving)
{
    struct client client = client_connect(&server);
    client_send(&client, text("%s0123456", request("POST", "/stream/sum", "Content-Length: 1000\r\n")));
    client_close(&client);
    server_access_await(&server, "\" 400 ");
    client = client_connect(&server);
    expect_alive(&client);
    client_close(&client);
}

StreamTest(a_client_that_only_stops_sending_is_told)
{
    struct client client = client_connect(&server);
    client_send(&client, text("%s0123456", request("POST", "/stream/sum", "Content-Length: 1000\r\n")));
    shutdown(client.fd, SHUT_WR);
    expect_next(&client, 400, NULL);
    client_close(&client);
}

/* What another worker has taken of a body says nothing of the next one on that connection. */
StreamTest(a_connection_adopted_in_the_midst_of_a_body_is_asked_for_its_next)
{
    static const char *const paths[] = {"/sum", "/stream/sum"};
    struct client client = client_connect(&server);
    client_send(&client, request("POST", "/sum", "Content-Length: 5\r\nExpect: 100-continue\r\n"));
    cr_assert_eq(client_read(&client).status, 100);
    server_hup(&server);
    client_send(&client, "hello");
    expect_next(&client, 200, sum_of("hello", 5));
    for (size_t i = 0; i < 2; i++) {
        client_send(&client, request("POST", paths[i], "Content-Length: 5\r\nExpect: 100-continue\r\n"));
        cr_assert_eq(client_read(&client).status, 100);
        client_send(&client, "hello");
        expect_next(&client, 200, sum_of("hello", 5));
    }
    client_close(&client);
}

/* The text of a head lives until the response is sent. With the end of the body comes so much of a
 * pipeline that the input is moved to make room. */
StreamTest(an_answer_of_the_heads_text_is_whole_whatever_comes_behind_the_body)
{
    char words[201] = "", rest[7001] = "";
    memset(words, 'A', sizeof words - 1);
    memset(rest, 'Z', sizeof rest - 1);
    const char *next = request("GET", "/cookie/x", text("X-Rest: %s\r\n", rest));
    const char *post = request("POST", "/stream/lent", text("X-Text: %s\r\nTransfer-Encoding: chunked\r\n", words));
    struct client client = client_connect(&server);
    client_send(&client, text("%s%s", next, post));
    expect_next(&client, 200, "(none)");
    client_send(&client, text("3\r\nabc\r\n0\r\n\r\n%s%s", next, next));
    expect_next(&client, 200, words);
    expect_next(&client, 200, "(none)");
    expect_next(&client, 200, "(none)");
    client_close(&client);
}

Test(streaming_bodies, a_client_that_stops_is_408, .fini = stop)
{
    server_start(&server, text("%s[timeouts]\nbody = 300ms\nrequest = 10s\n", ini));
    struct client client = client_connect(&server);
    client_send(&client, text("%s0123456", request("POST", "/stream/sum", "Content-Length: 1000\r\n")));
    struct response response = client_read(&client);
    expect_response(&response, 408, NULL);
    expect_field(&response, "Connection", "close");
    client_expect_close(&client);
    client_close(&client);
}

/* A body that takes twice as long as a handler may be without progress, which is more than a busy machine holds anybody up. */
Test(streaming_bodies, what_arrives_is_progress_of_the_handler, .fini = stop)
{
    enum { length = 60, pause = 100 };
    server_start(&server, text("%s[timeouts]\nbody = 30s\nrequest = 3s\n", ini));
    struct client client = client_connect(&server);
    client_send(&client, request("POST", "/stream/sum", text("Content-Length: %d\r\n", length)));
    for (int i = 1; i < length; i++) {
        client_send(&client, "x");
        cr_assert_eq(client_receive(&client, pause), -2, "answered before its end, after %d bytes", i);
    }
    client_send(&client, "x");
    char body[length + 1] = "";
    memset(body, 'x', length);
    expect_next(&client, 200, sum_of(body, length));
    client_close(&client);
}
