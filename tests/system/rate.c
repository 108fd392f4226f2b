/* SPDX-License-Identifier: Apache-2.0
 *
 * [limits] rate: clients that never stop, but are slower than it for long.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/socket.h>

TestSuite(rate, .timeout = 120);

enum { LATE = 8000 };

/* Sends 'byte' every 100 ms until something comes, or for at most 'ms'; how long it took. */
static int64_t drip(struct client *client, const char *byte, int64_t ms)
{
    int64_t start = now_ms();
    while (now_ms() - start < ms && client_receive(client, 100) == -2)
        client_try_send(client, byte, 1);
    return now_ms() - start;
}

static void expect_408(struct client *client)
{
    struct response response = client_read(client);
    expect_response(&response, 408, NULL);
    client_expect_close(client);
}

/* A head has five seconds before its rate counts. */
Test(rate, a_head_that_drips_is_408_before_its_time_is_up)
{
    struct server server;
    server_start(&server, ONE_WORKER "[timeouts]\nheader = 60s\n" PROBE);
    struct client client = client_connect(&server);
    client_send(&client, "GET /hello HTTP/1.1\r\nX: ");
    int64_t took = drip(&client, "y", 60000);
    cr_assert(took > 4500 && took < 5000 + LATE, "after %d ms", (int)took);
    expect_408(&client);
    server_stop(&server);
}

Test(rate, a_head_of_zero_rate_has_all_its_time)
{
    struct server server;
    server_start(&server, ONE_WORKER "[timeouts]\nheader = 60s\n[limits]\nrate = 0\n" PROBE);
    struct client client = client_connect(&server);
    client_send(&client, "GET /hello HTTP/1.1\r\nX: ");
    cr_assert_geq(drip(&client, "y", 7000), 7000);
    client_send(&client, "\r\nHost: a\r\n\r\n");
    struct response response = client_read(&client);
    expect_response(&response, 200, "hello");
    server_stop(&server);
}

#define SLOW_BODY "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"

/* Ten bytes a second buy nothing of a second at a rate of 1k, and the second is soon over. */
Test(rate, a_body_that_drips_is_408)
{
    struct server server;
    server_start(&server, ONE_WORKER "[timeouts]\nbody = 1s\n[limits]\nrate = 1k\n" PROBE);
    struct client client = client_connect(&server);
    client_send(&client, SLOW_BODY);
    int64_t took = drip(&client, "y", 60000);
    cr_assert(took > 900 && took < 1000 + LATE, "after %d ms", (int)took);
    expect_408(&client);
    server_stop(&server);
}

Test(rate, an_app_may_have_its_own)
{
    struct server server;
    server_start(&server, ONE_WORKER "[timeouts]\nbody = 2s\n[limits]\nrate = 1k\n" PROBE
                          "[app:patient]\npath = /patient\nmodule = @MODULES@/probe.so\nrate = 0\n");
    struct client client = client_connect(&server);
    client_send(&client, "POST /patient/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    cr_assert_geq(drip(&client, "y", 4000), 4000);
    client_close(&client);
    server_stop(&server);
}

/* Quick bytes buy at most the whole timeout: who sends the rest slowly is ended all the same, and who pauses once is not. */
Test(rate, a_body_that_begins_fast_buys_no_more_than_the_timeout)
{
    struct server server;
    server_start(&server, ONE_WORKER "[timeouts]\nbody = 2s\n[limits]\nrate = 1k\n" PROBE);
    struct client client = client_connect(&server);
    static char block[50000];
    client_send(&client, SLOW_BODY);
    client_send_bytes(&client, block, sizeof block);
    int64_t took = drip(&client, "y", 60000);
    cr_assert(took > 1800 && took < 2000 + LATE, "after %d ms", (int)took);
    expect_408(&client);
    server_stop(&server);
}

static struct client client_connect_narrow(const struct server *server)
{
    struct client client = client_connect(server);
    setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &(int){262144}, sizeof(int));
    return client;
}

/* Reads about 'rate' bytes a second until the server ends it, or for 'ms'. */
static int64_t sip(struct client *client, size_t rate, int64_t ms)
{
    static char scrap[1 << 20];
    int64_t start = now_ms();
    size_t got = 0;
    while (now_ms() - start < ms) {
        size_t due = (size_t)(now_ms() - start) * rate / 1000;
        ssize_t more = due > got ? recv(client->fd, scrap, due - got < sizeof scrap ? due - got : sizeof scrap, MSG_DONTWAIT) : -1;
        if (more == 0 || (more < 0 && due > got && errno != EAGAIN))
            break;
        got += more > 0 ? (size_t)more : 0;
        pause_shortly();
    }
    return now_ms() - start;
}

/* The window opens only when half of it has been read: less than 200 KB a second would not be seen as progress every second. With 'least'
 * as 'most' it shall not be ended. */
static void read_slowly(const char *path, const char *rate, const char *send, int64_t least, int64_t most)
{
    struct server server;
    server_start(&server, text(ONE_WORKER "[timeouts]\nsend = %s\nrequest = %s\n[limits]\nrate = %s\n" PROBE, send, send, rate));
    struct client client = client_connect_narrow(&server);
    client_send(&client, request("GET", path, ""));
    int64_t took = sip(&client, 400000, least == most ? most : 60000);
    cr_assert(took >= least && took <= most + LATE, "after %d ms", (int)took);
    client_close(&client);
    expect_get(&server, "/hello", 200, "hello");
    server_signal(&server, 9);
    server_wait(&server);
}

Test(rate, a_reader_that_sips_is_ended)
{
    read_slowly("/block/90000000", "10m", "2s", 1800, 10000);
}

Test(rate, a_reader_that_is_fast_enough_is_not)
{
    read_slowly("/block/90000000", "100k", "5s", 12000, 12000);
}

/* The handler waits for its client, longer than [timeouts] send and request, as long as that one takes something. */
Test(rate, a_handler_that_streams_waits_for_a_reader_that_is_fast_enough)
{
    read_slowly("/stream/90000000", "100k", "5s", 12000, 12000);
}

Test(rate, a_handler_that_streams_gives_up_a_reader_that_sips)
{
    read_slowly("/stream/90000000", "10m", "2s", 1800, 10000);
}
