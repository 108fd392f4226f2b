/* SPDX-License-Identifier: Apache-2.0
 *
 * A thousand stalls: while a handler waits inside somebody's library the signal comes on top of it that gives away the other
 * connections of its worker. The library notices nothing, the others lose nothing.
 */
#include "client.h"
#include "slow_peer.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(stalls, .timeout = 120);

/* More of those that ask than workers: while somebody waits for work, one that knows its route to be slow gives its connections away
 * before, and there is nothing to be stalled. */
#define FOUR_WORKERS "[server]\nlisten = 127.0.0.1:0\nworkers = 4\nworkers_max = 4\n[timeouts]\nstall_after = 1ms\n[log]\naccess = off\n"

enum { BUSY = 8, OTHERS = 40, STALLS = 1000, ROUNDS_MAX = 5000, LOOK_EVERY = 20 };

static void say_hello(struct client *other)
{
    client_send(other, request("GET", "/hello", ""));
}

static void expect_answer(struct client *client, const char *body)
{
    struct response response = client_read(client);
    expect_response(&response, 200, body);
    cr_assert_null(response_header(&response, "Connection"), "%s", response.head);
    response_free(&response);
}

static long stalled(const struct server *server)
{
    struct run ran = run_tine("status", "--json", "-c", server->ini);
    const char *totals = strstr(ran.out, "\"totals\""), *at = totals != NULL ? strstr(totals, "\"stalled\":") : NULL;
    cr_assert_not_null(at, "%s%s", ran.out, ran.err);
    return strtol(at + strlen("\"stalled\":"), NULL, 10);
}

/* Every one that asks, and some of the others, each on the connection it has from the beginning. */
static void ask_all(struct client *busy, struct client *others, int round)
{
    for (int i = 0; i < BUSY; i++)
        client_send(&busy[i], request("GET", text("/slow/%d", round * BUSY + i), ""));
    for (int i = round % 4; i < OTHERS; i += 4)
        say_hello(&others[i]);
    for (int i = round % 4; i < OTHERS; i += 4)
        expect_answer(&others[i], "hello");
    for (int i = 0; i < BUSY; i++)
        expect_answer(&busy[i], text("%d", round * BUSY + i));
}

static void go_through_stalls(const char *app)
{
    struct server server;
    struct client busy[BUSY], others[OTHERS];
    pid_t before[WORKERS_MAX], now[WORKERS_MAX];
    server_start(&server, text(FOUR_WORKERS PROBE "[app:slow]\npath = /slow\n%s", app));
    server_await_workers(&server, 4, before);
    for (int i = 0; i < OTHERS + BUSY; i++) {
        struct client *client = i < OTHERS ? &others[i] : &busy[i - OTHERS];
        *client = client_connect(&server);
        say_hello(client);
        expect_answer(client, "hello");
    }
    long rounds = 0, seen = 0;
    for (; seen < STALLS && rounds < ROUNDS_MAX; rounds++) {
        ask_all(busy, others, (int)rounds);
        if (rounds % LOOK_EVERY == LOOK_EVERY - 1)
            seen = stalled(&server);
    }
    cr_assert_geq(seen, STALLS, "%ld stalls in %ld rounds", seen, rounds);
    for (int i = 0; i < OTHERS; i++) {
        say_hello(&others[i]);
        expect_answer(&others[i], "hello");
    }
    cr_assert_eq(server_workers(&server, now), 4);
    cr_assert_eq(memcmp(now, before, 4 * sizeof *now), 0, "a worker died:\n%s", server_log(&server));
    server_stop(&server);
}

static void go_through_stalls_in(const char *library, enum language language)
{
    go_through_stalls(text("module = @MODULES@/../libraries/%s.so\nport = %d\n", library, slow_peer_start(language)));
}

Test(stalls, libpq_goes_through_a_thousand)
{
    go_through_stalls_in("libpq", LANGUAGE_POSTGRESQL);
}

Test(stalls, hiredis_goes_through_a_thousand)
{
    go_through_stalls_in("hiredis", LANGUAGE_REDIS);
}

Test(stalls, libcurl_goes_through_a_thousand)
{
    go_through_stalls_in("libcurl", LANGUAGE_HTTP);
}

/* None of the signals may come to one of them: it says so if it was interrupted. */
Test(stalls, a_module_with_threads_of_its_own_goes_through_a_thousand)
{
    go_through_stalls("module = @MODULES@/threads.so\n");
}

/* Nothing else wakes the master here: one worker has nobody to give to but itself, later. Beside other tests the master may be late
 * itself, so one good round of several will do. */
Test(stalls, a_short_stall_after_is_kept)
{
    enum { NAPS = 20, ROUNDS = 20 };
    struct server server;
    long seen = 0;
    server_start(&server, ONE_WORKER "workers_max = 1\n[timeouts]\nstall_after = 5ms\n" PROBE TROUBLE);
    struct client kept = client_connect(&server), busy = client_connect(&server);
    for (int round = 0; round < ROUNDS && seen < NAPS - 1; round++) {
        long before = stalled(&server);
        for (int i = 0; i < NAPS; i++) {
            say_hello(&kept);
            expect_answer(&kept, "hello");
            client_send(&busy, request("GET", "/trouble/nap/20", ""));
            expect_answer(&busy, "slept 20 ms");
        }
        seen = stalled(&server) - before;
    }
    cr_assert_geq(seen, NAPS - 1, "%ld stalls of %d", seen, NAPS);
    server_stop(&server);
}
