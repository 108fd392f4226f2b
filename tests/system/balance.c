/* SPDX-License-Identifier: Apache-2.0
 *
 * Kept connections are shared out among the workers, and their clients do not notice.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

TestSuite(balance, .timeout = 120);

enum { KEPT = 80 };

static void ask_all(struct client *clients)
{
    for (int i = 0; i < KEPT; i++)
        client_send(&clients[i], request("GET", "/hello", ""));
    for (int i = 0; i < KEPT; i++) {
        struct response response = client_read(&clients[i]);
        expect_response(&response, 200, "hello");
        cr_assert_null(response_header(&response, "Connection"), "%s", response.head);
        response_free(&response);
    }
}

/* Whoever holds most holds at most half as much again as whoever holds least; of all together 'count' workers hold KEPT. */
static bool is_shared_out(const struct server *server, size_t count)
{
    struct run ran = run_tine("status", "--json", "-c", server->ini);
    long least = KEPT, most = 0, sum = 0;
    size_t workers = 0;
    for (const char *at = ran.out; (at = strstr(at, "\"held\": ")) != NULL; at++, workers++) {
        long held = strtol(at + strlen("\"held\": "), NULL, 10);
        least = held < least ? held : least;
        most = held > most ? held : most;
        sum += held;
    }
    return workers == count && sum == KEPT && 2 * most <= 3 * least;
}

static void expect_shared_out(const struct server *server, struct client *clients, size_t count)
{
    bool shared = false;
    int64_t end = now_ms() + PATIENCE;
    while (!shared && now_ms() < end) { /* who sleeps does not look: nobody waits for him */
        ask_all(clients);
        shared = is_shared_out(server, count);
    }
    cr_assert(shared, "%s", run_tine("status", "-c", server->ini).out);
}

Test(balance, connections_that_come_at_once_are_shared_out)
{
    struct server server;
    struct client clients[KEPT];
    server_start(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = 4\nworkers_max = 4\n" PROBE);
    for (int i = 0; i < KEPT; i++)
        clients[i] = client_connect(&server);
    expect_shared_out(&server, clients, 4);
    server_stop(&server);
}

Test(balance, new_workers_get_their_share)
{
    struct server server;
    struct client clients[KEPT];
    pid_t workers[WORKERS_MAX];
    server_start(&server, ONE_WORKER "workers_max = 1\n" PROBE);
    for (int i = 0; i < KEPT; i++)
        clients[i] = client_connect(&server);
    ask_all(clients);
    for (size_t count = 2; count < 5; count++) {
        server_signal(&server, SIGTTIN);
        server_await_workers(&server, count, workers);
        expect_shared_out(&server, clients, count);
    }
    server_stop(&server);
}
