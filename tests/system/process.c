/* SPDX-License-Identifier: Apache-2.0
 *
 * Master and workers: where they sleep, how they are called, whom they run as, what happens when one dies.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

TestSuite(process, .timeout = 120);

static bool sleeps_in(pid_t process, const char *function)
{
    char *wchan = process_file(process, "wchan");
    bool does = strcmp(wchan, function) == 0;
    free(wchan);
    return does;
}

static void need_wchan(pid_t process)
{
    if (!wait_until(2000, !sleeps_in(process, "0") && !sleeps_in(process, "")))
        cr_skip_test("wchan cannot be read here");
}

Test(process, every_idle_worker_sleeps_in_accept)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    server_start(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = 5\n" PROBE);
    server_await_workers(&server, 5, workers);
    need_wchan(server.pid);
    for (int i = 0; i < 5; i++)
        await(sleeps_in(workers[i], "inet_csk_accept"));
    server_stop(&server);
}

Test(process, a_worker_leaves_accept_only_while_it_holds_a_connection)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    server_start(&server, ONE_WORKER PROBE);
    server_await_workers(&server, 1, workers);
    need_wchan(server.pid);
    struct client client = client_connect(&server);
    client_send(&client, request("GET", "/hello", ""));
    client_read(&client);
    await(sleeps_in(workers[0], "ep_poll") || sleeps_in(workers[0], "do_epoll_wait"));
    client_close(&client);
    await(sleeps_in(workers[0], "inet_csk_accept"));
    expect_get(&server, "/hello", 200, "hello");
    server_stop(&server);
}

/* How often the main thread has slept so far. */
static long sleeps_of(pid_t process)
{
    char *status = process_file(process, text("task/%d/status", (int)process)), *at = strstr(status, "\nvoluntary_ctxt_switches:");
    long sleeps = at != NULL ? strtol(strchr(at, ':') + 1, NULL, 10) : -1;
    free(status);
    return sleeps;
}

/* Of a process that has more than one. */
static pid_t other_thread(pid_t process)
{
    struct run ran = run("sh", "-c", text("ls /proc/%d/task | grep -v '^%d$'", (int)process, (int)process));
    return (pid_t)strtol(ran.out, NULL, 10);
}

/* A thread that a module started may get the signal when the main one has another at that time. The main one sleeps, and is who looks. */
Test(process, a_worker_looks_whichever_of_its_threads_is_signalled)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    server_start(&server, ONE_WORKER PROBE "[app:threads]\npath = /threads\nmodule = @MODULES@/threads.so\n");
    server_await_workers(&server, 1, workers);
    need_wchan(server.pid);
    await(sleeps_in(workers[0], "inet_csk_accept"));
    pid_t thread = other_thread(workers[0]);
    for (int i = 0; i < 3; i++) {
        long before = sleeps_of(workers[0]);
        cr_assert_eq(syscall(SYS_tgkill, workers[0], thread, SIGURG), 0);
        await(sleeps_of(workers[0]) > before);
        await(sleeps_in(workers[0], "inet_csk_accept"));
    }
    expect_get(&server, "/hello", 200, "hello");
    server_stop(&server);
}

static void expect_nothing_of_ours_below_3(pid_t process)
{
    for (int fd = 0; fd < 3; fd++) {
        struct run ran = run("readlink", text("/proc/%d/fd/%d", (int)process, fd));
        cr_assert_str_eq(ran.out, "/dev/null\n", "descriptor %d is %s", fd, ran.out);
    }
}

Test(process, started_without_standard_input_and_output_no_socket_gets_their_numbers)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    server_prepare(&server, TWO_WORKERS "[log]\nerror = @DIR@/log\n" PROBE);
    const char *argv[] = {"sh", "-c", "exec \"$0\" -c \"$1\" <&- >&- 2>&-", tine_path(), server.ini, NULL};
    server_launch_by(&server, argv);
    server_await_workers(&server, 2, workers);
    expect_get(&server, "/hello", 200, "hello");
    expect_nothing_of_ours_below_3(server.pid);
    expect_nothing_of_ours_below_3(workers[0]);
    server_stop(&server);
}

Test(process, an_idle_server_makes_no_system_call)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    if (!program_exists("strace"))
        cr_skip_test("no strace");
    server_start(&server, TWO_WORKERS PROBE);
    server_await_workers(&server, 2, workers);
    expect_get(&server, "/hello", 200, "hello");
    server_access_await(&server, "/hello");
    if (wait_until(3000, sleeps_in(workers[0], "inet_csk_accept") && sleeps_in(workers[1], "inet_csk_accept")))
        run("sleep", "2"); /* the master ticks for a second after a request; DESIGN 2.1 */
    const char *trace = text("%s/trace", server.dir);
    struct run ran = run("timeout", "-s", "INT", "3", "strace", "-f", "-o", trace, "-p", text("%d", server.pid), "-p",
                         text("%d", workers[0]), "-p", text("%d", workers[1]));
    if (strstr(ran.err, "attached") == NULL)
        cr_skip_test("strace may not attach: %s", ran.err);
    /* Calls that were under way when strace came are written without a result. */
    char *seen = file_read(trace, NULL);
    cr_assert_not(text_matches(seen, "\\) += [-0-9]"), "system calls of an idle server:\n%s", seen);
    server_stop(&server);
}

Test(process, titles_tell_master_from_worker)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    server_start(&server, TWO_WORKERS PROBE);
    server_await_workers(&server, 2, workers);
    await(strncmp(process_file(server.pid, "cmdline"), "tine: master", 12) == 0);
    await(strncmp(process_file(workers[0], "cmdline"), "tine: worker", 12) == 0);
    await(strncmp(process_file(workers[1], "cmdline"), "tine: worker", 12) == 0);
    server_stop(&server);
}

Test(process, a_killed_worker_is_replaced_and_clients_are_served)
{
    struct server server;
    pid_t before[WORKERS_MAX], now[WORKERS_MAX];
    server_start(&server, TWO_WORKERS PROBE);
    server_await_workers(&server, 2, before);
    for (int round = 0; round < 3; round++) {
        size_t count = server_workers(&server, now);
        cr_assert_gt(count, 0);
        kill(now[0], SIGKILL);
        await(!process_alive(now[0])); /* a dying one may still take a connection with it */
        for (int i = 0; i < 5; i++)
            expect_get(&server, "/hello", 200, "hello");
        await(server_workers(&server, now) == 2);
    }
    server_stop(&server);
}

Test(process, all_workers_killed_at_once_are_replaced)
{
    struct server server;
    pid_t before[WORKERS_MAX];
    server_start(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = 4\n" PROBE);
    server_await_workers(&server, 4, before);
    for (int i = 0; i < 4; i++)
        kill(before[i], SIGKILL);
    for (int i = 0; i < 4; i++)
        await(!process_alive(before[i]));
    expect_get(&server, "/hello", 200, "hello");
    server_await_replaced(&server, before, 4);
    server_stop(&server);
}

Test(process, the_death_of_a_worker_is_logged_with_its_signal)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    server_start(&server, TWO_WORKERS PROBE);
    server_await_workers(&server, 2, workers);
    kill(workers[1], SIGKILL);
    await(text_matches(server_log(&server), text("%d.*(KILL|[Kk]illed|signal 9)", workers[1])));
    server_stop(&server);
}

/* Whoever sat in the queue of a worker that dies at the wrong moment is still served: the master kicks others. */
Test(process, a_connection_is_not_lost_with_the_worker_that_was_woken_for_it)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    server_start(&server, TWO_WORKERS PROBE);
    for (int round = 0; round < 10; round++) {
        server_await_workers(&server, 2, workers);
        kill(workers[round % 2], SIGSTOP);
        await(text_matches(process_file(workers[round % 2], "status"), "^State:[ \t]+T"));
        struct client clients[4];
        for (int i = 0; i < 4; i++) {
            clients[i] = client_connect(&server);
            client_send(&clients[i], request("GET", "/hello", "Connection: close\r\n"));
        }
        kill(workers[round % 2], SIGKILL);
        int answered = 0;
        for (int i = 0; i < 4; i++) {
            bool clean;
            client_drain(&clients[i], PATIENCE, &clean);
            answered += clean;
            client_close(&clients[i]);
        }
        cr_assert_geq(answered, 3, "only the connections that the dead worker had accepted may be lost");
        await(!process_alive(workers[round % 2]));
    }
    server_stop(&server);
}

Test(process, a_handler_that_crashes_does_not_stop_others)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    server_start(&server, TWO_WORKERS "workers_max = 2\n" PROBE TROUBLE);
    const char *const ways[] = {"abort", "exit", "kill"};
    for (int round = 0; round < 9; round++) {
        struct client victim = client_connect(&server);
        client_send(&victim, request("GET", text("/trouble/crash/%s", ways[round % 3]), ""));
        expect_get(&server, "/hello", 200, "hello");
        cr_assert(client_drain(&victim, PATIENCE, NULL), "the crashed request hangs");
        client_close(&victim);
        expect_get(&server, "/hello", 200, "hello");
    }
    server_await_workers(&server, 2, workers);
    server_signal(&server, SIGTERM);
    cr_assert_eq(server_wait(&server), 0);
}

Test(process, a_handler_that_hangs_is_ended_and_its_worker_replaced)
{
    struct server server;
    pid_t before[WORKERS_MAX], now[WORKERS_MAX];
    server_start(&server, ONE_WORKER "workers_max = 1\n[timeouts]\nrequest = 1s\n" PROBE TROUBLE);
    server_await_workers(&server, 1, before);
    struct client client = client_connect(&server);
    int64_t start = now_ms();
    client_send(&client, request("GET", "/trouble/gate/never", ""));
    cr_assert(client_drain(&client, PATIENCE, NULL));
    cr_assert_geq(now_ms() - start, 900);
    expect_get(&server, "/hello", 200, "hello");
    await(server_workers(&server, now) == 1 && now[0] != before[0]);
    await(text_matches(server_log(&server), text(" error .*%d.*request", before[0])));
    server_signal(&server, SIGTERM);
    cr_assert_eq(server_wait(&server), 0);
}

/* Has this worker answered, that is, is it past its worker_init? */
static bool has_served(const struct server *server, pid_t worker)
{
    return atoi(get(server, "/pid").body) == worker;
}

/* worker_init aborts from some moment on: attempts must become rare, what is left serves on, and the
 * server recovers once the reason is gone. */
Test(process, a_crash_loop_backs_off_and_recovers)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    server_start(&server, TWO_WORKERS "workers_max = 2\n" /* one that is added would crash as well */
                          PROBE "[app:s]\npath = /s\nmodule = @MODULES@/settings.so\nmust = x\n"
                                "crash_if = @DIR@/sick\n");
    server_await_workers(&server, 2, workers);
    await(has_served(&server, workers[0]));
    await(has_served(&server, workers[1]));
    file_write(text("%s/sick", server.dir), "");
    kill(workers[0], SIGKILL);
    await(!process_alive(workers[0]));
    int64_t start = now_ms();
    int served = 0;
    while (now_ms() - start < 2000) {
        expect_get(&server, "/hello", 200, "hello");
        served++;
    }
    size_t deaths = 0;
    char *log = server_log(&server);
    for (char *line = strtok(log, "\n"); line != NULL; line = strtok(NULL, "\n"))
        deaths += text_matches(line, "ABRT|[Aa]borted|signal 6|exit");
    cr_assert_leq(deaths, 14, "%zu lines about dead workers in two seconds", deaths);
    unlink(text("%s/sick", server.dir));
    await(server_workers(&server, workers) == 2);
    cr_assert_gt(served, 0);
    server_signal(&server, SIGTERM);
    cr_assert_eq(server_wait(&server), 0);
}

/* Its wait would be longer each time, were others there to serve meanwhile. */
Test(process, where_nobody_serves_another_worker_is_tried_each_second)
{
    struct server server;
    pid_t worker;
    server_start(&server, ONE_WORKER PROBE "[app:s]\npath = /s\nmodule = @MODULES@/settings.so\nmust = x\ncrash_if = @DIR@/sick\n");
    expect_get(&server, "/hello", 200, "hello");
    server_await_workers(&server, 1, &worker);
    file_write(text("%s/sick", server.dir), "");
    kill(worker, SIGKILL);
    server_log_await(&server, "worker 0 is started again in ", 6);
    cr_assert_not(text_matches(server_log(&server), "started again in ([2-9]|1[3-9]|[1-9][0-9])[0-9]{3} ms"), "%s", server_log(&server));
    unlink(text("%s/sick", server.dir));
    expect_get(&server, "/hello", 200, "hello");
    server_signal(&server, SIGTERM);
    cr_assert_eq(server_wait(&server), 0);
}

/* It is not ill for being young: ten waits, each twice the last, would take a minute. */
Test(process, a_worker_that_was_ready_when_it_was_killed_is_replaced_at_once)
{
    struct server server;
    pid_t worker;
    server_start(&server, TWO_WORKERS PROBE);
    for (int killed = 0; killed < 20; killed++) {
        worker = atoi(get(&server, "/pid").body);
        cr_assert(worker > 0 && kill(worker, SIGKILL) == 0);
        await(!process_alive(worker));
    }
    server_log_await(&server, "killed by signal 9", 20);
    cr_assert_not(server_log_has(&server, "is started again in"), "%s", server_log(&server));
    server_signal(&server, SIGTERM);
    cr_assert_eq(server_wait(&server), 0);
}

Test(process, workers_of_a_killed_master_leave)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    server_start(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = 3\n" PROBE);
    server_await_workers(&server, 3, workers);
    struct client holder = client_connect(&server);
    client_send(&holder, request("GET", "/hello", ""));
    client_read(&holder);
    server_signal(&server, SIGKILL);
    cr_assert_eq(server_wait(&server), 128 + SIGKILL);
    for (int i = 0; i < 3; i++)
        await(!process_alive(workers[i]));
}

Test(process, a_killed_master_can_be_started_again_at_once)
{
    struct server server;
    server_start(&server, text("[server]\nlisten = 127.0.0.1:%d\nworkers = 2\n" PROBE, port_reserve()));
    expect_get(&server, "/hello", 200, "hello");
    server_signal(&server, SIGKILL);
    server_wait(&server);
    server_launch(&server);
    expect_get(&server, "/hello", 200, "hello");
    server_stop(&server);
}

/* Its workers are inside handlers: one that ends, one that never does, and one that streams for as long as it may. */
Test(process, so_it_can_while_handlers_of_its_workers_go_on)
{
    static const char *const paths[] = {"/trouble/gate/late", "/trouble/gate/never", "/output/endless?every=50"};
    enum { BUSY = sizeof paths / sizeof *paths };
    struct server server;
    pid_t workers[WORKERS_MAX];
    struct client clients[BUSY];
    server_start(&server, text("[server]\nlisten = 127.0.0.1:%d\nworkers = 3\n[timeouts]\nrequest = 3s\n" PROBE TROUBLE
                               "[app:output]\npath = /output\nmodule = @MODULES@/output.so\n",
                               port_reserve()));
    server_await_workers(&server, 3, workers);
    for (int i = 0; i < BUSY; i++) {
        clients[i] = client_connect(&server);
        client_send(&clients[i], request("GET", paths[i], ""));
    }
    server_log_await(&server, "entered", 2);
    await(client_receive(&clients[2], PATIENCE) > 0);
    server_signal(&server, SIGKILL);
    server_wait(&server);
    server_launch(&server);
    expect_get(&server, "/hello", 200, "hello");
    server_open_gate(&server, "late");
    cr_assert_eq(client_read(&clients[0]).status, 200);
    for (int i = 0; i < 3; i++)
        await(!process_alive(workers[i]));
    server_stop_after_crashes(&server);
}

Test(process, a_handler_that_blocks_all_signals_does_not_outlive_its_master_for_long)
{
    struct server server;
    pid_t worker[WORKERS_MAX];
    server_start(&server, ONE_WORKER "workers_max = 1\n[timeouts]\nrequest = 2s\n" PROBE TROUBLE);
    server_await_workers(&server, 1, worker);
    expect_get(&server, "/trouble/mask/thread", 200, "masked");
    struct client client = client_connect(&server);
    client_enter_gate(&client, &server, "never");
    server_signal(&server, SIGKILL);
    server_wait(&server);
    await(!process_alive(worker[0]));
}

/* Ctrl-C and systemd signal the whole group: only the master may act on it. */
Test(process, workers_ignore_signals_that_are_not_their_masters)
{
    struct server server;
    pid_t before[WORKERS_MAX], now[WORKERS_MAX];
    const int signals[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1};
    server_start(&server, TWO_WORKERS PROBE);
    server_await_workers(&server, 2, before);
    for (size_t i = 0; i < 5; i++)
        for (int k = 0; k < 2; k++)
            kill(before[k], signals[i]);
    for (int i = 0; i < 10; i++)
        expect_get(&server, "/hello", 200, "hello");
    server_await_workers(&server, 2, now);
    cr_assert_arr_eq(before, now, 2 * sizeof *now);
    server_stop(&server);
}
