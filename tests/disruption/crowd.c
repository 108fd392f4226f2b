/* SPDX-License-Identifier: Apache-2.0
 *
 * See crowd.h. The process is forked and shares a board: tallies, times, which numbers were answered.
 */
#include "crowd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    NUMBERS = 1 << 20,
    VISITORS = 256,
    PIPELINED = 8,
    BODY_BYTES = 100000, /* as its Content-Length says in compose() */
    PIECE_BYTES = 10000,
    PIECE_US = 20000,
    TIMEOUT_US = 5000000,
    PATIENT_US = 20000000,
    RETRY_US = 10000,
    ABSENT_US = 20000 /* a turn that takes that much longer than it waits: this process was not run */
};

struct sample {
    int64_t began_ms;
    int32_t took_us;
};

struct crowd_board {
    volatile int stop, may_end, all_heard;
    volatile int64_t since; /* monotonic us: all_heard when everybody had an answer after that; 0: nobody wants to know */
    struct crowd_tally tally;
    uint32_t last_number, samples;
    unsigned char answered[NUMBERS], given_up[NUMBERS]; /* by number; given_up: its connection ended in order instead, during a stop */
    struct sample sample[NUMBERS];
};

enum state { ABSENT, CONNECTING, IDLE, ASKING, GONE };

struct visitor {
    enum habit habit;
    enum state state;
    int fd;
    bool fresh;              /* nothing was answered on this connection yet */
    bool asks_close;
    uint32_t number;         /* of the first request under way */
    uint32_t asked, answered;
    int64_t due, came, began, last_answer; /* microseconds */
    int64_t absent; /* what self.absent was when it began */
    char *out, in[8192];
    size_t out_length, out_sent, in_length;
};

static struct {
    struct crowd_board *board;
    struct crowd_tally *tally;
    struct sockaddr_in to;
    struct visitor visitors[VISITORS];
    int count, epoll, think_ms;
    int64_t timeout_us;
    int64_t turned, absent; /* when the last turn began; how long this process was not run, in all, in microseconds */
    const char *token; /* NULL: they ask the ledger */
} self;

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * (int64_t)1000000 + now.tv_nsec / 1000;
}

static void watch(const struct visitor *v, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = (void *)v};
    epoll_ctl(self.epoll, operation, v->fd, &event);
}

static void leave(struct visitor *v, int64_t wait_us)
{
    close(v->fd);
    v->fd = -1;
    v->state = ABSENT;
    v->in_length = 0;
    v->due = now_us() + wait_us;
}

static void think(struct visitor *v)
{
    v->due = now_us() + rand() % (2 * self.think_ms * 1000 + 1);
}

/* What is under way ends without an answer. */
static void lose(struct visitor *v, long *kind)
{
    bool excused = kind == &self.tally->unanswered && self.board->may_end && !v->fresh;
    for (; v->answered < v->asked; v->answered++) {
        if (excused)
            self.board->given_up[v->number + v->answered] = 1;
        *(excused ? &self.tally->crossed : kind) += 1;
    }
    leave(v, RETRY_US);
}

static void ended(struct visitor *v, bool reset)
{
    if (v->state == ASKING) {
        lose(v, reset ? &self.tally->reset : &self.tally->unanswered);
        return;
    }
    if (self.board->may_end && !reset)
        self.tally->announced++;
    else
        self.tally->closed++;
    leave(v, RETRY_US);
}

static void cannot_connect(struct visitor *v)
{
    leave(v, RETRY_US);
    if (self.board->may_end)
        v->state = GONE;
    else
        self.tally->refused++;
}

/* Nobody answers at the door. */
static void give_up(struct visitor *v)
{
    leave(v, RETRY_US);
    if (self.board->may_end)
        v->state = GONE;
    else
        self.tally->timeout++;
}

static void arrived(struct visitor *v)
{
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(v->fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0) {
        cannot_connect(v);
        return;
    }
    watch(v, EPOLL_CTL_MOD, EPOLLIN);
    self.tally->connections++;
    v->state = IDLE;
    v->fresh = true;
    v->due = now_us();
}

static void come(struct visitor *v)
{
    v->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (v->fd < 0)
        harness_fail("socket: %s", strerror(errno));
    v->came = now_us();
    v->absent = self.absent;
    int result = connect(v->fd, (struct sockaddr *)&self.to, sizeof self.to);
    if (result != 0 && errno != EINPROGRESS) {
        cannot_connect(v);
        return;
    }
    v->state = CONNECTING;
    v->due = now_us() + self.timeout_us;
    watch(v, EPOLL_CTL_ADD, EPOLLOUT);
}

static size_t compose_article(char *to, uint32_t number)
{
    char body[160];
    int length = sprintf(body, "{\"article\":{\"title\":\"n%u\",\"description\":\"d\",\"body\":\"b\",\"tagList\":[\"all\"]}}", number);
    return (size_t)sprintf(to, "POST /api/articles HTTP/1.1\r\nHost: a\r\nAuthorization: Token %s\r\nContent-Type: application/json\r\n"
                           "Content-Length: %d\r\n\r\n%s", self.token, length, body);
}

static void compose(struct visitor *v)
{
    struct crowd_board *board = self.board;
    v->asked = v->habit == PIPELINES ? PIPELINED : 1;
    v->answered = 0;
    v->number = board->last_number + 1;
    board->last_number += v->asked;
    if (board->last_number >= NUMBERS)
        harness_fail("more than %d requests", NUMBERS);
    v->asks_close = v->habit == COMES_ANEW && v->number % 2 == 1;
    v->out_sent = v->out_length = 0;
    if (self.token != NULL)
        v->out_length = compose_article(v->out, v->number);
    for (uint32_t i = 0; self.token == NULL && i < v->asked; i++)
        v->out_length += (size_t)sprintf(v->out + v->out_length, "%s /ledger/%u HTTP/1.1\r\nHost: a\r\n%s\r\n",
                                         v->habit == POSTS_SLOWLY ? "POST" : "GET", v->number + i,
                                         v->habit == POSTS_SLOWLY ? "Content-Length: 100000\r\n" :
                                         v->asks_close            ? "Connection: close\r\n" : "");
    for (size_t i = 0; v->habit == POSTS_SLOWLY && i < BODY_BYTES; i++)
        v->out[v->out_length++] = (char)('a' + (v->number + i) % 23);
}

static void send_piece(struct visitor *v)
{
    size_t piece = v->out_length - v->out_sent;
    size_t most = v->habit == PIPELINES ? v->out_length / 3 + 1 : PIECE_BYTES; /* cut within a head */
    piece = piece > most ? most : piece;
    ssize_t sent = send(v->fd, v->out + v->out_sent, piece, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) {
        lose(v, &self.tally->reset);
        return;
    }
    v->out_sent += sent > 0 ? (size_t)sent : 0;
    v->due = v->out_sent < v->out_length ? now_us() + PIECE_US : v->began + self.timeout_us;
}

static void ask(struct visitor *v)
{
    compose(v);
    v->state = ASKING;
    v->began = v->habit == COMES_ANEW ? v->came : now_us(); /* how long it took to be let in counts */
    v->absent = v->habit == COMES_ANEW ? v->absent : self.absent;
    send_piece(v);
}

static void note(struct visitor *v)
{
    int64_t now = now_us();
    struct crowd_board *board = self.board;
    board->answered[v->number + v->answered] = 1;
    board->sample[board->samples++] = (struct sample){v->began / 1000, (int32_t)(now - v->began - (self.absent - v->absent))};
    v->last_answer = now;
    self.tally->requests++;
}

static bool has_field(const char *head, size_t length, const char *field)
{
    size_t field_length = strlen(field);
    for (size_t i = 0; i + field_length <= length; i++)
        if (strncasecmp(head + i, field, field_length) == 0)
            return true;
    return false;
}

/* Of the ledger the very words; of Conduit the article that was sent. */
static bool is_expected(const struct visitor *v, const char *answer, size_t length)
{
    char expected[64];
    int expected_length = snprintf(expected, sizeof expected, self.token != NULL ? "{\"article\":{\"slug\":\"n%u\"," : "entered %u", v->number + v->answered);
    return length >= (size_t)expected_length && memcmp(answer, expected, (size_t)expected_length) == 0 &&
           (self.token != NULL || length == (size_t)expected_length);
}

/* Takes one whole answer from the input. False: there is none, or the connection is gone. */
static bool take_answer(struct visitor *v)
{
    v->in[v->in_length] = 0;
    char *end = strstr(v->in, "\r\n\r\n");
    if (end == NULL)
        return false;
    size_t head = (size_t)(end + 4 - v->in), body = 0;
    for (char *line = v->in; line < end; line = strstr(line, "\r\n") + 2)
        if (strncasecmp(line, "Content-Length:", 15) == 0)
            body = strtoul(line + 15, NULL, 10);
    if (v->in_length < head + body)
        return false;
    bool closes = has_field(v->in, head, "\r\nConnection: close\r\n");
    if (strncmp(v->in, self.token != NULL ? "HTTP/1.1 201 " : "HTTP/1.1 200 ", 13) != 0)
        self.tally->status++;
    else if (!is_expected(v, v->in + head, body))
        self.tally->wrong++;
    else
        note(v);
    v->answered++;
    v->fresh = false;
    v->in_length -= head + body;
    memmove(v->in, v->in + head + body, v->in_length);
    if (!closes)
        return true;
    self.tally->announced += !v->asks_close;
    lose(v, &self.tally->unanswered);
    think(v);
    return false;
}

static void finish(struct visitor *v)
{
    if (v->out_sent < v->out_length || v->in_length > 0)
        self.tally->wrong++;
    v->state = IDLE;
    if (v->habit == COMES_ANEW)
        leave(v, 0);
    think(v);
}

static void hear(struct visitor *v)
{
    ssize_t got = recv(v->fd, v->in + v->in_length, sizeof v->in - 1 - v->in_length, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        ended(v, got < 0);
        return;
    }
    v->in_length += (size_t)got;
    if (v->state == IDLE) {
        self.tally->wrong++;
        leave(v, RETRY_US);
        return;
    }
    while (v->answered < v->asked && take_answer(v))
        continue;
    if (v->state == ASKING && v->answered == v->asked)
        finish(v);
}

static void act(struct visitor *v)
{
    bool stopping = self.board->stop;
    if (v->state == ABSENT && !stopping)
        come(v);
    else if (v->state == CONNECTING)
        give_up(v);
    else if (v->state == IDLE && !stopping)
        ask(v);
    else if (v->state == ASKING && now_us() - v->began >= self.timeout_us)
        lose(v, &self.tally->timeout);
    else if (v->state == ASKING)
        send_piece(v);
}

static bool is_quiet(void)
{
    for (int i = 0; i < self.count; i++)
        if (self.visitors[i].state == ASKING || (self.visitors[i].state == CONNECTING && !self.board->may_end))
            return false;
    return true;
}

/* On a machine that stands still (a virtual one whose processors others have) an answer that was there comes late: that is nobody's
 * waiting for the server. */
static void note_absence(int wait_ms)
{
    int64_t now = now_us(), planned = self.turned + wait_ms * 1000;
    if (self.turned != 0 && now - planned > ABSENT_US)
        self.absent += now - planned;
    self.turned = now;
}

static void turn(int wait_ms)
{
    struct epoll_event events[VISITORS];
    int count = epoll_wait(self.epoll, events, VISITORS, wait_ms);
    note_absence(wait_ms);
    for (int i = 0; i < count; i++) {
        struct visitor *v = events[i].data.ptr;
        if (v->state == CONNECTING)
            arrived(v);
        else if (v->fd >= 0)
            hear(v);
    }
    int64_t now = now_us();
    for (int i = 0; i < self.count; i++)
        if (self.visitors[i].due <= now)
            act(&self.visitors[i]);
}

static int count_silent(void)
{
    int silent = 0;
    for (int i = 0; i < self.count; i++)
        silent += self.visitors[i].last_answer <= self.board->since;
    return silent;
}

static void serve_crowd(void)
{
    while (!self.board->stop || !is_quiet()) {
        turn(1);
        self.board->all_heard = self.board->since != 0 && count_silent() == 0;
    }
    turn(20); /* what comes unasked at the very end */
    self.tally->silent = count_silent();
    _exit(0);
}

static void invite(const struct crowd_plan *plan)
{
    for (int habit = 0; habit < HABITS; habit++)
        for (int i = 0; i < plan->clients[habit]; i++) {
            struct visitor *v = &self.visitors[self.count++];
            *v = (struct visitor){.habit = (enum habit)habit, .fd = -1, .out = malloc(BODY_BYTES + 4096), .last_answer = now_us()};
            v->due = now_us() + rand() % 20000;
        }
}

void crowd_prepare(struct crowd *crowd, const struct server *server)
{
    const char *path = text("%s/ledger", server->dir);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    memset(crowd, 0, sizeof *crowd);
    if (fd < 0 || fchmod(fd, 0666) != 0 || ftruncate(fd, NUMBERS) != 0)
        harness_fail("cannot make %s: %s", path, strerror(errno));
    crowd->ledger = mmap(NULL, NUMBERS, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    crowd->board = mmap(NULL, sizeof *crowd->board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (crowd->ledger == MAP_FAILED || crowd->board == MAP_FAILED)
        harness_fail("cannot map the ledger: %s", strerror(errno));
    close(fd);
}

void crowd_start(struct crowd *crowd, const struct server *server, const struct crowd_plan *plan)
{
    crowd->started = now_ms();
    crowd->process = process_fork();
    if (crowd->process != 0)
        return;
    const char *address = plan->address != NULL ? plan->address : server->address;
    self.board = crowd->board;
    self.tally = &crowd->board->tally;
    self.think_ms = plan->think_ms;
    self.timeout_us = plan->patience > 1 ? PATIENT_US : TIMEOUT_US;
    self.token = plan->token;
    self.epoll = epoll_create1(EPOLL_CLOEXEC);
    self.to = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                   .sin_port = htons((uint16_t)address_port(address))};
    srand(1);
    invite(plan);
    serve_crowd();
}

void crowd_await_answers(struct crowd *crowd, int64_t ms)
{
    crowd->board->since = now_us();
    wait_until(ms, crowd->board->all_heard);
}

void crowd_expect_end(struct crowd *crowd)
{
    crowd->board->may_end = 1;
}

static void compare_with_ledger(struct crowd *crowd)
{
    const struct crowd_board *board = crowd->board;
    for (uint32_t i = 1; i <= board->last_number; i++) {
        crowd->tally.doubled += crowd->ledger[i] > 1;
        crowd->tally.wrong += board->answered[i] ? crowd->ledger[i] == 0 : board->given_up[i] && crowd->ledger[i] != 0;
    }
}

void crowd_stop(struct crowd *crowd)
{
    crowd->board->stop = 1;
    if (process_wait(crowd->process, PATIENCE) != 0)
        harness_fail("the crowd does not end");
    crowd->stopped = now_ms();
    crowd->tally = crowd->board->tally;
    if (crowd->recount != NULL)
        crowd->recount(crowd);
    compare_with_ledger(crowd);
}

long crowd_lost(const struct crowd_tally *t)
{
    return t->refused + t->reset + t->unanswered + t->timeout + t->status + t->wrong + t->doubled;
}

static int compare(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}

double crowd_latency_ms(const struct crowd *crowd, int64_t from, int64_t to, double part)
{
    const struct crowd_board *board = crowd->board;
    int32_t *took = malloc((board->samples + 1) * sizeof *took);
    size_t count = 0;
    for (uint32_t i = 0; i < board->samples; i++)
        if (board->sample[i].began_ms >= from && board->sample[i].began_ms <= to)
            took[count++] = board->sample[i].took_us;
    qsort(took, count, sizeof *took, compare);
    size_t at = (size_t)((double)count * part);
    double latency = count == 0 ? 0 : took[at < count ? at : count - 1] / 1e3;
    free(took);
    return latency;
}
