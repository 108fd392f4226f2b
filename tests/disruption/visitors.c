/* SPDX-License-Identifier: Apache-2.0
 *
 * See visitors.h. What they ask has numbers, and each answer is held against its own.
 */
#include "visitors.h"
#include "words.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    VISITORS = 256,
    PIPELINED = 8,
    PIECE_BYTES = 10000,
    PIECE_US = 20000,
    TIMEOUT_US = 5000000,
    PATIENT_US = 20000000,
    RETRY_US = 10000,
    ABSENT_US = 20000 /* a turn that takes that much longer than it waits: this process was not run */
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

static void compose(struct visitor *v)
{
    struct crowd_board *board = self.board;
    v->asked = v->habit == PIPELINES ? PIPELINED : 1;
    v->answered = 0;
    v->number = board->last_number + 1;
    board->last_number += v->asked;
    if (board->last_number >= NUMBERS)
        harness_fail("more than %d requests", NUMBERS);
    v->asks_close = words_ask_close(v->number, v->habit);
    v->out_sent = v->out_length = 0;
    for (uint32_t i = 0; i < v->asked; i++)
        v->out_length += words_ask(v->out + v->out_length, v->number + i, v->habit, self.token);
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

/* Takes one whole answer from the input. False: there is none, or the connection is gone. */
static bool take_answer(struct visitor *v)
{
    struct answer answer;
    v->in[v->in_length] = 0;
    if (!words_hear(&answer, v->in, v->in_length, v->number + v->answered, self.token))
        return false;
    if (!answer.succeeds)
        self.tally->status++;
    else if (!answer.is_its_own)
        self.tally->wrong++;
    else
        note(v);
    v->answered++;
    v->fresh = false;
    v->in_length -= answer.length;
    memmove(v->in, v->in + answer.length, v->in_length);
    if (!answer.closes)
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

static _Noreturn void serve_crowd(void)
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
            *v = (struct visitor){.habit = (enum habit)habit, .fd = -1, .out = malloc(WORDS_MAX), .last_answer = now_us()};
            v->due = now_us() + rand() % 20000;
        }
}

_Noreturn void visitors_run(struct crowd_board *board, const struct crowd_plan *plan, const char *address)
{
    self.board = board;
    self.tally = &board->tally;
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
