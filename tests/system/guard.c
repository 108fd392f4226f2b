/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler that crashes is answered 500, one that hangs 504, and other clients of its worker lose nothing.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

TestSuite(guard, .timeout = 120);

enum { OTHERS = 20, FEW = 8 };

static const char *const ways[] = {"abort", "exit", "_exit", "_Exit", "quick_exit", "errx", "error",
                                   "null", "stack", "segv", "bus", "fpe", "ill"};

Test(guard, every_way_to_crash_is_answered_500_and_others_go_on)
{
    struct server server;
    struct client others[OTHERS];
    server_start(&server, TWO_WORKERS PROBE TROUBLE);
    keep_all(&server, others, OTHERS);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct response response = ask(&server, request("GET", text("/trouble/crash/%s", ways[i]), "X-Request-Id: who-died\r\n"));
        cr_assert_eq(response.status, 500, "%s: %d", ways[i], response.status);
        cr_assert_str_eq(response_header(&response, "X-Request-Id"), "who-died");
        expect_all_kept(others, OTHERS);
        await(server_log_has(&server, text("/trouble/crash/%s, request who-died", ways[i])));
        server_access_await(&server, text("/trouble/crash/%s HTTP/1.1\" 500", ways[i]));
    }
    server_stop_after_crashes(&server);
}

/* As what it was asked, though the handler has looked at all of its head. */
Test(guard, an_answer_for_the_dead_is_to_its_request)
{
    struct server server;
    server_start(&server, TWO_WORKERS "[log]\naccess_format = \"%r %s %{X-Empty}i,%{X-Wide}i,%{User-Agent}i\"\n" PROBE TROUBLE);
    struct client client = client_connect(&server);
    client_send(&client, request("HEAD", "/trouble/crash/null?a=b", "X-Empty:\r\nX-Wide:  a b \t \r\nUser-Agent: test\r\n"));
    struct response response = client_read_head(&client);
    cr_assert_eq(response.status, 500);
    client_expect_close(&client);
    server_access_await(&server, "HEAD /trouble/crash/null?a=b HTTP/1.1 500 -,a b,test");
    server_stop_after_crashes(&server);
}

/* One worker: there is nobody to answer until its successor is up. */
Test(guard, the_only_workers_crash_is_answered_by_its_successor)
{
    struct server server;
    struct client others[OTHERS];
    server_start(&server, ONE_WORKER PROBE TROUBLE);
    keep_all(&server, others, OTHERS);
    for (int i = 0; i < 3; i++) {
        struct response response = get(&server, "/trouble/crash/null");
        cr_assert_eq(response.status, 500);
        expect_all_kept(others, OTHERS);
    }
    server_stop_after_crashes(&server);
}

/* It has leaked them all, and then takes one for granted. What is given then needs some: a file for the head of the request to be answered,
 * and for half a head of another client. */
Test(guard, a_crash_for_want_of_descriptors_costs_no_more_than_another)
{
    struct server server;
    struct client others[OTHERS];
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){4096, 4096});
    server_start(&server, ONE_WORKER "workers_max = 1\n" PROBE TROUBLE);
    struct client half = client_connect(&server);
    client_send(&half, "GET /hel"); /* the first of all: it shall not be in the others' way */
    keep_all(&server, others, OTHERS);
    struct client leaking = client_connect(&server);
    client_send(&leaking, request("GET", "/trouble/hoard", ""));
    struct response response = client_read(&leaking);
    cr_assert_gt(atoi(response.body), 3000);
    client_send(&leaking, request("GET", "/trouble/crash/null", ""));
    cr_assert_eq(client_read(&leaking).status, 500);
    expect_all_kept(others, OTHERS);
    expect_kept(&half, "lo HTTP/1.1\r\nHost: a\r\n\r\n", "hello");
    cr_assert(text_matches(run_tine("status", "-c", server.ini).out, ", lost [01]$")); /* the dead's client, if it had not closed yet */
    server_stop_after_crashes(&server);
}

/* What unwinds the stack is there before the crash, and yet no library that every server has to map. */
Test(guard, a_crash_tells_its_frames_though_no_library_for_that_was_loaded)
{
    struct server server;
    server_start(&server, ONE_WORKER PROBE TROUBLE);
    const char *maps = process_file(server.pid, "maps");
    cr_assert(strstr(maps, "libgcc_s") == NULL || strstr(maps, "san.so") != NULL, "%s", maps); /* sanitizers need it themselves */
    cr_assert_eq(get(&server, "/trouble/crash/null").status, 500);
    await(server_log_has(&server, "trouble.so("));
    server_stop_after_crashes(&server);
}

/* Not of the copy that was loaded, which is gone by the time somebody asks; and each line as all lines of the log are. */
Test(guard, the_frames_of_a_crash_lead_to_lines_of_source)
{
    struct server server;
    char command[1024] = "";
    server_start(&server, ONE_WORKER PROBE TROUBLE);
    cr_assert_eq(get(&server, "/trouble/crash/null").status, 500);
    await(server_log_has(&server, "for file and line: addr2line -fe "));
    server_stop_after_crashes(&server);
    char *log = server_log(&server);
    cr_assert(text_matches(log, text("  at %s/trouble\\.so\\(\\+0x[0-9a-f]+\\) \\[0x[0-9a-f]+\\]$", modules_path())), "%s", log);
    cr_assert(strstr(log, "tine-modules-") == NULL, "%s", log);
    sscanf(strstr(log, "addr2line -fe "), "%1023[^\n]", command);
    struct run ran = run("sh", "-c", command);
    cr_assert(strstr(ran.out, "crash\n") == ran.out && strstr(ran.out, "tests/modules/trouble.c:") != NULL, "%s: %s", command, ran.out);
    for (char *line = strtok(log, "\n"); line != NULL; line = strtok(NULL, "\n"))
        cr_assert(text_matches(line, "^20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9:]{8}\\.[0-9]{3} (debug|info|warning|error) [0-9]+ ."), "%s", line);
}

/* A thread of the module's own is inside the loader, whose lock naming the frames needs: the alarm ends that. */
Test(guard, a_crash_that_cannot_tell_its_frames_ends_all_the_same)
{
    struct server server;
    pid_t worker[WORKERS_MAX];
    if (!nobody_can_reach_tine())
        cr_skip_test("nobody cannot load what lies in this folder");
    server_start(&server, ONE_WORKER PROBE "[app:stuck]\npath = /stuck\nmodule = @MODULES@/stuck.so\nitself = @MODULES@/stuck.so\n");
    server_await_workers(&server, 1, worker);
    cr_assert_eq(get(&server, "/stuck/crash").status, 500);
    await(!process_alive(worker[0]));
    expect_get(&server, "/hello", 200, "hello");
    server_stop_after_crashes(&server);
}

/* A handler may have forgotten its alarm(), or somebody sends one: that is no crash. */
Test(guard, an_alarm_ends_no_worker)
{
    struct server server;
    pid_t before[WORKERS_MAX], now[WORKERS_MAX];
    struct client others[OTHERS];
    server_start(&server, TWO_WORKERS PROBE TROUBLE);
    server_await_workers(&server, 2, before);
    keep_all(&server, others, OTHERS);
    struct client slow = client_connect(&server);
    client_enter_gate(&slow, &server, "a");
    for (int i = 0; i < 2; i++)
        kill(before[i], SIGALRM);
    expect_all_kept(others, OTHERS);
    server_open_gate(&server, "a");
    struct response response = client_read(&slow);
    expect_response(&response, 200, "through gate a");
    cr_assert_eq(server_workers(&server, now), 2);
    cr_assert(pids_overlap(now, 1, before, 2) && pids_overlap(now + 1, 1, before, 2));
    server_stop_after_crashes(&server);
}

Test(guard, answers_before_the_crash_come_first)
{
    struct server server;
    server_start(&server, TWO_WORKERS PROBE TROUBLE);
    get(&server, "/trouble/crash/nothing"); /* known to be quick: what was answered before it is not sent before it runs */
    get(&server, "/trouble/crash/nothing");
    struct client client = client_connect(&server);
    client_send(&client, text("%s%s", request("GET", "/hello", ""), request("GET", "/trouble/crash/null", "")));
    struct response response = client_read(&client);
    expect_response(&response, 200, "hello");
    response = client_read(&client);
    cr_assert_eq(response.status, 500);
    client_expect_close(&client);
    server_stop_after_crashes(&server);
}

Test(guard, a_response_that_has_begun_is_cut_not_answered_twice)
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

Test(guard, a_handler_that_hangs_is_answered_504_at_its_time)
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

/* Its handler returned just then: the abort is about no request any more, and the worker as good as before. */
Test(guard, one_that_ends_as_it_is_aborted_keeps_its_worker)
{
    struct server server;
    pid_t before[WORKERS_MAX], after[WORKERS_MAX];
    server_start(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nworkers_max = 1\n[timeouts]\nrequest = 300ms\n" PROBE TROUBLE);
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
Test(guard, a_worker_without_its_main_thread_is_ended_and_replaced)
{
    if (is_sanitized())
        cr_skip_test("the sanitizer takes the signal stack of a thread that ends for its own");
    struct server server;
    server_start(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nworkers_max = 1\n[timeouts]\nrequest = 300ms\n" PROBE TROUBLE);
    struct client client = client_connect(&server);
    client_send(&client, request("GET", "/trouble/headless", ""));
    cr_assert(client_drain(&client, PATIENCE, NULL));
    expect_get(&server, "/hello", 200, "hello");
    server_stop_after_crashes(&server);
}

Test(guard, an_app_may_have_its_own_time)
{
    struct server server;
    server_start(&server, TWO_WORKERS "[timeouts]\nrequest = 200ms\n" PROBE TROUBLE "request = 20s\n");
    expect_get(&server, "/trouble/nap/600", 200, "slept 600 ms");
    server_stop_after_crashes(&server);
}

/* The first time nobody knows that the route is slow: the others are given away while it runs. */
Test(guard, others_of_a_stalled_worker_are_served_meanwhile)
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

/* Which cannot take a whole message beside what they hold, whatever comes. */
Test(guard, others_of_a_stalled_worker_are_served_by_workers_of_few_connections)
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

Test(guard, children_of_a_handler_are_its_own)
{
    struct server server;
    struct client others[OTHERS];
    pid_t before[WORKERS_MAX], now[WORKERS_MAX];
    server_start(&server, TWO_WORKERS PROBE TROUBLE);
    server_await_workers(&server, 2, before);
    keep_all(&server, others, OTHERS);
    expect_get(&server, "/trouble/child/exit", 200, "exit");
    expect_get(&server, "/trouble/child/crash", 200, "signal");
    expect_all_kept(others, OTHERS);
    cr_assert_eq(server_workers(&server, now), 2);
    cr_assert(pids_overlap(now, 1, before, 2) && pids_overlap(now + 1, 1, before, 2));
    server_stop_after_crashes(&server);
}

Test(guard, a_child_that_returns_from_the_handler_serves_nobody)
{
    struct server server;
    struct client others[OTHERS];
    server_start(&server, TWO_WORKERS PROBE TROUBLE);
    keep_all(&server, others, OTHERS);
    expect_get(&server, "/trouble/child/back", 200, "exit"); /* so it has ended */
    expect_all_kept(others, OTHERS);
    cr_assert(server_log_has(&server, "/trouble/child/back, request "));
    cr_assert(server_log_has(&server, "a child that it forked came back from it, and is ended"));
    server_stop_after_crashes(&server);
}

/* A machine that is paused (a container frozen, a virtual one moved), as seen from inside: time passes, and nobody runs. The master
 * may have slept all the while, from before the request on. */
static void expect_not_the_handlers(bool asleep)
{
    struct server server;
    pid_t worker[WORKERS_MAX];
    server_start(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nworkers_max = 1\n[timeouts]\nrequest = 4s\n" PROBE TROUBLE);
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
Test(guard, time_in_which_nobody_ran_is_not_the_handlers)
{
    expect_not_the_handlers(false);
}

Test(guard, nor_is_what_passed_before_it_was_seen)
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
Test(guard, nor_is_it_that_of_a_worker_that_is_aborted)
{
    struct server server;
    pid_t worker[WORKERS_MAX];
    bool in_time = false;
    for (int tries = 0; tries < 5 && !in_time; tries++) {
        server_start(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nworkers_max = 1\n[timeouts]\nrequest = 1s\n" PROBE TROUBLE);
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

/* It would try to accept again and again, and take for itself every call that wakes the master. */
static void rob_and_expect_another(const char *how, size_t kept)
{
    struct server server;
    struct client others[FEW];
    pid_t before[WORKERS_MAX], now[WORKERS_MAX];
    server_start(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nworkers_max = 1\n" PROBE TROUBLE);
    server_await_workers(&server, 1, before);
    for (size_t i = 0; i < kept; i++) {
        others[i] = client_connect(&server);
        expect_kept(&others[i], request("GET", "/hello", ""), "hello");
    }
    struct client client = client_connect(&server);
    client_send(&client, request("GET", text("/trouble/%s", how), ""));
    await(client_receive(&client, 100) != -2);
    client_close(&client);
    struct client next = client_connect(&server);
    client_send(&next, request("GET", "/hello", ""));
    await(!process_alive(before[0]));
    await(server_log_has(&server, text(": some handler up to that of GET /trouble/%s closed a descriptor of the server's", how)));
    server_await_workers(&server, 1, now);
    struct response response = client_read(&next);
    expect_response(&response, 200, "hello");
    for (size_t i = 0; i < kept; i++)
        client_close(&others[i]);
    server_stop_after_crashes(&server);
}

Test(guard, a_worker_whose_listener_a_handler_closes_ends)
{
    rob_and_expect_another("rob", 0);
}

Test(guard, a_worker_that_holds_others_and_loses_its_descriptors_ends)
{
    rob_and_expect_another("rob", FEW);
}

Test(guard, a_worker_whose_listener_becomes_another_socket_ends)
{
    rob_and_expect_another("supplant", 0);
}

Test(guard, a_worker_that_holds_others_and_whose_listener_becomes_another_socket_ends)
{
    rob_and_expect_another("supplant", FEW);
}

Test(guard, a_route_that_crashes_too_often_answers_503_then_is_tried_again)
{
    struct server server;
    server_start(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = 2\ncrash_limit = 3\n" PROBE TROUBLE);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(get(&server, "/trouble/crash/null").status, 500);
    struct response response = get(&server, "/trouble/crash/null");
    cr_assert_eq(response.status, 503);
    cr_assert(text_matches(response_header(&response, "Retry-After"), "^[1-9][0-9]*$")); /* RFC 9110, 10.2.3 */
    await(server_log_has(&server, "crashed too often"));
    expect_get(&server, "/trouble/nap/1", 200, "slept 1 ms"); /* other routes are untouched */
    expect_get(&server, "/hello", 200, "hello");
    await(get(&server, "/trouble/crash/nothing").status == 404); /* after the pause it is let try, and does not crash */
    await(server_log_has(&server, "serves again"));
    cr_assert_eq(get(&server, "/trouble/crash/null").status, 500);
    server_stop_after_crashes(&server);
}

Test(guard, a_reload_forgets_crashes)
{
    struct server server;
    server_start(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = 2\ncrash_limit = 1\n" PROBE TROUBLE);
    cr_assert_eq(get(&server, "/trouble/crash/null").status, 500);
    cr_assert_eq(get(&server, "/trouble/crash/nothing").status, 503);
    int64_t start = now_ms();
    server_hup(&server);
    await(get(&server, "/trouble/crash/nothing").status == 404);
    cr_assert_lt(now_ms() - start, 9000, "it was the end of the pause that let it try"); /* of ten seconds */
    server_stop_after_crashes(&server);
}
