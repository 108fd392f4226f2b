/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes wrong in module code behind a handler costs others no more than what does in one: heap that it wrote over is found later, and
 * content that was sent is given back to code that crashes, naps or hangs.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(careless, .timeout = 120);

#define CARELESS "[app:careless]\npath = /careless\nmodule = @MODULES@/careless.so\ndirectory = @DIR@\n"
#define ALONE ONE_WORKER "workers_max = 1\n"

enum { KEPT = 20 };

/* All with the one worker that there is. */
static void start(struct server *server, struct client *others, const char *ini)
{
    server_start(server, ini);
    keep_all(server, others, KEPT);
}

static void expect_length(struct client *client, size_t length)
{
    struct response response = client_read(client);
    expect_response(&response, 200, NULL);
    cr_assert_eq(response.length, length);
    response_free(&response);
}

/* The client that asked has its answer; then its connection ends with the worker. */
static void expect_answer(struct server *server, struct client *client, const char *path, size_t length)
{
    *client = client_connect(server);
    client_send(client, request("GET", path, ""));
    expect_length(client, length);
}

Test(careless, an_overrun_that_is_found_behind_its_handler_costs_others_nothing)
{
    struct server server;
    struct client others[KEPT], client;
    start(&server, others, ALONE PROBE CARELESS);
    expect_answer(&server, &client, "/careless/overrun", strlen("overrun"));
    expect_all_kept(others, KEPT);
    if (!is_sanitized()) /* whose heap does not look at what stands behind */
        server_log_await(&server, ": crashed with SIGABRT outside of handlers, the last of which was that of GET /careless/overrun", 1);
    cr_assert(text_matches(run_tine("status", "-c", server.ini).out, ", lost [01]$"));
    server_stop_after_crashes(&server);
}

static void crash_in_release(const char *path, size_t length)
{
    struct server server;
    struct client others[KEPT], client;
    start(&server, others, ALONE PROBE CARELESS);
    expect_answer(&server, &client, path, length);
    expect_all_kept(others, KEPT);
    server_log_await(&server, "in the release of its content: crashed with SIGABRT", 1);
    server_log_await(&server, text("careless.so, GET %s, request ", path), 1);
    cr_assert(text_matches(run_tine("status", "-c", server.ini).out, ", lost [01]$"));
    server_stop_after_crashes(&server);
}

Test(careless, a_release_that_crashes_costs_others_nothing)
{
    crash_in_release("/careless/lend/small/crash", 4);
}

/* It comes when its client has taken all. */
Test(careless, a_release_that_crashes_when_all_is_sent_costs_others_nothing)
{
    crash_in_release("/careless/lend/large/crash", 8000000);
}

/* The client has its answer, so nothing is told but to the log. */
Test(careless, a_release_that_hangs_is_ended_at_its_time)
{
    struct server server;
    struct client others[KEPT], client;
    start(&server, others, ALONE "[timeouts]\nrequest = 1s\n" PROBE CARELESS);
    int64_t start_ms = now_ms();
    expect_answer(&server, &client, "/careless/lend/small/hang", 4);
    cr_assert_lt(now_ms() - start_ms, 5000);
    expect_all_kept(others, KEPT);
    server_log_await(&server, "in the release of its content: took longer than [timeouts] request", 1);
    bool clean;
    cr_assert(client_drain(&client, PATIENCE, &clean));
    cr_assert_eq(client.length, 0, "it was answered twice");
    server_stop_after_crashes(&server);
}

/* Others are served meanwhile, as beside a slow handler; and their worker goes on. */
Test(careless, a_release_that_naps_holds_up_nobody_else)
{
    static const char *const paths[] = {"/careless/lend/small/nap", "/careless/lend/large/nap", "/careless/finish/small/nap"};
    for (int i = 0; i < 3; i++) {
        struct server server;
        struct client others[KEPT], napping;
        start(&server, others, TWO_WORKERS PROBE CARELESS);
        napping = client_connect(&server);
        client_send(&napping, request("GET", paths[i], ""));
        if (i == 1)
            expect_length(&napping, 8000000);
        expect_all_kept(others, KEPT); /* and it naps still */
        server_open_gate(&server, "nap");
        if (i != 1)
            expect_kept(&napping, NULL, "lent");
        expect_kept(&napping, request("GET", "/hello", ""), "hello");
        server_stop(&server);
    }
}
