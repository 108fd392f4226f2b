/* SPDX-License-Identifier: Apache-2.0
 *
 * The floor: what the system calls of a small keep-alive HTTP exchange cost by themselves.
 *
 *     floor PORT WORKERS [BODY_BYTES]
 *
 * WORKERS processes share one listening socket on 127.0.0.1. A process that holds no connection sleeps in accept4(); one
 * that holds some sleeps in epoll_wait() over them and the listener (EPOLLEXCLUSIVE). Each readable connection costs one
 * recv() and one send() of constant bytes. No parsing beyond looking for the end of the head and for "Connection: close",
 * no log, no clock, no timeouts, no errors handled: a yardstick, not a server. Stop it with SIGTERM.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, BACKLOG = 1024, STEAL_NS = 1000000, DEFAULT_BODY = 13 };

struct answer {
    char bytes[1 << 20];
    size_t length;
};

static struct answer kept, last; /* the last one on a connection says so, or clients would ask again and find it closed */
static int listener, watch, held;
static timer_t deadline;

static void interrupt(int number)
{
    (void)number;
}

static void stop(int number)
{
    (void)number;
    kill(0, SIGKILL);
}

/* One recv and one send. Returns -1 when the connection is to be closed. */
static int serve(int fd)
{
    static char request[16384];
    ssize_t n = recv(fd, request, sizeof request, 0);

    if (n <= 0)
        return n == 0 ? -1 : 0;
    if (!memmem(request, (size_t)n, "\r\n\r\n", 4))
        return 0;
    const struct answer *answer = memmem(request, (size_t)n, "Connection: close", 17) ? &last : &kept;
    send(fd, answer->bytes, answer->length, MSG_NOSIGNAL);
    return answer == &last ? -1 : 0;
}

static void watch_listener(int operation)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.fd = listener};

    epoll_ctl(watch, operation, listener, &event);
}

static void hold(int fd)
{
    int on = 1;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = fd};

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (serve(fd) < 0) {
        close(fd);
        return;
    }
    epoll_ctl(watch, EPOLL_CTL_ADD, fd, &event);
    if (held++ == 0)
        watch_listener(EPOLL_CTL_ADD);
}

static void drop(int fd)
{
    close(fd);
    if (--held == 0)
        watch_listener(EPOLL_CTL_DEL);
}

/* Another process may have taken the connection: a timer ends the wait after a millisecond. */
static void accept_while_holding(void)
{
    struct itimerspec on = {{0, STEAL_NS}, {0, STEAL_NS}}, off = {{0, 0}, {0, 0}};

    timer_settime(deadline, 0, &on, NULL);
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    timer_settime(deadline, 0, &off, NULL);
    if (fd < 0)
        return;
    hold(fd);
    if (held > 0) { /* to the end of the line, so that the next connection wakes another process */
        watch_listener(EPOLL_CTL_DEL);
        watch_listener(EPOLL_CTL_ADD);
    }
}

static void wait_and_serve(void)
{
    struct epoll_event events[BATCH];
    int ready = epoll_wait(watch, events, BATCH, -1), waiting = 0;

    for (int i = 0; i < ready; i++) {
        int fd = events[i].data.fd;
        if (fd == listener)
            waiting = 1;
        else if (serve(fd) < 0)
            drop(fd);
    }
    if (waiting)
        accept_while_holding();
}

static _Noreturn void work(void)
{
    struct sigaction action = {.sa_handler = interrupt};
    struct sigevent expiry = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};

    sigaction(SIGALRM, &action, NULL);
    signal(SIGTERM, SIG_DFL);
    timer_create(CLOCK_MONOTONIC, &expiry, &deadline);
    watch = epoll_create1(EPOLL_CLOEXEC);
    for (;;) {
        if (held > 0) {
            wait_and_serve();
            continue;
        }
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (fd >= 0)
            hold(fd);
    }
}

/* 0, or -1 when it would not fit. */
static int make_answer(struct answer *answer, const char *connection, size_t body)
{
    answer->length = (size_t)snprintf(answer->bytes, sizeof answer->bytes,
                                      "HTTP/1.1 200 OK\r\nServer: floor\r\nDate: Sun, 22 Nov 2026 14:00:00 GMT\r\n"
                                      "Content-Type: text/plain\r\nContent-Length: %zu\r\n%s\r\n",
                                      body, connection);
    if (body > sizeof answer->bytes - answer->length)
        return -1;
    memset(answer->bytes + answer->length, 'a', body);
    answer->length += body;
    return 0;
}

static int listen_on(int port)
{
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &on, sizeof on);
    if (bind(listener, (void *)&address, sizeof address) < 0)
        return -1;
    return listen(listener, BACKLOG);
}

int main(int argc, char **argv)
{
    size_t body = argc > 3 ? strtoul(argv[3], NULL, 10) : DEFAULT_BODY;

    if (argc < 3 || make_answer(&kept, "", body) < 0 || make_answer(&last, "Connection: close\r\n", body) < 0) {
        fprintf(stderr, "usage: floor PORT WORKERS [BODY_BYTES]\n");
        return 2;
    }
    if (listen_on(atoi(argv[1])) < 0) {
        perror("floor: cannot listen");
        return 1;
    }
    setpgid(0, 0);
    signal(SIGTERM, stop);
    for (int i = 0; i < atoi(argv[2]); i++) {
        if (fork() == 0)
            work();
    }
    while (wait(NULL) > 0)
        ;
    return 0;
}
