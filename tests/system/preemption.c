/* SPDX-License-Identifier: Apache-2.0
 *
 * A busy worker lets others finish before it runs; an idle one does not.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <sched.h>

TestSuite(preemption, .timeout = 120);

enum { CLIENTS = 32, BYTES = 4000 };

static int policy_of(pid_t pid)
{
    return sched_getscheduler(pid) & ~SCHED_RESET_ON_FORK;
}

/* The cheapest events there are: bytes of a long field, one by one, from many at once. Returns whether the worker's policy was seen. */
static bool is_seen_under_load(const struct server *server, pid_t worker, int policy)
{
    struct client clients[CLIENTS];
    bool seen = false;
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = client_connect(server);
        client_send(&clients[i], "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    }
    for (int n = 0; n < BYTES && !seen; n++) {
        for (int i = 0; i < CLIENTS; i++)
            client_send(&clients[i], "x");
        seen = policy_of(worker) == policy;
    }
    for (int i = 0; i < CLIENTS; i++)
        client_close(&clients[i]);
    return seen;
}

/* Behind a request, as who sleeps changes nothing. */
static int policy_when_calm(const struct server *server, pid_t worker)
{
    expect_get(server, "/", 200, "hello");
    return policy_of(worker);
}

Test(preemption, a_worker_is_polite_while_it_is_busy)
{
    struct server server;
    pid_t worker[WORKERS_MAX];
    server_start(&server, ONE_WORKER "workers_max = 1\n" RESPOND("hello"));
    server_await_workers(&server, 1, worker);
    cr_expect_eq(policy_of(*worker), SCHED_OTHER);
    bool seen = false;
    for (int64_t end = now_ms() + PATIENCE; !seen && now_ms() < end;)
        seen = is_seen_under_load(&server, *worker, SCHED_BATCH);
    cr_expect(seen, "busy");
    await(policy_when_calm(&server, *worker) == SCHED_OTHER);
    server_stop(&server);
}
