/* SPDX-License-Identifier: Apache-2.0
 *
 * A listener with TCP_DEFER_ACCEPT keeps a client that says nothing in its handshake: so there is one for as long as it is wanted.
 */
#include "master/handshakes.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct {
    const char *name;
    int (*look)(const struct handshakes *handshakes);
} ways[] = {{"sock_diag", handshakes_by_diag}, {"table", handshakes_by_table}};

struct door {
    int listener, client;
    struct address address;
};

static bool door_open(struct door *door, const char *address)
{
    int seconds = 30;
    cr_assert_null(address_parse(&door->address, address, "/"));
    door->listener = socket(door->address.socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (door->listener < 0 || bind(door->listener, &door->address.socket.any, door->address.length) < 0)
        return false; /* no IPv6 here */
    setsockopt(door->listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
    cr_assert_eq(listen(door->listener, 8), 0);
    cr_assert_eq(getsockname(door->listener, &door->address.socket.any, &door->address.length), 0);
    return true;
}

static void door_knock(struct door *door)
{
    door->client = socket(door->address.socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(door->client, &door->address.socket.any, door->address.length), 0);
}

static void door_enter(struct door *door)
{
    struct pollfd poller = {.fd = door->listener, .events = POLLIN};
    cr_assert_eq(send(door->client, "x", 1, 0), 1);
    cr_assert_eq(poll(&poller, 1, 10000), 1);
}

static void expect(const struct address *const *addresses, size_t count, int exist)
{
    struct handshakes handshakes = {addresses, count};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        cr_expect_eq(ways[i].look(&handshakes), exist, "%s: %d", ways[i].name, ways[i].look(&handshakes));
    cr_expect_eq(handshakes_exist(&handshakes), exist);
}

static void look_at_both(const char *one, const char *two)
{
    struct door busy, quiet;
    if (!door_open(&busy, one) || !door_open(&quiet, two))
        return;
    const struct address *both[] = {&quiet.address, &busy.address};
    expect(both, 2, 0);
    door_knock(&busy);
    expect(both, 2, 1);
    expect(both, 1, 0);
    expect(both + 1, 1, 1);
    door_enter(&busy);
    expect(both, 2, 0);
}

Test(handshakes, are_seen_at_the_port_asked_for_until_they_are_over)
{
    look_at_both("127.0.0.1:0", "127.0.0.1:0");
    look_at_both("[::1]:0", "[::1]:0");
    look_at_both("127.0.0.1:0", "[::1]:0");
    look_at_both("[::1]:0", "127.0.0.1:0");
}

Test(handshakes, of_another_address_with_the_same_port_do_not_count)
{
    struct door door;
    char text[64];
    struct address other, any;
    cr_assert(door_open(&door, "127.0.0.2:0"));
    snprintf(text, sizeof text, "127.0.0.1:%d", ntohs(door.address.socket.v4.sin_port));
    cr_assert_null(address_parse(&other, text, "/"));
    snprintf(text, sizeof text, "0.0.0.0:%d", ntohs(door.address.socket.v4.sin_port));
    cr_assert_null(address_parse(&any, text, "/"));
    door_knock(&door);
    expect((const struct address *const[]){&other}, 1, 0);
    expect((const struct address *const[]){&any}, 1, 1);
}

Test(handshakes, are_none_where_nothing_is_asked_for)
{
    struct address local;
    cr_assert_null(address_parse(&local, "unix:/nowhere", "/"));
    expect(NULL, 0, 0);
    expect((const struct address *const[]){&local}, 1, 0);
}
