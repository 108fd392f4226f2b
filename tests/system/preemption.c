/* SPDX-License-Identifier: Apache-2.0
 *
 * Workers of a busy server let others finish before they run; those of an idle one do not.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <string.h>

TestSuite(preemption, .timeout = 120);

enum { PIPELINED = 1000, CLIENTS = 4 };

/* Only counted: who reads them has less time to ask. */
static void skip_answers(struct client *client, size_t bytes)
{
    while (client->length < bytes)
        cr_assert_gt(client_receive(client, PATIENCE), 0);
    client->length = 0;
}

/* The cheapest way to many requests: they come together. */
static int policy_under_load(struct client *client, const char *requests, size_t answers, pid_t worker)
{
    client_send(client, requests);
    skip_answers(client, answers);
    return sched_getscheduler(worker);
}

/* Behind a request, as who sleeps changes nothing. */
static int policy_when_calm(const struct server *server, pid_t worker)
{
    expect_get(server, "/", 200, "hello");
    return sched_getscheduler(worker);
}

/* The limit is for each CPU: one is enough to ask as much on any machine. */
static void stay_on_one_cpu(void)
{
    cpu_set_t set, one;
    CPU_ZERO(&one);
    cr_assert_eq(sched_getaffinity(0, sizeof set, &set), 0);
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &set))
            CPU_SET(i, &one);
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
}

static bool may_set_policy(void)
{
    struct sched_param none = {0};
    return sched_getscheduler(0) == SCHED_OTHER && sched_setscheduler(0, SCHED_OTHER, &none) == 0;
}

static struct server server;
static struct client asking;
static pid_t worker[WORKERS_MAX];

static void serve(const char *settings)
{
    if (!may_set_policy())
        cr_skip("the scheduling policy is somebody else's choice here");
    stay_on_one_cpu();
    server_start(&server, text(ONE_WORKER "workers_max = 1\n%s" RESPOND("hello"), settings));
    server_await_workers(&server, 1, worker);
    cr_expect_eq(sched_getscheduler(*worker), SCHED_OTHER);
    asking = client_connect(&server);
    for (int i = 1; i < CLIENTS; i++)
        client_connect(&server);
}

/* Asks until the worker is polite, at most for so long. */
static int policy_after_load(int64_t ms)
{
    static const char one[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    static char requests[PIPELINED * sizeof one];
    for (int i = 0; i < PIPELINED; i++)
        strcat(requests, one);
    client_send(&asking, one);
    cr_assert_gt(client_receive(&asking, PATIENCE), 0);
    size_t answer = asking.length;
    asking.length = 0;
    int policy = SCHED_OTHER;
    for (int64_t end = now_ms() + ms; policy == SCHED_OTHER && now_ms() < end;)
        policy = policy_under_load(&asking, requests, PIPELINED * answer, *worker);
    return policy;
}

Test(preemption, a_worker_is_polite_while_the_server_is_busy)
{
    serve("");
    cr_expect_eq(policy_after_load(PATIENCE), SCHED_BATCH);
    await(policy_when_calm(&server, *worker) == SCHED_OTHER);
    server_stop(&server);
}

Test(preemption, it_can_be_switched_off)
{
    serve("batch = off\n");
    cr_expect_eq(policy_after_load(1000), SCHED_OTHER);
    server_stop(&server);
}
