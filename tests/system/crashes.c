/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler that crashes is answered 500, and other clients of its worker lose nothing. The log tells where it was; a route that crashes
 * too often is left alone for a while. What children of a handler do is theirs.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

TestSuite(crashes, .timeout = 120);

enum { OTHERS = 20 };

static const char *const ways[] = {"abort", "exit", "_exit", "_Exit", "quick_exit", "errx", "error",
                                   "null", "stack", "segv", "bus", "fpe", "ill"};

Test(crashes, every_way_to_crash_is_answered_500_and_others_go_on)
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
Test(crashes, an_answer_for_the_dead_is_to_its_request)
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
Test(crashes, the_only_workers_crash_is_answered_by_its_successor)
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
Test(crashes, a_crash_for_want_of_descriptors_costs_no_more_than_another)
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

Test(crashes, answers_before_the_crash_come_first)
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

/* What unwinds the stack is there before the crash, and yet no library that every server has to map. */
Test(crashes, a_crash_tells_its_frames_though_no_library_for_that_was_loaded)
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
Test(crashes, the_frames_of_a_crash_lead_to_lines_of_source)
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
Test(crashes, a_crash_that_cannot_tell_its_frames_ends_all_the_same)
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
Test(crashes, an_alarm_ends_no_worker)
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

Test(crashes, children_of_a_handler_are_its_own)
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

/* It has all sockets of its worker, whose closing ends nothing as long as that is so. */
Test(crashes, a_child_that_stays_keeps_no_connection_open)
{
    struct server server;
    struct client kept[OTHERS];
    pid_t worker[WORKERS_MAX];
    server_start(&server, ONE_WORKER "workers_max = 1\n" PROBE TROUBLE);
    server_await_workers(&server, 1, worker);
    keep_all(&server, kept, OTHERS);
    struct client client = client_connect(&server);
    client_send(&client, request("GET", "/trouble/leave_child", "Connection: close\r\n"));
    struct response response = client_read(&client);
    expect_response(&response, 200, "left");
    client_expect_close(&client);
    for (size_t i = 0; i < OTHERS; i++)
        client_close(&kept[i]);
    process_expect_rest(worker[0], "a worker with a child that has its sockets");
    server_open_gate(&server, "child");
    server_stop(&server);
}

/* Nor does an answer that is cut look whole, nor is the next server kept from listening. */
Test(crashes, a_child_that_stays_hides_no_end)
{
    struct server server;
    bool clean = true;
    server_start(&server, text("[server]\nlisten = 127.0.0.1:%d\nworkers = 1\nworkers_max = 1\n" PROBE TROUBLE, port_reserve()));
    expect_get(&server, "/trouble/leave_child", 200, "left");
    for (int i = 0; i < 10; i++) { /* now and then it was seen though it was not said */
        struct client client = client_connect(&server);
        client_send(&client, "GET /broken_stream/300000 HTTP/1.0\r\n\r\n");
        cr_assert(client_drain(&client, PATIENCE, &clean));
        cr_assert_not(clean);
        client_close(&client);
    }
    server_stop(&server);
    server_launch(&server);
    expect_get(&server, "/hello", 200, "hello");
    server_open_gate(&server, "child");
    server_stop(&server);
}

Test(crashes, a_child_that_returns_from_the_handler_serves_nobody)
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

Test(crashes, a_route_that_crashes_too_often_answers_503_then_is_tried_again)
{
    struct server server;
    server_start(&server, TWO_WORKERS "crash_limit = 3\n" PROBE TROUBLE);
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

Test(crashes, a_reload_forgets_crashes)
{
    struct server server;
    server_start(&server, TWO_WORKERS "crash_limit = 1\n" PROBE TROUBLE);
    cr_assert_eq(get(&server, "/trouble/crash/null").status, 500);
    cr_assert_eq(get(&server, "/trouble/crash/nothing").status, 503);
    int64_t start = now_ms();
    server_hup(&server);
    await(get(&server, "/trouble/crash/nothing").status == 404);
    cr_assert_lt(now_ms() - start, 9000, "it was the end of the pause that let it try"); /* of ten seconds */
    server_stop_after_crashes(&server);
}
