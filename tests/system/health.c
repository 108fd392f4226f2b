/* SPDX-License-Identifier: Apache-2.0
 *
 * /-/live and /-/ready, and the delay in which a server that is about to stop says so and serves on.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

TestSuite(health, .timeout = 120);

#define HEALTHY TWO_WORKERS "health = on\n"
#define DELAYED(time) HEALTHY "shutdown_delay = " time "\n"

Test(health, is_off_unless_asked_for)
{
    struct server server;
    server_start(&server, TWO_WORKERS "[app:x]\npath = /x\nmodule = respond\n");
    expect_get(&server, "/-/live", 404, NULL);
    expect_get(&server, "/-/ready", 404, NULL);
    server_reload(&server, HEALTHY "[app:x]\npath = /x\nmodule = respond\n");
    await(get(&server, "/-/ready").status == 200);
    server_stop(&server);
}

Test(health, is_answered_before_any_app)
{
    struct server server;
    server_start(&server, HEALTHY RESPOND("app"));
    expect_get(&server, "/-/live", 200, "live\n");
    expect_get(&server, "/-/ready", 200, "ready\n");
    expect_get(&server, "/-/", 200, "app");
    expect_get(&server, "/-/ready/x", 200, "app");
    expect_get(&server, "/-/liver", 200, "app");
    expect_get(&server, "/", 200, "app");
    struct response response = ask(&server, request("POST", "/-/live", "Content-Length: 0\r\nConnection: close\r\n"));
    expect_response(&response, 405, NULL);
    cr_assert_str_eq(response_header(&response, "Allow"), "GET, HEAD, OPTIONS");
    cr_assert_str_eq(response_header(&(struct response){.head = get(&server, "/-/live").head}, "Cache-Control"), "no-store");
    server_stop(&server);
}

Test(health, readiness_fails_and_all_is_served_while_the_stop_is_delayed)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    server_start(&server, DELAYED("4s") RESPOND("app"));
    server_await_workers(&server, 2, workers);
    struct client kept = client_connect(&server);
    int64_t start = now_ms();
    server_signal(&server, SIGTERM);
    await(get(&server, "/-/ready").status == 503);
    expect_get(&server, "/-/live", 200, "live\n");
    expect_get(&server, "/", 200, "app");
    /* Kept connections are kept still, and a worker that dies is replaced. */
    client_send(&kept, request("GET", "/", ""));
    struct response response = client_read(&kept);
    expect_response(&response, 200, "app");
    cr_assert_null(response_header(&response, "Connection"));
    kill(workers[0], SIGKILL);
    await(!process_alive(workers[0]));
    server_await_workers(&server, 2, workers);
    cr_assert(text_matches(run_tine("status", "-c", server.ini).out, "^tine .*: delaying,"));
    struct run ran = run_tine("reload", "-c", server.ini);
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "the server is stopping"), "%s", ran.err);
    cr_assert_eq(server_wait(&server), 0);
    cr_assert_geq(now_ms() - start, 4000);
    client_close(&kept);
}

Test(health, a_second_signal_ends_the_delay)
{
    static const int second[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < 2; i++) {
        struct server server;
        server_start(&server,
                     ONE_WORKER "shutdown_delay = 60s\n[timeouts]\ngraceful = 90s\n" RESPOND("app"));
        server_signal(&server, SIGTERM);
        server_log_await(&server, "stopping in 60000 ms", 1);
        server_signal(&server, second[i]);
        cr_assert_eq(server_wait(&server), 0);
    }
}

/* The delay is taken from what requests in progress are given, not added to it. */
Test(health, the_delay_is_part_of_graceful)
{
    struct server server;
    server_start(&server, ONE_WORKER "shutdown_delay = 1s\n[timeouts]\ngraceful = 3s\n" TROUBLE);
    struct client client = client_connect(&server);
    client_enter_gate(&client, &server, "never");
    int64_t start = now_ms();
    server_signal(&server, SIGTERM);
    server_wait(&server);
    cr_assert_geq(now_ms() - start, 3000);
    /* Two seconds, or what a machine that does other things as well has left of them. */
    cr_assert(text_matches(server_log(&server), "finishing what is in progress, for at most [012] s"), "%s", server_log(&server));
    client_close(&client);
}

Test(health, a_delay_that_leaves_no_time_is_refused)
{
    struct server server;
    server_prepare(&server, DELAYED("30s") RESPOND("app"));
    struct run ran = run_tine("-t", "-c", server.ini);
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "server\\.ini:5: \\[server\\] shutdown_delay: leaves nothing of \\[timeouts\\] graceful"), "%s",
              ran.err);
    server_configure(&server, DELAYED("10s") "[timeouts]\ngraceful = 10s\n" RESPOND("app"));
    cr_assert_eq(run_tine("-t", "-c", server.ini).code, 1);
    server_configure(&server, DELAYED("10s") "[timeouts]\ngraceful = 11s\n" RESPOND("app"));
    cr_assert_eq(run_tine("-t", "-c", server.ini).code, 0);
}
