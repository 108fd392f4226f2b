/* SPDX-License-Identifier: Apache-2.0
 *
 * What hands connections over goes beyond the soft limit of descriptors, and nothing else does.
 */
#include "shared/handoff.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for 'soft' descriptors more, and for 'hard': above all that are open, of which there are a few. Each test is a process. */
static struct rlimit limit_to(unsigned soft, unsigned hard)
{
    enum { ABOVE = 100 };
    while (dup(0) < ABOVE)
        continue;
    close(ABOVE);
    struct rlimit limit = {ABOVE + soft, ABOVE + hard};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return limit;
}

static void expect_limit(const struct rlimit *expected)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    cr_expect_eq(limit.rlim_cur, expected->rlim_cur);
    cr_expect_eq(limit.rlim_max, expected->rlim_max);
}

Test(handoff, a_pack_is_opened_up_to_the_hard_limit)
{
    struct rlimit limit = limit_to(1, 3);
    for (int i = 0; i < 3; i++)
        cr_expect_geq(handoff_open_pack(), 0, "%d", i);
    cr_expect_eq(handoff_open_pack(), -1);
    cr_expect_eq(errno, EMFILE);
    cr_expect_eq(dup(0), -1);
    expect_limit(&limit);
}

Test(handoff, descriptors_are_received_up_to_the_hard_limit)
{
    int pair[2], fds[HANDOFF_BATCH * HANDOFF_FDS];
    unsigned fd_count;
    static struct handoff_message message = {.version = HANDOFF_VERSION, .count = 3};
    cr_assert_eq(handoff_open(pair), 0);
    cr_assert_eq(handoff_send(pair[0], &message, (const int[]){0, 0, 0}, 3), 0);
    cr_assert_eq(handoff_send(pair[0], &message, (const int[]){0, 0, 0}, 3), 0);
    struct rlimit limit = limit_to(0, 4);
    cr_expect_eq(handoff_receive(pair[1], &message, fds, &fd_count), 0);
    cr_expect_eq(fd_count, 3);
    cr_expect_eq(handoff_receive(pair[1], &message, fds, &fd_count), 0);
    cr_expect_eq(fd_count, 1, "the kernel closes what does not fit");
    cr_expect_eq(handoff_receive(pair[1], &message, fds, &fd_count), -1);
    cr_expect_eq(errno, EAGAIN);
    cr_expect_eq(dup(0), -1);
    expect_limit(&limit);
}

static void expect_count(const struct handoff_message *sent, size_t length, uint32_t expected)
{
    int pair[2], fds[HANDOFF_BATCH * HANDOFF_FDS];
    unsigned fd_count;
    static struct handoff_message received;
    memset(&received, 0xff, sizeof received);
    cr_assert_eq(handoff_open(pair), 0);
    cr_assert_eq(send(pair[0], sent, length, 0), (ssize_t)length);
    cr_expect_eq(handoff_receive(pair[1], &received, fds, &fd_count), 0);
    cr_expect_eq(fd_count, 0);
    cr_expect_eq(received.count, expected, "%zu bytes that tell of %u", length, sent->count);
    close(pair[0]);
    close(pair[1]);
}

Test(handoff, what_is_no_whole_message_is_of_no_connections)
{
    enum { head = offsetof(struct handoff_message, records), one = sizeof(struct handoff_record) };
    static struct handoff_message message = {.version = HANDOFF_VERSION, .count = 2};
    expect_count(&message, head + 2 * one, 2);
    expect_count(&message, head + 2 * one - 1, 0);
    expect_count(&message, head + 2 * one + 1, 0);
    expect_count(&message, head, 0);
    expect_count(&message, head - 1, 0);
    message.count = 0;
    expect_count(&message, head, 0);
    message.count = HANDOFF_BATCH;
    expect_count(&message, sizeof message, HANDOFF_BATCH);
    message.count = HANDOFF_BATCH + 1;
    expect_count(&message, sizeof message, 0);
    message.count = UINT32_MAX;
    expect_count(&message, sizeof message, 0);
    message.count = 2;
    message.version++;
    expect_count(&message, head + 2 * one, 0);
}
