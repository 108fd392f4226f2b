/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker that dies holds more connections than the hand-off channel has room for, as that of a server has which root did not start: they
 * go all the same, as others take them; what nobody takes is told. One worker, so that nobody takes any until its successor is there.
 */
#include "client.h"
#include "shim.h"

#include <criterion/criterion.h>
#include <errno.h>

TestSuite(small_channel, .timeout = 120);

enum { MANY = 900 };

static void start(struct server *server, struct client *clients)
{
    shim_prepare(server, ONE_WORKER "workers_max = 1\n[timeouts]\nrequest = 1s\n" PROBE TROUBLE);
    fault_begin(server, "setsockopt", EPERM);
    shim_launch(server);
    fault_end(server, "setsockopt");
    keep_all(server, clients, MANY);
}

static void stop(struct server *server, struct client *clients)
{
    for (size_t i = 0; i < MANY; i++)
        client_close(&clients[i]);
    server_stop_after_crashes(server);
}

static void lose_worker(const char *path, int status)
{
    struct server server;
    struct client clients[MANY];
    start(&server, clients);
    struct response response = get(&server, path);
    cr_assert_eq(response.status, status, "%d", response.status);
    expect_all_kept(clients, MANY);
    cr_assert(!server_log_has(&server, " connections are lost"), "%s", server_log(&server));
    stop(&server, clients);
}

Test(small_channel, a_worker_that_crashes_loses_nobody)
{
    lose_worker("/trouble/crash/null", 500);
}

Test(small_channel, a_worker_that_exits_loses_nobody)
{
    lose_worker("/trouble/crash/exit", 500);
}

Test(small_channel, a_worker_that_hangs_loses_nobody)
{
    lose_worker("/trouble/gate/never", 504);
}

/* Some seconds are all that it is given for that. */
Test(small_channel, what_nobody_takes_is_told)
{
    struct server server;
    struct client clients[MANY];
    start(&server, clients);
    fault_begin(&server, "fork", EAGAIN);
    struct client crashed = client_connect(&server);
    client_send(&crashed, request("GET", "/trouble/crash/null", ""));
    server_log_await(&server, " connections are lost with it: they could not be given", 1);
    fault_end(&server, "fork");
    cr_assert_eq(client_read(&crashed).status, 500);
    expect_get(&server, "/hello", 200, "hello");
    client_close(&crashed);
    stop(&server, clients);
}
