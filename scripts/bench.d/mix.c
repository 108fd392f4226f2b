/* SPDX-License-Identifier: Apache-2.0
 *
 * A load of fast and slow requests whose latencies are counted apart, which wrk cannot.
 *
 *     mix PORT CONNECTIONS SECONDS SLOW_PER_MILLE FAST_PATH SLOW_PATH
 *
 * Each connection sends its next request as soon as the last is answered. At the end nothing new is sent and what is under
 * way is awaited, so that every request is counted whole. Prints one line of JSON.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Latencies are counted to the microsecond, up to a second: longer ones count as that. */
enum { CONNECTIONS_MAX = 10000, ANSWER_MAX = 16384, BATCH = 256, LONGEST_US = 1000000, GRACE_MS = 5000 };

struct connection {
    int fd;
    bool waiting, slow;
    int64_t sent_us;
    size_t length;
    char answer[ANSWER_MAX];
};

struct tally {
    uint64_t count, longest_us;
    uint32_t histogram[LONGEST_US + 1];
};

static struct sockaddr_in address = {.sin_family = AF_INET};
static struct connection *connections;
static struct tally fast, slow;
static char fast_request[1024], slow_request[1024];
static uint64_t errors;
static unsigned slow_per_mille;
static int watch, waiting;

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void count(struct tally *tally, int64_t took_us)
{
    uint64_t took = took_us < 0 ? 0 : (uint64_t)took_us;
    tally->count++;
    tally->histogram[took > LONGEST_US ? LONGEST_US : took]++;
    if (took > tally->longest_us)
        tally->longest_us = took;
}

static double quantile_ms(const struct tally *tally, double share)
{
    uint64_t seen = 0, rank = (uint64_t)((double)tally->count * share);
    for (int us = 0; us <= LONGEST_US; us++) {
        seen += tally->histogram[us];
        if (seen > rank)
            return us / 1e3;
    }
    return (double)tally->longest_us / 1e3;
}

static void disconnect(struct connection *c)
{
    close(c->fd);
    c->fd = -1;
    c->waiting = false;
}

/* 0, or -1: counted as an error. */
static int connect_one(struct connection *c)
{
    int on = 1;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd >= 0 && connect(c->fd, (const struct sockaddr *)&address, sizeof address) == 0) {
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        epoll_ctl(watch, EPOLL_CTL_ADD, c->fd, &event);
        return 0;
    }
    errors++;
    disconnect(c);
    return -1;
}

static void ask(struct connection *c)
{
    if (c->fd < 0 && connect_one(c) < 0)
        return;
    c->slow = (unsigned)(random() % 1000) < slow_per_mille;
    const char *request = c->slow ? slow_request : fast_request;
    c->length = 0;
    c->sent_us = now_us();
    if (send(c->fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request)) {
        errors++;
        disconnect(c);
        return;
    }
    c->waiting = true;
    waiting++;
}

/* Is the whole answer there? Its head must have a Content-Length. */
static bool is_whole(const struct connection *c)
{
    const char *end = memmem(c->answer, c->length, "\r\n\r\n", 4);
    const char *field = end != NULL ? strcasestr(c->answer, "\r\nContent-Length:") : NULL;
    if (field == NULL || field > end)
        return false;
    return c->length >= (size_t)(end + 4 - c->answer) + strtoul(field + 17, NULL, 10);
}

static void finish(struct connection *c, bool lost)
{
    c->waiting = false;
    waiting--;
    if (lost || strncmp(c->answer, "HTTP/1.1 200 ", 13) != 0)
        errors++;
    else
        count(c->slow ? &slow : &fast, now_us() - c->sent_us);
    if (lost || strcasestr(c->answer, "\r\nConnection: close") != NULL)
        disconnect(c);
}

static void receive(struct connection *c)
{
    ssize_t n = recv(c->fd, c->answer + c->length, sizeof c->answer - 1 - c->length, 0);
    if (n <= 0) { /* closed; while idle that is allowed */
        if (c->waiting)
            finish(c, true);
        else
            disconnect(c);
        return;
    }
    c->length += (size_t)n;
    c->answer[c->length] = '\0';
    if (c->waiting && is_whole(c))
        finish(c, false);
    else if (c->length == sizeof c->answer - 1 && c->waiting)
        finish(c, true);
}

static void run(int count_of_connections, int64_t end_us)
{
    struct epoll_event events[BATCH];
    for (int i = 0; i < count_of_connections; i++)
        ask(&connections[i]);
    while (waiting > 0 && now_us() < end_us + GRACE_MS * 1000) {
        int ready = epoll_wait(watch, events, BATCH, 100);
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            receive(c);
            if (!c->waiting && now_us() < end_us)
                ask(c);
        }
    }
    errors += (uint64_t)waiting; /* never answered */
}

static void print(double seconds)
{
    printf("{\"seconds\": %.6f, \"requests\": %llu, \"errors\": %llu, \"slow\": %llu, "
           "\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f, \"slow_p99_ms\": %.3f}\n",
           seconds, (unsigned long long)(fast.count + slow.count), (unsigned long long)errors, (unsigned long long)slow.count,
           quantile_ms(&fast, 0.5), quantile_ms(&fast, 0.99), (double)fast.longest_us / 1e3, quantile_ms(&slow, 0.99));
}

int main(int argc, char **argv)
{
    int wanted = argc == 7 ? atoi(argv[2]) : 0;
    if (wanted < 1 || wanted > CONNECTIONS_MAX) {
        fprintf(stderr, "usage: mix PORT CONNECTIONS SECONDS SLOW_PER_MILLE FAST_PATH SLOW_PATH\n");
        return 2;
    }
    address.sin_port = htons((uint16_t)atoi(argv[1]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    slow_per_mille = (unsigned)atoi(argv[4]);
    snprintf(fast_request, sizeof fast_request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", argv[5]);
    snprintf(slow_request, sizeof slow_request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", argv[6]);
    connections = calloc((size_t)wanted, sizeof *connections);
    watch = epoll_create1(EPOLL_CLOEXEC);
    if (connections == NULL || watch < 0)
        return 1;
    for (int i = 0; i < wanted; i++)
        connections[i].fd = -1;
    int64_t start = now_us();
    run(wanted, start + (int64_t)(atof(argv[3]) * 1e6));
    print((double)(now_us() - start) / 1e6);
    return 0;
}
