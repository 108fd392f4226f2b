/* SPDX-License-Identifier: Apache-2.0
 *
 * Upgrades in which something happens while the new binary starts, or before all its workers are there: which of them get ready the test
 * says, by the tokens that it lays out.
 */
#include "manager.h"
#include "shim.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

TestSuite(succession, .timeout = 120);

#define PATHS \
    "[server]\nlisten = 127.0.0.1:0, unix:@DIR@/socket\nworkers = 2\nworkers_max = 2\ncontrol = @DIR@/control\npidfile = @DIR@/pid\n"

static void prepare(struct server *server, const char *ini)
{
    server_prepare(server, ini);
    server_make_tokens(server);
    server_lay_token(server, 1);
    server_lay_token(server, 2);
}

static void start_by(struct server *server, const char *ini, void (*launch)(struct server *server))
{
    pid_t workers[WORKERS_MAX];
    prepare(server, ini);
    launch(server);
    server_await_workers(server, 2, workers);
    await(!file_exists(text("%s/tokens/token.1", server->dir)) && !file_exists(text("%s/tokens/token.2", server->dir)));
}

static void start(struct server *server, const char *ini)
{
    start_by(server, ini, server_launch);
}

/* The new master serves with one worker; its second waits. The old one can still take all back. */
static pid_t half_succeed(struct server *server)
{
    server_log_await(server, "worker_init waits", 1);
    server_lay_token(server, 3);
    pid_t old = server_succeed(server);
    server_log_await(server, "worker_init waits", 2);
    return old;
}

static void expect_paths(const struct server *server, pid_t master)
{
    cr_assert(file_exists(text("%s/control", server->dir)));
    cr_assert(file_exists(text("%s/socket", server->dir)));
    struct run ran = run_tine("status", "-c", server->ini);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    cr_assert(strstr(ran.out, text("pid %d: serving", master)) != NULL, "%s", ran.out);
    struct client local = client_connect_to(text("unix:%s/socket", server->dir));
    expect_kept(&local, request("GET", "/hello", ""), "hello");
    client_close(&local);
}

Test(succession, while_the_new_binary_starts_the_old_one_is_asked)
{
    struct server server;
    start(&server, PATHS PROBE TURNSTILE);
    server_signal(&server, SIGUSR2);
    server_log_await(&server, "worker_init waits", 1);
    for (int i = 0; i < 10; i++)
        expect_paths(&server, server.pid);
    server_lay_token(&server, 3);
    server_lay_token(&server, 4);
    cr_assert_eq(process_wait(server_succeed(&server), PATIENCE), 0);
    expect_paths(&server, server.pid);
    server_stop(&server);
    cr_assert_not(file_exists(text("%s/control", server.dir)));
    cr_assert_not(file_exists(text("%s/socket", server.dir)));
}

/* First what the new one has to say, then what the old one has: there is no memory for it. */
Test(succession, what_masters_cannot_tell_each_other_at_once_they_tell_later)
{
    for (int i = 0; i < 2; i++) {
        struct server server;
        start_by(&server, PATHS PROBE TURNSTILE, shim_launch);
        server_signal(&server, SIGUSR2);
        server_log_await(&server, "worker_init waits", 1);
        if (i == 0)
            fault_begin(&server, "sendmsg.plain", ENOBUFS);
        else
            fault_begin_in(&server, "sendmsg.plain", ENOBUFS, server.pid);
        server_lay_token(&server, 3);
        server_lay_token(&server, 4);
        await(fault_count(&server, "sendmsg.plain") > 2);
        fault_end(&server, "sendmsg.plain");
        cr_assert_eq(process_wait(server_succeed(&server), PATIENCE), 0);
        expect_paths(&server, server.pid);
        server_stop(&server);
    }
}

Test(succession, one_that_is_refused_leaves_all_paths_alone)
{
    struct server server;
    start(&server, PATHS PROBE TURNSTILE);
    server_configure(&server, PATHS PROBE "[app:x]\npath = /x\nmodule = @MODULES@/undefined_symbol.so\n");
    cr_assert_eq(run_tine("upgrade", "-c", server.ini).code, 1);
    expect_paths(&server, server.pid);
    server_stop(&server);
}

/* The last of the workers may never be there: what the new binary, or its file, is to mend. */
Test(succession, a_reload_that_lacks_a_worker_does_not_hold_it_up)
{
    struct server server;
    start(&server, PATHS PROBE TURNSTILE);
    server_lay_token(&server, 1);
    server_reload(&server, PATHS PROBE TURNSTILE);
    server_log_await(&server, "worker_init waits", 1);
    server_configure(&server, PATHS PROBE);
    server_upgrade(&server);
    expect_paths(&server, server.pid);
    server_stop(&server);
}

Test(succession, one_that_is_killed_before_its_workers_are_there_leaves_nothing_changed)
{
    struct server server;
    start(&server, PATHS PROBE TURNSTILE);
    struct client client = client_connect(&server);
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    server_signal(&server, SIGUSR2);
    pid_t old = half_succeed(&server), workers[WORKERS_MAX];
    server_await_workers(&server, 2, workers);
    pid_t waiting = workers[1];
    kill(server.pid, SIGKILL);
    server.pid = old;
    server_log_await(&server, "generation 1 serves on", 1);
    await(!process_alive(waiting)); /* it has nobody to serve for */
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    expect_paths(&server, old);
    await(atoi(file_read(text("%s/pid", server.dir), NULL)) == old);
    server_stop(&server);
}

Test(succession, another_control_socket_is_the_old_one_again_after_a_kill)
{
    struct server server;
    start(&server, PATHS PROBE TURNSTILE);
    server_configure(&server, "[server]\nlisten = 127.0.0.1:0, unix:@DIR@/socket\nworkers = 2\nworkers_max = 2\ncontrol = @DIR@/other\n"
                              PROBE TURNSTILE);
    server_signal(&server, SIGUSR2);
    pid_t old = half_succeed(&server);
    kill(server.pid, SIGKILL);
    server.pid = old;
    server_log_await(&server, "generation 1 serves on", 1);
    server_lay_token(&server, 5);
    server_configure(&server, PATHS PROBE TURNSTILE);
    expect_paths(&server, old);
    server_stop(&server);
}

/* The order to stop is for the server, whoever of the two got it. */
static void stops_both(int signal_number, bool to_the_old_one)
{
    struct server server;
    start(&server, PATHS PROBE TURNSTILE);
    struct client client = client_connect(&server);
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    server_signal(&server, SIGUSR2);
    pid_t old = half_succeed(&server);
    kill(to_the_old_one ? old : server.pid, signal_number);
    cr_assert_eq(process_wait(old, PATIENCE), 0, "%s", server_log(&server));
    cr_assert_eq(process_wait(server.pid, PATIENCE), 0, "%s", server_log(&server));
    client_expect_close(&client);
    cr_assert_not(server_log_has(&server, "serves on"), "%s", server_log(&server));
    cr_assert_not(file_exists(text("%s/control", server.dir)));
    cr_assert_not(file_exists(text("%s/socket", server.dir)));
}

/* By then nothing can be taken back; the old one may have requests in progress for long. */
Test(succession, a_new_master_that_lacks_a_worker_reloads_once_the_old_one_leaves)
{
    struct server server;
    struct run ran;
    start(&server, PATHS "[timeouts]\nstart = 3s\n" PROBE TROUBLE TURNSTILE);
    struct client client = client_connect(&server);
    client_enter_gate(&client, &server, "a");
    server_signal(&server, SIGUSR2);
    pid_t old = half_succeed(&server);
    server_configure(&server, PATHS PROBE TROUBLE);
    await((ran = run_tine("reload", "-c", server.ini)).code == 0);
    cr_assert(process_alive(old));
    server_open_gate(&server, "a");
    expect_kept(&client, NULL, "through gate a");
    cr_assert_eq(process_wait(old, PATIENCE), 0);
    server_stop(&server);
}

Test(succession, term_to_the_new_master_stops_both)
{
    stops_both(SIGTERM, false);
}

Test(succession, int_to_the_new_master_stops_both)
{
    stops_both(SIGINT, false);
}

Test(succession, term_to_the_old_master_stops_both_while_it_might_take_back)
{
    stops_both(SIGTERM, true);
}

Test(succession, a_new_master_that_stops_waits_for_requests_of_the_old_one)
{
    struct server server;
    server_start(&server, TWO_WORKERS PROBE TROUBLE);
    struct client client = client_connect(&server);
    client_enter_gate(&client, &server, "a");
    server_signal(&server, SIGUSR2);
    pid_t old = server_succeed(&server);
    server_log_await(&server, "\n", 1);
    server_signal(&server, SIGTERM);
    server_log_await(&server, text("%d stopping", server.pid), 1);
    cr_assert_eq(process_wait(server.pid, 500), -1, "it has not waited");
    server_open_gate(&server, "a");
    struct response response = client_read(&client);
    expect_response(&response, 200, "through gate a");
    cr_assert_eq(process_wait(old, PATIENCE), 0);
    cr_assert_eq(process_wait(server.pid, PATIENCE), 0);
}

Test(succession, what_is_asked_meanwhile_is_passed_on)
{
    struct server server;
    char *log = NULL;
    start(&server, TWO_WORKERS "workers_max = 2\n[log]\naccess = @DIR@/lines\n" PROBE TURNSTILE);
    expect_get(&server, "/hello", 200, "hello");
    server_signal(&server, SIGUSR2);
    server_log_await(&server, "worker_init waits", 1);
    log = text("%s/lines", server.dir);
    cr_assert_eq(rename(log, text("%s.1", log)), 0);
    server_signal(&server, SIGUSR1);
    server_log_await(&server, "logs opened again", 1);
    cr_assert_eq(rename(log, text("%s.2", log)), 0);
    server_signal(&server, SIGUSR1);
    server_log_await(&server, "logs opened again", 2);
    server_signal(&server, SIGHUP);
    server_lay_token(&server, 3);
    pid_t old = server_succeed(&server);
    server_log_await(&server, "logs opened again", 3);
    for (int i = 4; i < 8; i++)
        server_lay_token(&server, i);
    server_log_await(&server, text("generation %d serves", ++server.generation), 1);
    cr_assert_eq(process_wait(old, PATIENCE), 0);
    expect_get(&server, "/hello?new", 200, "hello");
    await(strstr(file_read(log, NULL), "/hello?new") != NULL);
    server_stop(&server);
}

/* Its queue is full for as long as the manager is busy: what it must know waits. */
Test(succession, a_manager_that_is_busy_learns_who_is_its_main_process)
{
    struct server server;
    struct manager manager;
    manager_open(&manager, false);
    server_prepare(&server, TWO_WORKERS PROBE);
    manager_launch(&server, text("NOTIFY_SOCKET=%s", manager.name), NULL, 0);
    size_t ready = manager_await(&manager, "READY=1", 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, manager.name);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    while (sendto(fd, "X=1\n", 4, 0, (struct sockaddr *)&address, sizeof address) == 4)
        continue;
    cr_assert_eq(errno, EAGAIN);
    server_signal(&server, SIGUSR2);
    pid_t old = server_succeed(&server);
    cr_assert_eq(process_wait(old, 200), -1, "it left with its word ungiven");
    size_t main_pid = manager_await(&manager, text("MAINPID=%d", server.pid), ready + 1);
    manager_await(&manager, "STATUS=generation 2 serves", main_pid);
    cr_assert_eq(process_wait(old, PATIENCE), 0);
    server_stop(&server);
}

/* Until nothing is taken back any more the old one is the main process, and is heard. */
Test(succession, the_manager_is_told_late_enough_to_take_back)
{
    struct server server;
    struct manager manager;
    manager_open(&manager, false);
    prepare(&server, TWO_WORKERS PROBE TURNSTILE);
    manager_launch(&server, text("NOTIFY_SOCKET=%s WATCHDOG_USEC=200000 WATCHDOG_PID=@PID@", manager.name), NULL, 0);
    size_t ready = manager_await(&manager, "READY=1", 0);
    server_signal(&server, SIGUSR2);
    pid_t old = half_succeed(&server);
    size_t fed = manager_await(&manager, "WATCHDOG=1", manager.count);
    cr_assert_not(manager_hears(&manager, "MAINPID", ready + 1, 0));
    kill(server.pid, SIGKILL);
    server.pid = old;
    server_log_await(&server, "generation 1 serves on", 1);
    server_lay_token(&server, 5);
    manager_await(&manager, "WATCHDOG=1", fed + 1);
    cr_assert_not(manager_hears(&manager, "MAINPID", ready + 1, 0));
    server_stop(&server);
}
