/* SPDX-License-Identifier: Apache-2.0
 *
 * Giving that does not work just then: nobody's connection is lost by it, or given twice, but at a crash, of which there is one try, those
 * that cannot be given. System calls fail by tests/modules/faults.c, for as long as a file is there.
 */
#include "client.h"
#include "shim.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(giving, .timeout = 120);

enum { KEPT = 20 };

Test(giving, connections_that_cannot_be_given_are_kept_until_they_can)
{
    static const int errors[] = {ETOOMANYREFS, EAGAIN, ENOBUFS, ENOMEM};
    struct server server;
    struct client clients[KEPT];
    pid_t before[WORKERS_MAX];
    shim_start(&server, TWO_WORKERS PROBE);
    keep_all(&server, clients, KEPT);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        server_await_workers(&server, 2, before);
        fault_begin(&server, "sendmsg", errors[i]);
        server_hup(&server);
        await(fault_count(&server, "sendmsg") > 2);
        expect_all_kept(clients, KEPT);
        fault_end(&server, "sendmsg");
        server_await_replaced(&server, before, 2);
        expect_all_kept(clients, KEPT);
    }
    server_stop(&server);
}

/* What was read of a request travels in memory of its own. */
Test(giving, half_a_request_that_cannot_be_packed_is_kept_until_it_can)
{
    struct server server;
    struct client clients[KEPT];
    pid_t before[WORKERS_MAX];
    shim_start(&server, TWO_WORKERS PROBE);
    keep_all(&server, clients, KEPT);
    for (int i = 0; i < KEPT; i++)
        client_send(&clients[i], "GET /hel");
    server_await_workers(&server, 2, before);
    fault_begin(&server, "memfd_create", EMFILE);
    server_hup(&server);
    await(fault_count(&server, "memfd_create") > 0);
    fault_end(&server, "memfd_create");
    server_await_replaced(&server, before, 2);
    for (int i = 0; i < KEPT; i++) {
        client_send(&clients[i], "lo HTTP/1.1\r\nHost: a\r\n\r\n");
        struct response response = client_read(&clients[i]);
        expect_response(&response, 200, "hello");
    }
    server_stop(&server);
}

/* It is tried for a second then. Who needs no such memory is not lost with those that do: the request that crashed, and half a one. */
Test(giving, a_crash_that_cannot_pack_half_a_request_costs_the_others_nothing)
{
    struct server server;
    struct client clients[KEPT];
    bool clean;
    shim_start(&server, ONE_WORKER "workers_max = 1\n" PROBE TROUBLE);
    struct client half = client_connect(&server), crashing = client_connect(&server);
    client_send(&half, "GET /hel"); /* the first of all */
    keep_all(&server, clients, KEPT);
    fault_begin(&server, "memfd_create", ENOMEM);
    client_send(&crashing, request("GET", "/trouble/crash/null", ""));
    cr_assert(client_drain(&crashing, PATIENCE, &clean));
    cr_assert(client_drain(&half, PATIENCE, &clean));
    expect_all_kept(clients, KEPT);
    cr_assert_geq(fault_count(&server, "memfd_create"), 4);
    cr_assert(server_log_has(&server, " connections are lost with it"), "%s", server_log(&server));
    server_stop_after_crashes(&server);
}

/* Nor is what the log says of it, though it is killed a second after it was told to end. */
Test(giving, a_worker_that_hangs_and_cannot_give_says_what_it_was_in)
{
    struct server server;
    struct client clients[KEPT];
    shim_start(&server, ONE_WORKER "workers_max = 1\n[timeouts]\nrequest = 1s\n" PROBE TROUBLE);
    keep_all(&server, clients, KEPT);
    fault_begin(&server, "sendmsg", EAGAIN);
    struct client hanging = client_connect(&server);
    client_send(&hanging, request("GET", "/trouble/gate/never", "X-Request-Id: who-hangs\r\n"));
    server_log_await(&server, " connections are lost with it", 1);
    server_log_await(&server, "request who-hangs: took longer than [timeouts] request", 1);
    fault_end(&server, "sendmsg");
    expect_get(&server, "/hello", 200, "hello");
    server_stop_after_crashes(&server);
}

/* Two signals within the time that giving takes. What was sent, and not yet let go of, would be sent again, and be two workers'. */
Test(giving, a_stall_that_is_aborted_gives_nothing_twice)
{
    struct server server;
    struct client clients[KEPT];
    pid_t workers[WORKERS_MAX];
    int given, adopted;
    shim_start(&server, ONE_WORKER "workers_max = 1\n[timeouts]\nrequest = 60s\n" PROBE TROUBLE);
    keep_all(&server, clients, KEPT);
    server_await_workers(&server, 1, workers);
    struct client stalled = client_connect(&server);
    fault_begin_in(&server, "sendmsg.abort", 1, workers[0]);
    client_send(&stalled, request("GET", "/trouble/gate/never", ""));
    struct response response = client_read(&stalled);
    cr_assert_eq(response.status, 500);
    expect_all_kept(clients, KEPT);
    const char *out = run_tine("status", "-c", server.ini).out, *totals = strstr(out, "given ");
    cr_assert(totals != NULL && sscanf(totals, "given %d, adopted %d,", &given, &adopted) == 2 && given > KEPT, "%s", out);
    cr_assert_eq(given, adopted, "%s", out);
    server_stop_after_crashes(&server);
}

static int count_given(const struct server *server)
{
    int given = -1;
    const char *out = run_tine("status", "-c", server->ini).out, *totals = strstr(out, "given ");
    cr_assert(totals != NULL && sscanf(totals, "given %d,", &given) == 1, "%s", out);
    return given;
}

/* The channel holds so much, of a server without root's rights a few hundred connections. It is told of again, but counted once. */
Test(giving, a_stalled_worker_that_cannot_give_is_told_to_again)
{
    struct server server;
    struct client clients[KEPT];
    pid_t workers[WORKERS_MAX];
    shim_start(&server, ONE_WORKER "workers_max = 1\n" PROBE TROUBLE);
    server_await_workers(&server, 1, workers);
    keep_all(&server, clients, KEPT);
    struct client stalled = client_connect(&server);
    client_send(&stalled, request("GET", "/pid", ""));
    pid_t holder = atoi(client_read(&stalled).body);
    server_signal(&server, SIGTTIN);
    server_await_workers(&server, 2, workers);
    /* The new one gets its share, which is given by sendmsg() as well. */
    await((expect_kept(&stalled, request("GET", "/hello", ""), "hello"), count_given(&server) >= KEPT / 2 - 2));
    fault_begin_in(&server, "sendmsg", EAGAIN, holder);
    int64_t start = now_ms();
    client_send(&stalled, request("GET", "/trouble/gate/a", ""));
    await(fault_count(&server, "sendmsg") >= 4);
    cr_assert_geq(now_ms() - start, 390); /* each time after twice the time, which was 50 ms at first */
    fault_end(&server, "sendmsg");
    expect_all_kept(clients, KEPT);
    server_open_gate(&server, "a");
    expect_kept(&stalled, NULL, "through gate a");
    cr_assert(text_matches(run_tine("status", "-c", server.ini).out, "stalled [1-3],"));
    server_stop(&server);
}

/* Of the connections of a worker that stalls the other has places for some. The rest waits in the channel until a handler ends. */
Test(giving, more_than_there_are_places_for_wait_for_one)
{
    enum { HALVES = 12 };
    struct server server;
    struct client slow, halves[HALVES];
    server_start(&server, TWO_WORKERS "workers_max = 2\nconnections = 8\n" PROBE TROUBLE);
    for (int i = 0; i < HALVES; i++) {
        halves[i] = client_connect(&server);
        client_send(&halves[i], "GET /hel");
        usleep(20000); /* not all of them to the one that is awake */
    }
    slow = client_connect(&server);
    client_send(&slow, request("GET", "/trouble/gate/slow", ""));
    await(text_matches(run_tine("status", "-c", server.ini).out, "given [1-9]"));
    usleep(100000); /* who would lose some has taken them by then */
    server_open_gate(&server, "slow");
    expect_kept(&slow, NULL, "through gate slow");
    for (int i = 0; i < HALVES; i++)
        expect_kept(&halves[i], "lo HTTP/1.1\r\nHost: a\r\n\r\n", "hello");
    const char *out = run_tine("status", "-c", server.ini).out;
    cr_assert_not_null(strstr(out, "lost 0\n"), "%s", out);
    server_stop(&server);
}
