/* SPDX-License-Identifier: Apache-2.0
 *
 * Request bodies: by length, in chunks, spooled to a file, announced with Expect.
 */
#include "client.h"
#include "sums.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(bodies, .timeout = 120);

static struct server server;

static void serve(void)
{
    server_start(&server, ONE_WORKER "[limits]\nbody = 16m\nbody_memory = 64k\n" PROBE TROUBLE);
}

static void stop(void)
{
    if (server.pid > 0)
        server_stop(&server);
}

#define BodyTest(name) Test(bodies, name, .init = serve, .fini = stop)

static void expect_sum(struct client *client, const char *bytes, size_t length)
{
    struct response response = client_read(client);
    expect_response(&response, 200, sum_of(bytes, length));
    response_free(&response);
}

BodyTest(by_length_arrive_whole_in_every_size)
{
    const size_t sizes[] = {0, 1, 2, 1000, 8191, 8192, 16384, 65535, 65536, 65537, 300000, 5000000};
    struct client client = client_connect(&server);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *bytes = make_bytes(sizes[i]);
        client_send(&client, request("POST", "/sum", text("Content-Length: %zu\r\n", sizes[i])));
        client_send_bytes(&client, bytes, sizes[i]);
        expect_sum(&client, bytes, sizes[i]);
        free(bytes);
    }
    client_close(&client);
}

static void send_chunk(struct client *client, const char *bytes, size_t length)
{
    client_send(client, text("%zx\r\n", length));
    client_send_bytes(client, bytes, length);
    client_send(client, "\r\n");
}

BodyTest(in_chunks_arrive_whole_in_every_size)
{
    const size_t sizes[] = {0, 1, 17, 4096, 65536, 65537, 1000000};
    struct client client = client_connect(&server);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *bytes = make_bytes(sizes[i]);
        client_send(&client, request("POST", "/sum", "Transfer-Encoding: chunked\r\n"));
        for (size_t at = 0, size = 1; at < sizes[i]; at += size, size = size * 3 + 1) {
            if (size > sizes[i] - at)
                size = sizes[i] - at;
            send_chunk(&client, bytes + at, size);
        }
        client_send(&client, "0\r\n\r\n");
        expect_sum(&client, bytes, sizes[i]);
        free(bytes);
    }
    client_close(&client);
}

BodyTest(extensions_and_trailers_are_read_over)
{
    struct client client = client_connect(&server);
    client_send(&client, request("POST", "/echo", "Transfer-Encoding: CHUNKED\r\n"));
    client_send(&client, "4;name=value\r\nwiki\r\n05 ; x=\"y\"\r\npedia\r\n0\r\nX-Trailer: yes\r\nOther: 1\r\n\r\n");
    struct response response = client_read(&client);
    expect_response(&response, 200, "wikipedia");
    client_send(&client, request("GET", "/hello", ""));
    response = client_read(&client);
    expect_response(&response, 200, "hello");
    client_close(&client);
}

BodyTest(a_body_nobody_asked_for_is_read_over)
{
    struct client client = client_connect(&server);
    client_send(&client, text("%s%s", request("GET", "/hello", "Content-Length: 23\r\n"), "GET /users/evil HTTP/1\r"));
    struct response response = client_read(&client);
    expect_response(&response, 200, "hello");
    client_send(&client, request("GET", "/items/1", ""));
    response = client_read(&client);
    expect_response(&response, 200, "item 1");
    client_close(&client);
}

BodyTest(a_large_one_leaves_no_file_behind)
{
    const char *temp = text("%s/temp", test_dir());
    mkdir(temp, 0777);
    chmod(temp, 0777);
    struct server own;
    server_start(&own, text(ONE_WORKER "temp = %s\n[limits]\nbody = 16m\n" PROBE, temp));
    const char *count = text("find %s -type f -not -name '*.so*' | wc -l", temp);
    char *bytes = make_bytes(2000000);
    struct client client = client_connect(&own);
    client_send(&client, request("POST", "/sum", "Content-Length: 2000000\r\n"));
    client_send_bytes(&client, bytes, 1000000);
    cr_assert_eq(atoi(run("sh", "-c", count).out), 0, "the spool file has a name");
    client_send_bytes(&client, bytes + 1000000, 1000000);
    expect_sum(&client, bytes, 2000000);
    server_stop(&own);
    cr_assert_eq(atoi(run("sh", "-c", text("find %s -mindepth 1 | wc -l", temp)).out), 0, "temp is not left empty");
}

BodyTest(expect_is_answered_with_100_before_the_body)
{
    struct client client = client_connect(&server);
    client_send(&client, request("POST", "/echo", "Content-Length: 5\r\nExpect: 100-Continue\r\n"));
    struct response response = client_read(&client);
    cr_assert_eq(response.status, 100);
    cr_assert_str_eq(response.head, "HTTP/1.1 100 Continue\r\n\r\n");
    client_send(&client, "hello");
    response = client_read(&client);
    expect_response(&response, 200, "hello");
    client_close(&client);
}

BodyTest(expect_behind_the_answer_to_an_earlier_request_keeps_the_order)
{
    struct client client = client_connect(&server);
    client_send(&client, text("%s%s", request("GET", "/hello", ""),
                              request("POST", "/echo", "Content-Length: 2\r\nExpect: 100-continue\r\n")));
    struct response response = client_read(&client);
    expect_response(&response, 200, "hello");
    cr_assert_eq(client_read(&client).status, 100);
    client_send(&client, "ok");
    response = client_read(&client);
    expect_response(&response, 200, "ok");
    client_close(&client);
}

BodyTest(expect_is_not_answered_when_the_body_is_there)
{
    struct client client = client_connect(&server);
    client_send(&client, text("%s%s", request("POST", "/echo", "Content-Length: 5\r\nExpect: 100-continue\r\n"), "hello"));
    struct response response = client_read(&client);
    if (response.status == 100) /* allowed, but of no use (RFC 9110, 10.1.1) */
        response = client_read(&client);
    expect_response(&response, 200, "hello");
    client_close(&client);
}

BodyTest(expect_of_a_body_too_large_is_answered_413_without_100)
{
    struct client client = client_connect(&server);
    client_send(&client, request("POST", "/echo", "Content-Length: 99999999\r\nExpect: 100-continue\r\n"));
    struct response response = client_read(&client);
    expect_response(&response, 413, NULL);
    client_close(&client);
}

BodyTest(another_expectation_is_417)
{
    struct response response = ask(&server, request("POST", "/echo", "Content-Length: 0\r\nExpect: miracles\r\n"));
    expect_response(&response, 417, NULL);
}

BodyTest(too_large_is_413_and_the_answer_arrives_though_the_client_still_sends)
{
    char *bytes = make_bytes(3000000);
    struct client client = client_connect(&server);
    client_send(&client, request("POST", "/sum", "Content-Length: 17000000\r\n"));
    client_try_send(&client, bytes, 3000000);
    struct response response = client_read(&client);
    expect_response(&response, 413, NULL);
    client_close(&client);
}

BodyTest(too_large_in_chunks_is_413)
{
    char *bytes = make_bytes(1000000);
    struct client client = client_connect(&server);
    client_send(&client, request("POST", "/sum", "Transfer-Encoding: chunked\r\n"));
    for (int i = 0; i < 18; i++)
        if (!client_try_send(&client, "f4240\r\n", 7) || !client_try_send(&client, bytes, 1000000) ||
            !client_try_send(&client, "\r\n", 2))
            break;
    struct response response = client_read(&client);
    expect_response(&response, 413, NULL);
    client_close(&client);
}

BodyTest(a_chunk_announced_too_large_is_413_at_once)
{
    struct client client = client_connect(&server);
    client_send(&client, request("POST", "/sum", "Transfer-Encoding: chunked\r\n"));
    client_send(&client, "ffffffff\r\nabc");
    struct response response = client_read(&client);
    cr_assert(response.status == 413 || response.status == 400, "%d", response.status);
    client_close(&client);
}

/* The size line is judged when it is whole, so that the answer is the same in one piece and in two. */
BodyTest(garbage_behind_a_size_that_is_too_large_is_400)
{
    static const char *const pieces[][2] = {{"ffffffff\rx", ""}, {"ffffffff", "\rx"}};
    for (size_t i = 0; i < 2; i++) {
        struct client client = client_connect(&server);
        client_send(&client, request("POST", "/sum", "Transfer-Encoding: chunked\r\n"));
        client_send(&client, pieces[i][0]);
        if (i > 0)
            cr_assert_eq(client_receive(&client, 200), -2);
        client_send(&client, pieces[i][1]);
        struct response response = client_read(&client);
        expect_response(&response, 400, NULL);
        client_close(&client);
    }
}

/* A mount of its own in a private namespace of this test: 512 KB for temp. */
static bool mount_small(const char *path)
{
    return geteuid() == 0 && mkdir(path, 0777) == 0 && unshare(CLONE_NEWNS) == 0 &&
           mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tine", path, "tmpfs", 0, "size=512k,mode=1777") == 0;
}

Test(bodies, a_full_disk_is_507_and_serving_goes_on)
{
    const char *temp = text("%s/small", test_dir());
    if (!mount_small(temp))
        cr_skip_test("cannot mount a tmpfs");
    server_start(&server, text(ONE_WORKER "temp = %s\n[limits]\nbody = 16m\n" PROBE, temp));
    char *bytes = make_bytes(3000000);
    for (int round = 0; round < 2; round++) {
        struct client client = client_connect(&server);
        client_send(&client, request("POST", "/sum", "Content-Length: 3000000\r\n"));
        client_try_send(&client, bytes, 3000000);
        struct response response = client_read(&client);
        expect_response(&response, 507, NULL);
        client_close(&client);
    }
    struct client client = client_connect(&server);
    client_send(&client, request("POST", "/sum", "Content-Length: 100000\r\n"));
    client_send_bytes(&client, bytes, 100000);
    expect_sum(&client, bytes, 100000);
    server_stop(&server);
}

/* Milliseconds that the quickest of some requests takes whose parts the client sends apart, on a connection that has seen a few: the
 * system acknowledges at once what comes on a young one. */
static int64_t quickest_apart(const char *first, const char *second)
{
    int64_t best = PATIENCE;
    struct client client = client_connect(&server);
    for (int i = 0; i < 60; i++) {
        int64_t start = now_ms();
        client_send(&client, first);
        expect_kept(&client, second, NULL);
        int64_t took = now_ms() - start;
        if (i >= 40 && took < best)
            best = took;
    }
    client_close(&client);
    return best;
}

/* Its system (Nagle's algorithm) keeps the second part back until we have acknowledged the first. */
Test(bodies, a_client_that_sends_a_request_in_parts_is_not_kept_waiting)
{
    server_start(&server, ONE_WORKER PROBE);
    int64_t body = quickest_apart("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n", "ab");
    int64_t head = quickest_apart("GET /hello HTTP/1.1\r\n", "Host: a\r\n\r\n");
    int64_t stream = quickest_apart("POST /echo_stream HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n", "ab");
    cr_assert(body < 30 && head < 30 && stream < 30, "%lld, %lld and %lld ms", (long long)body, (long long)head, (long long)stream);
    server_stop(&server);
}

/* As other servers log it: an upload that never comes to its end is looked for there. */
BodyTest(a_body_that_breaks_off_is_in_the_access_log)
{
    for (int reset = 0; reset < 2; reset++) {
        struct client client = client_connect(&server);
        client_send(&client, request("POST", text("/sum?%d", reset), "Content-Length: 10\r\n"));
        client_send(&client, "half");
        if (reset)
            setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
        client_close(&client);
        const char *line = server_access_await(&server, text("POST /sum?%d ", reset));
        cr_assert_not_null(strstr(line, "\" 400 - "), "%s", line);
    }
}

static long resident_kb(pid_t process)
{
    const char *line = strstr(process_file(process, "status"), "VmRSS:");
    return line != NULL ? atol(line + 6) : 0;
}

/* Half read they take their memory; afterwards a worker has little more than before, however many there were. */
Test(bodies, many_at_once_leave_no_memory_behind)
{
    enum { MANY = 100, SIZE = 60000, LEAST_KB = 5000, MOST_KB = 4000 };
    static struct client clients[MANY];
    pid_t workers[WORKERS_MAX];
    char *body = memset(malloc(SIZE + 1), 'x', SIZE);
    if (is_sanitized())
        cr_skip_test("its heap keeps what is freed");
    body[SIZE] = 0;
    server_start(&server, ONE_WORKER "workers_max = 1\n" PROBE);
    server_await_workers(&server, 1, workers);
    expect_get(&server, "/hello", 200, "hello");
    long before = resident_kb(workers[0]);
    for (int i = 0; i < MANY; i++) {
        clients[i] = client_connect(&server);
        client_send(&clients[i], text("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", SIZE));
        client_send_bytes(&clients[i], body, SIZE - 1);
    }
    await(resident_kb(workers[0]) > before + LEAST_KB);
    for (int i = 0; i < MANY; i++)
        client_send(&clients[i], "x");
    for (int i = 0; i < MANY; i++) {
        expect_kept(&clients[i], NULL, body);
        client_close(&clients[i]);
    }
    await(resident_kb(workers[0]) < before + MOST_KB);
    free(body);
    server_stop(&server);
}
