/* SPDX-License-Identifier: Apache-2.0
 *
 * One case, put in each way. Behind a case that keeps the connection a last request is sent, which must be the next one that is
 * answered: so it shows where the server thinks that the message ended.
 */
#include "conformance.h"

#include "../system/client.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define BEFORE "GET /hello HTTP/1.1\r\nHost: tine.test\r\n\r\n"
#define LAST "GET /hello HTTP/1.1\r\nHost: tine.test\r\nX-Last: 1\r\nConnection: close\r\n\r\n"

enum {
    SPLITS_ALL = 160,  /* bytes that are split at every position; longer ones at their ends and some between */
    SPLITS_TCP = 6,    /* where nothing shows that the first part was read, fewer */
    TOGETHER = 48
};

static const char *const way_names[] = {"whole", "split", "pipelined", "half-closed", "interleaved"};

const char *case_expects(const struct target *target, const struct http_case *http_case)
{
    return !target->asked.is_tine && http_case->peers != NULL ? http_case->peers : http_case->expect;
}

static struct wire connect_to(const char *address)
{
    struct client client = client_connect_to(address);
    setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); /* each part in a segment of its own */
    return (struct wire){.fd = client.fd};
}

/* False when the other side has closed; what it said before that counts. */
static bool send_part(struct wire *wire, const char *bytes, size_t length, const struct asked *asked)
{
    int64_t deadline = now_ms() + asked->patience;
    while (length > 0) {
        struct pollfd writable = {.fd = wire->fd, .events = POLLOUT};
        ssize_t sent = send(wire->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN)
            return false;
        if (sent < 0 && (now_ms() > deadline || poll(&writable, 1, 100) < 0))
            return false;
        bytes += sent > 0 ? sent : 0;
        length -= sent > 0 ? (size_t)sent : 0;
    }
    return true;
}

/* What was sent has been read. On a Unix socket that can be seen, elsewhere only be waited for. */
static void await_read(const struct target *target, struct wire *wire)
{
    int left = 1;
    int64_t deadline = now_ms() + target->asked.patience;
    if (target->local[0] == 0) {
        pause_shortly();
        return;
    }
    while (ioctl(wire->fd, SIOCOUTQ, &left) == 0 && left > 0 && now_ms() < deadline)
        sched_yield();
}

/* The last word: what is left to come behind the answers that the case expects. */
static char *finish(const struct target *target, struct wire *wire, enum end end, bool last_is_sent)
{
    enum end last;
    char *wrong = NULL;
    if (end == END_EITHER)
        return NULL;
    if (end == END_KEEP && !last_is_sent)
        send_part(wire, LAST, sizeof LAST - 1, &target->asked);
    if (end == END_KEEP)
        wrong = answers_expect(wire, "200; body=hello; close", &target->asked, &last);
    if (wrong != NULL)
        return text("the request behind it: %s", wrong);
    return answers_expect_end(wire, &target->asked);
}

static char *expect_all(const struct target *target, struct wire *wire, const char *expect, bool last_is_sent)
{
    enum end end;
    char *wrong = answers_expect(wire, expect, &target->asked, &end);
    return wrong != NULL ? wrong : finish(target, wire, end, last_is_sent);
}

static char *run_whole(const struct target *target, const struct sent *sent, const char *expect)
{
    struct wire wire = connect_to(target->address);
    size_t at = 0;
    for (size_t i = 0; i < sent->wait_count; i++) { /* something must have come before it goes on */
        send_part(&wire, sent->bytes + at, sent->waits[i] - at, &target->asked);
        at = sent->waits[i];
        wire_receive(&wire, now_ms() + target->asked.patience);
    }
    send_part(&wire, sent->bytes + at, sent->length - at, &target->asked);
    char *wrong = expect_all(target, &wire, expect, false);
    wire_release(&wire);
    return wrong;
}

static void send_split(const struct target *target, struct wire *wire, const struct sent *sent, size_t at)
{
    send_part(wire, sent->bytes, at, &target->asked);
    await_read(target, wire);
    send_part(wire, sent->bytes + at, sent->length - at, &target->asked);
}

/* The next position to split at, behind 'at'. */
static size_t next_split(const struct target *target, const struct sent *sent, size_t at)
{
    if (target->local[0] == 0)
        return at + sent->length / SPLITS_TCP + 1;
    bool near_end = at < SPLITS_ALL / 2 || at + SPLITS_ALL / 2 > sent->length;
    return near_end ? at + 1 : at + sent->length / 64 + 1;
}

/* Where the connection is kept it is used for all of them, which is quicker; what went wrong with one shows at the next. */
static char *run_split(const struct target *target, const struct sent *sent, const char *expect)
{
    const char *address = target->local[0] != 0 ? target->local : target->address;
    struct wire wire = {.fd = -1};
    enum end end = END_KEEP;
    char *wrong = NULL;
    for (size_t at = 1; at < sent->length && wrong == NULL; at = next_split(target, sent, at)) {
        if (wire.fd < 0)
            wire = connect_to(address);
        send_split(target, &wire, sent, at);
        wrong = answers_expect(&wire, expect, &target->asked, &end);
        bool last = next_split(target, sent, at) >= sent->length;
        if (wrong == NULL && (end != END_KEEP || last))
            wrong = finish(target, &wire, end, false);
        if (wrong != NULL)
            wrong = text("at %zu: %s", at, wrong);
        if (wrong != NULL || end != END_KEEP || last)
            wire_release(&wire);
    }
    return wrong;
}

static char *run_pipelined(const struct target *target, const struct sent *sent, const char *expect)
{
    struct wire wire = connect_to(target->address);
    size_t before = sizeof BEFORE - 1, length = 2 * before + sent->length + sizeof LAST - 1;
    char *bytes = malloc(length);
    memcpy(bytes, BEFORE BEFORE, 2 * before);
    memcpy(bytes + 2 * before, sent->bytes, sent->length);
    memcpy(bytes + 2 * before + sent->length, LAST, sizeof LAST - 1);
    send_part(&wire, bytes, length, &target->asked);
    free(bytes);
    char *wrong = expect_all(target, &wire, text("200; body=hello | 200; body=hello | %s", expect), true);
    wire_release(&wire);
    return wrong;
}

static char *run_half_closed(const struct target *target, const struct sent *sent, const char *expect)
{
    enum end end;
    struct wire wire = connect_to(target->address);
    send_part(&wire, sent->bytes, sent->length, &target->asked);
    shutdown(wire.fd, SHUT_WR);
    char *wrong = answers_expect(&wire, expect, &target->asked, &end);
    if (wrong == NULL && end != END_EITHER)
        wrong = answers_expect_end(&wire, &target->asked);
    wire_release(&wire);
    return wrong;
}

static char *tell(size_t way, const char *wrong, const struct sent *sent, const char *expect)
{
    return text("    sent %s: %s\n    expected: %s\n    %s\n", way_names[way], sent_show(sent->bytes, sent->length), expect, wrong);
}

static char *run_sent(const struct target *target, const struct http_case *http_case, const struct sent *sent)
{
    static char *(*const runs[])(const struct target *, const struct sent *, const char *) = {run_whole, run_split, run_pipelined,
                                                                                              run_half_closed};
    const char *expect = case_expects(target, http_case);
    bool done = false;
    for (size_t way = 0; way < WAYS - 1 && !(target->quick && done); way++) {
        bool waits = sent->wait_count > 0 && way != 0, many = http_case->each != NULL && way != 0;
        if ((http_case->not & 1u << way) != 0 || waits || many)
            continue;
        char *wrong = runs[way](target, sent, expect);
        done = true;
        if (wrong != NULL)
            return tell(way, wrong, sent, expect);
    }
    return NULL;
}

char *case_run(const struct target *target, const struct http_case *http_case)
{
    char *wrong = NULL;
    for (int byte = 0; byte < 256 && wrong == NULL; byte++) {
        if (http_case->each != NULL && !http_case->each(byte))
            continue;
        struct sent sent = sent_make(http_case, byte);
        wrong = run_sent(target, http_case, &sent);
        free(sent.bytes);
        if (http_case->each == NULL)
            break;
    }
    return wrong;
}

static bool is_interleaved(const struct http_case *http_case)
{
    return (http_case->not & INTERLEAVED) == 0 && http_case->each == NULL && memmem(http_case->bytes, http_case->length, "<<", 2) == NULL;
}

/* All at once, each a byte at a time. */
static void interleave(const struct target *target, const struct http_case *const *cases, size_t count, char **wrong)
{
    struct wire wires[TOGETHER];
    struct sent sent[TOGETHER];
    size_t longest = 0;
    for (size_t i = 0; i < count; i++) {
        wires[i] = connect_to(target->address);
        sent[i] = sent_make(cases[i], 0);
        longest = sent[i].length > longest ? sent[i].length : longest;
    }
    for (size_t at = 0; at < longest; at++)
        for (size_t i = 0; i < count; i++)
            if (at < sent[i].length)
                send_part(&wires[i], sent[i].bytes + at, 1, &target->asked);
    for (size_t i = 0; i < count; i++) {
        const char *expect = case_expects(target, cases[i]);
        char *found = expect_all(target, &wires[i], expect, false);
        wrong[i] = found != NULL ? tell(WAYS - 1, found, &sent[i], expect) : NULL;
        wire_release(&wires[i]);
        free(sent[i].bytes);
    }
}

void cases_interleave(const struct target *target, const struct http_case *const *cases, size_t count, char **wrong)
{
    const struct http_case *some[TOGETHER];
    size_t places[TOGETHER], taken = 0;
    char *found[TOGETHER];
    for (size_t i = 0; i <= count; i++) {
        if (i < count && is_interleaved(cases[i])) {
            some[taken] = cases[i];
            places[taken++] = i;
        }
        if (taken == TOGETHER || (i == count && taken > 0)) {
            interleave(target, some, taken, found);
            for (size_t j = 0; j < taken; j++)
                wrong[places[j]] = found[j];
            taken = 0;
        }
    }
}
