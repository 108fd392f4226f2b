/* SPDX-License-Identifier: Apache-2.0
 *
 * Sockets that a service manager bound and passes in: taken over by their address, and left as they were.
 */
#include "manager.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(activation, .timeout = 120);

#define LISTEN "LISTEN_PID=@PID@ LISTEN_FDS=%d"

static char *one_worker(const char *address)
{
    return text("[server]\nlisten = %s\nworkers = 1\n" PROBE, address);
}

/* A connection that waits before there is a server, which is what activation is for. */
Test(activation, a_passed_socket_is_served_and_who_waited_there_first)
{
    struct server server;
    char address[128];
    int fd = manager_listen("127.0.0.1", address);
    struct client early = client_connect_to(address);
    client_send(&early, request("GET", "/hello", "Connection: close\r\n"));
    server_prepare(&server, one_worker(address));
    manager_launch(&server, text(LISTEN, 1), &fd, 1);
    cr_assert_str_eq(server.address, address);
    server_log_await(&server, text("listening on %s (passed in)", address), 1);
    struct response response = client_read(&early);
    expect_response(&response, 200, "hello");
    client_expect_close(&early);
    expect_at(address, "/hello", "hello");
    cr_assert_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0, "idle workers cannot sleep in accept()");
    server_stop(&server);
}

/* The filter, the shutdown() and the unlink of an ordinary stop would be seen by the manager's own descriptor. */
Test(activation, a_stop_and_the_next_start_lose_nobody)
{
    struct server server;
    char address[128];
    int fd = manager_listen("127.0.0.1", address);
    for (int round = 0; round < 3; round++) {
        server_prepare(&server, one_worker(address));
        struct client between = client_connect_to(address);
        client_send(&between, request("GET", "/hello", "Connection: close\r\n"));
        manager_launch(&server, text(LISTEN, 1), &fd, 1);
        struct response response = client_read(&between);
        expect_response(&response, 200, "hello");
        client_close(&between);
        server_stop(&server);
    }
}

Test(activation, sockets_are_told_by_address_whatever_their_order)
{
    struct server server;
    char first[128], second[128];
    int fds[2] = {manager_listen("127.0.0.1", first), manager_listen("127.0.0.1", second)};
    server_prepare(&server, text("[server]\nlisten = %s, 127.0.0.1:0, %s\nworkers = 2\n" PROBE, second, first));
    manager_launch(&server, text(LISTEN " LISTEN_FDNAMES=web:api", 2), fds, 2);
    cr_assert_str_eq(text("%s", server_address(&server, 0)), second);
    const char *own = text("%s", server_address(&server, 1));
    cr_assert_str_eq(text("%s", server_address(&server, 2)), first);
    expect_at(first, "/hello", "hello");
    expect_at(second, "/hello", "hello");
    expect_at(own, "/hello", "hello");
    cr_assert_not(server_log_has(&server, "closing it"));
    server_stop(&server);
}

Test(activation, what_is_not_configured_is_closed_with_a_warning_that_names_it)
{
    struct server server;
    char used[128], unused[128];
    int fds[4] = {manager_listen("127.0.0.1", unused), open("/dev/null", O_RDONLY | O_CLOEXEC),
                  manager_listen("127.0.0.1", used), socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    server_prepare(&server, one_worker(used));
    manager_launch(&server, text(LISTEN " LISTEN_FDNAMES=one:two:three", 4), fds, 4);
    server_log_await(&server, text("descriptor 3 ('one') listens on %s, which is not configured: closing it", unused), 1);
    server_log_await(&server, "descriptor 4 ('two') is not a listening stream socket: closing it", 1);
    server_log_await(&server, "descriptor 6 is not a listening stream socket: closing it", 1);
    expect_at(used, "/hello", "hello");
    server_stop(&server);
}

Test(activation, a_unix_socket_keeps_its_mode_and_its_path)
{
    struct server server;
    struct stat status;
    char address[128];
    server_prepare(&server, "[server]\nworkers = 1\n[listen:local]\naddress = unix:@DIR@/passed\nmode = 0600\n" PROBE);
    const char *path = text("%s/passed", server.dir);
    int fd = manager_listen(text("unix:%s", path), address);
    cr_assert_eq(chmod(path, 0666), 0);
    manager_launch(&server, text(LISTEN, 1), &fd, 1);
    expect_at(address, "/client", "unix:");
    server_hup(&server);
    expect_at(address, "/client", "unix:");
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0666, "mode %o", status.st_mode & 0777);
    server_stop(&server);
    cr_assert(file_exists(path));
    struct client later = client_connect_to(address); /* it is the manager's still */
    client_close(&later);
}

Test(activation, a_unix_socket_is_found_by_another_name_of_its_path)
{
    struct server server;
    char address[128];
    server_prepare(&server, "[server]\nlisten = unix:@DIR@/link/passed\nworkers = 1\n" PROBE);
    cr_assert_eq(symlink(".", text("%s/link", server.dir)), 0);
    int fd = manager_listen(text("unix:%s/passed", server.dir), address);
    manager_launch(&server, text(LISTEN, 1), &fd, 1);
    expect_at(address, "/hello", "hello");
    server_stop(&server);
    cr_assert(file_exists(text("%s/passed", server.dir)));
}

Test(activation, a_socket_for_both_families_serves_a_star)
{
    struct server server;
    char address[128];
    int fd = manager_listen("*", address), port = address_port(address);
    server_prepare(&server, one_worker(text("*:%d", port)));
    manager_launch(&server, text(LISTEN, 1), &fd, 1);
    cr_assert_not(server_log_has(&server, "listening on 0.0.0.0"), "a second socket takes IPv4 away from the manager's");
    expect_at(text("127.0.0.1:%d", port), "/client", "127.0.0.1");
    expect_at(text("[::1]:%d", port), "/client", "::1");
    server_hup(&server);
    expect_at(text("127.0.0.1:%d", port), "/client", "127.0.0.1");
    expect_at(text("[::1]:%d", port), "/client", "::1");
    server_stop(&server);
}

Test(activation, passed_sockets_survive_reloads_and_others_come_and_go)
{
    struct server server;
    char address[128];
    int fd = manager_listen("127.0.0.1", address);
    server_prepare(&server, one_worker(address));
    manager_launch(&server, text(LISTEN, 1), &fd, 1);
    server_reload(&server, text("[server]\nlisten = 127.0.0.1:0, %s\nworkers = 2\n" PROBE, address));
    expect_at(address, "/hello", "hello");
    server_reload_refused(&server, text("[server]\nlisten = 192.0.2.1:80, %s\n", address));
    expect_at(address, "/hello", "hello");
    server_reload(&server, one_worker(address));
    expect_at(address, "/hello", "hello");
    for (int i = 0; i < 5; i++)
        server_hup(&server);
    expect_at(address, "/hello", "hello");
    server_stop(&server);
}

/* Dropped by a reload: tine lets go of it, and the manager has it as it was. */
Test(activation, a_passed_socket_that_a_reload_drops_is_left_whole)
{
    struct server server, next;
    char address[128];
    int fd = manager_listen("127.0.0.1", address);
    server_prepare(&server, text("[server]\nlisten = %s, 127.0.0.1:0\nworkers = 1\n" PROBE, address));
    manager_launch(&server, text(LISTEN, 1), &fd, 1);
    pid_t before[WORKERS_MAX], now[WORKERS_MAX];
    server_await_workers(&server, 1, before);
    server_reload(&server, ONE_WORKER PROBE);
    await(!process_alive(before[0]) && server_workers(&server, now) == 1);
    int listens = 0;
    socklen_t length = sizeof listens;
    cr_assert(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0 && listens, "it was shut down");
    server_stop(&server);
    server_prepare(&next, one_worker(address));
    manager_launch(&next, text(LISTEN, 1), &fd, 1);
    expect_at(address, "/hello", "hello");
    server_stop(&next);
}

/* LISTEN_PID of another process: the descriptors are not ours to take. */
Test(activation, sockets_for_another_process_are_left_alone)
{
    struct server server;
    char address[128];
    int fd = manager_listen("127.0.0.1", address);
    server_prepare(&server, ONE_WORKER PROBE);
    manager_launch(&server, "LISTEN_PID=1 LISTEN_FDS=1", &fd, 1);
    cr_assert_not(server_log_has(&server, "descriptor 3"));
    expect_get(&server, "/hello", 200, "hello");
    server_stop(&server);
}

Test(activation, nonsense_in_the_environment_is_told_and_does_no_harm)
{
    static const char *const values[] = {"x", "-1", "", "99999999999999999999", "2", "5000"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct server server;
        server_prepare(&server, ONE_WORKER PROBE);
        manager_launch(&server, text("LISTEN_PID=@PID@ LISTEN_FDS=%s", values[i]), NULL, 0);
        server_log_await(&server, "LISTEN_FDS", 1);
        expect_get(&server, "/hello", 200, "hello");
        server_stop(&server);
    }
}

/* Waits for the socket in front of all workers, takes nothing, and waits no more: as a worker that is woken for a connection together with
 * something else, whose handler it then runs. It begins with a byte from 'go'. */
static pid_t start_thief(int fd, const int go[2])
{
    char byte;
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    cr_assert_eq(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
    pid_t thief = process_fork();
    if (thief != 0) {
        close(epoll);
        return thief;
    }
    while (read(go[0], &byte, 1) < 0)
        continue;
    epoll_wait(epoll, &event, 1, -1);
    for (;;)
        pause();
}

static bool waits(pid_t process)
{
    const char *where = process_file(process, "wchan");
    return strstr(where, "ep_poll") != NULL || strstr(where, "epoll_wait") != NULL;
}

Test(activation, a_connection_whose_wake_up_is_lost_waits_for_no_handler)
{
    struct server server;
    char address[128];
    int fd = manager_listen("127.0.0.1", address), go[2];
    cr_assert_eq(pipe2(go, O_CLOEXEC), 0);
    server_prepare(&server, text("[server]\nlisten = %s\nworkers = 2\nworkers_max = 2\n" PROBE TROUBLE, address));
    pid_t thief = start_thief(fd, go);
    manager_launch(&server, text(LISTEN, 1), &fd, 1);
    struct client first = client_connect(&server);
    expect_kept(&first, request("GET", "/hello", ""), "hello");
    cr_assert_eq(write(go[1], "g", 1), 1);
    await(waits(thief));
    struct client second = client_connect(&server);
    client_send(&second, request("GET", "/hello", ""));
    await(!waits(thief));
    client_enter_gate(&first, &server, "a");
    struct response response = client_read(&second);
    expect_response(&response, 200, "hello");
    server_open_gate(&server, "a");
    response = client_read(&first);
    expect_response(&response, 200, "through gate a");
    kill(thief, SIGKILL);
    server_stop(&server);
}

Test(activation, clients_keep_coming_while_it_stops_and_starts, .timeout = 180)
{
    struct server server;
    char address[128];
    int fd = manager_listen("127.0.0.1", address);
    server_prepare(&server, text("[server]\nlisten = %s\nworkers = 2\n" PROBE, address));
    pid_t client = process_fork();
    if (client == 0) {
        int64_t end = now_ms() + 4000;
        for (; now_ms() < end; pause_shortly())
            expect_at(address, "/hello", "hello");
        _exit(0);
    }
    for (int round = 0; round < 6; round++) {
        manager_launch(&server, text(LISTEN, 1), &fd, 1);
        server_log_await(&server, "generation 1 serves", 1);
        run("sleep", "0.2"); /* some of the clients' time for each */
        server_stop(&server);
    }
    manager_launch(&server, text(LISTEN, 1), &fd, 1);
    cr_assert_eq(process_wait(client, PATIENCE), 0, "a client was lost");
    server_stop(&server);
}
