/* SPDX-License-Identifier: Apache-2.0
 *
 * Congestion control of what is accepted: as asked for, else reno on the loopback, where there is no network, and the system's elsewhere.
 */
#include "manager.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(congestion, .timeout = 120);

enum { DESCRIPTORS = 64, NAME_BYTES = 16 };

static struct server server;

/* Its own, or the default of a socket that nobody touched. */
static const char *congestion_of(int fd)
{
    char name[NAME_BYTES] = "";
    socklen_t length = sizeof name - 1;
    cr_assert_eq(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &length), 0, "%s", strerror(errno));
    return text("%s", name);
}

static bool listens_on(int fd, int port)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address, size = sizeof(int);
    int listens = 0;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0 || !listens ||
        getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        return false;
    return port == ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                       : ((struct sockaddr_in *)&address)->sin_port);
}

/* No answer tells it: the socket itself is asked, by a descriptor taken from the master. */
static const char *congestion_at(size_t index)
{
    const char *found = NULL;
    int port = address_port(server_address(&server, index)), process = pidfd_open(server.pid, 0);
    cr_assert_geq(process, 0, "%s", strerror(errno));
    for (int i = 0; i < DESCRIPTORS && found == NULL; i++) {
        int fd = pidfd_getfd(process, i, 0);
        cr_assert(fd >= 0 || errno == EBADF, "%s", strerror(errno));
        if (fd >= 0 && listens_on(fd, port))
            found = congestion_of(fd);
        if (fd >= 0)
            close(fd);
    }
    close(process);
    cr_assert_not_null(found, "the master has no socket that listens there");
    return found;
}

static const char *default_of_system(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    const char *found = congestion_of(fd);
    close(fd);
    return found;
}

/* Another than reno, if this system has one that this user may choose. */
static const char *another(void)
{
    static const char *const known[] = {"cubic", "bbr", "dctcp", "vegas"};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    const char *found = NULL;
    for (size_t i = 0; i < sizeof known / sizeof known[0] && found == NULL; i++)
        if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, known[i], (socklen_t)strlen(known[i])) == 0)
            found = known[i];
    close(fd);
    return found;
}

static const char *written(const char *address, const char *congestion)
{
    return text("[server]\nworkers = 1\n[listen:a]\naddress = %s\n%s" RESPOND("hello"), address, congestion);
}

Test(congestion, is_reno_on_the_loopback_and_the_systems_elsewhere)
{
    server_start(&server, "[server]\nworkers = 1\nlisten = 127.0.0.1:0, [::1]:0, *:0\n" RESPOND("hello"));
    cr_expect_str_eq(congestion_at(0), "reno");
    cr_expect_str_eq(congestion_at(1), "reno");
    cr_expect_str_eq(congestion_at(2), default_of_system());
    cr_expect_str_eq(congestion_at(3), default_of_system());
    expect_get(&server, "/", 200, "hello");
    server_stop(&server);
}

Test(congestion, is_what_the_file_says_after_each_reload)
{
    const char *other = another();
    if (other == NULL)
        cr_skip_test("this system has reno alone");
    server_start(&server, written("127.0.0.1:0", text("congestion = %s\n", other)));
    cr_expect_str_eq(congestion_at(0), other);
    server_reload(&server, written("127.0.0.1:0", ""));
    cr_expect_str_eq(congestion_at(0), "reno");
    server_reload(&server, written("127.0.0.1:0", text("congestion = %s\n", other)));
    cr_expect_str_eq(congestion_at(0), other);
    expect_get(&server, "/", 200, "hello");
    server_stop(&server);
}

Test(congestion, goes_back_to_the_systems_when_the_file_says_nothing_any_more)
{
    server_start(&server, written("0.0.0.0:0", "congestion = reno\n"));
    cr_expect_str_eq(congestion_at(0), "reno");
    server_reload(&server, written("0.0.0.0:0", ""));
    cr_expect_str_eq(congestion_at(0), default_of_system());
    server_stop(&server);
}

Test(congestion, that_the_system_does_not_have_is_refused_and_the_old_goes_on)
{
    server_start(&server, written("127.0.0.1:0", ""));
    server_reload_refused(&server, written("127.0.0.1:0", "congestion = nonesuch\n"));
    cr_assert(server_log_has(&server, "server.ini:5: [listen:a] congestion: 'nonesuch': this system has none of that name"));
    cr_expect_str_eq(congestion_at(0), "reno");
    expect_get(&server, "/", 200, "hello");
    server_stop(&server);
}

Test(congestion, of_a_unix_socket_is_refused)
{
    server_prepare(&server, written("unix:@DIR@/sock", "congestion = reno\n"));
    struct run ran = run_tine("-t", "-c", server.ini);
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "server\\.ini:5: \\[listen:a\\] congestion: is of TCP: a Unix socket has none"), "%s", ran.err);
}

Test(congestion, of_a_socket_that_was_passed_in_is_the_managers_unless_the_file_names_one)
{
    const char *other = another();
    char address[128];
    int fd = manager_listen("127.0.0.1", address);
    if (other == NULL)
        cr_skip_test("this system has reno alone");
    cr_assert_eq(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, other, (socklen_t)strlen(other)), 0);
    server_prepare(&server, written(address, ""));
    manager_launch(&server, "LISTEN_PID=@PID@ LISTEN_FDS=1", &fd, 1);
    cr_expect_str_eq(congestion_of(fd), other);
    server_reload(&server, written(address, "congestion = reno\n"));
    cr_expect_str_eq(congestion_of(fd), "reno");
    server_stop(&server);
}
