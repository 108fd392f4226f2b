/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection that the server ends while the client still sends: closing at once would reset it, and the answer be lost.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

TestSuite(lingering, .timeout = 120);

/* A client that only looks for its answer when it has sent all of a body that was refused. */
Test(lingering, an_early_error_is_read_after_a_large_body_was_sent)
{
    enum { BYTES = 64 << 20 };
    struct server server;
    server_start(&server, ONE_WORKER "[limits]\nbody = 1k\n" PROBE);
    char *block = calloc(1, BYTES);
    for (int i = 0; i < 3; i++) {
        struct client client = client_connect(&server);
        client_send(&client, text("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", BYTES));
        client_send_bytes(&client, block, BYTES);
        struct response response = client_read(&client);
        expect_response(&response, 413, NULL);
        client_close(&client);
    }
    free(block);
    server_stop(&server);
}

/* However slowly its network takes the body. */
Test(lingering, an_early_error_is_read_after_a_body_that_took_long)
{
    enum { MS = 4000 };
    static char block[16 << 10];
    struct server server;
    server_start(&server, ONE_WORKER "[limits]\nbody = 1k\n" PROBE);
    struct client client = client_connect(&server);
    client_send(&client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n");
    for (int64_t start = now_ms(); now_ms() - start < MS; pause_shortly())
        client_send_bytes(&client, block, sizeof block);
    struct response response = client_read(&client);
    expect_response(&response, 413, NULL);
    client_close(&client);
    server_stop(&server);
}

/* But not for ever: neither by bytes nor by time. */
Test(lingering, a_client_that_never_stops_to_send_is_cut_off)
{
    static char block[1 << 20];
    struct server server;
    size_t sent = 0;
    server_start(&server, ONE_WORKER "[limits]\nrate = 100k\n" PROBE);
    struct client client = client_connect(&server);
    client_send(&client, "NOT HTTP\r\n\r\n");
    int64_t start = now_ms();
    while (client_try_send(&client, block, sizeof block) && now_ms() - start < PATIENCE)
        sent += sizeof block;
    cr_assert_lt(now_ms() - start, PATIENCE);
    cr_assert_lt(sent, 500 << 20, "after %zu MB", sent >> 20);
    client_close(&client);
    client = client_connect(&server);
    client_send(&client, "NOT HTTP\r\n\r\n");
    for (start = now_ms(); client_try_send(&client, "x", 1) && now_ms() - start < PATIENCE;)
        pause_shortly();
    cr_assert_lt(now_ms() - start, PATIENCE);
    server_stop(&server);
}

/* The last answer of a connection is in the kernel, all of it, and its client reads it slowly and asks for more meanwhile. */
Test(lingering, a_slow_reader_gets_the_last_answer_whole)
{
    enum { BYTES = 3000000, RATE = 500000 };
    struct server server;
    size_t got = 0;
    static char scrap[1 << 16];
    server_start(&server, ONE_WORKER "[limits]\nkeepalive_requests = 1\n" PROBE);
    struct client client = client_connect(&server);
    setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &(int){262144}, sizeof(int));
    client_send(&client, request("GET", text("/block/%d", BYTES), ""));
    int64_t start = now_ms();
    for (int asked = 0;;) {
        size_t due = (size_t)(now_ms() - start) * RATE / 1000;
        ssize_t more = due > got ? recv(client.fd, scrap, due - got < sizeof scrap ? due - got : sizeof scrap, MSG_DONTWAIT) : -1;
        if (more == 0)
            break;
        if (more < 0 && due > got && errno != EAGAIN)
            harness_fail("reset after %zu bytes", got);
        got += more > 0 ? (size_t)more : 0;
        if (now_ms() - start > 3000 && asked++ == 0)
            client_try_send(&client, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", 32);
        cr_assert_lt(now_ms() - start, PATIENCE);
        pause_shortly();
    }
    cr_assert_gt(got, BYTES);
    server_stop(&server);
}

/* A client that wants no more requests, and yet sends an empty line behind its body, as some do, when the server does not look any more. */
static void read_to_the_end(struct client *client, size_t least)
{
    size_t got = 0;
    long more;
    while ((more = client_receive(client, PATIENCE)) > 0) {
        got += (size_t)more;
        client->length = 0;
    }
    cr_assert_eq(more, 0, "%s after %zu bytes", more == -1 ? "reset" : "silence", got);
    cr_assert_gt(got, least);
}

Test(lingering, what_comes_while_an_answer_is_taken_does_not_reset_it)
{
    enum { BYTES = 8 << 20 };
    struct server server;
    server_start(&server, ONE_WORKER PROBE);
    const char *paths[] = {"/block", "/stream"};
    for (size_t i = 0; i < 2; i++) {
        struct client client = client_connect(&server);
        setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &(int){262144}, sizeof(int));
        client_send(&client, request("GET", text("%s/%d", paths[i], BYTES), "Connection: close\r\n"));
        cr_assert_gt(client_receive(&client, PATIENCE), 0);
        client_send(&client, "\r\n");
        read_to_the_end(&client, BYTES - (1 << 20));
        client_close(&client);
    }
    server_stop(&server);
}

Test(lingering, a_line_behind_a_body_that_a_handler_reads_does_not_reset_its_answer)
{
    struct server server;
    server_start(&server, ONE_WORKER "[app:input]\npath = /\nmodule = @MODULES@/input.so\n");
    struct client client = client_connect(&server);
    client_send(&client, request("POST", "/stream/sum?size=100", "Connection: close\r\nContent-Length: 5\r\nExpect: 100-continue\r\n"));
    struct response interim = client_read_head(&client);
    cr_assert_eq(interim.status, 100);
    client_send(&client, "hello\r\n");
    read_to_the_end(&client, 0);
    client_close(&client);
    server_stop(&server);
}

/* Four connections are there: one whose last answer is said while its client still sends, and three idle ones, the first of them for
 * longest. Is it that one who makes room for a fifth? Not where the lingering one has gone by then: the machine may be slow. */
static bool idle_one_makes_room(const struct server *server)
{
    struct client said = client_connect(server), idle[3], fifth;
    expect_kept(&said, request("GET", "/hello", ""), "hello");
    client_send(&said, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    struct response response = client_read(&said);
    expect_response(&response, 413, NULL);
    for (int i = 0; i < 3; i++) {
        idle[i] = client_connect(server);
        expect_kept(&idle[i], request("GET", "/hello", ""), "hello");
    }
    bool stands = client_try_send(&said, "x", 1);
    fifth = client_connect(server);
    expect_kept(&fifth, request("GET", "/hello", ""), "hello");
    stands = stands && client_try_send(&said, "x", 1) && client_receive(&idle[0], 100) == 0;
    for (int i = 0; i < 3; i++)
        client_close(&idle[i]);
    client_close(&said);
    client_close(&fifth);
    return stands;
}

Test(lingering, a_client_that_may_not_have_its_answer_does_not_make_room_for_others)
{
    struct server server;
    server_start(&server, ONE_WORKER "workers_max = 1\nconnections = 4\n[limits]\nbody = 1k\n" PROBE);
    await(idle_one_makes_room(&server));
    server_stop(&server);
}
