/* SPDX-License-Identifier: Apache-2.0
 *
 * Sockets of every kind, and what is said when one cannot be had.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

TestSuite(listening, .timeout = 120);

Test(listening, ipv6_is_served)
{
    struct server server;
    server_start(&server, "[server]\nlisten = [::1]:0\nworkers = 2\n" PROBE);
    cr_assert_eq(strncmp(server.address, "[::1]:", 6), 0, "%s", server.address);
    expect_at(server.address, "/client", "::1");
    server_stop(&server);
}

Test(listening, a_unix_socket_is_served_with_its_mode_and_removed)
{
    struct server server;
    struct stat status;
    server_start(&server, "[server]\nworkers = 2\n[listen:local]\naddress = unix:@DIR@/sock\nmode = 0620\n" PROBE);
    const char *path = text("%s/sock", server.dir);
    cr_assert_str_eq(server.address, text("unix:%s", path));
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(status.st_mode & 07777, 0620, "mode %o", status.st_mode & 07777);
    expect_at(server.address, "/client", "unix:");
    server_stop(&server);
    cr_assert_not(file_exists(path));
}

Test(listening, several_listeners_are_all_served)
{
    struct server server;
    server_start(&server, "[server]\nlisten = 127.0.0.1:0, [::1]:0, unix:@DIR@/sock\nworkers = 2\n"
                          "[listen:more]\naddress = 127.0.0.1:0\nbacklog = 16\n" PROBE);
    for (int round = 0; round < 5; round++)
        for (size_t i = 0; i < 4; i++)
            expect_at(text("%s", server_address(&server, i)), "/hello", "hello");
    server_stop(&server);
}

Test(listening, two_ports_that_the_system_picked_are_both_kept_by_a_reload)
{
    struct server server;
    pid_t before[WORKERS_MAX];
    server_start(&server, "[server]\nlisten = 127.0.0.1:0, 127.0.0.1:0\nworkers = 2\n" PROBE);
    const char *first = text("%s", server_address(&server, 0)), *second = text("%s", server_address(&server, 1));
    server_await_workers(&server, 2, before);
    server_hup(&server);
    server_await_replaced(&server, before, 2);
    for (int i = 0; i < 4; i++) {
        expect_at(first, "/hello", "hello");
        expect_at(second, "/hello", "hello");
    }
    server_stop(&server);
}

Test(listening, a_star_takes_both_families)
{
    struct server server;
    server_start(&server, "[server]\nlisten = *:0\nworkers = 2\n" PROBE);
    const char *first = text("%s", server_address(&server, 0)), *second = text("%s", server_address(&server, 1));
    expect_at(text("127.0.0.1:%d", address_port(first[0] == '[' ? second : first)), "/client", "127.0.0.1");
    expect_at(text("[::1]:%d", address_port(first[0] == '[' ? first : second)), "/client", "::1");
    server_stop(&server);
}

/* More than one listener, and every worker already holds a connection: all of them still accept. */
Test(listening, kept_connections_do_not_keep_new_ones_out)
{
    struct server server;
    struct client held[10];
    server_start(&server, "[server]\nlisten = 127.0.0.1:0, unix:@DIR@/sock\nworkers = 2\n" PROBE);
    for (int i = 0; i < 10; i++) {
        held[i] = client_connect_to(text("%s", server_address(&server, (size_t)i % 2)));
        client_send(&held[i], request("GET", "/hello", ""));
        client_read(&held[i]);
    }
    for (int i = 0; i < 10; i++)
        expect_at(text("%s", server_address(&server, (size_t)i % 2)), "/hello", "hello");
    for (int i = 0; i < 10; i++) {
        client_send(&held[i], request("GET", "/hello", ""));
        struct response response = client_read(&held[i]);
        expect_response(&response, 200, "hello");
        client_close(&held[i]);
    }
    server_stop(&server);
}

/* Starts a second server that must not come up; what it said. */
static char *refused(const char *ini)
{
    struct server server;
    server_prepare(&server, ini);
    struct run ran = run_tine("-c", server.ini);
    cr_assert_eq(ran.code, 1, "exit code %d: %s", ran.code, ran.err);
    return ran.err;
}

Test(listening, an_address_in_use_is_a_clear_error)
{
    struct server server;
    server_start(&server, TWO_WORKERS PROBE);
    char *said = refused(text("[server]\nworkers = 2\nlisten = 127.0.0.1:0, %s\n" PROBE, server.address));
    cr_assert(text_matches(said, text("server\\.ini:3: \\[server\\] listen: .*%s.*in use", server.address)), "%s", said);
    expect_get(&server, "/hello", 200, "hello");
    server_stop(&server);
}

Test(listening, an_address_that_is_not_ours_is_a_clear_error)
{
    char *said = refused("[server]\nlisten = 192.0.2.1:8000\n" PROBE);
    cr_assert(text_matches(said, "192\\.0\\.2\\.1:8000.*(assign|address)"), "%s", said);
}

Test(listening, one_address_twice_is_a_clear_error)
{
    char *said = refused("[server]\nlisten = 127.0.0.1:18000\n[listen:again]\naddress = 127.0.0.1:18000\n" PROBE);
    cr_assert(text_matches(said, "server\\.ini:[234]: .*127\\.0\\.0\\.1:18000"), "%s", said);
}

#define ON_SOCKET "[server]\nlisten = unix:@DIR@/../sock\nworkers = 2\n"

Test(listening, a_stale_unix_socket_is_taken_over)
{
    struct server server;
    server_start(&server, ON_SOCKET PROBE);
    server_signal(&server, SIGKILL);
    server_wait(&server);
    cr_assert(file_exists(text("%s/sock", test_dir())));
    server_launch(&server);
    expect_at(server.address, "/hello", "hello");
    server_stop(&server);
}

Test(listening, a_live_unix_socket_is_refused)
{
    struct server server;
    server_start(&server, ON_SOCKET PROBE);
    char *said = refused(ON_SOCKET PROBE);
    cr_assert(text_matches(said, "sock.*in use"), "%s", said);
    expect_at(server.address, "/hello", "hello");
    server_stop(&server);
}

Test(listening, a_file_that_is_no_socket_is_not_removed)
{
    const char *path = text("%s/sock", test_dir());
    file_write(path, "precious");
    char *said = refused(ON_SOCKET PROBE);
    cr_assert(strstr(said, "sock") != NULL, "%s", said);
    cr_assert_str_eq(file_read(path, NULL), "precious");
}

Test(listening, a_socket_path_that_is_too_long_is_a_clear_error)
{
    char path[200];
    memset(path, 'x', sizeof path);
    char *said = refused(text("[server]\nlisten = unix:/tmp/%.*s\n" PROBE, 150, path));
    cr_assert(text_matches(said, "server\\.ini:2: \\[server\\] listen: .*long"), "%s", said);
}

/* Another server may have taken the path over meanwhile: its socket must stay. */
Test(listening, a_socket_of_somebody_else_is_not_unlinked_at_the_end)
{
    struct server first, second;
    server_start(&first, ON_SOCKET PROBE);
    const char *path = text("%s/sock", test_dir());
    cr_assert_eq(rename(path, text("%s.old", path)), 0);
    server_start(&second, ON_SOCKET PROBE);
    server_stop(&first);
    cr_assert(file_exists(path));
    expect_at(second.address, "/hello", "hello");
    server_stop(&second);
}

/* The folder is nobody's, who may put there what he likes: root must not give that away. */
Test(listening, owner_and_mode_are_given_to_the_socket_and_to_nothing_that_took_its_place)
{
    if (geteuid() != 0)
        cr_skip_test("not root");
    struct server server;
    struct stat status;
    server_start(&server, "[server]\nworkers = 2\n[listen:local]\naddress = unix:@DIR@/sock\nowner = nobody\nmode = 0640\n" PROBE);
    const char *path = text("%s/sock", server.dir), *secret = text("%s/secret", server.dir);
    cr_assert_eq(lstat(path, &status), 0);
    cr_assert(status.st_uid == 65534 && (status.st_mode & 07777) == 0640, "%u, %o", status.st_uid, status.st_mode);
    file_write(secret, "root's");
    cr_assert_eq(chmod(secret, 0600), 0);
    cr_assert_eq(rename(path, text("%s.old", path)), 0);
    cr_assert_eq(symlink(secret, path), 0);
    server_hup(&server);
    server_log_await(&server, "is not the socket that was made there", 1);
    cr_assert_eq(stat(secret, &status), 0);
    cr_assert(status.st_uid == 0 && (status.st_mode & 07777) == 0600, "%u, %o", status.st_uid, status.st_mode);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(rename(text("%s.old", path), path), 0);
    server_reload(&server, "[server]\nworkers = 2\n[listen:local]\naddress = unix:@DIR@/sock\nowner = daemon\nmode = 0600\n" PROBE);
    cr_assert_eq(lstat(path, &status), 0);
    cr_assert(status.st_uid == 1 && (status.st_mode & 07777) == 0600, "%u, %o", status.st_uid, status.st_mode);
    server_stop(&server);
}

Test(listening, curl_is_answered)
{
    struct server server;
    server_start(&server, "[server]\nlisten = 127.0.0.1:0, unix:@DIR@/sock\nworkers = 2\n" PROBE);
    struct run ran = run("curl", "-sS", "-i", "--data-binary", "some body", text("http://%s/echo", server.address));
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    cr_assert(text_matches(ran.out, "^HTTP/1.1 200 OK"), "%s", ran.out);
    cr_assert(strstr(ran.out, "\r\n\r\nsome body") != NULL, "%s", ran.out);
    ran = run("curl", "-sS", "--unix-socket", text("%s/sock", server.dir), "http://any/hello", "http://any/users/ada");
    cr_assert_eq(strncmp(ran.out, "hello{", 6), 0, "%s", ran.out);
    server_stop(&server);
}
