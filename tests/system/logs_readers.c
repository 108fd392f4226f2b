/* SPDX-License-Identifier: Apache-2.0
 *
 * Logs whose lines somebody reads, a pipe or a terminal: whole lines arrive, and whoever reads no more holds nobody up.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(logs_readers, .timeout = 120);

Test(logs_readers, a_pipe_gets_whole_lines)
{
    struct server server;
    server_prepare(&server, TWO_WORKERS PROBE);
    const char *script = text("exec %s -c %s 2>%s | cat >%s", tine_path(), server.ini, server.log, server.access);
    pid_t shell = process_start((const char *const[]){"sh", "-c", script, NULL}, "/dev/null", "/dev/null");
    server.pid = shell;
    kill_at_exit(shell);
    snprintf(server.address, sizeof server.address, "%s", server_address(&server, 0));
    int master = 0;
    sscanf(strstr(server_log(&server), " info ") + 6, "%d", &master);
    for (int i = 0; i < 100; i++)
        get(&server, "/hello");
    kill(master, SIGTERM);
    cr_assert_eq(process_wait(shell, PATIENCE), 0);
    cr_assert_eq(text_count(file_read(server.access, NULL), "\"GET /hello HTTP/1.1\" 200 5"), 100);
}

/* Standard output whose reader has left: the lines are lost, the server is not. */
Test(logs_readers, a_reader_that_left_does_not_stop_the_server)
{
    struct server server;
    server_prepare(&server, TWO_WORKERS PROBE);
    const char *script = text("%s -c %s 2>%s | true", tine_path(), server.ini, server.log);
    server.pid = process_start((const char *const[]){"sh", "-c", script, NULL}, "/dev/null", "/dev/null");
    snprintf(server.address, sizeof server.address, "%s", server_address(&server, 0));
    kill_at_exit(server.pid);
    int master = 0;
    sscanf(strstr(server_log(&server), " info ") + 6, "%d", &master);
    for (int i = 0; i < 20; i++)
        expect_get(&server, "/hello", 200, "hello");
    for (int64_t start = now_ms(); now_ms() - start < 1500;)
        expect_get(&server, "/hello", 200, "hello");
    kill(master, SIGTERM);
    await(!process_alive(master));
}

/* Until there is no room in it for a single byte, and none comes: a terminal passes on behind our back what it was given. */
static void fill(int fd)
{
    char dots[1000];
    memset(dots, '.', sizeof dots);
    for (int full = 0; full < 10; pause_shortly(), full++)
        for (size_t length = sizeof dots; length > 0;)
            if (write(fd, dots, length) < 0)
                length /= 2;
            else
                full = 0;
}

/* All that is in it now. */
static char *drain(int fd)
{
    static char bytes[1 << 20];
    size_t length = 0;
    for (ssize_t more; (more = read(fd, bytes + length, sizeof bytes - 1 - length)) > 0;)
        length += (size_t)more;
    bytes[length] = 0;
    return bytes;
}

/* The error log goes to 'path', which nobody reads: a worker is replaced all the same, what was dropped is counted, and the server
 * stops. */
static void serve_though_nobody_reads(const char *path, int writer, int reader)
{
    struct server server;
    pid_t before[WORKERS_MAX], now[WORKERS_MAX];
    server_prepare(&server, text("[server]\nlisten = unix:@DIR@/sock\nworkers = 2\n[log]\nerror = %s\n" PROBE, path));
    const char *const argv[] = {tine_path(), "-c", server.ini, NULL}, *address = text("unix:%s/sock", server.dir);
    server.pid = process_start(argv, server.access, server.log);
    kill_at_exit(server.pid);
    await(file_exists(text("%s/sock", server.dir)));
    await(strstr(drain(reader), "generation 1 serves") != NULL);
    server_await_workers(&server, 2, before);
    fill(writer);
    for (int i = 0; i < 2; i++)
        kill(before[i], SIGKILL);
    await(server_workers(&server, now) == 2 && !pids_overlap(before, 2, now, 2));
    expect_at(address, "/hello", "hello");
    drain(reader);
    server_signal(&server, SIGHUP);
    await(strstr(drain(reader), "messages were dropped") != NULL);
    fill(writer);
    server_signal(&server, SIGTERM);
    cr_assert_eq(process_wait(server.pid, PATIENCE), 0);
}

static int open_pipe(const char *path)
{
    cr_assert_eq(mkfifo(path, 0600), 0);
    return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

Test(logs_readers, a_pipe_that_nobody_reads_does_not_stop_the_server)
{
    const char *path = text("%s/pipe", test_dir());
    int fd = open_pipe(path);
    serve_though_nobody_reads(path, fd, fd);
}

static int open_terminal(void)
{
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (terminal < 0 || grantpt(terminal) < 0 || unlockpt(terminal) < 0)
        cr_skip_test("there are no terminals");
    return terminal;
}

Test(logs_readers, a_terminal_that_nobody_reads_does_not_stop_the_server)
{
    int terminal = open_terminal();
    const char *path = text("%s", ptsname(terminal));
    serve_though_nobody_reads(path, open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC), terminal);
}

/* Lines are kept as long as there is room for them; a client waits once at the most. */
static void ask_though_nobody_reads(const char *address, int writer, int reader)
{
    enum { REQUESTS = 3000 };
    const char *agent_of_a_hundred = text("User-Agent: %0100d\r\n", 0);
    struct client client = client_connect_to(address);
    for (int i = 0; i < REQUESTS; i++)
        expect_kept(&client, request("GET", "/hello", agent_of_a_hundred), "hello");
    cr_assert_neq(drain(reader)[0], 0);
    expect_kept(&client, request("GET", "/hello?afterwards", ""), "hello");
    await(strstr(drain(reader), "GET /hello?afterwards") != NULL);
    fill(writer);
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    client_close(&client);
}

Test(logs_readers, an_access_log_that_nobody_reads_holds_nobody_up)
{
    struct server server;
    const char *path = text("%s/pipe", test_dir());
    int fd = open_pipe(path);
    server_start(&server, text(ONE_WORKER "[log]\naccess = %s\n" PROBE, path));
    ask_though_nobody_reads(server.address, fd, fd);
    server_log_await(&server, "lines lost: whoever reads the pipe or terminal that it goes to does not take them", 1);
    server_signal(&server, SIGTERM);
    cr_assert_eq(process_wait(server.pid, PATIENCE), 0);
}

Test(logs_readers, an_access_log_on_a_terminal_that_nobody_reads_holds_nobody_up)
{
    struct server server;
    int terminal = open_terminal();
    const char *path = text("%s", ptsname(terminal));
    server_start(&server, text(ONE_WORKER "[log]\naccess = %s\n" PROBE, path));
    ask_though_nobody_reads(server.address, open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC), terminal);
    server_signal(&server, SIGTERM);
    cr_assert_eq(process_wait(server.pid, PATIENCE), 0);
}

/* One worker, and an error log in a pipe that is full from then on. */
static const char *start_with_full_log(struct server *server, int *fd)
{
    const char *path = text("%s/pipe", test_dir());
    *fd = open_pipe(path);
    server_prepare(server, text("[server]\nlisten = unix:@DIR@/sock\nworkers = 1\nworkers_max = 1\n[timeouts]\nrequest = 100s\n"
                                "graceful = 100s\n[log]\nerror = %s\n" PROBE TROUBLE, path));
    const char *const argv[] = {tine_path(), "-c", server->ini, NULL};
    server->pid = process_start(argv, server->access, server->log);
    kill_at_exit(server->pid);
    await(strstr(drain(*fd), "generation 1 serves") != NULL);
    fill(*fd);
    return text("unix:%s/sock", server->dir);
}

/* What it has to say of its end it says if there is room. */
Test(logs_readers, a_worker_that_crashes_is_replaced_though_nobody_reads)
{
    struct server server;
    int fd;
    const char *address = start_with_full_log(&server, &fd);
    struct client client = client_connect_to(address);
    client_send(&client, request("GET", "/trouble/crash/segv", ""));
    struct response response = client_read(&client);
    cr_assert_eq(response.status, 500);
    client_close(&client);
    expect_at(address, "/hello", "hello");
    server_signal(&server, SIGINT);
    cr_assert_eq(process_wait(server.pid, PATIENCE), 0);
}

/* It logs, but no request is about that, whose time would bound it. */
Test(logs_readers, worker_exit_does_not_wait_for_who_reads)
{
    struct server server;
    int fd;
    expect_at(start_with_full_log(&server, &fd), "/hello", "hello");
    server_signal(&server, SIGTERM);
    cr_assert_eq(process_wait(server.pid, PATIENCE), 0);
}

/* As in a container, whose standard output and error end in one place. */
Test(logs_readers, both_in_a_pipe_that_nobody_reads_hold_nobody_up)
{
    struct server server;
    const char *path = text("%s/pipe", test_dir());
    int fd = open_pipe(path);
    server_prepare(&server, text("[server]\nlisten = unix:@DIR@/sock\nworkers = 1\n[log]\naccess = %s\nerror = %s\n" PROBE, path, path));
    const char *const argv[] = {tine_path(), "-c", server.ini, NULL};
    server.pid = process_start(argv, server.access, server.log);
    kill_at_exit(server.pid);
    await(strstr(drain(fd), "generation 1 serves") != NULL);
    ask_though_nobody_reads(text("unix:%s/sock", server.dir), fd, fd);
    server_signal(&server, SIGTERM);
    cr_assert_eq(process_wait(server.pid, PATIENCE), 0);
}
