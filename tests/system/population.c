/* SPDX-License-Identifier: Apache-2.0
 *
 * Workers come and go, their successors first, and clients notice nothing.
 */
#include "client.h"
#include "shim.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(population, .timeout = 120);

enum { CLIENTS = 8 };

/* Requests on kept connections that never change; the workers that answered are gathered. */
struct crowd {
    struct client clients[CLIENTS];
    long pids[1000];
    size_t pid_count;
};

static void note_pid(struct crowd *crowd, long pid)
{
    for (size_t i = 0; i < crowd->pid_count; i++)
        if (crowd->pids[i] == pid)
            return;
    if (crowd->pid_count < sizeof crowd->pids / sizeof crowd->pids[0])
        crowd->pids[crowd->pid_count++] = pid;
}

static void crowd_round(struct crowd *crowd)
{
    for (int i = 0; i < CLIENTS; i++) {
        client_send(&crowd->clients[i], request("GET", "/pid", ""));
        struct response response = client_read(&crowd->clients[i]);
        cr_assert_eq(response.status, 200);
        cr_assert_null(response_header(&response, "Connection"), "%s", response.head);
        note_pid(crowd, atol(response.body));
        response_free(&response);
    }
}

static long get_pid(const struct server *server)
{
    struct response response = get(server, "/pid");
    cr_assert_eq(response.status, 200);
    long pid = atol(response.body);
    response_free(&response);
    return pid;
}

static void crowd_connect(struct crowd *crowd, const struct server *server)
{
    *crowd = (struct crowd){0};
    for (int i = 0; i < CLIENTS; i++)
        crowd->clients[i] = client_connect(server);
    crowd_round(crowd);
}

Test(population, a_worker_is_replaced_after_max_requests)
{
    struct server server;
    struct crowd crowd;
    server_start(&server, TWO_WORKERS "max_requests = 40\n" PROBE);
    crowd_connect(&crowd, &server);
    await((crowd_round(&crowd), crowd.pid_count > 4));
    server_stop(&server);
}

Test(population, a_worker_is_replaced_after_max_lifetime)
{
    struct server server;
    struct crowd crowd;
    pid_t before[WORKERS_MAX];
    server_start(&server, TWO_WORKERS "max_lifetime = 1s\n" PROBE);
    server_await_workers(&server, 2, before);
    crowd_connect(&crowd, &server);
    server_await_replaced(&server, before, 2);
    crowd_round(&crowd);
    server_stop(&server);
}

#define ALONE ONE_WORKER "workers_max = 1\n"

/* One that has got through; the next waits in worker_init() for the next token. */
static void start_at_turnstile(struct server *server, const char *ini)
{
    server_prepare(server, ini);
    server_make_tokens(server);
    server_lay_token(server, 1);
    server_launch(server);
}

/* However long it takes: it lives from when it is ready. */
Test(population, a_successor_that_is_not_ready_within_max_lifetime_is_waited_for)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    start_at_turnstile(&server, ALONE "max_lifetime = 50ms\n" PROBE TURNSTILE);
    server_await_workers(&server, 2, workers);
    pid_t successor = workers[1];
    await(process_age_ms(successor) > 1000);
    cr_assert_eq(server_workers(&server, workers), 2);
    pid_t first = workers[0];
    server_lay_token(&server, 1);
    await(!process_alive(first));
    server_stop(&server);
}

/* It has answered as many requests as it may before the master hears that it is ready. */
Test(population, a_successor_that_is_due_itself_lets_the_one_before_it_leave)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    start_at_turnstile(&server, ALONE "max_requests = 1\nmax_requests_jitter = 0%\n" PROBE TURNSTILE);
    long first = get_pid(&server);
    server_log_await(&server, "worker_init waits", 1);
    server_await_workers(&server, 2, workers);
    kill(server.pid, SIGSTOP);
    server_lay_token(&server, 1);
    await(get_pid(&server) != first);
    kill(server.pid, SIGCONT);
    await(!process_alive((pid_t)first));
    server_stop(&server);
}

/* Waits for two workers; kills the one that is not 'spared', both if none is. All are in worker_init(). */
static void kill_unready(const struct server *server, pid_t spared)
{
    pid_t workers[WORKERS_MAX];
    server_await_workers(server, 2, workers);
    for (int i = 0; i < 2; i++)
        if (workers[i] != spared)
            kill(workers[i], SIGKILL);
    await((workers[0] == spared || !process_alive(workers[0])) && (workers[1] == spared || !process_alive(workers[1])));
}

/* After seven failures it would be left alone for six seconds. */
Test(population, a_worker_that_gets_ready_after_a_failure_ends_the_back_off_of_others)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    start_at_turnstile(&server, TWO_WORKERS "workers_max = 2\n" PROBE TURNSTILE);
    server_lay_token(&server, 1);
    server_await_workers(&server, 2, workers);
    await(!file_exists(text("%s/tokens/token.1", server.dir)));
    kill_unready(&server, 0); /* not yet: these were ready, or about to be */
    kill_unready(&server, 0);
    server_await_workers(&server, 2, workers);
    size_t told = text_count(server_log(&server), "is started again in");
    for (size_t i = 1; i <= 6; i++) {
        kill_unready(&server, workers[0]);
        server_log_await(&server, "is started again in", told + i);
    }
    server_lay_token(&server, 1);
    server_log_await(&server, "is started again now: worker", 1);
    server_lay_token(&server, 1);
    await(!file_exists(text("%s/tokens/token.1", server.dir)));
    server_await_workers(&server, 2, workers);
    server_stop(&server);
}

/* They share a place: the other place has nobody of the new generation yet, but the old one. */
Test(population, while_a_reload_lacks_a_worker_a_successor_does_not_pass_for_it)
{
    struct server server;
    pid_t before[WORKERS_MAX], now[WORKERS_MAX];
    start_at_turnstile(&server, TWO_WORKERS "workers_max = 2\n" PROBE TURNSTILE);
    server_lay_token(&server, 1);
    server_await_workers(&server, 2, before);
    await(!file_exists(text("%s/tokens/token.1", server.dir)));
    server_lay_token(&server, 1);
    server_reload(&server, TWO_WORKERS "workers_max = 2\nmax_requests = 8\nmax_requests_jitter = 0%\n" PROBE TURNSTILE);
    await(server_workers(&server, now) == 3 && !pids_overlap(now + 1, 2, before, 2));
    pid_t old = now[0], first = now[1], stuck = now[2];
    kill(stuck, SIGSTOP);
    await(strstr(process_file(stuck, "stat"), ") T ") != NULL);
    server_lay_token(&server, 1); /* for the successor alone */
    await((get_pid(&server), !process_alive(first)));
    await(get_pid(&server) == old);
    kill(stuck, SIGCONT);
    server_stop(&server);
}

/* Any worker is larger than a megabyte. */
Test(population, a_worker_is_replaced_at_max_memory)
{
    struct server server;
    struct crowd crowd;
    server_start(&server, ONE_WORKER "max_memory = 1m\n" PROBE);
    crowd_connect(&crowd, &server);
    await((crowd_round(&crowd), crowd.pid_count > 1));
    server_stop(&server);
}

/* Among requests that leak nothing. */
Test(population, a_leak_is_told_with_the_handler_that_it_is_of)
{
    struct server server;
    server_start(&server, ONE_WORKER "workers_max = 1\nmax_memory = 40m\n" PROBE TROUBLE);
    struct client client = client_connect(&server);
    const char *told =
        text("more than [server] max_memory: another takes its place; of the requests looked at, those of handler trouble.leak of module "
             "%s/trouble.so grew it most",
             modules_path());
    await(({
        client_send(&client, text("%s%s", request("GET", "/trouble/leak", ""), request("GET", "/hello", "")));
        for (int i = 0; i < 2; i++) {
            struct response response = client_read(&client);
            cr_assert_eq(response.status, 200);
            response_free(&response);
        }
        server_log_has(&server, told);
    }));
    client_close(&client);
    server_stop(&server);
}

Test(population, ttin_and_ttou_change_the_number)
{
    struct server server;
    struct crowd crowd;
    pid_t workers[WORKERS_MAX];
    server_start(&server, TWO_WORKERS PROBE);
    crowd_connect(&crowd, &server);
    for (size_t count = 3; count <= 5; count++) {
        server_signal(&server, SIGTTIN);
        server_await_workers(&server, count, workers);
    }
    for (size_t count = 4; count >= 1; count--) {
        server_signal(&server, SIGTTOU);
        server_await_workers(&server, count, workers);
        crowd_round(&crowd);
    }
    server_signal(&server, SIGTTOU); /* one is the least */
    crowd_round(&crowd);
    server_await_workers(&server, 1, workers);
    server_stop(&server);
}

Test(population, workers_are_added_while_all_wait_in_handlers_and_leave_when_idle)
{
    enum { WAITING = 12 };
    struct server server;
    struct client clients[WAITING];
    pid_t workers[WORKERS_MAX];
    server_start(&server, TWO_WORKERS "[timeouts]\nidle_worker = 1s\n" PROBE TROUBLE);
    for (int i = 0; i < WAITING; i++) {
        clients[i] = client_connect(&server);
        client_send(&clients[i], request("GET", "/trouble/gate/all", ""));
    }
    server_log_await(&server, "gate all entered", WAITING);
    expect_get(&server, "/hello", 200, "hello");
    server_open_gate(&server, "all");
    for (int i = 0; i < WAITING; i++) {
        struct response response = client_read(&clients[i]);
        cr_assert_eq(response.status, 200);
    }
    await(server_workers(&server, workers) <= 3);
    server_stop(&server);
}

/* The first worker of the next generation is not ready yet, nor is another that is added: who is there has to do. */
Test(population, workers_are_added_while_a_reload_waits_for_its_first_worker)
{
    struct server server;
    struct client clients[2];
    pid_t workers[WORKERS_MAX];
    start_at_turnstile(&server, ONE_WORKER "workers_max = 2\n" PROBE TROUBLE TURNSTILE);
    server_signal(&server, SIGHUP);
    server_log_await(&server, "worker_init waits", 1);
    for (int i = 0; i < 2; i++) {
        clients[i] = client_connect(&server);
        client_send(&clients[i], request("GET", "/trouble/gate/all", ""));
    }
    server_await_workers(&server, 3, workers);
    file_write(text("%s/tokens/open", server.dir), "");
    server_log_await(&server, "gate all entered", 2);
    server_open_gate(&server, "all");
    server_stop(&server);
}

/* By requests that wait together, and then do no more. Returns how many workers there are: the most, or one more might still start. */
static size_t grow(struct server *server, pid_t *workers)
{
    enum { WAITING = 8 };
    struct client clients[WAITING];
    server_start(server, TWO_WORKERS "workers_max = 8\n[timeouts]\nidle_worker = 1h\n" PROBE TROUBLE);
    for (int i = 0; i < WAITING; i++) {
        clients[i] = client_connect(server);
        client_send(&clients[i], request("GET", "/trouble/gate/all", ""));
    }
    server_log_await(server, "gate all entered", WAITING);
    server_open_gate(server, "all");
    for (int i = 0; i < WAITING; i++)
        cr_assert_eq(client_read(&clients[i]).status, 200);
    size_t count = server_workers(server, workers);
    cr_assert_eq(count, WAITING);
    return count;
}

/* Were they to be found out again, a server that waits for a database would be as slow as at its start after each reload. */
Test(population, those_that_were_added_have_successors_in_a_reload)
{
    struct server server;
    pid_t before[WORKERS_MAX], now[WORKERS_MAX];
    size_t count = grow(&server, before);
    server_hup(&server);
    await(server_workers(&server, now) == count && !pids_overlap(now, count, before, count));
    server_signal(&server, SIGTTOU); /* what it is told is the number counts */
    server_await_workers(&server, 1, now);
    server_reload(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = 3\n" PROBE TROUBLE);
    await(server_workers(&server, before) == 3 && !pids_overlap(before, 3, now, 1));
    server_stop(&server);
}

Test(population, those_that_were_added_have_successors_in_a_new_binary)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    size_t count = grow(&server, workers);
    server_upgrade(&server);
    server_await_workers(&server, count, workers);
    server_stop(&server);
}

/* Each that was added holds a place that a reload needs: with all places taken, what they wait for could not be mended. */
Test(population, where_there_can_be_no_more_some_leave_room_for_a_reload)
{
    enum { FIRST = 6, ALL = 16 };
    static const char warning[] = "there cannot be more than ";
    struct server server;
    struct client clients[ALL];
    pid_t workers[WORKERS_MAX];
    shim_start(&server, TWO_WORKERS "workers_max = 20\n[timeouts]\nidle_worker = 1h\n" PROBE TROUBLE);
    for (int i = 0; i < ALL; i++) {
        if (i == FIRST) {
            server_log_await(&server, "gate all entered", FIRST);
            fault_begin(&server, "fork", EAGAIN);
        }
        clients[i] = client_connect(&server);
        client_send(&clients[i], request("GET", "/trouble/gate/all", ""));
    }
    server_log_await(&server, warning, 1);
    size_t most = strtoul(strstr(server_log(&server), warning) + strlen(warning), NULL, 10);
    server_open_gate(&server, "all");
    for (int i = 0; i < ALL; i++)
        cr_assert_eq(client_read(&clients[i]).status, 200);
    await(server_workers(&server, workers) <= most - 2);
    fault_end(&server, "fork");
    server_hup(&server);
    expect_get(&server, "/hello", 200, "hello");
    server_stop(&server);
}

Test(population, workers_max_is_the_most)
{
    struct server server;
    struct client clients[6];
    pid_t workers[WORKERS_MAX];
    server_start(&server, TWO_WORKERS "workers_max = 3\n" PROBE TROUBLE);
    for (int i = 0; i < 6; i++) {
        clients[i] = client_connect(&server);
        client_send(&clients[i], request("GET", "/trouble/gate/all", ""));
    }
    server_await_workers(&server, 3, workers);
    server_log_await(&server, "gate all entered", 3);
    int64_t start = now_ms();
    await(now_ms() - start > 500);
    cr_assert_eq(server_workers(&server, workers), 3);
    server_open_gate(&server, "all");
    server_stop(&server);
}

/* Room that workers of an older generation take yet, be it until they have successors, is not what there is for good. */
Test(population, what_those_who_leave_still_take_is_waited_for)
{
    enum { OLD = 4, NEW = 12 };
    struct server server;
    struct client old[OLD], new[NEW];
    shim_start(&server, TWO_WORKERS "workers_max = 20\n[timeouts]\nidle_worker = 1h\ngraceful = 60s\n" PROBE TROUBLE);
    for (int i = 0; i < OLD; i++) {
        old[i] = client_connect(&server);
        client_send(&old[i], request("GET", "/trouble/gate/old", ""));
    }
    server_log_await(&server, "gate old entered", OLD);
    server_hup(&server);
    fault_begin(&server, "fork", EAGAIN);
    for (int i = 0; i < NEW; i++) {
        new[i] = client_connect(&server);
        client_send(&new[i], request("GET", "/trouble/gate/new", ""));
    }
    await(fault_count(&server, "fork") >= 3); /* a second apart */
    cr_assert(!server_log_has(&server, "there cannot be more than"), "%s", server_log(&server));
    fault_end(&server, "fork");
    server_log_await(&server, "gate new entered", NEW);
    server_open_gate(&server, "old");
    server_open_gate(&server, "new");
    for (int i = 0; i < NEW; i++) {
        cr_assert_eq(client_read(&new[i]).status, 200);
        client_close(&new[i]);
    }
    for (int i = 0; i < OLD; i++)
        client_close(&old[i]);
    server_stop(&server);
}
