/* SPDX-License-Identifier: Apache-2.0
 *
 * TERM, QUIT, INT: who is still answered, and that it ends.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(stopping, .timeout = 120);

static struct client gate_enter(const struct server *server, const char *name)
{
    struct client client = client_connect(server);
    client_enter_gate(&client, server, name);
    return client;
}

Test(stopping, term_ends_an_idle_server_at_once_with_0)
{
    struct server server;
    server_start(&server, TWO_WORKERS PROBE);
    int64_t start = now_ms();
    server_stop(&server);
    cr_assert_lt(now_ms() - start, 5000);
}

static void stop_lets_a_request_finish(int signal_number)
{
    struct server server;
    server_start(&server, TWO_WORKERS TROUBLE);
    struct client client = gate_enter(&server, "a");
    server_signal(&server, signal_number);
    cr_assert_eq(process_wait(server.pid, 300), -1, "it did not wait for the request");
    server_open_gate(&server, "a");
    struct response response = client_read(&client);
    expect_response(&response, 200, "through gate a");
    client_expect_close(&client);
    cr_assert_eq(server_wait(&server), 0);
    cr_assert(server_log_has(&server, "trouble leaves worker"), "worker_exit did not run");
}

Test(stopping, term_lets_a_request_finish)
{
    stop_lets_a_request_finish(SIGTERM);
}

Test(stopping, quit_lets_a_request_finish)
{
    stop_lets_a_request_finish(SIGQUIT);
}

/* One worker, and it is busy: all others wait in the listener's queue, with their requests, when TERM comes. */
Test(stopping, what_waits_in_the_queue_is_answered)
{
    enum { CLIENTS = 50 };
    struct server server;
    struct client clients[CLIENTS];
    server_start(&server, ONE_WORKER "workers_max = 1\n" TROUBLE PROBE);
    struct client first = gate_enter(&server, "a");
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = client_connect(&server);
        client_send(&clients[i], request("GET", "/hello", ""));
    }
    server_signal(&server, SIGTERM);
    cr_assert_eq(process_wait(server.pid, 200), -1);
    server_open_gate(&server, "a");
    struct response response = client_read(&first);
    expect_response(&response, 200, NULL);
    for (int i = 0; i < CLIENTS; i++) {
        response = client_read(&clients[i]);
        expect_response(&response, 200, "hello");
        cr_assert_str_eq(response_header(&response, "Connection"), "close");
        client_expect_close(&clients[i]);
    }
    cr_assert_eq(server_wait(&server), 0);
}

/* Nobody else is there to answer for it, and for those that wait. */
Test(stopping, what_waits_is_answered_when_the_last_worker_crashes)
{
    struct server server;
    server_start(&server, ONE_WORKER "workers_max = 1\n" PROBE TROUBLE);
    struct client first = gate_enter(&server, "a"), crash = client_connect(&server);
    client_send(&crash, request("GET", "/trouble/crash/segv", ""));
    struct client last = client_connect(&server);
    client_send(&last, request("GET", "/hello", ""));
    server_signal(&server, SIGTERM);
    server_log_await(&server, "stopping: finishing", 1);
    server_open_gate(&server, "a");
    struct response response = client_read(&first);
    expect_response(&response, 200, "through gate a");
    response = client_read(&crash);
    cr_assert_eq(response.status, 500);
    response = client_read(&last);
    expect_response(&response, 200, "hello");
    cr_assert_eq(process_wait(server.pid, PATIENCE), 0);
}

/* Connections made at the very moment of the stop: answered, or refused; never accepted and dropped. */
Test(stopping, no_connection_is_reset_by_a_stop, .timeout = 180)
{
    for (int round = 0; round < 5; round++) {
        enum { CLIENTS = 60 };
        struct server server;
        struct client clients[CLIENTS];
        server_start(&server, TWO_WORKERS PROBE);
        for (int i = 0; i < CLIENTS; i++) {
            clients[i] = client_connect(&server);
            client_send(&clients[i], request("GET", "/hello", ""));
            if (i == CLIENTS - 1)
                server_signal(&server, SIGTERM);
        }
        for (int i = 0; i < CLIENTS; i++) {
            struct response response = client_read(&clients[i]);
            expect_response(&response, 200, "hello");
            client_expect_close(&clients[i]);
            response_free(&response);
            client_close(&clients[i]);
        }
        cr_assert_eq(server_wait(&server), 0);
    }
}

Test(stopping, an_idle_connection_is_closed_in_order)
{
    struct server server;
    server_start(&server, TWO_WORKERS PROBE);
    struct client client = client_connect(&server);
    client_send(&client, request("GET", "/hello", ""));
    client_read(&client);
    server_signal(&server, SIGTERM);
    client_expect_close(&client);
    cr_assert_eq(server_wait(&server), 0);
}

Test(stopping, a_request_half_sent_is_finished)
{
    struct server server;
    server_start(&server, TWO_WORKERS TROUBLE PROBE);
    struct client half = client_connect(&server);
    client_send(&half, "POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
    struct client gate = gate_enter(&server, "a"); /* accepted later than the half, so that one is held by now */
    server_signal(&server, SIGTERM);
    client_send(&half, "def");
    server_open_gate(&server, "a"); /* it may have entered the worker that holds the half */
    struct response response = client_read(&half);
    expect_response(&response, 200, NULL);
    cr_assert_eq(strncmp(response.body, "6 ", 2), 0);
    client_read(&gate);
    cr_assert_eq(server_wait(&server), 0);
}

Test(stopping, a_response_that_has_begun_is_finished)
{
    struct server server;
    server_start(&server, TWO_WORKERS PROBE);
    struct client client = client_connect(&server);
    client_send(&client, request("GET", "/block/8000000", ""));
    while (client.length < 1000)
        cr_assert_gt(client_receive(&client, PATIENCE), 0);
    server_signal(&server, SIGTERM);
    struct response response = client_read(&client);
    cr_assert_eq(response.length, 8000000);
    cr_assert_eq(server_wait(&server), 0);
}

Test(stopping, graceful_bounds_the_wait)
{
    struct server server;
    server_start(&server, TWO_WORKERS "[timeouts]\ngraceful = 1s\n" TROUBLE);
    gate_enter(&server, "never");
    int64_t start = now_ms();
    server_signal(&server, SIGTERM);
    server_wait(&server);
    cr_assert_geq(now_ms() - start, 900);
    cr_assert_lt(now_ms() - start, 8000);
}

Test(stopping, a_silent_client_cannot_hold_it_longer_than_graceful)
{
    struct server server;
    server_start(&server, TWO_WORKERS "[timeouts]\ngraceful = 1s\n" PROBE);
    struct client client = client_connect(&server);
    client_send(&client, "GET /hello HTTP/1.1\r\nHost:");
    int64_t start = now_ms();
    server_signal(&server, SIGTERM);
    server_wait(&server);
    cr_assert_lt(now_ms() - start, 8000);
}

Test(stopping, int_does_not_wait)
{
    struct server server;
    server_start(&server, TWO_WORKERS TROUBLE);
    gate_enter(&server, "never");
    int64_t start = now_ms();
    server_signal(&server, SIGINT);
    cr_assert_eq(server_wait(&server), 0);
    cr_assert_lt(now_ms() - start, 5000);
}

Test(stopping, a_second_term_does_not_wait)
{
    struct server server;
    server_start(&server, TWO_WORKERS TROUBLE);
    gate_enter(&server, "never");
    server_signal(&server, SIGTERM);
    cr_assert_eq(process_wait(server.pid, 200), -1);
    int64_t start = now_ms();
    server_signal(&server, SIGTERM);
    cr_assert_eq(server_wait(&server), 0);
    cr_assert_lt(now_ms() - start, 5000);
}

Test(stopping, a_stop_during_a_reload_ends_it)
{
    struct server server;
    server_start(&server, TWO_WORKERS PROBE);
    for (int i = 0; i < 3; i++)
        server_signal(&server, SIGHUP);
    server_signal(&server, SIGTERM);
    cr_assert_eq(server_wait(&server), 0);
}

/* Whoever holds it: an old worker was given all of 'graceful' for its idle clients, and a stop gives it less. */
Test(stopping, an_idle_client_from_before_a_reload_does_not_hold_it_up)
{
    struct server server;
    server_start(&server, TWO_WORKERS "[timeouts]\ngraceful = 20s\n" PROBE);
    pid_t before[WORKERS_MAX];
    server_await_workers(&server, 2, before);
    struct client client = client_connect(&server);
    client_send(&client, request("GET", "/pid", ""));
    pid_t old = atoi(client_read(&client).body);
    server_hup(&server);
    await(!process_alive(old == before[0] ? before[1] : before[0]));
    int64_t start = now_ms();
    server_stop(&server);
    cr_assert_lt(now_ms() - start, 7000, "after %d ms", (int)(now_ms() - start));
    client_expect_close(&client);
}

static bool sleeps_in(pid_t process, const char *part)
{
    return strstr(process_file(process, "wchan"), part) != NULL;
}

/* All that came through a pipe so far. */
static char *pipe_read(int fd)
{
    static char all[1 << 18];
    static size_t length;
    ssize_t got;
    while (length + 1 < sizeof all && (got = read(fd, all + length, sizeof all - length - 1)) > 0)
        length += (size_t)got;
    return all;
}

/* The first worker of a new generation gets ready, and says so, when a signal has come to the master that it acts on first: for that the
 * master is held by SIGSTOP meanwhile. */
static void get_ready_behind(const struct server *server, pid_t first, int signal, int64_t ms)
{
    server_signal(server, SIGSTOP);
    server_signal(server, signal);
    unlink(text("%s/hold", server->dir));
    await(sleeps_in(first, "wait_for_more_packets")); /* to be told that it may go on */
    if (ms > 0)
        wait_until(ms, false);
    server_signal(server, SIGCONT);
}

/* Starts a reload whose first worker waits in worker_init. */
static pid_t begin_reload(const struct server *server, int log)
{
    pid_t before[WORKERS_MAX], workers[WORKERS_MAX];
    server_await_workers(server, 1, before);
    size_t waited = text_count(pipe_read(log), "waits in worker_init");
    file_write(text("%s/hold", server->dir), "");
    server_signal(server, SIGHUP);
    await(text_count(pipe_read(log), "waits in worker_init") > waited);
    server_await_workers(server, 2, workers);
    pid_t first = workers[0] == before[0] ? workers[1] : workers[0];
    if (!wait_until(2000, sleeps_in(first, "nanosleep")))
        cr_skip_test("wchan cannot be read here");
    return first;
}

/* Its error log is a pipe, so that what it says can be waited for while it is held. */
static int serve_into_pipe(struct server *server, const char *more)
{
    server_prepare(server, text("[server]\nlisten = unix:@DIR@/sock\nworkers = 1\nworkers_max = 1\n%s[log]\nerror = @DIR@/pipe\n" TROUBLE
                                "[app:s]\npath = /\nmodule = @MODULES@/settings.so\nmust = x\nhold = @DIR@/hold\n", more));
    const char *path = text("%s/pipe", server->dir);
    cr_assert_eq(mkfifo(path, 0644), 0);
    int log = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    server->pid = process_start((const char *const[]){tine_path(), "-c", server->ini, NULL}, server->access, server->log);
    kill_at_exit(server->pid);
    snprintf(server->address, sizeof server->address, "unix:%s/sock", server->dir);
    await(strstr(pipe_read(log), "generation 1 serves") != NULL);
    return log;
}

/* A client in the queue keeps the stop from going on by itself. */
static void expect_stopped_behind(const char *more)
{
    struct server server;
    int log = serve_into_pipe(&server, more);
    struct client busy = client_connect(&server);
    client_send(&busy, request("GET", "/trouble/gate/a", ""));
    await(strstr(pipe_read(log), "gate a entered") != NULL);
    struct client waiting = client_connect(&server);
    client_send(&waiting, request("GET", "/trouble/nap/0", ""));
    pid_t first = begin_reload(&server, log);
    get_ready_behind(&server, first, SIGTERM, 0);
    await(!process_alive(first));
    server_open_gate(&server, "a");
    struct response response = client_read(&busy);
    expect_response(&response, 200, NULL);
    response = client_read(&waiting);
    expect_response(&response, 200, "slept 0 ms");
    cr_assert_eq(server_wait(&server), 0);
    cr_assert_not(file_exists(text("%s/sock", server.dir)));
}

Test(stopping, a_stop_is_not_undone_by_a_reload_that_succeeds_meanwhile)
{
    expect_stopped_behind("");
}

Test(stopping, a_stop_that_is_delayed_is_not_undone_by_a_reload_that_succeeds_meanwhile)
{
    expect_stopped_behind("shutdown_delay = 300ms\n");
}

static size_t count_verdicts(int log)
{
    const char *all = pipe_read(log);
    return text_count(all, " serves\n") + text_count(all, "reload refused: ");
}

/* It is being killed, for having taken too long, when the master reads that it is ready. The master may have been held where it looks at
 * messages next and not at signals: then the worker was not too late, and another has to be. */
Test(stopping, a_worker_that_gets_ready_too_late_is_no_reason_to_accept_a_reload)
{
    struct server server;
    int log = serve_into_pipe(&server, "[timeouts]\nstart = 4s\n"), tried = 0;
    while (strstr(pipe_read(log), "reload refused: ") == NULL && tried++ < 4) {
        size_t told = count_verdicts(log);
        pid_t first = begin_reload(&server, log);
        get_ready_behind(&server, first, SIGHUP, 4000);
        await(count_verdicts(log) == told + 2); /* the second is of the second signal */
    }
    cr_assert_not_null(strstr(pipe_read(log), "had to be killed: [timeouts] start passed"), "%s", pipe_read(log));
    server_stop(&server);
}
