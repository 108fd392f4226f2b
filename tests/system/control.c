/* SPDX-License-Identifier: Apache-2.0
 *
 * The control socket: how the server is found by it, where it is and who may ask; and nobody can hold the master up there.
 */
#include "client.h"
#include "reload.h"
#include "shim.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

TestSuite(control, .timeout = 120);

#define SOCKET_AT(path) TWO_WORKERS "control = " path "\n"

static void kill_master_alone(struct server *server)
{
    pid_t workers[WORKERS_MAX];
    server_await_workers(server, 2, workers);
    await_accepting(workers, 2);
    server_signal(server, SIGKILL);
    process_wait(server->pid, PATIENCE);
}

Test(control, without_a_server_it_says_so)
{
    struct server server;
    server_prepare(&server, TWO_WORKERS RESPOND("one"));
    reload_expect_refused(reload_ask(&server), text("^tine reload: no server runs for '%s' \\(it is found by the path that it was started "
                                                    "with; links are not followed\\)$", server.ini));
    reload_expect_refused(run_tine("status", "-c", server.ini),
                          text("^tine status: no server runs for '%s' \\(it is found by the path", server.ini));
    reload_expect_refused(run_tine("status", "-c", "/no/such.ini"),
                          "^tine status: no server runs for '/no/such.ini', and there is no such file$");
    server_launch(&server);
    kill_master_alone(&server);
    reload_expect_refused(reload_ask(&server), "no server runs for"); /* though its workers may still be there */
}

Test(control, wrong_usage_exits_2)
{
    cr_assert_eq(run_tine("reload").code, 2);
    cr_assert_eq(run_tine("reload", "-c", "x", "y").code, 2);
    cr_assert_eq(run_tine("reload", "-c", "x", "--json").code, 2);
    cr_assert_eq(run_tine("status", "-c", "x", "-o", "y").code, 2);
    cr_assert(text_matches(run_tine("status", "-q").err, "^usage: tine status -c FILE"));
}

Test(control, the_file_is_the_same_however_it_is_written)
{
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("one"));
    cr_assert_eq(chdir(server.dir), 0);
    reload_expect(run_tine("reload", "-c", "server.ini"), "generation 2 serves\n");
    reload_expect(run_tine("reload", "-c", text("%s/x/.././/server.ini", server.dir)), "generation 3 serves\n");
    server_stop(&server);
}

Test(control, a_path_is_a_socket_for_the_user_alone_and_is_removed)
{
    struct server server;
    struct stat status;
    server_start(&server, SOCKET_AT("ask") RESPOND("one"));
    const char *path = text("%s/ask", server.dir);
    cr_assert_eq(lstat(path, &status), 0);
    cr_assert(S_ISSOCK(status.st_mode));
    cr_assert_eq(status.st_mode & 0777, 0600);
    reload_expect(reload_ask(&server), "generation 2 serves\n");
    server_stop(&server);
    cr_assert(!file_exists(path));
    /* One that a killed server left is taken over. */
    server_launch(&server);
    kill_master_alone(&server);
    cr_assert(file_exists(path));
    server_launch(&server);
    reload_expect(reload_ask(&server), "generation 2 serves\n");
    server_stop(&server);
}

Test(control, a_reload_moves_the_socket)
{
    struct server server;
    server_start(&server, SOCKET_AT("one") RESPOND("one"));
    server_reload(&server, SOCKET_AT("two") RESPOND("one"));
    cr_assert(!file_exists(text("%s/one", server.dir)));
    reload_expect(reload_ask(&server), "generation 3 serves\n");
    server.generation = 3;
    server_reload_refused(&server, SOCKET_AT("missing/three") RESPOND("one"));
    cr_assert(server_log_has(&server, "server.ini:4: [server] control: cannot write"));
    file_write(text("%s/three", server.dir), "no socket");
    server_reload_refused(&server, SOCKET_AT("three") RESPOND("one"));
    cr_assert(text_matches(server_log(&server),
                           "server\\.ini:4: \\[server\\] control: cannot listen on '.*/three': .* \\(what lies there is no socket"));
    cr_assert(file_exists(text("%s/two", server.dir)));
    server_reload(&server, TWO_WORKERS RESPOND("one"));
    reload_expect(reload_ask(&server), "generation 5 serves\n");
    server.generation = 5;
    server_reload(&server, SOCKET_AT("off") RESPOND("one"));
    reload_expect_refused(reload_ask(&server), "its \\[server\\] control is off");
    server_stop(&server);
}

/* The file says 'off' now, but the server has not read that yet. */
Test(control, a_change_of_the_option_can_itself_be_asked_for)
{
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("one"));
    server_configure(&server, SOCKET_AT("ask") RESPOND("one"));
    reload_expect(reload_ask(&server), "generation 2 serves\n");
    reload_expect(reload_ask(&server), "generation 3 serves\n");
    server_stop(&server);
}

/* Who asks waits, and the master does not ask the kernel all the time. */
Test(control, a_master_that_lacks_descriptors_accepts_when_it_has_some)
{
    static const int errors[] = {EMFILE, ENFILE, ENOMEM};
    struct server server;
    shim_start(&server, TWO_WORKERS RESPOND("one"));
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        fault_begin_in(&server, "accept4", errors[i], server.pid);
        int64_t start = now_ms();
        pid_t asking = reload_ask_beside(&server, text("%s/out", server.dir));
        await(fault_count(&server, "accept4") > 3);
        cr_assert_leq((int64_t)fault_count(&server, "accept4"), 1 + (now_ms() - start) / 50);
        expect_get(&server, "/", 200, "one");
        fault_end(&server, "accept4");
        cr_assert_eq(process_wait(asking, PATIENCE), 0, "%s", file_read(text("%s/out.err", server.dir), NULL));
        server_log_await(&server, text("control socket: cannot accept: %s", strerror(errors[i])), 1);
    }
    server_stop(&server);
}

Test(control, strangers_are_denied)
{
    if (geteuid() != 0 || !program_exists("setpriv"))
        cr_skip_test("needs root and setpriv");
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("one"));
    const char *denied[] = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", tine_path(), "reload", "-c", server.ini, NULL};
    reload_expect_refused(run_program(denied), "permission denied");
    server_reload(&server, SOCKET_AT("ask") RESPOND("one"));
    reload_expect_refused(run_program(denied), "permission denied");
    server_stop(&server);
}

static int connect_raw(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0, "%s", strerror(errno));
    return fd;
}

static void expect_answer(int fd, const char *sent, const char *expected)
{
    struct client client = {.fd = fd};
    cr_assert_eq(send(fd, sent, strlen(sent), MSG_NOSIGNAL), (ssize_t)strlen(sent));
    while (client_receive(&client, PATIENCE) > 0)
        continue;
    cr_assert_eq(client.length, strlen(expected), "%.*s", (int)client.length, client.data);
    cr_assert_arr_eq(client.data, expected, client.length);
}

Test(control, nonsense_is_refused)
{
    struct server server;
    server_start(&server, SOCKET_AT("ask") RESPOND("one"));
    const char *path = text("%s/ask", server.dir);
    expect_answer(connect_raw(path), "explode\n", "failed\nunknown request: this server knows reload, upgrade and status\n");
    expect_answer(connect_raw(path), text("%0100d", 1), "failed\nthe request is too long\n");
    reload_expect(reload_ask(&server), "generation 2 serves\n");
    server_stop(&server);
}

/* All places are taken by clients that say nothing: after their time the next one has its turn. Requests are answered meanwhile. */
Test(control, silent_clients_are_dropped)
{
    enum { SILENT = 20 };
    struct server server;
    int silent[SILENT];
    server_start(&server, SOCKET_AT("ask") RESPOND("one"));
    for (int i = 0; i < SILENT; i++)
        silent[i] = connect_raw(text("%s/ask", server.dir));
    expect_get(&server, "/", 200, "one");
    reload_expect(reload_ask(&server), "generation 2 serves\n");
    for (int i = 0; i < SILENT; i++) {
        char byte;
        cr_assert_leq(recv(silent[i], &byte, 1, 0), 0);
        close(silent[i]);
    }
    server_stop(&server);
}
