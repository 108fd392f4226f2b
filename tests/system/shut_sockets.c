/* SPDX-License-Identifier: Apache-2.0
 *
 * Listening sockets that somebody else shuts down, for all processes at once: a handler that takes one for its own, an administrator. They
 * are opened again, and nobody who was connected notices.
 */
#include "client.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(shut_sockets, .timeout = 120);

enum { KEPT = 8 };

#define OPEN_AGAIN "was shut down, by a handler or from outside: it is open again"

static void expect_new_ones_served(const char *address)
{
    struct client client = client_connect_to(address);
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    client_close(&client);
}

/* It ends before its worker looks for connections again. */
static void shut_by_handler(const struct server *server)
{
    struct client client = client_connect(server);
    client_send(&client, request("GET", "/trouble/shut", ""));
    struct response response = client_read(&client);
    expect_response(&response, 200, "shut");
    client_close(&client);
}

static void expect_opened_again(const char *configuration, unsigned sockets)
{
    struct server server;
    struct client kept[KEPT];
    server_start(&server, configuration);
    keep_all(&server, kept, KEPT);
    shut_by_handler(&server);
    server_log_await(&server, OPEN_AGAIN, sockets);
    expect_new_ones_served(server.address);
    expect_all_kept(kept, KEPT);
    cr_assert_not(server_log_has(&server, "some handler up to"), "%s", server_log(&server)); /* of most it was not theirs */
    server_stop(&server);
}

Test(shut_sockets, one_that_a_handler_shuts_down_is_opened_again)
{
    expect_opened_again(TWO_WORKERS PROBE TROUBLE, 1);
}

Test(shut_sockets, so_are_several)
{
    expect_opened_again("[server]\nlisten = 127.0.0.1:0, 127.0.0.1:0, unix:@DIR@/sock\nworkers = 3\n" PROBE TROUBLE, 3);
}

/* Two that overlap could not both listen, had they not shared the port for a moment. */
Test(shut_sockets, so_are_those_whose_addresses_overlap)
{
    int port = port_reserve();
    expect_opened_again(text("[server]\nlisten = 127.0.0.1:%d, 0.0.0.0:%d\nworkers = 2\n" PROBE TROUBLE, port, port), 2);
}

static ino_t expect_mode(const char *path, mode_t mode)
{
    struct stat status;
    cr_assert_eq(lstat(path, &status), 0);
    cr_assert_eq(status.st_mode & 07777, mode);
    return status.st_ino;
}

/* A Unix socket cannot be helped: another takes its place, with all that was written for it. While there is no room for that it is tried
 * again, and what has no part in it is served meanwhile. */
Test(shut_sockets, a_unix_socket_is_made_anew)
{
    struct server server;
    server_prepare(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n[listen:local]\naddress = unix:@DIR@/folder/sock\nmode = 0600\n"
                            PROBE TROUBLE);
    const char *folder = text("%s/folder", server.dir), *away = text("%s/away", server.dir), *path = text("%s/sock", folder);
    cr_assert_eq(mkdir(folder, 0755), 0);
    server_launch(&server);
    ino_t before = expect_mode(path, 0600);
    cr_assert_eq(rename(folder, away), 0);
    shut_by_handler(&server);
    server_log_await(&server, "sock was shut down, by a handler or from outside, and cannot be opened again: No such file or directory", 1);
    cr_assert_eq(rename(away, folder), 0);
    server_log_await(&server, "sock " OPEN_AGAIN, 1);
    cr_assert_neq(expect_mode(path, 0600), before);
    expect_new_ones_served(text("unix:%s", path));
    expect_new_ones_served(server.address);
    server_stop(&server);
    cr_assert(!file_exists(path));
}

/* As `ss -K` does. Returns whether it could. */
static bool destroy(int port)
{
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 socket;
    } message = {{sizeof message, SOCK_DESTROY, NLM_F_REQUEST | NLM_F_ACK, 1, 0},
                 {.sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP, .idiag_states = 1 << 10 /* LISTEN */}};
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        char rest[1024];
    } answer = {.error.error = -1};
    int netlink = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    message.socket.id.idiag_sport = htons((uint16_t)port);
    message.socket.id.idiag_src[0] = htonl(INADDR_LOOPBACK);
    message.socket.id.idiag_cookie[0] = message.socket.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    bool told = netlink >= 0 && send(netlink, &message, sizeof message, 0) == sizeof message &&
                recv(netlink, &answer, sizeof answer, 0) > 0;
    close(netlink);
    return told && answer.header.nlmsg_type == NLMSG_ERROR && answer.error.error == 0;
}

Test(shut_sockets, one_that_an_administrator_destroys_is_opened_again)
{
    struct server server;
    struct client kept[KEPT];
    server_start(&server, TWO_WORKERS PROBE);
    keep_all(&server, kept, KEPT);
    if (!destroy(address_port(server.address)))
        cr_skip_test("no right to destroy sockets, or a kernel that does not");
    server_log_await(&server, OPEN_AGAIN, 1);
    expect_new_ones_served(server.address);
    expect_all_kept(kept, KEPT);
    server_stop(&server);
}
