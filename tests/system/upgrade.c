/* SPDX-License-Identifier: Apache-2.0
 *
 * The binary upgrade: what a new binary takes over, who is told of it, and what those lose who are connected: nothing.
 */
#include "manager.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>

TestSuite(upgrade, .timeout = 120);

enum { KEPT = 40 };

Test(upgrade, connections_go_on_over_several)
{
    struct server server;
    struct client clients[KEPT], half;
    server_start(&server, TWO_WORKERS PROBE);
    keep_all(&server, clients, KEPT);
    for (int round = 0; round < 3; round++) {
        half = client_connect(&server);
        client_send(&half, "GET /hel");
        server_upgrade(&server);
        expect_kept(&half, "lo HTTP/1.1\r\nHost: a\r\n\r\n", "hello");
        expect_all_kept(clients, KEPT);
    }
    server_stop(&server);
}

Test(upgrade, a_request_in_progress_is_finished_and_its_connection_goes_on)
{
    struct server server;
    server_start(&server, TWO_WORKERS PROBE TROUBLE);
    struct client client = client_connect(&server);
    client_enter_gate(&client, &server, "a");
    server_signal(&server, SIGUSR2);
    pid_t old = server_succeed(&server);
    expect_get(&server, "/hello", 200, "hello");
    cr_assert(process_alive(old));
    server_open_gate(&server, "a");
    expect_kept(&client, NULL, "through gate a");
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    cr_assert_eq(process_wait(old, PATIENCE), 0);
    server_stop(&server);
}

/* With a request in progress at the oldest of three; 'ends' is how the one in the middle does. */
static void expect_end(const char *ends, bool replaced)
{
    struct server server;
    server_start(&server, TWO_WORKERS PROBE TROUBLE);
    struct client client = client_connect(&server);
    client_enter_gate(&client, &server, "a");
    server_signal(&server, SIGUSR2);
    pid_t first = server_succeed(&server);
    pid_t children[WORKERS_MAX];
    await(process_children(first, children, WORKERS_MAX) == 2); /* its worker with the request, and the next master */
    if (replaced) {
        server_signal(&server, SIGUSR2);
        server_succeed(&server);
    } else {
        kill(server.pid, SIGKILL);
        server.pid = first;
    }
    server_log_await(&server, text("the master of the new binary has %s: here", ends), 1);
    cr_assert_eq(text_count(server_log(&server), "the master of the new binary has"), 1, "%s", server_log(&server));
    if (replaced)
        expect_get(&server, "/hello", 200, "hello");
    server_open_gate(&server, "a");
    struct response response = client_read(&client);
    expect_response(&response, 200, "through gate a");
    cr_assert_eq(process_wait(first, PATIENCE), 0);
    if (replaced)
        server_stop(&server);
}

Test(upgrade, one_that_hands_over_in_its_turn_is_not_told_of_as_lost)
{
    expect_end("left, stopped or replaced by another", true);
}

Test(upgrade, one_that_is_killed_while_it_serves_is_warned_of)
{
    expect_end("ended", false);
}

Test(upgrade, a_handler_of_the_old_binary_that_crashes_is_answered_by_the_new_one)
{
    struct server server;
    server_start(&server, TWO_WORKERS "[timeouts]\nrequest = 2s\n" PROBE TROUBLE);
    struct client client = client_connect(&server);
    client_enter_gate(&client, &server, "never");
    server_signal(&server, SIGUSR2);
    pid_t old = server_succeed(&server);
    struct response response = client_read(&client);
    cr_assert_eq(response.status, 504, "%s", response.head);
    cr_assert_eq(process_wait(old, PATIENCE), 0);
    server_stop(&server);
}

#define SIXTEEN "[server]\nlisten = 127.0.0.1:0\nworkers = 16\n"

Test(upgrade, the_reasons_of_a_new_binary_are_told_by_the_old_one)
{
    struct server server;
    server_start(&server, TWO_WORKERS PROBE);
    server_configure(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = lots\n" PROBE);
    struct run ran = run_tine("upgrade", "-c", server.ini);
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "server\\.ini:3: \\[server\\] workers: 'lots'"), "%s", ran.err);
    server_configure(&server, TWO_WORKERS "[app:x]\npath = /\nmodule = @MODULES@/undefined_symbol.so\n");
    ran = run_tine("upgrade", "-c", server.ini);
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "\\[app:x\\] module: .*undefined"), "%s", ran.err);
    cr_assert_eq(text_count(server_log(&server), "[app:x] module: "), 1, "told twice:\n%s", server_log(&server));
    expect_get(&server, "/hello", 200, "hello");
    server_configure(&server, TWO_WORKERS PROBE);
    server_upgrade(&server);
    expect_get(&server, "/hello", 200, "hello");
    server_stop(&server);
}

/* As a script does that deploys, and then looks at what it has deployed. */
Test(upgrade, who_asks_after_one_meets_nobody_of_before)
{
    enum { ROUNDS = 4 };
    struct server server;
    pid_t workers[WORKERS_MAX];
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* each new master is ours to wait for, however soon the old one ends */
    server_start(&server, SIXTEEN RESPOND("0"));
    for (int i = 1; i <= ROUNDS; i++) {
        server_await_workers(&server, 16, workers);
        server_configure(&server, text(SIXTEEN RESPOND("%d"), i));
        pid_t old = server.pid;
        struct run ran = run_tine("upgrade", "-c", server.ini);
        cr_assert_eq(ran.code, 0, "%s", ran.err);
        for (int n = 0; n < 20; n++)
            expect_get(&server, "/", 200, text("%d", i));
        cr_assert_eq(server_succeed(&server), old);
        cr_assert_eq(process_wait(old, PATIENCE), 0);
    }
    server_stop(&server);
}

Test(upgrade, a_wrong_link_is_passed_over)
{
    struct server server;
    server_prepare(&server, ONE_WORKER PROBE);
    const char *argv[] = {"env", "TINE_UPGRADE=1", tine_path(), "-c", server.ini, NULL};
    server_launch_by(&server, argv);
    cr_assert(server_log_has(&server, "TINE_UPGRADE '1' is no link"));
    expect_get(&server, "/hello", 200, "hello");
    server_stop(&server);
}

Test(upgrade, paths_and_pid_file_go_to_the_new_master_and_with_it)
{
    struct server server;
    server_start(&server, "[server]\nlisten = unix:@DIR@/socket, 127.0.0.1:0\nworkers = 2\npidfile = @DIR@/pid\n"
                          "control = @DIR@/control\n" PROBE);
    for (int round = 0; round < 2; round++) {
        server_upgrade(&server);
        cr_assert_eq(atoi(file_read(text("%s/pid", server.dir), NULL)), server.pid);
        cr_assert_eq(run_tine("reload", "-c", server.ini).code, 0);
        server.generation++;
        expect_get(&server, "/hello", 200, "hello");
    }
    struct run ran = run_tine("upgrade", "-c", server.ini);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    cr_assert(text_matches(ran.out, "^generation 6 serves, in process [0-9]+$"), "%s", ran.out);
    process_wait(server_succeed(&server), PATIENCE);
    server_stop(&server);
    cr_assert_not(file_exists(text("%s/pid", server.dir)));
    cr_assert_not(file_exists(text("%s/control", server.dir)));
    cr_assert_not(file_exists(text("%s/socket", server.dir)));
}

Test(upgrade, the_file_is_read_anew_and_sockets_come_and_go)
{
    struct server server;
    server_start(&server, "[server]\nlisten = 127.0.0.1:0, unix:@DIR@/old\nworkers = 2\ncontrol = @DIR@/control\n" PROBE);
    struct client client = client_connect_to(text("unix:%s/old", server.dir));
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    server_configure(&server, "[server]\nlisten = 127.0.0.1:0, unix:@DIR@/new\nworkers = 3\n" PROBE);
    server_upgrade(&server);
    pid_t workers[WORKERS_MAX];
    server_await_workers(&server, 3, workers);
    expect_get(&server, "/hello", 200, "hello");
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    struct client other = client_connect_to(text("unix:%s/new", server.dir));
    expect_kept(&other, request("GET", "/hello", ""), "hello");
    cr_assert_not(file_exists(text("%s/old", server.dir)));
    cr_assert_not(file_exists(text("%s/control", server.dir)));
    cr_assert_eq(run_tine("status", "-c", server.ini).code, 0);
    server_stop(&server);
}

Test(upgrade, a_storm_of_signals_ends_in_one_server)
{
    struct server server;
    server_start(&server, TWO_WORKERS "pidfile = @DIR@/pid\n" PROBE);
    struct client client = client_connect(&server);
    await(file_exists(text("%s/pid", server.dir)));
    for (int i = 0; i < 20; i++) {
        kill(atoi(file_read(text("%s/pid", server.dir), NULL)), i % 3 == 0 ? SIGHUP : SIGUSR2);
        expect_kept(&client, request("GET", "/hello", ""), "hello");
    }
    await(text_count(server_log(&server), "has taken over") == text_count(server_log(&server), " has left") &&
          text_count(server_log(&server), "has taken over") > 0);
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    server.pid = atoi(file_read(text("%s/pid", server.dir), NULL));
    kill(server.pid, SIGTERM);
    server_log_await(&server, text("%d stopped", server.pid), 1);
}

Test(upgrade, the_service_manager_is_told_who_is_its_main_process)
{
    struct server server;
    struct manager manager;
    manager_open(&manager, false);
    server_prepare(&server, TWO_WORKERS PROBE);
    manager_launch(&server, text("NOTIFY_SOCKET=%s WATCHDOG_USEC=400000 WATCHDOG_PID=@PID@", manager.name), NULL, 0);
    size_t ready = manager_await(&manager, "READY=1", 0);
    server_upgrade(&server);
    size_t main_pid = manager_await(&manager, text("MAINPID=%d", server.pid), ready + 1);
    for (size_t i = ready + 1; i < main_pid; i++) /* from one that is not its main process systemd takes nothing */
        cr_assert_not(text_matches(manager.messages[i], "generation 2|starting"), "%s", manager.messages[i]);
    manager_await(&manager, "STATUS=generation 2 serves, 2 workers", main_pid);
    manager_await(&manager, "WATCHDOG=1", main_pid + 2);
    server_upgrade(&server);
    main_pid = manager_await(&manager, text("MAINPID=%d", server.pid), main_pid + 1);
    server_stop(&server);
    manager_await(&manager, "STOPPING=1", main_pid);
}

Test(upgrade, what_was_passed_in_by_the_manager_is_passed_on)
{
    struct server server;
    struct manager manager;
    char bound[128];
    int fd = manager_listen("127.0.0.1", bound);
    manager_open(&manager, false);
    server_prepare(&server, text("[server]\nlisten = %s\nworkers = 2\n" PROBE, bound));
    manager_launch(&server, "LISTEN_FDS=1 LISTEN_PID=@PID@", &fd, 1);
    server_upgrade(&server);
    expect_get(&server, "/hello", 200, "hello");
    server_stop(&server);
    struct client late = client_connect_to(bound); /* it still listens: for whom the manager starts next */
    client_close(&late);
}
