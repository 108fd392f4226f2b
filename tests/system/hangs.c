/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler that takes too long: others of its worker are served meanwhile, and at its time it is answered 504. Time in which nobody ran is
 * not the handler's.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <signal.h>

TestSuite(hangs, .timeout = 120);

enum { OTHERS = 20, FEW = 8 };

#define SINGLE_WITHIN(time) ONE_WORKER "workers_max = 1\n[timeouts]\nrequest = " time "\n"

Test(hangs, a_handler_that_hangs_is_answered_504_at_its_time)
{
    struct server server;
    struct client others[OTHERS];
    server_start(&server, TWO_WORKERS "[timeouts]\nrequest = 1s\n" PROBE TROUBLE);
    keep_all(&server, others, OTHERS);
    int64_t start = now_ms();
    struct response response = get(&server, "/trouble/nap/20000");
    cr_assert_eq(response.status, 504);
    server_log_await(&server, text("handler trouble.nap of module %s/trouble.so, GET /trouble/nap/20000, request ", modules_path()), 1);
    server_log_await(&server, ": took longer than [timeouts] request", 1);
    cr_assert_geq(now_ms() - start, 900);
    cr_assert_lt(now_ms() - start, 10000);
    expect_all_kept(others, OTHERS);
    server_stop_after_crashes(&server);
}

Test(hangs, an_app_may_have_its_own_time)
{
    struct server server;
    server_start(&server, TWO_WORKERS "[timeouts]\nrequest = 200ms\n" PROBE TROUBLE "request = 20s\n");
    expect_get(&server, "/trouble/nap/600", 200, "slept 600 ms");
    server_stop_after_crashes(&server);
}

Test(hangs, a_response_that_has_begun_is_cut_not_answered_twice)
{
    struct server server;
    server_start(&server, ONE_WORKER "[timeouts]\nrequest = 1s\n" PROBE TROUBLE);
    struct client client = client_connect(&server);
    client_send(&client, request("GET", "/trouble/halves/never", ""));
    while (client_receive(&client, PATIENCE) > 0)
        continue;
    cr_assert_gt(client.length, 0);
    client.data[client.length - 1] = 0;
    cr_assert_eq(text_count(client.data, "HTTP/1.1 "), 1);
    expect_get(&server, "/hello", 200, "hello");
    server_stop_after_crashes(&server);
}

/* Its handler returned just then: the abort is about no request any more, and the worker as good as before. */
Test(hangs, one_that_ends_as_it_is_aborted_keeps_its_worker)
{
    struct server server;
    pid_t before[WORKERS_MAX], after[WORKERS_MAX];
    server_start(&server, SINGLE_WITHIN("300ms") PROBE TROUBLE);
    server_await_workers(&server, 1, before);
    expect_get(&server, "/trouble/late/500", 200, "slept 500 ms");
    server_log_await(&server, "aborting it", 1);
    for (int64_t end = now_ms() + 2000; now_ms() < end; pause_shortly())
        expect_get(&server, "/hello", 200, "hello");
    server_await_workers(&server, 1, after);
    cr_assert_eq(before[0], after[0]);
    cr_assert_not(server_log_has(&server, "killing it"));
    struct client client = client_connect(&server); /* and it is watched as before */
    client_send(&client, request("GET", "/trouble/late/20000", ""));
    server_log_await(&server, "killing it", 1);
    cr_assert(client_drain(&client, PATIENCE, NULL));
    server_stop_after_crashes(&server);
}

/* As a process it is to be killed: its main thread, which has ended, would not take it with it. */
Test(hangs, a_worker_without_its_main_thread_is_ended_and_replaced)
{
    if (is_sanitized())
        cr_skip_test("the sanitizer takes the signal stack of a thread that ends for its own");
    struct server server;
    server_start(&server, SINGLE_WITHIN("300ms") PROBE TROUBLE);
    struct client client = client_connect(&server);
    client_send(&client, request("GET", "/trouble/headless", ""));
    cr_assert(client_drain(&client, PATIENCE, NULL));
    expect_get(&server, "/hello", 200, "hello");
    server_stop_after_crashes(&server);
}

/* The first time nobody knows that the route is slow: the others are given away while it runs. */
Test(hangs, others_of_a_stalled_worker_are_served_meanwhile)
{
    struct server server;
    struct client others[OTHERS];
    server_start(&server, TWO_WORKERS PROBE TROUBLE);
    keep_all(&server, others, OTHERS);
    struct client slow = client_connect(&server);
    for (int round = 0; round < 2; round++) {
        const char *gate = round == 0 ? "a" : "b";
        client_enter_gate(&slow, &server, gate);
        expect_all_kept(others, OTHERS);
        server_open_gate(&server, gate);
        struct response response = client_read(&slow);
        expect_response(&response, 200, text("through gate %s", gate));
    }
    server_stop_after_crashes(&server);
}

/* The signal that has it give the others needs some, too. */
Test(hangs, one_that_stalls_with_no_stack_left_goes_on)
{
    struct server server;
    struct client others[OTHERS];
    if (is_sanitized())
        cr_skip_test("sanitizers take more of a stack");
    server_start(&server, ONE_WORKER "workers_max = 1\n" PROBE TROUBLE);
    keep_all(&server, others, OTHERS);
    expect_get(&server, "/trouble/brink", 200, "back");
    expect_all_kept(others, OTHERS);
    cr_assert(text_matches(run_tine("status", "-c", server.ini).out, "stalled [1-9]"));
    server_stop(&server);
}

/* Which cannot take a whole message beside what they hold, whatever comes. */
Test(hangs, others_of_a_stalled_worker_are_served_by_workers_of_few_connections)
{
    struct server server;
    struct client others[FEW];
    server_start(&server, TWO_WORKERS "workers_max = 2\nconnections = 10\n" PROBE TROUBLE);
    for (int i = 0; i < FEW; i++) {
        others[i] = client_connect(&server);
        expect_kept(&others[i], request("GET", "/hello", ""), "hello");
    }
    struct client slow = client_connect(&server);
    client_enter_gate(&slow, &server, "slow");
    for (int i = 0; i < FEW; i++)
        expect_kept(&others[i], request("GET", "/hello", ""), "hello");
    server_open_gate(&server, "slow");
    expect_kept(&slow, NULL, "through gate slow");
    for (int i = 0; i < FEW; i++)
        expect_kept(&others[i], request("GET", "/hello", ""), "hello");
    server_stop_after_crashes(&server);
}

/* A machine that is paused (a container frozen, a virtual one moved), as seen from inside: time passes, and nobody runs. The master
 * may have slept all the while, from before the request on. */
static void expect_not_the_handlers(bool asleep)
{
    struct server server;
    pid_t worker[WORKERS_MAX];
    server_start(&server, SINGLE_WITHIN("4s") PROBE TROUBLE);
    server_await_workers(&server, 1, worker);
    if (asleep)
        server_signal(&server, SIGSTOP);
    struct client client = client_connect(&server);
    client_send(&client, request("GET", "/trouble/gate/a", ""));
    server_log_await(&server, "gate a entered", 1);
    server_signal(&server, SIGSTOP);
    kill(worker[0], SIGSTOP);
    int64_t start = now_ms();
    await(now_ms() - start >= 5000);
    server_signal(&server, SIGCONT);
    kill(worker[0], SIGCONT);
    cr_assert_eq(client_receive(&client, 500), -2);
    server_open_gate(&server, "a");
    struct response response = client_read(&client);
    expect_response(&response, 200, "through gate a");
    client_send(&client, request("GET", "/trouble/gate/b", "")); /* and the next one has no more than its own */
    response = client_read(&client);
    cr_assert_eq(response.status, 504);
    server_stop_after_crashes(&server);
}

/* Else all that were under way at a pause would be aborted right after it. */
Test(hangs, time_in_which_nobody_ran_is_not_the_handlers)
{
    expect_not_the_handlers(false);
}

Test(hangs, nor_is_what_passed_before_it_was_seen)
{
    expect_not_the_handlers(true);
}

/* Both stop while the abort is under way. Returns whether they did in time, or the worker had its second to answer and was killed. */
static bool pause_an_abort(struct server *server, pid_t worker)
{
    kill(worker, SIGSTOP);
    server_log_await(server, "longer than [timeouts] request allows", 1);
    server_signal(server, SIGSTOP);
    int64_t start = now_ms();
    await(now_ms() - start >= 2000);
    bool in_time = !server_log_has(server, "killing it");
    server_signal(server, SIGCONT);
    kill(worker, SIGCONT);
    return in_time;
}

/* To be killed before it has had its turn would cost it its answer, and others their connections. */
Test(hangs, nor_is_it_that_of_a_worker_that_is_aborted)
{
    struct server server;
    pid_t worker[WORKERS_MAX];
    bool in_time = false;
    for (int tries = 0; tries < 5 && !in_time; tries++) {
        server_start(&server, SINGLE_WITHIN("1s") PROBE TROUBLE);
        server_await_workers(&server, 1, worker);
        struct client client = client_connect(&server);
        client_send(&client, request("GET", "/trouble/gate/a", ""));
        server_log_await(&server, "gate a entered", 1);
        in_time = pause_an_abort(&server, worker[0]);
        if (in_time) {
            struct response response = client_read(&client);
            cr_assert_eq(response.status, 504);
        }
        server_stop_after_crashes(&server);
    }
    cr_assert(in_time);
}

/* As by a library that wants none in its threads. */
static void mask_signals(const char *how)
{
    struct server server;
    pid_t before[WORKERS_MAX];
    server_start(&server, ONE_WORKER "workers_max = 1\n[timeouts]\nrequest = 1s\n" PROBE TROUBLE);
    server_await_workers(&server, 1, before);
    expect_get(&server, text("/trouble/mask/%s", how), 200, "masked");
    cr_assert_eq(get(&server, "/trouble/gate/never").status, 504);
    cr_assert_eq(get(&server, "/trouble/crash/null").status, 500);
    server_await_replaced(&server, before, 1);
    server_await_workers(&server, 1, before);
    expect_get(&server, text("/trouble/mask/%s", how), 200, "masked");
    server_hup(&server);
    server_await_replaced(&server, before, 1); /* before the time that it would be given if it did not hear of it */
    expect_get(&server, "/hello", 200, "hello");
    server_stop_after_crashes(&server);
}

Test(hangs, a_handler_that_blocks_all_signals_leaves_those_of_the_server)
{
    mask_signals("process");
}

Test(hangs, so_does_one_that_blocks_them_for_its_thread)
{
    mask_signals("thread");
}
