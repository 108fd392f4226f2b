/* SPDX-License-Identifier: Apache-2.0
 *
 * Limits and times of single routes: [route:NAME].
 */
#include "client.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

TestSuite(bounds, .timeout = 120);

#define ROUTE(name, only) "[route:" name "]\nonly = " only "\n"
#define MULTIPART "Content-Type: multipart/form-data; boundary=B\r\n"

static struct server server;

/* ---- Bodies ----------------------------------------------------------------------------------------- */

static int status_of(const char *method, const char *target, const char *fields, const char *body)
{
    struct response response = ask(&server, text("%s%s", request(method, target, fields), body));
    int status = response.status;
    response_free(&response);
    return status;
}

static void expect_most(const char *method, const char *target, size_t most)
{
    for (size_t length = most; length <= most + 1; length++) {
        int expected = length > most ? 413 : 200;
        char *body = memset(calloc(1, length + 1), 'x', length);
        int counted = status_of(method, target, text("Content-Length: %zu\r\n", length), body);
        int chunked = status_of(method, target, "Transfer-Encoding: chunked\r\n", text("%zx\r\n%s\r\n0\r\n\r\n", length, body));
        if (counted != expected || chunked != expected)
            harness_fail("%s %s: %zu bytes are %d counted, %d chunked, not %d", method, target, length, counted, chunked, expected);
        free(body);
    }
}

Test(bounds, a_body_may_be_larger_or_smaller_on_one_route)
{
    server_start(&server, ONE_WORKER "[limits]\nbody = 1000\n" PROBE
                          "[app:other]\npath = /other\nmodule = @MODULES@/probe.so\nlimits.body = 500\n"
                          ROUTE("large", "POST /echo, /other/echo_stream") "limits.body = 3000\n"
                          ROUTE("small", "/echo, /{any}/sum, POST /echo_stream, POST /method") "limits.body = 20\n");
    expect_most("POST", "/echo", 3000);
    expect_most("POST", "/%65cho?x", 3000);
    expect_most("PUT", "/echo", 20);
    expect_most("POST", "/echo_stream", 20);
    expect_most("POST", "/other/echo_stream", 3000);
    expect_most("POST", "/other/sum", 20);
    expect_most("POST", "/other/echo", 500);
    expect_most("POST", "/sum", 1000);
    expect_most("POST", "/method", 20);
    expect_most("BREW", "/method", 1000);
    server_stop(&server);
}

static int expecting(const char *target, size_t length)
{
    struct client client = client_connect(&server);
    client_send(&client, request("POST", target, text("Content-Length: %zu\r\nExpect: 100-continue\r\n", length)));
    struct response response = client_read(&client);
    int status = response.status;
    response_free(&response);
    client_close(&client);
    return status;
}

Test(bounds, who_asks_before_sending_is_told_by_the_route)
{
    server_start(&server, ONE_WORKER "[limits]\nbody = 1000\n" PROBE ROUTE("large", "/echo") "limits.body = 3000\n"
                          ROUTE("small", "/sum") "limits.body = 20\n");
    cr_expect_eq(expecting("/echo", 3000), 100);
    cr_expect_eq(expecting("/echo", 3001), 413);
    cr_expect_eq(expecting("/sum", 20), 100);
    cr_expect_eq(expecting("/sum", 21), 413);
    cr_expect_eq(expecting("/method", 1000), 100);
    cr_expect_eq(expecting("/method", 1001), 413);
    server_stop(&server);
}

/* Each request of a connection is asked for itself, and so is who finds no route, or may not come. What has no path is in no list. */
Test(bounds, hold_for_all_that_only_names)
{
    server_start(&server, ONE_WORKER "[limits]\nbody = 10\n[app:in]\npath = /in\nmodule = @MODULES@/probe.so\n"
                          "[app:shut]\npath = /shut\nmodule = @MODULES@/probe.so\ndeny = 127.0.0.1\n"
                          ROUTE("r", "POST /") "limits.body = 30\n");
    static const struct {
        const char *method, *target;
        int small, large;
    } cases[] = {
        {"POST", "/in/echo", 200, 413}, {"POST", "/none", 404, 413}, {"POST", "/in/hello", 405, 413}, {"POST", "/shut/echo", 403, 413},
    };
    const char *length = "Content-Length: 30\r\n", *more = "Content-Length: 31\r\n", *body = "0123456789012345678901234567890";
    struct client client = client_connect(&server);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        client_send(&client, text("%s%.30s", request(cases[i].method, cases[i].target, length), body));
        struct response response = client_read(&client);
        cr_expect_eq(response.status, cases[i].small, "%s: %d", cases[i].target, response.status);
        cr_expect_eq(status_of(cases[i].method, cases[i].target, more, body), cases[i].large, "%s", cases[i].target);
        cr_expect_eq(status_of("PUT", cases[i].target, length, body), 413, "%s", cases[i].target);
    }
    client_close(&client);
    cr_expect_eq(status_of("POST", "/in/echo", length, text("%.30s", body)), 200);
    cr_expect_eq(status_of("OPTIONS", "*", length, text("%.30s", body)), 413);
    server_stop(&server);
}

/* What goes to a file cannot be kept here. */
Test(bounds, a_body_is_spooled_by_its_routes_size)
{
    const char *temp = text("%s/temp", test_dir());
    cr_assert_eq(mkdir(temp, 0777), 0);
    chmod(temp, 0777);
    server_start(&server, text(ONE_WORKER "workers_max = 1\ntemp = %s\n[limits]\nbody_memory = 10\n" PROBE
                               "[app:input]\npath = /input\nmodule = @MODULES@/input.so\n"
                               ROUTE("memory", "/echo") "body_memory = 20\n" ROUTE("file", "POST /sum, /input") "body_memory = 5\n", temp));
    expect_get(&server, "/hello", 200, "hello");
    cr_assert_eq(rename(temp, text("%s.away", temp)), 0);
    cr_expect_eq(status_of("POST", "/echo", "Content-Length: 20\r\n", "01234567890123456789"), 200);
    cr_expect_eq(status_of("POST", "/echo", "Content-Length: 21\r\n", "012345678901234567890"), 500);
    cr_expect_eq(status_of("POST", "/sum", "Content-Length: 5\r\n", "01234"), 200);
    cr_expect_eq(status_of("POST", "/sum", "Content-Length: 6\r\n", "012345"), 500);
    cr_expect_eq(status_of("POST", "/method", "Content-Length: 10\r\n", "0123456789"), 200);
    cr_expect_eq(status_of("POST", "/method", "Content-Length: 11\r\n", "01234567890"), 500);
    const char *part = "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n%s\r\n--B--";
    for (int length = 5; length <= 6; length++) { /* what is read while it comes is bounded by it as well */
        char *body = text(part, length == 5 ? "01234" : "012345");
        int status = status_of("POST", "/input/stream/parts", text(MULTIPART "Content-Length: %zu\r\n", strlen(body)), body);
        cr_expect_eq(status, length == 5 ? 200 : 413, "%d: %d", length, status);
    }
    cr_assert_eq(rename(text("%s.away", temp), temp), 0);
    server_stop(&server);
}

/* ---- Times ------------------------------------------------------------------------------------------ */

Test(bounds, a_handler_has_its_routes_time)
{
    server_start(&server, TWO_WORKERS "[timeouts]\nrequest = 1s\n" PROBE TROUBLE "request = 60s\n"
                          ROUTE("short", "GET /trouble/nap/50000") "timeouts.request = 500ms\n"
                          ROUTE("long", "/stream, /trouble/nap/2000") "request = 59s\n"
                          ROUTE("shorter", "/trouble/nap/2000") "request = 300ms\n");
    int64_t start = now_ms();
    expect_get(&server, "/trouble/nap/50000", 504, NULL);
    cr_assert_lt(now_ms() - start, PATIENCE);
    server_log_await(&server, ": took longer than [timeouts] request", 1);
    expect_get(&server, "/trouble/nap/2000", 200, "slept 2000 ms");
    expect_get(&server, "/trouble/nap/700", 200, "slept 700 ms");
    server_stop(&server);
}

Test(bounds, a_handler_has_more_than_its_apps_time)
{
    server_start(&server, TWO_WORKERS PROBE TROUBLE "request = 300ms\n" ROUTE("long", "/trouble/nap/{ms}") "request = 60s\n");
    expect_get(&server, "/trouble/nap/1500", 200, "slept 1500 ms");
    expect_get(&server, "/trouble/gate/never", 504, NULL);
    server_stop(&server);
}

Test(bounds, a_body_has_its_routes_time_and_rate)
{
    server_start(&server, ONE_WORKER "[timeouts]\nbody = 600s\nrequest = 600s\n[limits]\nrate = 0\n" PROBE
                          ROUTE("short", "/echo") "timeouts.body = 300ms\n"
                          ROUTE("stream", "/echo_stream") "timeouts.body = 1s\nrate = 240\n");
    struct client patient = client_connect(&server), waiting = client_connect(&server), streaming = client_connect(&server);
    client_send(&patient, text("%sabc", request("POST", "/sum", "Content-Length: 4\r\n")));
    client_send(&waiting, text("%sabc", request("POST", "/echo", "Content-Length: 4\r\n")));
    cr_expect_eq(client_read(&waiting).status, 408);
    client_send(&streaming, text("%sabc", request("POST", "/echo_stream", "Content-Length: 4\r\n")));
    cr_expect_eq(client_read(&streaming).status, 408);
    client_close(&streaming);
    streaming = client_connect(&server);
    client_send(&streaming, request("POST", "/echo_stream", "Content-Length: 4\r\nExpect: 100-continue\r\n"));
    cr_expect_eq(client_read(&streaming).status, 100); /* its handler waits for the body, which puts off the end by coming */
    client_send(&streaming, "abc");
    cr_expect_eq(client_read(&streaming).status, 408);
    client_send(&patient, "d");
    cr_expect_eq(client_read(&patient).status, 200);
    server_stop(&server);
}

/* Of an answer that waits to be taken, and of one that is sent while its handler runs. */
Test(bounds, an_answer_has_its_routes_time_to_be_taken)
{
    pid_t workers[WORKERS_MAX];
    server_start(&server, ONE_WORKER "workers_max = 1\n[timeouts]\nsend = 600s\nrequest = 600s\n" PROBE
                          ROUTE("short", "/block, /stream") "send = 500ms\n");
    server_await_workers(&server, 1, workers);
    expect_get(&server, "/hello", 200, "hello");
    int before = process_sockets(workers[0]);
    struct client block = client_connect(&server);
    client_send(&block, request("GET", "/block/60000000", ""));
    cr_assert_gt(client_receive(&block, PATIENCE), 0);
    await(process_sockets(workers[0]) <= before);
    struct client stream = client_connect(&server);
    client_send(&stream, request("GET", "/stream/60000000", ""));
    cr_assert_gt(client_receive(&stream, PATIENCE), 0); /* the only worker is in there */
    expect_get(&server, "/hello", 200, "hello");
    server_stop(&server);
}

/* One worker and never more: while its handler is at the gate, nothing else is served. The probe's app would wait for ever. */
Test(bounds, a_route_has_its_own_patience_in_the_queue)
{
    server_start(&server, ONE_WORKER "workers_max = 1\n[timeouts]\nrequest = 60s\n" PROBE TROUBLE
                          ROUTE("q", "GET /hello") "timeouts.queue = 300ms\n");
    struct client busy = client_connect(&server), late = client_connect(&server), other = client_connect(&server);
    client_enter_gate(&busy, &server, "a");
    client_send(&late, request("GET", "/hello", ""));
    client_send(&other, request("GET", "/pid", ""));
    int64_t start = now_ms();
    await(now_ms() - start > 1000); /* nothing can be waited for: that time passes is what is tested */
    server_open_gate(&server, "a");
    cr_expect_eq(client_read(&busy).status, 200);
    struct response response = client_read(&late);
    expect_response(&response, 503, NULL);
    expect_field(&response, "Retry-After", "1");
    cr_expect_eq(client_read(&other).status, 200);
    server_stop(&server);
}

/* ---- Reloads ---------------------------------------------------------------------------------------- */

/* Half of each body is there: the other half is for a worker of the new generation, which has another route for them. */
Test(bounds, a_reload_changes_those_of_requests_that_are_half_there)
{
    pid_t before[WORKERS_MAX];
    server_start(&server, TWO_WORKERS "[limits]\nbody = 100\n" PROBE ROUTE("r", "POST /echo") "limits.body = 10\n" ROUTE("s", "POST /sum")
                          "limits.body = 10\n");
    struct client fits = client_connect(&server), large = client_connect(&server), chunked = client_connect(&server);
    struct client grown = client_connect(&server), other = client_connect(&server);
    client_send(&fits, text("%s%s", request("POST", "/echo", "Content-Length: 5\r\n"), "abc"));
    client_send(&large, text("%s%s", request("POST", "/echo", "Content-Length: 10\r\n"), "abcde"));
    client_send(&chunked, text("%s%s", request("POST", "/echo", "Transfer-Encoding: chunked\r\n"), "8\r\nabcdefgh\r\n"));
    client_send(&grown, text("%s%s", request("POST", "/sum", "Transfer-Encoding: chunked\r\n"), "8\r\nabcdefgh\r\n"));
    client_send(&other, text("%s%s", request("PUT", "/echo", "Content-Length: 100\r\n"), "abcde"));
    server_await_workers(&server, 2, before);
    server_reload(&server, TWO_WORKERS "[limits]\nbody = 100\n" PROBE ROUTE("r", "POST /echo") "limits.body = 6\n" ROUTE("s", "POST /sum")
                           "limits.body = 20\n");
    server_await_replaced(&server, before, 2);
    cr_expect_eq(client_read(&large).status, 413);
    cr_expect_eq(client_read(&chunked).status, 413);
    expect_kept(&fits, "de", "abcde");
    client_send(&grown, "8\r\nabcdefgh\r\n0\r\n\r\n");
    cr_expect_eq(client_read(&grown).status, 200);
    char rest[96];
    client_send_bytes(&other, memset(rest, 'x', 95), 95);
    cr_expect_eq(client_read(&other).status, 200);
    server_reload(&server, TWO_WORKERS "[limits]\nbody = 100\n" PROBE);
    await(status_of("POST", "/echo", "Content-Length: 7\r\n", "abcdefg") == 200);
    server_reload_refused(&server, TWO_WORKERS PROBE "[route:r]\nlimits.body = 6\n");
    cr_expect(server_log_has(&server, "[route:r] only: is missing"), "%s", server_log(&server));
    server_stop(&server);
}

/* ---- Without a server, and what is told ------------------------------------------------------------- */

Test(bounds, hold_without_a_server)
{
    server_prepare(&server, text("[server]\ntemp = %s/none\n" PROBE ROUTE("s", "POST /echo, POST /echo_stream") "limits.body = 4\n"
                                 ROUTE("f", "POST /sum") "body_memory = 2\n", test_dir()));
    static const struct {
        const char *method, *path, *body, *expected;
    } cases[] = {
        {"POST", "/echo", "1234", "^HTTP/1.1 200 "}, {"POST", "/echo", "12345", "^HTTP/1.1 413 "},
        {"PUT", "/echo", "12345", "^HTTP/1.1 200 "}, {"POST", "/echo_stream", "12345", "^HTTP/1.1 413 "},
        {"POST", "/sum", "12", "^HTTP/1.1 200 "}, {"POST", "/sum", "123", "^HTTP/1.1 500 "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct run ran = run_tine("call", "-c", server.ini, cases[i].method, cases[i].path, "-d", cases[i].body);
        cr_expect(text_matches(ran.out, cases[i].expected), "%s: %s%s", cases[i].path, ran.out, ran.err);
    }
    struct run ran = run_tine("call", "-c", server.ini, "-o", "route:s.limits.body=5", "/echo", "-d", "12345");
    cr_expect(text_matches(ran.out, "^HTTP/1.1 200 "), "%s%s", ran.out, ran.err);
}

Test(bounds, of_no_route_are_warned_of)
{
    server_prepare(&server, ONE_WORKER ROUTE("r", "POST /hello, GET /users/{x}/y, /users/{x}, /nowhere, /, OPTIONS /hello, /-/live") PROBE
                            ROUTE("t", "BREW /method, BREW /echo") "send = 1s\n");
    struct run ran = run_tine("-t", "-c", server.ini);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    static const char *const expected[] = {
        "server\\.ini:5: \\[route:r\\] only: no route is at 'POST /hello' \\(see tine routes\\)$",
        "server\\.ini:5: \\[route:r\\] only: no route is at 'GET /users/\\{x\\}/y' \\(see tine routes\\)$",
        "server\\.ini:5: \\[route:r\\] only: no route is at '/nowhere' \\(see tine routes\\)$",
        "server\\.ini:5: \\[route:r\\] only: no route is at '/-/live' \\(see tine routes\\)$",
        "server\\.ini:10: \\[route:t\\] only: no route is at 'BREW /echo' \\(see tine routes\\)$",
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        cr_expect(text_matches(ran.err, expected[i]), "%s is not in:\n%s", expected[i], ran.err);
    cr_expect_eq(text_count(ran.err, "no route"), 5, "%s", ran.err);
}

Test(bounds, are_printed_as_they_count)
{
    server_prepare(&server, ONE_WORKER PROBE ROUTE("r", "POST /echo, /sum") "limits.body = ${NO_SUCH:-1m}\nrequest = 2s\n");
    struct run ran = run_tine("-T", "-c", server.ini, "-o", "route:r.queue=5s");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    const char *expected = "\n[route:r]\nonly = POST /echo, /sum\ntimeouts.request = 2s\ntimeouts.queue = 5s\nlimits.body = 1m\n";
    cr_expect(strstr(ran.out, expected) != NULL, "%s", ran.out);
}
