/* SPDX-License-Identifier: Apache-2.0
 *
 * No byte sequence on the wire may crash or hang a worker: random and mutated requests, always the same
 * ones, for a few seconds. Under the sanitizers a fault that would go unnoticed ends the worker too.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(fuzz, .timeout = 180);

enum { FUZZ_MS = 3000, LONGEST = 4096 };

static const char *const seeds[] = {
    "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /users/%61da?q=1&x=%20+ HTTP/1.1\r\nHost: a:80\r\nAccept: text/html;q=0.9, */*;q=0.1\r\nX-Request-Id: abc\r\n\r\n",
    "POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=\"y\"\r\nhello\r\n1F\r\n0123456789012345678901234567890\r\n"
    "0\r\nT: v\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
    "HEAD http://a/files/../files/index.html HTTP/1.1\r\nHost: a\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    "If-None-Match: W/\"x\", \"y\"\r\n\r\n",
    "GET /files/%2e%2e/x HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
    "GET /headers HTTP/1.1\r\nHost: a\r\nA: 1\r\nB:\t2 \r\nCookie: a=b; c=d\r\nUser-Agent: \xff\xfe\r\n\r\nGET /items/9 HTTP/1.1\r\n"
    "Host: a\r\nConnection: close\r\n\r\n",
    "DELETE /users/x HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\n\r\n",
};
static const char *const tokens[] = {"\r\n", "\r\n\r\n", "\n", "\r", ":", " ", "\t", "%", "%00", "%2e", "..", "//", "?", "#", ",", ";",
                                     "\"", "HTTP/1.1", "HTTP/9.9", "Content-Length: 5\r\n", "Content-Length: 99999999999999999999\r\n",
                                     "Transfer-Encoding: chunked\r\n", "Expect: 100-continue\r\n", "Host: b\r\n", "0\r\n\r\n",
                                     "ffffffffffffffff\r\n", "\xff\xff\xff\xff", "Connection: close\r\n"};

static uint64_t state;

/* xorshift: the same everywhere, so that a failure can be repeated. */
static size_t random_below(size_t bound)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state % bound);
}

static size_t insert(char *bytes, size_t length, size_t at, const char *what, size_t what_length)
{
    if (length + what_length > LONGEST)
        return length;
    memmove(bytes + at + what_length, bytes + at, length - at);
    memcpy(bytes + at, what, what_length);
    return length + what_length;
}

static size_t mutate(char *bytes, size_t length)
{
    size_t at = random_below(length + 1), other;
    const char *token = tokens[random_below(sizeof tokens / sizeof *tokens)];
    switch (random_below(7)) {
    case 0: /* flip a bit */
        bytes[at % length] ^= (char)(1 << random_below(8));
        return length;
    case 1: /* any byte */
        bytes[at % length] = (char)random_below(256);
        return length;
    case 2: /* cut a piece out */
        other = at + random_below(length - at + 1);
        memmove(bytes + at, bytes + other, length - other);
        return length - (other - at) > 0 ? length - (other - at) : length;
    case 3: /* cut the end off */
        return at > 0 ? at : length;
    case 4: /* double a piece */
        other = random_below(length - at + 1);
        return other > 0 ? insert(bytes, length, at, text("%.*s", (int)other, bytes + at), strnlen(bytes + at, other)) : length;
    default: /* a word of the trade at the wrong place */
        return insert(bytes, length, at, token, strlen(token));
    }
}

static size_t make_request(char *bytes)
{
    const char *seed = seeds[random_below(sizeof seeds / sizeof *seeds)];
    size_t length = strlen(seed);
    if (random_below(10) == 0) { /* nothing but noise */
        length = 1 + random_below(LONGEST);
        for (size_t i = 0; i < length; i++)
            bytes[i] = (char)random_below(256);
        return length;
    }
    memcpy(bytes, seed, length);
    for (size_t rounds = random_below(6); rounds > 0; rounds--)
        length = mutate(bytes, length);
    return length;
}

/* Sends it in one to three pieces and waits for the end, which must come: our half is closed. */
static void send_request(const struct server *server, const char *bytes, size_t length)
{
    struct client client = client_connect(server);
    size_t first = random_below(length) + 1;
    if (client_try_send(&client, bytes, first) && client_try_send(&client, bytes + first, length - first))
        shutdown(client.fd, SHUT_WR);
    if (!client_drain(&client, PATIENCE, NULL)) {
        file_write_bytes("/tmp/tine-fuzz-hang", bytes, length);
        harness_fail("hangs on the %zu bytes kept in /tmp/tine-fuzz-hang", length);
    }
    client_close(&client);
}

Test(fuzz, no_bytes_crash_or_hang_a_worker)
{
    struct server server;
    pid_t before[WORKERS_MAX], now[WORKERS_MAX];
    char bytes[LONGEST + 1];
    server_start(&server, TWO_WORKERS "[limits]\nbody = 64k\nbody_memory = 16\n[log]\nlevel = info\n" PROBE
                                      "[app:files]\npath = /files\nmodule = static\nroot = @DIR@\nlisting = on\n");
    server_await_workers(&server, 2, before);
    state = 88172645463325252u;
    int sent = 0;
    for (int64_t end = now_ms() + FUZZ_MS; now_ms() < end; sent++)
        send_request(&server, bytes, make_request(bytes));
    expect_get(&server, "/hello", 200, "hello");
    server_await_workers(&server, 2, now);
    cr_assert_arr_eq(before, now, 2 * sizeof *now, "a worker has died");
    cr_assert_gt(sent, 50);
    server_stop(&server); /* looks for the traces of a crash in the log, too */
}
