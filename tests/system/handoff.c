/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections outlive workers: they are handed on, with whatever had been read, and clients notice nothing.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

TestSuite(handoff, .timeout = 120);

enum { KEPT = 60 };

static void replace_workers(struct server *server, size_t workers)
{
    pid_t before[WORKERS_MAX];
    server_await_workers(server, workers, before);
    server_hup(server);
    server_await_replaced(server, before, workers);
}

Test(handoff, idle_connections_go_on_over_reloads)
{
    struct server server;
    struct client clients[KEPT];
    server_start(&server, TWO_WORKERS PROBE);
    keep_all(&server, clients, KEPT);
    for (int round = 0; round < 3; round++) {
        replace_workers(&server, 2);
        expect_all_kept(clients, KEPT);
    }
    server_stop(&server);
}

/* Every place at which a request may be when its worker goes. */
Test(handoff, requests_half_sent_are_answered_by_another_worker)
{
    static const struct {
        const char *first, *rest, *body;
    } cases[] = {
        {"G", "ET /hello HTTP/1.1\r\nHost: a\r\n\r\n", "hello"},
        {"GET /users/ad", "a HTTP/1.1\r\nHost: a\r\n\r\n", "{\"name\":\"ada\"}"},
        {"GET /hello HTTP/1.1\r\nHost: a\r\n\r", "\n", "hello"},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n", "abcdefghij", "abcdefghij"},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabcde", "fghij", "abcdefghij"},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "cde\r\n0\r\n\r\n", "abcde"},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r", "\n1\r\nf\r\n0\r\n\r\n", "abcdef"},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n", "\r\n", "a"},
    };
    enum { CASES = sizeof cases / sizeof cases[0] };
    struct server server;
    struct client clients[CASES];
    server_start(&server, TWO_WORKERS PROBE);
    for (size_t i = 0; i < CASES; i++) {
        clients[i] = client_connect(&server);
        client_send(&clients[i], cases[i].first);
    }
    for (int round = 0; round < 2; round++)
        replace_workers(&server, 2);
    for (size_t i = 0; i < CASES; i++)
        expect_kept(&clients[i], cases[i].rest, cases[i].body);
    for (size_t i = 0; i < CASES; i++)
        expect_kept(&clients[i], request("GET", "/hello", ""), "hello");
    server_stop(&server);
}

Test(handoff, a_spooled_body_goes_on_where_it_was)
{
    struct server server;
    server_start(&server, TWO_WORKERS "[limits]\nbody = 8m\n" PROBE);
    enum { SIZE = 3000000 };
    char *bytes = malloc(SIZE + 1);
    uint32_t hash = 2166136261u;
    for (int i = 0; i < SIZE; i++) {
        bytes[i] = (char)('a' + i % 23 + i / 1000000);
        hash = (hash ^ (unsigned char)bytes[i]) * 16777619u;
    }
    struct client client = client_connect(&server);
    client_send(&client, request("POST", "/sum", "Content-Length: 3000000\r\n"));
    for (int part = 0; part < 3; part++) {
        client_send_bytes(&client, bytes + part * (SIZE / 3), SIZE / 3);
        if (part < 2)
            replace_workers(&server, 2);
    }
    struct response response = client_read(&client);
    expect_response(&response, 200, text("3000000 %08x", hash));
    free(bytes);
    server_stop(&server);
}

/* Of a size that is kept in memory, but read from the other's in parts. */
Test(handoff, a_body_in_memory_goes_on_where_it_was)
{
    enum { SIZE = 50000, FIRST = 40000 };
    struct server server;
    char *bytes = malloc(SIZE + 1);
    for (int i = 0; i < SIZE; i++)
        bytes[i] = (char)('a' + i % 23 + i / 16384);
    bytes[SIZE] = 0;
    server_start(&server, TWO_WORKERS PROBE);
    struct client client = client_connect(&server);
    client_send(&client, request("POST", "/echo", text("Content-Length: %d\r\n", SIZE)));
    client_send_bytes(&client, bytes, FIRST);
    replace_workers(&server, 2);
    expect_kept(&client, bytes + FIRST, bytes);
    free(bytes);
    server_stop(&server);
}

/* What was half read by the old ones is too large for the new: that is an answer, and no trouble for anyone else. */
Test(handoff, a_body_that_is_too_large_for_the_new_configuration_is_refused)
{
    struct server server;
    server_start(&server, TWO_WORKERS PROBE);
    struct client counted = client_connect(&server), chunked = client_connect(&server), other = client_connect(&server);
    expect_kept(&other, request("GET", "/hello", ""), "hello");
    client_send(&counted, text("%s%s", request("POST", "/echo", "Content-Length: 10\r\n"), "abcde"));
    client_send(&chunked, text("%s%s", request("POST", "/echo", "Transfer-Encoding: chunked\r\n"), "a\r\nabcdefghij\r\n"));
    server_configure(&server, TWO_WORKERS "[limits]\nbody = 9\n" PROBE);
    replace_workers(&server, 2);
    struct response first = client_read(&counted), second = client_read(&chunked);
    cr_assert_eq(first.status, 413, "%s", first.head);
    cr_assert_eq(second.status, 413, "%s", second.head);
    expect_kept(&other, request("GET", "/hello", ""), "hello");
    cr_assert_not(server_log_has(&server, "crashed"), "%s", server_log(&server));
    server_stop(&server);
}

/* The same of one in a file. With a limit of less than it has come to, what is left of that would be nearly any number. */
Test(handoff, a_spooled_body_that_is_too_large_for_the_new_configuration_is_refused)
{
    enum { SIZE = 200000 };
    struct server server;
    char *bytes = memset(malloc(SIZE), 'x', SIZE);
    server_start(&server, TWO_WORKERS PROBE);
    struct client client = client_connect(&server);
    client_send(&client, text("%s%x\r\n", request("POST", "/sum", "Transfer-Encoding: chunked\r\n"), SIZE));
    client_send_bytes(&client, bytes, SIZE);
    client_send(&client, "\r\n");
    server_configure(&server, TWO_WORKERS "[limits]\nbody = 100000\nbody_memory = 1000\n" PROBE);
    replace_workers(&server, 2);
    client_try_send(&client, "5\r\nabcde\r\n0\r\n\r\n", 15);
    cr_assert_eq(client_read(&client).status, 413);
    expect_get(&server, "/hello", 200, "hello");
    free(bytes);
    server_stop(&server);
}

Test(handoff, a_client_that_waits_for_100_is_told_once)
{
    struct server server;
    server_start(&server, TWO_WORKERS PROBE);
    struct client client = client_connect(&server);
    client_send(&client, request("POST", "/echo", "Content-Length: 3\r\nExpect: 100-continue\r\n"));
    struct response response = client_read(&client);
    cr_assert_eq(response.status, 100);
    replace_workers(&server, 2);
    expect_kept(&client, "abc", "abc");
    server_stop(&server);
}

/* Its deadline travels with it. */
Test(handoff, a_slow_head_is_ended_at_its_time_though_it_changed_hands)
{
    struct server server;
    server_start(&server, TWO_WORKERS "[timeouts]\nheader = 5s\n" PROBE);
    struct client client = client_connect(&server);
    int64_t start = now_ms();
    client_send(&client, "GET /hello HT");
    await(now_ms() - start > 4000);
    replace_workers(&server, 2);
    struct response response = client_read(&client);
    cr_assert_eq(response.status, 408);
    cr_assert_lt(now_ms() - start, 8900);
    server_stop(&server);
}

Test(handoff, the_others_of_a_worker_in_a_handler_are_given_when_it_ends)
{
    struct server server;
    server_start(&server, ONE_WORKER "workers_max = 1\n" PROBE TROUBLE);
    struct client kept = client_connect(&server), busy = client_connect(&server);
    expect_kept(&kept, request("GET", "/hello", ""), "hello");
    client_send(&busy, request("GET", "/trouble/nap/700", ""));
    replace_workers(&server, 1);
    struct response response = client_read(&busy);
    cr_assert_eq(response.status, 200);
    expect_kept(&busy, request("GET", "/hello", ""), "hello");
    expect_kept(&kept, request("GET", "/hello", ""), "hello");
    server_stop(&server);
}

/* The worker that stays is in a handler while the other gives, and finds what was given when it is to leave itself: idle connections
 * are closed a second after their last answer then, not at the time they came with. */
Test(handoff, a_worker_that_leaves_does_not_wait_for_idle_connections_that_come_to_it)
{
    struct server server;
    struct client clients[KEPT], busy;
    pid_t workers[WORKERS_MAX];
    server_start(&server, ONE_WORKER "workers_max = 1\n[timeouts]\ngraceful = 60s\n" PROBE TROUBLE);
    server_signal(&server, SIGTTIN);
    server_await_workers(&server, 2, workers);
    await(atoi(get(&server, "/pid").body) == workers[1]);
    keep_all(&server, clients, KEPT);
    do {
        busy = client_connect(&server);
        client_send(&busy, request("GET", "/pid", ""));
    } while (atoi(client_read(&busy).body) != workers[0]);
    client_enter_gate(&busy, &server, "a");
    server_signal(&server, SIGTTOU);
    await(!process_alive(workers[1]));
    server_signal(&server, SIGTERM);
    await(text_count(run_tine("status", "-c", server.ini).out, ": leaving, ") == 1);
    server_open_gate(&server, "a");
    cr_assert_eq(client_read(&busy).status, 200);
    cr_assert_eq(server_wait(&server), 0); /* within PATIENCE, a third of 'keepalive' and of 'graceful' */
}

/* Of a message for which the receiver lacks descriptors the kernel closes what does not fit. The worker that stays has none left, so
 * nobody connects anew either: it would close an idle connection to take that one. */
Test(handoff, connections_come_to_a_worker_that_has_no_descriptor_left)
{
    struct server server;
    struct client clients[KEPT];
    pid_t workers[WORKERS_MAX];
    struct response response;
    int stays = -1, elsewhere = 0;
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){4096, 4096});
    server_start(&server, TWO_WORKERS "workers_max = 2\n" PROBE TROUBLE);
    server_await_workers(&server, 2, workers);
    for (int i = 0; i < KEPT; i++) {
        clients[i] = client_connect(&server); /* one after the other: together, one worker may take all */
        client_send(&clients[i], request("GET", "/pid", ""));
        response = client_read(&clients[i]);
        elsewhere += atoi(response.body) == workers[1];
        stays = atoi(response.body) == workers[0] ? i : stays;
    }
    cr_assert(stays >= 0 && elsewhere > 0);
    client_send(&clients[stays], request("GET", "/trouble/hoard", ""));
    response = client_read(&clients[stays]);
    expect_response(&response, 200, NULL);
    cr_assert_gt(atoi(response.body), 3000);
    server_signal(&server, SIGTTOU);
    await(!process_alive(workers[1]));
    for (int i = 0; i < KEPT; i++)
        expect_kept(&clients[i], request("GET", "/pid", ""), text("%d", workers[0]));
    server_stop(&server);
}

/* Idle ones make room, as they do for new ones: they can be closed at any time. */
Test(handoff, of_more_connections_than_a_worker_may_hold_those_that_wait_for_an_answer_stay)
{
    enum { IDLE = 15, HALF = 5, MOST = 6 };
    struct server server;
    struct client clients[IDLE + HALF];
    pid_t before[WORKERS_MAX], now[WORKERS_MAX];
    bool clean;
    int kept = 0;
    server_start(&server, ONE_WORKER "workers_max = 1\n" PROBE);
    server_await_workers(&server, 1, before);
    for (int i = 0; i < IDLE + HALF; i++) {
        clients[i] = client_connect(&server);
        expect_kept(&clients[i], request("GET", "/hello", ""), "hello");
    }
    for (int i = IDLE; i < IDLE + HALF; i++)
        client_send(&clients[i], "GET /hel");
    expect_kept(&clients[0], request("GET", "/hello", ""), "hello"); /* all of that has been read */
    server_reload(&server, text(ONE_WORKER "workers_max = 1\nconnections = %d\n" PROBE, MOST));
    await(server_workers(&server, now) == 1 && now[0] != before[0]);
    for (int i = IDLE; i < IDLE + HALF; i++)
        expect_kept(&clients[i], "lo HTTP/1.1\r\nHost: a\r\n\r\n", "hello");
    for (int i = 0; i < IDLE; i++)
        kept += !client_drain(&clients[i], i < IDLE - MOST ? PATIENCE : 100, &clean);
    cr_assert_eq(kept, MOST - HALF);
    server_stop(&server);
}

/* As nobody: descriptors under way count against the user's limit, and root would never see it. */
Test(handoff, thousands_of_idle_connections_change_hands_at_once)
{
    enum { MANY = 3000 };
    struct server server;
    struct rlimit limit;
    struct client *clients = calloc(MANY, sizeof *clients);
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < MANY + 1000)
        cr_skip("the limit of open files is too low");
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){limit.rlim_max, limit.rlim_max});
    server_start(&server, TWO_WORKERS "[timeouts]\nheader = 60s\n[log]\naccess = off\n" PROBE);
    keep_all(&server, clients, MANY);
    for (int round = 0; round < 2; round++)
        replace_workers(&server, 2);
    expect_all_kept(clients, MANY);
    server_stop(&server);
    free(clients);
}
