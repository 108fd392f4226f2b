/* SPDX-License-Identifier: Apache-2.0
 *
 * Many connections: idle ones that are all still answered, and slow ones that all end in time while a
 * load generator beside them notices nothing.
 */
#include "measure.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { HELD = 10000, SLOW = 200, HEADER_MS = 3000, LATE_MS = 1000 };

static void raise_descriptor_limit(rlim_t wanted)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max < wanted || setrlimit(RLIMIT_NOFILE, &limit) != 0)
        harness_fail("needs %d descriptors, has %d: raise the hard limit (ulimit -Hn)", (int)wanted, (int)limit.rlim_max);
}

/* One request on each; how many were answered. */
static int ask_all(struct client *clients)
{
    int answered = 0;
    for (int i = 0; i < HELD; i++)
        client_send(&clients[i], request("GET", "/hello", ""));
    for (int i = 0; i < HELD; i++) {
        struct response response = client_read(&clients[i]);
        answered += response.status == 200 && strcmp(response.body, "hello") == 0;
        response_free(&response);
        free(clients[i].data); /* 128 KB each would be more than a gigabyte */
        clients[i].data = NULL;
        clients[i].capacity = 0;
    }
    return answered;
}

bool measure_connections(void)
{
    struct server server;
    struct client *clients = calloc(HELD, sizeof *clients);
    raise_descriptor_limit(HELD + 100);
    server_start(&server, EIGHT_WORKERS "[timeouts]\nkeepalive = 10m\n" PROBE);
    for (int i = 0; i < HELD; i++) {
        clients[i] = client_connect(&server);
        client_send(&clients[i], request("GET", "/hello", ""));
        struct response response = client_read(&clients[i]);
        expect_response(&response, 200, "hello");
        response_free(&response);
        free(clients[i].data);
        clients[i] = (struct client){.fd = clients[i].fd};
    }
    int64_t start = now_ms();
    int answered = ask_all(clients);
    int took = (int)(now_ms() - start);
    for (int i = 0; i < HELD; i++)
        client_close(&clients[i]);
    free(clients);
    server_stop(&server);
    return report(answered == HELD, "idle kept connections answered: %d of %d, all asked at once, in %d ms", answered, HELD, took);
}

/* A slow client: a byte a second into a field that never ends. */
struct slow {
    struct client client;
    int64_t began, next, ended; /* ended: 0 while it goes on */
    bool told;                  /* it got a 408 */
};

static void slow_look(struct slow *slow)
{
    long got = client_receive(&slow->client, 0);
    if (got == -2)
        return;
    if (slow->client.length > 0)
        slow->told = strncmp(slow->client.data, "HTTP/1.1 408 ", 13) == 0;
    if (slow->ended == 0)
        slow->ended = now_ms();
}

static void slow_send_due(struct slow *slow, int64_t now)
{
    if (slow->ended != 0 || now < slow->next)
        return;
    client_try_send(&slow->client, "x", 1);
    slow->next += 1000;
}

static int slow_run(struct slow *slows)
{
    struct pollfd polls[SLOW];
    int left = SLOW;
    for (int64_t deadline = now_ms() + HEADER_MS + 4 * LATE_MS; left > 0 && now_ms() < deadline;) {
        left = 0;
        for (int i = 0; i < SLOW; i++) {
            polls[i] = (struct pollfd){.fd = slows[i].ended ? -1 : slows[i].client.fd, .events = POLLIN};
            left += slows[i].ended == 0;
        }
        poll(polls, SLOW, 20);
        for (int i = 0; i < SLOW; i++) {
            if (polls[i].revents != 0)
                slow_look(&slows[i]);
            slow_send_due(&slows[i], now_ms());
        }
    }
    return SLOW - left;
}

bool measure_slow(void)
{
    struct server server;
    static struct slow slows[SLOW];
    int in_time = 0, longest = 0;
    if (!program_exists("wrk"))
        harness_fail("needs wrk");
    server_start(&server, text(EIGHT_WORKERS "[timeouts]\nheader = %dms\n" PROBE, HEADER_MS));
    const char *out = text("%s/wrk", server.dir);
    pid_t wrk = process_start((const char *const[]){"wrk", "-t1", "-c32", "-d6s", text("http://%s/hello", server.address), NULL}, out, out);
    for (int i = 0; i < SLOW; i++) {
        slows[i].client = client_connect(&server);
        slows[i].began = now_ms();
        slows[i].next = slows[i].began + 1000;
        client_send(&slows[i].client, "GET /hello HTTP/1.1\r\nX-Slow: ");
    }
    slow_run(slows);
    for (int i = 0; i < SLOW; i++) {
        int took = (int)(slows[i].ended - slows[i].began);
        in_time += slows[i].told && took >= HEADER_MS - 10 && took <= HEADER_MS + LATE_MS;
        longest = took > longest ? took : longest;
    }
    process_wait(wrk, PATIENCE);
    char *said = file_read(out, NULL), *rate = strstr(said, "Requests/sec:");
    bool clean = rate != NULL && strstr(said, "Socket errors") == NULL && strstr(said, "Non-2xx") == NULL;
    server_stop(&server);
    return report(in_time == SLOW && clean,
                  "slow clients ended with 408 between %d and %d ms: %d of %d, the last after %d ms; wrk beside them: %s, %.0f requests/s",
                  HEADER_MS, HEADER_MS + LATE_MS, in_time, SLOW, longest, clean ? "no error" : "ERRORS", rate ? atof(rate + 13) : 0.0);
}
