/* SPDX-License-Identifier: Apache-2.0
 *
 * What handlers of all workers share: that it is one, exact, and outlives workers, reloads and upgrades.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(shared, .timeout = 180);

#define WORKERS(n) "[server]\nlisten = 127.0.0.1:0\nworkers = " n "\nworkers_max = " n "\n[log]\naccess = off\n"
#define SHARED "[app:shared]\npath = /\nmodule = @MODULES@/shared.so\n"
#define OTHER "[app:other]\npath = /other\nmodule = @MODULES@/shared.so\n"

Test(shared, entries_are_set_read_added_deleted_and_expire)
{
    struct server server;
    server_start(&server, WORKERS("2") SHARED OTHER);
    expect_get(&server, "/get?key=a", 404, NULL);
    expect_get(&server, "/set?key=a&value=one", 200, "0");
    for (int i = 0; i < 8; i++)
        expect_get(&server, "/get?key=a", 200, "one");
    expect_get(&server, "/other/get?key=a", 404, NULL);
    expect_get(&server, "/add?key=a&value=two", 200, "0");
    expect_get(&server, "/add?key=b&value=two", 200, "1");
    expect_get(&server, "/get?key=b", 200, "two");
    expect_get(&server, "/delete?key=b", 200, "1");
    expect_get(&server, "/delete?key=b", 200, "0");
    expect_get(&server, "/increment?key=n&by=5", 200, "0 5");
    expect_get(&server, "/increment?key=n&by=-7", 200, "0 -2");
    expect_get(&server, "/swap?key=s&before=&value=one", 200, "0");
    expect_get(&server, "/swap?key=s&value=one", 200, "1");
    expect_get(&server, "/swap?key=s&value=two", 200, "0");
    expect_get(&server, "/swap?key=s&before=on&value=two", 200, "0");
    expect_get(&server, "/swap?key=s&before=one&value=two", 200, "1");
    expect_get(&server, "/get?key=s", 200, "two");
    expect_get(&server, "/set?key=short&value=x&ttl=300", 200, "0");
    struct response response;
    await((response = get(&server, "/get?key=short")).status == 404);
    expect_get(&server, "/count?by=3", 200, "3");
    expect_get(&server, "/counted", 200, "3");
    expect_get(&server, "/other/counted", 200, "0");
    expect_get(&server, "/reset?by=-1", 204, NULL);
    expect_get(&server, "/counted", 200, "-1");
    server_stop(&server);
}

Test(shared, wrong_calls_are_refused_and_told_with_the_handler)
{
    struct server server;
    server_start(&server, WORKERS("1") "[server]\nshared = 64k\n" SHARED);
    expect_get(&server, "/wrong", 200, "11");
    static const char *const told[] = {
        "gives tine_shared_get() an empty name", "gives tine_shared_set() a value of more than 352 bytes",
        "gives tine_shared_set() NULL in place of a value", "gives tine_shared_add() a negative time to live",
        "gives tine_shared_delete() a name of more than 112 bytes", "gives tine_shared_increment() a key whose value is no number",
        "gives tine_shared_swap() a value of more than 352 bytes", "gives tine_shared_swap() NULL in place of a value"};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        server_log_await(&server, text("handler shared.wrong of module %s/shared.so %s", modules_path(), told[i]), 1);
    server_log_await(&server, text("[app:shared] module '%s/shared.so' gives tine_counter_find() NULL in place of a name", modules_path()),
                     1);
    server_log_await(&server, "gives tine_counter_find() an empty name", 1);
    expect_get(&server, "/names?by=100", 200, "63"); /* 64 in all, and "hits" is one */
    cr_expect(server_log_has(&server, "one name too many: [server] shared is too small"));
    server_stop(&server);
}

Test(shared, stays_over_reloads_and_upgrades)
{
    struct server server;
    server_start(&server, WORKERS("2") SHARED);
    expect_get(&server, "/count?by=7", 200, "7");
    expect_get(&server, "/set?key=a&value=one", 200, "0");
    server_reload(&server, WORKERS("2") "[server]\nshared = 2m\n" SHARED);
    server_log_await(&server, "[server] shared: it stays 1048576 bytes", 1);
    expect_get(&server, "/counted", 200, "7");
    expect_get(&server, "/get?key=a", 200, "one");
    server_upgrade(&server);
    expect_get(&server, "/count?by=1", 200, "8");
    expect_get(&server, "/get?key=a", 200, "one");
    server_stop(&server);
}

static void count_in_child(const struct server *server, int requests)
{
    struct client client = client_connect(server);
    for (int i = 0; i < requests; i++) {
        client_send(&client, request("GET", "/count?by=1", ""));
        struct response response = client_read(&client);
        if (response.status != 200)
            _exit(1);
        response_free(&response);
    }
    _exit(0);
}

Test(shared, counters_are_exact_over_eight_workers)
{
    enum { CLIENTS = 16, REQUESTS = 200 };
    struct server server;
    pid_t clients[CLIENTS];
    server_start(&server, WORKERS("8") SHARED);
    for (int i = 0; i < CLIENTS; i++)
        if ((clients[i] = process_fork()) == 0)
            count_in_child(&server, REQUESTS);
    for (int i = 0; i < CLIENTS; i++)
        cr_assert_eq(process_wait(clients[i], PATIENCE), 0);
    expect_get(&server, "/counted", 200, text("%d", CLIENTS * REQUESTS));
    server_stop(&server);
}

/* Looks with the one worker that is free, until the others are all at it; returns its pid. */
static pid_t look(const struct server *server, int storms)
{
    int torn, there, looker;
    await(sscanf(get(server, "/check").body, "%d torn, %d storms, looked by %d", &torn, &there, &looker) == 3 && there == storms);
    cr_assert_eq(torn, 0);
    return looker;
}

/* Three of four workers are in the middle of it when they are killed; the fourth looks. */
Test(shared, outlives_workers_that_are_killed_within_it)
{
    enum { ROUNDS = 400, STORMS = 3 };
    struct server server;
    server_start(&server, WORKERS("4") SHARED);
    for (int round = 1; round <= ROUNDS; round++) {
        struct client clients[STORMS];
        pid_t workers[WORKERS_MAX];
        server_await_workers(&server, STORMS + 1, workers);
        for (int i = 0; i < STORMS; i++) {
            clients[i] = client_connect(&server);
            client_send(&clients[i], request("GET", "/storm", ""));
        }
        pid_t looker = look(&server, round * STORMS);
        expect_get(&server, "/increment?key=looks&by=1", 200, text("0 %d", round));
        for (int i = 0; i < STORMS + 1; i++)
            if (workers[i] != looker)
                kill(workers[i], SIGKILL);
        for (int i = 0; i < STORMS + 1; i++)
            await(workers[i] == looker || !process_alive(workers[i]));
        for (int i = 0; i < STORMS; i++)
            client_close(&clients[i]);
    }
    look(&server, ROUNDS * STORMS);
    server_stop(&server);
}

Test(shared, the_example_counts_and_limits)
{
    struct server server;
    server_start(&server, WORKERS("2") "[app:counter]\npath = /\nmodule = @MODULES@/../../counter.so\n");
    static const char post[] = "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    for (int i = 1; i <= 5; i++) {
        struct response response = ask(&server, text(post, "/count"));
        expect_response(&response, 200, text("{\"visits\":%d}", i));
    }
    expect_get(&server, "/count", 200, "{\"visits\":5}");
    for (int i = 0; i < 11; i++) {
        struct response response = ask(&server, text(post, "/once/a"));
        expect_response(&response, i < 10 ? 200 : 429, i == 0 ? "first\n" : i < 10 ? "again\n" : NULL);
    }
    server_stop(&server);
}
