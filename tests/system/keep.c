/* SPDX-License-Identifier: Apache-2.0
 *
 * What batteries keep by key: the same tests in the workers' memory and in Redis. What Redis does to it is in redis.c.
 */
#include "keep.h"

#include "client.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(keep, .timeout = 180);

#define IN_MEMORY KEEP_WORKERS("4") KEEP_APP("keep", "memory")

static struct server server;

char *keep_post(const char *path, const char *body, size_t length)
{
    return text("POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%.*s", path, length, (int)length, body);
}

int keep_ask(const struct server *of, const char *path, const char *body)
{
    struct response response = ask(of, keep_post(path, body, strlen(body)));
    int status = response.status;
    response_free(&response);
    return status;
}

void keep_expect_values(const struct server *of)
{
    expect_get(of, "/get?key=a", 404, NULL);
    cr_expect_eq(keep_ask(of, "/set?key=a", "one"), 200);
    cr_expect_eq(keep_ask(of, "/set?key=empty", ""), 200);
    for (int i = 0; i < 8; i++)
        expect_get(of, "/get?key=a", 200, "one");
    expect_get(of, "/get?key=empty", 200, "");
    cr_expect_eq(keep_ask(of, "/add?key=a", "two"), 404);
    cr_expect_eq(keep_ask(of, "/add?key=b&ttl=60000", "two"), 200);
    expect_get(of, "/get?key=a", 200, "one");
    expect_get(of, "/get?key=b", 200, "two");
    cr_expect_eq(keep_ask(of, "/delete?key=b", ""), 200);
    cr_expect_eq(keep_ask(of, "/delete?key=b", ""), 404);
    cr_expect_eq(keep_ask(of, "/set?key=short&ttl=200", "x"), 200);
    await(get(of, "/get?key=short").status == 404);
    cr_expect_eq(keep_ask(of, "/add?key=short&ttl=200", "y"), 200);
}

/* Long keys are kept by their hash: two that differ in their last byte are two, and none is that of a short one. */
void keep_expect_long_keys(const struct server *of)
{
    for (int length = 98; length <= 4000; length += length < 104 ? 1 : 1948) {
        char *key = text("%0*d", length, 1), *other = text("%0*d", length, 2);
        cr_expect_eq(keep_ask(of, text("/set?key=%s", key), "one"), 200, "%d", length);
        expect_get(of, text("/get?key=%s", key), 200, "one");
        expect_get(of, text("/get?key=%s", other), 404, NULL);
    }
}

/* Each length where something else begins: a value in one place, in pieces, in one more, the longest. */
void keep_expect_lengths(const struct server *of)
{
    static const size_t lengths[] = {350, 351, 352, 353, 704, 705, 20000, 65535, 65536};
    char *value = malloc(65537);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t length = lengths[i];
        for (size_t at = 0; at < length; at++)
            value[at] = (char)('a' + (at + i) % 23);
        value[length] = 0;
        cr_expect_eq(keep_ask(of, "/set?key=long&ttl=60000", value), 200, "%zu", length);
        expect_get(of, "/get?key=long", 200, value);
        cr_expect_eq(keep_ask(of, "/add?key=long&ttl=60000", "other"), 404);
        cr_expect_eq(keep_ask(of, "/delete?key=long", ""), 200);
        cr_expect_eq(keep_ask(of, "/add?key=long&ttl=60000", value), 200);
        cr_expect_eq(keep_ask(of, "/add?key=long&ttl=60000", value), 404);
        expect_get(of, "/get?key=long", 200, value);
    }
    free(value);
}

void keep_expect_takes(const struct server *of)
{
    struct response response;
    for (int left = 2; left >= 0; left--) {
        response = ask(of, keep_post("/look?key=t&interval=3600000000&burst=3", "", 0));
        expect_response(&response, 200, "now");
        response = ask(of, keep_post("/take?key=t&interval=3600000000&burst=3", "", 0));
        expect_response(&response, 200, text("0 %d", left));
    }
    long long wait = 0, left = -1;
    response = ask(of, keep_post("/look?key=t&interval=3600000000&burst=3", "", 0));
    expect_response(&response, 200, "later");
    response = ask(of, keep_post("/take?key=t&interval=3600000000&burst=3", "", 0));
    cr_expect(sscanf(response.body, "%lld %lld", &wait, &left) == 2 && left == 0 && wait > 3500000000 && wait <= 3600000000, "%s",
              response.body);
    /* One that is smaller now cannot be emptier than empty; deleted it is full. */
    response = ask(of, keep_post("/take?key=t&interval=1000000&burst=2", "", 0));
    cr_expect(sscanf(response.body, "%lld %lld", &wait, &left) == 2 && wait <= 1000000, "%s", response.body);
    cr_expect_eq(keep_ask(of, "/delete?key=t", ""), 200);
    response = ask(of, keep_post("/take?key=t&interval=3600000000&burst=3", "", 0));
    expect_response(&response, 200, "0 2");
    /* A token comes in by and by. */
    response = ask(of, keep_post("/take?key=soon&interval=100000&burst=1", "", 0));
    expect_response(&response, 200, "0 0");
    await(strcmp(ask(of, keep_post("/take?key=soon&interval=100000&burst=1", "", 0)).body, "0 0") == 0);
    /* Rates that no clock can hold are cut, not wrapped around. */
    response = ask(of, keep_post("/take?key=huge&interval=9223372036854775807&burst=9223372036854775807", "", 0));
    expect_response(&response, 200, "0 0");
}

/* Clients at as many connections ask until each has had its requests; returns how many tokens they got. */
int keep_take_at_once(const struct server *const *servers, int count, int clients, int requests, int burst)
{
    int taken = 0;
    pid_t children[64];
    cr_assert_leq(clients, 64);
    for (int i = 0; i < clients; i++)
        if ((children[i] = process_fork()) == 0) {
            struct client client = client_connect(servers[i % count]);
            int mine = 0;
            for (int k = 0; k < requests; k++) {
                client_send(&client,
                            text("POST /take?key=many&interval=86400000000&burst=%d HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
                                 burst));
                struct response response = client_read(&client);
                if (response.status != 200)
                    _exit(255);
                mine += strncmp(response.body, "0 ", 2) == 0;
                response_free(&response);
            }
            _exit(mine);
        }
    for (int i = 0; i < clients; i++) {
        int mine = process_wait(children[i], 2 * PATIENCE);
        cr_assert(mine >= 0 && mine <= requests, "%d", mine);
        taken += mine;
    }
    return taken;
}

Test(keep, in_memory_values_are_set_added_deleted_and_expire)
{
    server_start(&server, IN_MEMORY KEEP_APP_AT("other", "/other", "memory"));
    keep_expect_values(&server);
    expect_get(&server, "/other/get?key=a", 404, NULL);
    server_stop(&server);
}

Test(keep, in_memory_keys_and_values_have_any_length)
{
    server_start(&server, IN_MEMORY);
    keep_expect_long_keys(&server);
    keep_expect_lengths(&server);
    struct response response = ask(&server, keep_post("/set?key=a", text("%065537d", 0), 65537));
    expect_response(&response, 503, NULL);
    server_log_await(&server, "a value of 65537 bytes is more than can be kept (65536)", 1);
    server_stop(&server);
}

/* What a replaced value had is given back: else the store would be full of it, and "kept" be gone for want of room. */
Test(keep, in_memory_pieces_of_replaced_values_make_room)
{
    server_start(&server, KEEP_WORKERS("1") KEEP_APP("keep", "memory"));
    cr_expect_eq(keep_ask(&server, "/set?key=kept", text("%020000d", 7)), 200);
    for (int i = 0; i < 200; i++) {
        cr_assert_eq(keep_ask(&server, "/set?key=long", text("%020000d", i)), 200);
        if (i % 2 == 0)
            cr_assert_eq(keep_ask(&server, "/delete?key=long", ""), 200);
    }
    expect_get(&server, "/get?key=kept", 200, text("%020000d", 7));
    server_stop(&server);
}

static void storm_in_child(int requests)
{
    for (int k = 0; k < requests; k++) {
        struct response response = ask(&server, keep_post("/storm", "", 0));
        if (response.status != 200)
            _exit(1);
        response_free(&response);
    }
    _exit(0);
}

Test(keep, in_memory_pieces_are_never_of_two_values)
{
    enum { CLIENTS = 8 };
    pid_t clients[CLIENTS];
    server_start(&server, KEEP_WORKERS("8") "[server]\nshared = 16m\n" KEEP_APP("keep", "memory"));
    for (int i = 0; i < CLIENTS; i++)
        if ((clients[i] = process_fork()) == 0)
            storm_in_child(10);
    for (int i = 0; i < CLIENTS; i++)
        cr_expect_eq(process_wait(clients[i], 2 * PATIENCE), 0);
    server_stop(&server);
}

Test(keep, in_memory_tokens_are_taken)
{
    server_start(&server, IN_MEMORY);
    keep_expect_takes(&server);
    server_stop(&server);
}

Test(keep, in_memory_tokens_are_exact_over_eight_workers)
{
    const struct server *servers[] = {&server};
    server_start(&server, KEEP_WORKERS("8") KEEP_APP("keep", "memory"));
    cr_expect_eq(keep_take_at_once(servers, 1, 64, 50, 1000), 1000);
    server_stop(&server);
}
