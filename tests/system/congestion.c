/* SPDX-License-Identifier: Apache-2.0
 *
 * Congestion control of what is accepted: as asked for, else reno on the loopback, where there is no network, and the system's elsewhere.
 */
#include "manager.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(congestion, .timeout = 120);

enum { DESCRIPTORS = 64, NAME_BYTES = 16 };

static struct server server;

static const char *congestion_of(int fd)
{
    char name[NAME_BYTES] = "";
    socklen_t length = sizeof name - 1;
    cr_assert_eq(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &length), 0, "%s", strerror(errno));
    return text("%s", name);
}

static int port_of(const struct sockaddr_storage *address)
{
    return ntohs(address->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)address)->sin6_port
                                                : ((const struct sockaddr_in *)address)->sin_port);
}

/* Does it listen there, or is it the other end of a connection from there? */
static bool listens_on(int fd, int port)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address, size = sizeof(int);
    int listens = 0;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens &&
           getsockname(fd, (struct sockaddr *)&address, &length) == 0 && port_of(&address) == port;
}

static bool is_connected_to(int fd, int port)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    return getpeername(fd, (struct sockaddr *)&address, &length) == 0 && address.ss_family != AF_UNIX && port_of(&address) == port;
}

/* No answer tells it: the socket itself is asked, by a descriptor taken from the process. NULL if it has none like that, or is gone. */
static const char *find_in(pid_t pid, bool (*is_wanted)(int fd, int port), int port)
{
    const char *found = NULL;
    int process = pidfd_open(pid, 0);
    if (process < 0 && errno == ESRCH)
        return NULL;
    cr_assert_geq(process, 0, "%s", strerror(errno));
    for (int i = 0; i < DESCRIPTORS && found == NULL; i++) {
        int fd = pidfd_getfd(process, i, 0);
        if (fd < 0 && (errno == EPERM || errno == ENOSYS))
            cr_skip_test("descriptors of another process cannot be had here");
        if (fd >= 0 && is_wanted(fd, port))
            found = congestion_of(fd);
        if (fd >= 0)
            close(fd);
    }
    close(process);
    return found;
}

static const char *congestion_at(size_t index)
{
    const char *found = find_in(server.pid, listens_on, address_port(server_address(&server, index)));
    cr_assert_not_null(found, "the master has no socket that listens there");
    return found;
}

static const char *find_in_any_worker(int port)
{
    pid_t workers[WORKERS_MAX];
    const char *found = NULL;
    for (size_t i = 0, count = server_workers(&server, workers); i < count && found == NULL; i++)
        found = find_in(workers[i], is_connected_to, port);
    return found;
}

/* After a reload it may be on its way from one worker to another. */
static const char *congestion_of_next_connection(void)
{
    struct client client = client_connect(&server);
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    const char *found = NULL;
    client_send(&client, request("GET", "/", ""));
    struct response response = client_read(&client);
    expect_response(&response, 200, "hello");
    cr_assert_eq(getsockname(client.fd, (struct sockaddr *)&address, &length), 0);
    await((found = find_in_any_worker(port_of(&address))) != NULL);
    client_close(&client);
    return found;
}

static const char *const known[] = {"cubic", "bbr", "dctcp", "vegas", NULL};

/* Another than reno, if this system has one that this user may choose. */
static const char *another(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    const char *found = NULL;
    for (size_t i = 0; known[i] != NULL && found == NULL; i++)
        if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, known[i], (socklen_t)strlen(known[i])) == 0)
            found = known[i];
    close(fd);
    if (found == NULL)
        cr_skip_test("this system has reno alone");
    return found;
}

static bool set_default_of_system(const char *congestion)
{
    FILE *file = fopen("/proc/sys/net/ipv4/tcp_congestion_control", "w");
    bool written = file != NULL && fputs(congestion, file) >= 0;
    return file != NULL && fclose(file) == 0 && written;
}

/* A network of the test's own, whose default is not reno, whatever the machine's is; which it is. */
static const char *enter_own_network(void)
{
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    if (unshare(CLONE_NEWNET) < 0)
        cr_skip_test("no network namespace can be made");
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    cr_assert_eq(ioctl(fd, SIOCSIFFLAGS, &loopback), 0, "%s", strerror(errno));
    close(fd);
    for (size_t i = 0; known[i] != NULL; i++)
        if (set_default_of_system(known[i]))
            return known[i];
    cr_skip_test("a network namespace has reno alone here");
    return NULL;
}

static const char *written(const char *address, const char *congestion)
{
    return text("[server]\nworkers = 1\n[listen:a]\naddress = %s\n%s" RESPOND("hello"), address, congestion);
}

Test(congestion, is_reno_on_the_loopback_and_the_systems_elsewhere)
{
    const char *other = enter_own_network();
    server_start(&server, "[server]\nworkers = 1\nlisten = 127.0.0.1:0, [::1]:0, *:0\n" RESPOND("hello"));
    cr_expect_str_eq(congestion_at(0), "reno");
    cr_expect_str_eq(congestion_at(1), "reno");
    cr_expect_str_eq(congestion_at(2), other);
    cr_expect_str_eq(congestion_at(3), other);
    cr_expect_str_eq(congestion_of_next_connection(), "reno");
    server_stop(&server);
}

/* As of any program's sockets: a new default counts at once. */
Test(congestion, follows_the_systems_where_nothing_was_chosen)
{
    const char *other = enter_own_network();
    server_start(&server, written("0.0.0.0:0", ""));
    cr_expect_str_eq(congestion_of_next_connection(), other);
    cr_assert(set_default_of_system("reno"));
    cr_expect_str_eq(congestion_of_next_connection(), "reno");
    server_stop(&server);
}

Test(congestion, is_what_the_file_says_after_each_reload)
{
    const char *other = another();
    server_start(&server, written("127.0.0.1:0", text("congestion = %s\n", other)));
    cr_expect_str_eq(congestion_of_next_connection(), other);
    server_reload(&server, written("127.0.0.1:0", ""));
    cr_expect_str_eq(congestion_of_next_connection(), "reno");
    server_reload(&server, written("127.0.0.1:0", text("congestion = %s\n", other)));
    cr_expect_str_eq(congestion_of_next_connection(), other);
    server_stop(&server);
}

/* Behind an upgrade as well: the new binary is told. */
Test(congestion, goes_back_to_the_systems_when_the_file_says_nothing_any_more)
{
    const char *other = enter_own_network();
    server_start(&server, written("0.0.0.0:0", "congestion = reno\n"));
    cr_expect_str_eq(congestion_at(0), "reno");
    server_upgrade(&server);
    cr_expect_str_eq(congestion_at(0), "reno");
    server_reload(&server, written("0.0.0.0:0", ""));
    cr_expect_str_eq(congestion_at(0), other);
    server_stop(&server);
}

/* Port 0 is written alike for both. */
Test(congestion, is_that_of_each_listener)
{
    const char *other = another();
    server_start(&server, text("[server]\nworkers = 1\n[listen:a]\naddress = 127.0.0.1:0\ncongestion = %s\n"
                               "[listen:b]\naddress = 127.0.0.1:0\n" RESPOND("hello"), other));
    cr_expect_str_eq(congestion_at(0), other);
    cr_expect_str_eq(congestion_at(1), "reno");
    server_stop(&server);
}

/* Who connects while the first worker gets ready may stay for days. */
Test(congestion, is_chosen_before_anybody_is_let_in)
{
    enum { PORT = 8001 };
    enter_own_network();
    server_start(&server, written("127.0.0.1:0", ""));
    server_configure(&server, text("[server]\nworkers = 1\nlisten = 127.0.0.1:%d\n[app:slow]\npath = /\nmodule = @MODULES@/slow_start.so\n"
                                   "until = @DIR@/gate\n", PORT));
    server_signal(&server, SIGHUP);
    await(find_in(server.pid, listens_on, PORT) != NULL);
    cr_expect_str_eq(find_in(server.pid, listens_on, PORT), "reno");
    cr_assert_not(server_log_has(&server, "generation 2 serves"));
    file_write(text("%s/gate", server.dir), "");
    server_log_await(&server, "generation 2 serves", 1);
    server_stop(&server);
}

Test(congestion, that_the_system_does_not_have_is_refused_and_the_old_goes_on)
{
    server_start(&server, written("127.0.0.1:0", ""));
    server_reload_refused(&server, written("127.0.0.1:0", "congestion = nonesuch\n"));
    cr_assert(server_log_has(&server,
                             "server.ini:5: [listen:a] congestion: 'nonesuch': sysctl net.ipv4.tcp_available_congestion_control has none"));
    cr_expect_str_eq(congestion_of_next_connection(), "reno");
    server_stop(&server);
}

static bool stands_in(const char *path, const char *word)
{
    return text_matches(file_read(path, NULL), text("(^| )%s( |$)", word));
}

/* One that root alone may choose. */
static const char *restricted(void)
{
    for (size_t i = 0; known[i] != NULL; i++)
        if (stands_in("/proc/sys/net/ipv4/tcp_available_congestion_control", known[i]) &&
            !stands_in("/proc/sys/net/ipv4/tcp_allowed_congestion_control", known[i]))
            return known[i];
    cr_skip_test("everybody may choose what there is");
    return NULL;
}

Test(congestion, that_root_alone_may_choose_is_no_error_of_the_file)
{
    if (geteuid() != 0 || !program_exists("setpriv") || !nobody_can_reach_tine())
        cr_skip_test("needs root and setpriv, and a checkout that nobody can read");
    server_prepare(&server, written("127.0.0.1:0", text("congestion = %s\n", restricted())));
    const char *const tested[] = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", tine_path(), "-t", "-c", server.ini, NULL};
    const char *const served[] = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", tine_path(), "-c", server.ini, NULL};
    struct run ran = run_program(tested);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    ran = run_program(served);
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "server\\.ini:5: \\[listen:a\\] congestion: '.*': needs CAP_NET_ADMIN"), "%s", ran.err);
}

Test(congestion, of_a_unix_socket_is_refused)
{
    server_prepare(&server, written("unix:@DIR@/sock", "congestion = reno\n"));
    struct run ran = run_tine("-t", "-c", server.ini);
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "server\\.ini:5: \\[listen:a\\] congestion: is of TCP: a Unix socket has none"), "%s", ran.err);
}

#define PASSED "LISTEN_PID=@PID@ LISTEN_FDS=1"

/* A socket whose manager has chosen another than reno. */
static int manager_listen_by(const char *congestion, char address[128])
{
    int fd = manager_listen("127.0.0.1", address);
    cr_assert_eq(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion, (socklen_t)strlen(congestion)), 0);
    return fd;
}

/* Its manager goes on with it when we are gone. */
Test(congestion, of_a_socket_that_was_passed_in_is_the_managers_unless_the_file_names_one)
{
    const char *other = another(), *chosen = text("congestion = reno\n");
    char address[128];
    int fd = manager_listen_by(other, address);
    server_prepare(&server, written(address, ""));
    manager_launch(&server, PASSED, &fd, 1);
    cr_expect_str_eq(congestion_of(fd), other);
    server_reload(&server, written(address, chosen));
    cr_expect_str_eq(congestion_of(fd), "reno");
    server_reload(&server, written(address, ""));
    cr_expect_str_eq(congestion_of(fd), other);
    server_upgrade(&server);
    cr_expect_str_eq(congestion_of(fd), other);
    server_reload(&server, written(address, chosen));
    server_upgrade(&server);
    cr_expect_str_eq(congestion_of(fd), "reno");
    server_stop(&server);
    cr_expect_str_eq(congestion_of(fd), other);
}

Test(congestion, of_a_socket_that_was_passed_in_is_the_managers_again_after_a_stop_at_once)
{
    char address[128];
    const char *other = another();
    int fd = manager_listen_by(other, address);
    server_prepare(&server, written(address, "congestion = reno\n"));
    manager_launch(&server, PASSED, &fd, 1);
    cr_expect_str_eq(congestion_of(fd), "reno");
    server_signal(&server, SIGINT);
    cr_assert_eq(process_wait(server.pid, PATIENCE), 0);
    cr_expect_str_eq(congestion_of(fd), other);
}

Test(congestion, of_a_socket_that_was_passed_in_is_the_managers_again_after_a_start_that_fails)
{
    char address[128], taken[128];
    const char *other = another();
    int fd = manager_listen_by(other, address);
    manager_listen("127.0.0.1", taken);
    server_prepare(&server, text("%s[listen:b]\naddress = %s\n", written(address, "congestion = reno\n"), taken));
    struct run ran = manager_run(&server, PASSED, &fd, 1);
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "another program listens there"), "%s", ran.err);
    cr_expect_str_eq(congestion_of(fd), other);
}
