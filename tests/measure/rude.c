/* SPDX-License-Identifier: Apache-2.0
 *
 * Rude clients of every kind at once, and a good one beside them that is to notice nothing: heads and bodies that drip, readers that
 * hardly read, each coming again as soon as it is ended, and a flood of pipelined requests.
 */
#include "measure.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RUDE = 400, FLOODS = 4, SECONDS = 10, TIMEOUT_MS = 3000, BOUND_MS = 50, TIMES_MAX = 100000 };

/* What the processes tell each other. */
static struct counts {
    _Atomic int open, ended;
    _Atomic uint64_t flooded; /* bytes of answers */
} *counts;

/* ---- 400 clients that take their time ---- */

static const char *const beginnings[] = {
    "GET /hello HTTP/1.1\r\nHost: a\r\nX-Slow: ",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n",
    "GET /block/3000000 HTTP/1.1\r\nHost: a\r\n\r\n",
};
enum { KINDS = 3, READER = 2 };

struct rude {
    struct client client;
    int kind;
    int64_t next;
};

static void rude_begin(struct rude *rude, const struct server *server)
{
    rude->client = client_connect(server);
    if (rude->kind == READER)
        setsockopt(rude->client.fd, SOL_SOCKET, SO_RCVBUF, &(int){4096}, sizeof(int));
    rude->next = now_ms() + 1000;
    if (send(rude->client.fd, beginnings[rude->kind], strlen(beginnings[rude->kind]), MSG_NOSIGNAL) > 0)
        counts->open++;
}

/* A byte a second, in or out. A reader sees only so that it was ended. */
static void rude_go_on(struct rude *rude, const struct server *server)
{
    char byte = 'x';
    if (now_ms() < rude->next)
        return;
    rude->next += 1000;
    bool reads = rude->kind == READER;
    ssize_t done = reads ? recv(rude->client.fd, &byte, 1, MSG_DONTWAIT) : recv(rude->client.fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
    bool over = reads ? done == 0 || (done < 0 && errno != EAGAIN) : done >= 0 || errno != EAGAIN;
    if (!over && !reads)
        over = send(rude->client.fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0;
    if (!over)
        return;
    counts->open--;
    counts->ended++;
    client_close(&rude->client);
    rude_begin(rude, server);
}

static _Noreturn void be_rude(const struct server *server)
{
    static struct rude rudes[RUDE];
    for (int i = 0; i < RUDE; i++) {
        rudes[i].kind = i % KINDS;
        rude_begin(&rudes[i], server);
    }
    for (;;) {
        for (int i = 0; i < RUDE; i++)
            rude_go_on(&rudes[i], server);
        pause_shortly();
    }
}

/* ---- and some that are in a hurry ---- */

static _Noreturn void flood(const struct server *server)
{
    static const char request_bytes[] = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
    enum { LENGTH = sizeof request_bytes - 1, MANY = 2000 };
    static char block[MANY * LENGTH], answers[1 << 18];
    struct client clients[FLOODS];
    size_t sent[FLOODS] = {0};
    for (int i = 0; i < MANY; i++)
        memcpy(block + i * LENGTH, request_bytes, LENGTH);
    for (int i = 0; i < FLOODS; i++)
        clients[i] = client_connect(server);
    for (int i = 0;; i = (i + 1) % FLOODS) {
        ssize_t more = send(clients[i].fd, block + sent[i], sizeof block - sent[i], MSG_NOSIGNAL | MSG_DONTWAIT);
        if (more > 0)
            sent[i] = (sent[i] + (size_t)more) % sizeof block;
        ssize_t got = recv(clients[i].fd, answers, sizeof answers, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            _exit(1); /* floods are answered, not cut off */
        counts->flooded += got > 0 ? (uint64_t)got : 0;
    }
}

/* ---- the good one ---- */

static bool ask_once(struct client *client)
{
    client_send(client, request("GET", "/hello", ""));
    struct response response = client_read(client);
    bool right = response.status == 200 && strcmp(response.body, "hello") == 0;
    response_free(&response);
    return right;
}

/* Every other request on a connection of its own. Times in microseconds; returns how many, and how many were answered. */
static int be_good(const struct server *server, int64_t *times, int *answered)
{
    struct client kept = client_connect(server);
    int asked = 0;
    for (int64_t end = now_ms() + SECONDS * 1000; now_ms() < end && asked < TIMES_MAX; asked++) {
        int64_t start = now_us();
        struct client fresh = asked % 2 == 0 ? client_connect(server) : (struct client){.fd = -1};
        *answered += ask_once(fresh.fd >= 0 ? &fresh : &kept);
        times[asked] = now_us() - start;
        if (fresh.fd >= 0)
            client_close(&fresh);
        pause_shortly();
    }
    client_close(&kept);
    return asked;
}

static int compare(const void *a, const void *b)
{
    int64_t difference = *(const int64_t *)a - *(const int64_t *)b;
    return difference < 0 ? -1 : difference > 0;
}

bool measure_rude(void)
{
    struct server server;
    int64_t *times = calloc(TIMES_MAX, sizeof *times);
    int answered = 0;
    counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    server_start(&server,
                 text(EIGHT_WORKERS "[timeouts]\nheader = %dms\nbody = %dms\nsend = %dms\n" PROBE, TIMEOUT_MS, TIMEOUT_MS, TIMEOUT_MS));
    pid_t rude = process_fork();
    if (rude == 0)
        be_rude(&server);
    await(counts->open == RUDE);
    pid_t flooder = process_fork();
    if (flooder == 0)
        flood(&server);
    await(counts->flooded > 0);
    int asked = be_good(&server, times, &answered);
    bool flooded = process_alive(flooder);
    int ended = counts->ended;
    kill(rude, SIGKILL);
    kill(flooder, SIGKILL);
    process_wait(rude, PATIENCE);
    process_wait(flooder, PATIENCE);
    qsort(times, (size_t)asked, sizeof *times, compare);
    double p99 = (double)times[asked * 99 / 100] / 1000, longest = (double)times[asked - 1] / 1000;
    free(times);
    server_stop(&server);
    return report(answered == asked && p99 < BOUND_MS && ended >= RUDE && flooded,
                  "%d rude clients (heads, bodies, readers of a byte a second; %d ended meanwhile) and a flood of %.0f MB of "
                  "answers: a good one is answered %d of %d, p99 %.1f ms, longest %.1f ms (bound: all, %d ms)",
                  RUDE, ended, (double)counts->flooded / 1e6, answered, asked, p99, longest, BOUND_MS);
}
