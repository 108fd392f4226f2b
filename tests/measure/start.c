/* SPDX-License-Identifier: Apache-2.0
 *
 * From exec to the end of the first answer, as a client sees it that tries again all the time.
 */
#include "measure.h"

#include <netinet/in.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 5, BOUND_MS = 50 };

static double now_precise_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static struct client connect_as_soon_as_possible(const struct sockaddr_in *address)
{
    for (int64_t deadline = now_ms() + PATIENCE; now_ms() < deadline;) {
        struct client client = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        if (connect(client.fd, (const struct sockaddr *)address, sizeof *address) == 0)
            return client;
        client_close(&client);
        nanosleep(&(struct timespec){0, 100000}, NULL);
    }
    harness_fail("it never listened");
}

static double first_answer_ms(void)
{
    struct server server;
    /* The log is not there to be asked before the server is. */
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)port_reserve())};
    server_prepare(&server, text("[server]\nlisten = 127.0.0.1:%d\nworkers = 8\n" PROBE, ntohs(address.sin_port)));
    const char *argv[] = {tine_path(), "-c", server.ini, NULL};
    double start = now_precise_ms();
    server.pid = process_start(argv, server.access, server.log);
    struct client client = connect_as_soon_as_possible(&address);
    client_send(&client, request("GET", "/hello", "Connection: close\r\n"));
    struct response response = client_read(&client);
    double took = now_precise_ms() - start;
    expect_response(&response, 200, "hello");
    client_close(&client);
    server_stop(&server);
    return took;
}

static int compare(const void *a, const void *b)
{
    double difference = *(const double *)a - *(const double *)b;
    return difference < 0 ? -1 : difference > 0;
}

bool measure_start(void)
{
    double times[ROUNDS];
    for (int i = 0; i < ROUNDS; i++)
        times[i] = first_answer_ms();
    qsort(times, ROUNDS, sizeof *times, compare);
    return report(times[ROUNDS / 2] < BOUND_MS, "start to first answer: %.1f ms, median of %d, %.1f to %.1f (bound: %d ms)",
                  times[ROUNDS / 2], ROUNDS, times[0], times[ROUNDS - 1], BOUND_MS);
}
