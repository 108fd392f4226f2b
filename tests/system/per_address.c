/* SPDX-License-Identifier: Apache-2.0
 *
 * [limits] per_address: connections of one client, whichever workers hold them, and whatever becomes of those. All of 127.0.0.0/8 is this
 * machine, so one test can be many clients.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

TestSuite(per_address, .timeout = 120);

#define THREE "[limits]\nper_address = 3\n"
#define FOUR_WORKERS "[server]\nlisten = 127.0.0.1:0\nworkers = 4\nworkers_max = 4\n"

static int ask_on(struct client *client, const char *path, const char *body)
{
    client_send(client, request("GET", path, ""));
    struct response response = client_read(client);
    int status = response.status;
    if (status == 200 && body != NULL)
        expect_response(&response, 200, body);
    response_free(&response);
    return status;
}

/* A new connection of this client: the status that it gets. It stays open unless it was refused. */
static int come(const struct server *server, struct client *client, const char *source)
{
    *client = client_connect_from(server->address, source);
    return ask_on(client, "/hello", "hello");
}

static bool can_come(const struct server *server, const char *source)
{
    struct client client;
    int status = come(server, &client, source);
    client_close(&client);
    return status == 200;
}

Test(per_address, counts_over_all_workers)
{
    struct server server;
    struct client clients[4], other;
    server_start(&server, FOUR_WORKERS THREE PROBE);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 3; i++)
            await(come(&server, &clients[i], "127.0.0.1") == 200);
        for (int i = 0; i < 3; i++) {
            cr_assert_eq(come(&server, &clients[3], "127.0.0.1"), 503);
            client_expect_close(&clients[3]);
            client_close(&clients[3]);
        }
        cr_assert_eq(come(&server, &other, "127.0.0.2"), 200);
        client_close(&other);
        client_close(&clients[round % 3]);
        await(come(&server, &clients[round % 3], "127.0.0.1") == 200); /* its place is free as soon as the server has seen it go */
        for (int i = 0; i < 3; i++)
            cr_assert_eq(ask_on(&clients[i], "/hello", "hello"), 200); /* those that were there are as they were */
        for (int i = 0; i < 3; i++)
            client_close(&clients[i]);
    }
    server_stop(&server);
}

Test(per_address, the_refusal_is_whole_and_told)
{
    struct server server;
    struct client one;
    server_start(&server, ONE_WORKER "[limits]\nper_address = 1\n" PROBE);
    cr_assert_eq(come(&server, &one, "127.0.0.1"), 200);
    struct response response = get(&server, "/hello"); /* get() also wants it closed in order */
    expect_response(&response, 503, NULL);
    cr_assert_not_null(strstr(response.body, "too many connections from this address"), "%s", response.body);
    cr_assert_str_eq(response_header(&response, "Content-Type"), "application/problem+json");
    cr_assert_str_eq(response_header(&response, "Retry-After"), "1");
    struct client head = client_connect(&server);
    client_send(&head, request("HEAD", "/hello", ""));
    response = client_read_head(&head);
    expect_response(&response, 503, NULL);
    client_expect_close(&head);
    server_log_await(&server, "closed a connection of 127.0.0.1: its client has as many as [limits] per_address allows", 1);
    server_stop(&server);
}

/* Of a worker that is killed nothing is left, in the count neither. */
Test(per_address, connections_that_died_with_their_worker_do_not_count)
{
    struct server server;
    struct client clients[3];
    pid_t before[WORKERS_MAX], now[WORKERS_MAX];
    server_start(&server, FOUR_WORKERS THREE PROBE);
    for (int round = 0; round < 3; round++) {
        await(server_workers(&server, before) == 4);
        for (int i = 0; i < 3; i++)
            await(come(&server, &clients[i], "127.0.0.1") == 200);
        for (int i = 0; i < 4; i++)
            kill(before[i], SIGKILL);
        await(server_workers(&server, now) == 4 && !pids_overlap(before, 4, now, 4));
        for (int i = 0; i < 3; i++)
            client_close(&clients[i]);
    }
    for (int i = 0; i < 3; i++)
        await(come(&server, &clients[i], "127.0.0.1") == 200);
    cr_assert_not(can_come(&server, "127.0.0.1"));
    server_stop(&server);
}

/* Reloads, recycling and crashes hand connections over: they count wherever they are. */
Test(per_address, connections_that_are_handed_over_count_on)
{
    struct server server;
    struct client clients[3];
    server_start(&server, FOUR_WORKERS THREE PROBE TROUBLE);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(come(&server, &clients[i], "127.0.0.1"), 200);
    for (int round = 0; round < 5; round++) {
        pid_t before[WORKERS_MAX], now[WORKERS_MAX];
        size_t count = server_workers(&server, before);
        server_hup(&server);
        await(server_workers(&server, now) == 4 && !pids_overlap(before, count, now, 4));
        for (int i = 0; i < 3; i++)
            cr_assert_eq(ask_on(&clients[i], "/hello", "hello"), 200);
        cr_assert_not(can_come(&server, "127.0.0.1"));
        cr_assert(can_come(&server, "127.0.0.2"));
    }
    cr_assert_eq(ask_on(&clients[0], "/trouble/crash/abort", NULL), 500);
    client_close(&clients[0]);
    await(can_come(&server, "127.0.0.1"));
    await(come(&server, &clients[0], "127.0.0.1") == 200);
    cr_assert_not(can_come(&server, "127.0.0.1"));
    server_stop(&server);
}

/* A handler takes its time: its worker lives on, and what it gave away is no longer its. */
Test(per_address, connections_that_a_busy_worker_gave_away_count_once)
{
    struct server server;
    struct client busy, clients[2], one_more;
    server_start(&server, ONE_WORKER "workers_max = 2\n" THREE PROBE TROUBLE);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(come(&server, &clients[i], "127.0.0.1"), 200);
    busy = client_connect(&server);
    client_enter_gate(&busy, &server, "a");
    for (int i = 0; i < 2; i++)
        cr_assert_eq(ask_on(&clients[i], "/hello", "hello"), 200);
    cr_assert_not(can_come(&server, "127.0.0.1"));
    client_close(&clients[1]);
    await(come(&server, &one_more, "127.0.0.1") == 200);
    server_open_gate(&server, "a");
    struct response response = client_read(&busy);
    expect_response(&response, 200, "through gate a");
    server_stop(&server);
}

/* A reload that brings the limit counts those that are there, and one that takes it away lets everybody in. */
Test(per_address, comes_and_goes_with_the_configuration)
{
    struct server server;
    struct client clients[5];
    server_start(&server, TWO_WORKERS "workers_max = 2\n" PROBE);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(come(&server, &clients[i], "127.0.0.1"), 200);
    server_reload(&server, TWO_WORKERS "workers_max = 2\n" THREE PROBE);
    await(!can_come(&server, "127.0.0.1"));
    await(!can_come(&server, "127.0.0.1"));
    cr_assert_eq(ask_on(&clients[2], "/hello", "hello"), 200);
    server_reload(&server, TWO_WORKERS "workers_max = 2\n" PROBE);
    await(come(&server, &clients[3], "127.0.0.1") == 200);
    await(come(&server, &clients[4], "127.0.0.1") == 200);
    server_stop(&server);
}

Test(per_address, of_proxies_that_are_trusted_and_of_unix_sockets_counts_nothing)
{
    struct server server;
    struct client clients[4];
    server_start(&server, "[server]\nlisten = 127.0.0.1:0, unix:@DIR@/sock\nworkers = 1\ntrusted = 127.0.0.5\n" THREE PROBE);
    struct server local = server;
    for (int i = 0; i < 4; i++)
        cr_assert_eq(come(&server, &clients[i], "127.0.0.5"), 200);
    for (int i = 0; i < 4; i++) {
        clients[i] = client_connect_to(text("unix:%s/sock", local.dir));
        cr_assert_eq(ask_on(&clients[i], "/hello", "hello"), 200);
    }
    server_stop(&server);
}

Test(per_address, goes_by_the_client_of_a_proxy_header)
{
    static const struct {
        const char *address;
        int status;
    } cases[] = {
        {"TCP4 192.0.2.1 127.0.0.1", 200}, {"TCP4 192.0.2.2 127.0.0.1", 200}, {"TCP4 192.0.2.1 127.0.0.1", 503},
        {"TCP6 2001:db8:0:1::1 ::1", 200}, {"TCP6 2001:db8:0:1:ffff::2 ::1", 503}, {"TCP6 2001:db8:0:2::1 ::1", 200},
        {"TCP4 192.0.2.2 127.0.0.1", 503},
    };
    enum { CASES = sizeof cases / sizeof *cases };
    struct server server;
    struct client clients[CASES];
    server_start(&server, "[server]\nworkers = 1\ntrusted = 127.0.0.1\n[listen:p]\naddress = 127.0.0.1:0\nproxy_protocol = on\n"
                          "[limits]\nper_address = 1\n" PROBE);
    for (int i = 0; i < CASES; i++) {
        clients[i] = client_connect(&server);
        client_send(&clients[i], text("PROXY %s 1 2\r\n", cases[i].address));
        int status = ask_on(&clients[i], "/hello", "hello");
        cr_expect_eq(status, cases[i].status, "%d: %s: %d", i, cases[i].address, status);
    }
    server_stop(&server);
}
