/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler that closes or supplants descriptors of the server's: its worker, which could do nothing with what is there now, ends and is
 * replaced; who had come is served.
 */
#include "client.h"

#include <criterion/criterion.h>

TestSuite(stolen_descriptors, .timeout = 120);

enum { FEW = 8 };

/* It would try to accept again and again, and take for itself every call that wakes the master. */
static void rob_and_expect_another(const char *how, size_t kept)
{
    struct server server;
    struct client others[FEW];
    pid_t before[WORKERS_MAX], now[WORKERS_MAX];
    server_start(&server, ONE_WORKER "workers_max = 1\n" PROBE TROUBLE);
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

Test(stolen_descriptors, a_worker_whose_listener_a_handler_closes_ends)
{
    rob_and_expect_another("rob", 0);
}

Test(stolen_descriptors, a_worker_that_holds_others_and_loses_its_descriptors_ends)
{
    rob_and_expect_another("rob", FEW);
}

Test(stolen_descriptors, a_worker_whose_listener_becomes_another_socket_ends)
{
    rob_and_expect_another("supplant", 0);
}

Test(stolen_descriptors, a_worker_that_holds_others_and_whose_listener_becomes_another_socket_ends)
{
    rob_and_expect_another("supplant", FEW);
}
