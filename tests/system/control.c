/* SPDX-License-Identifier: Apache-2.0
 *
 * The control socket: `tine reload` tells the verdict of a run that read the file after it was asked, and nobody can
 * hold the master up there.
 */
#include "client.h"
#include "shim.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

TestSuite(control, .timeout = 120);

#define SLOW_START(text, gate) "[app:slow]\npath = /\nmodule = @MODULES@/slow_start.so\ntext = " text "\nuntil = @DIR@/" gate "\n"
#define SOCKET_AT(path) "[server]\nlisten = 127.0.0.1:0\nworkers = 2\ncontrol = " path "\n"

static struct run reload(const struct server *server)
{
    return run_tine("reload", "-c", server->ini);
}

static void expect_verdict(struct run ran, const char *verdict)
{
    cr_assert_eq(ran.code, 0, "exit code %d: %s", ran.code, ran.err);
    cr_assert_str_eq(ran.out, verdict);
    cr_assert_str_empty(ran.err);
}

static void expect_refused(struct run ran, const char *expression)
{
    cr_assert_eq(ran.code, 1, "exit code %d: %s", ran.code, ran.out);
    cr_assert_str_empty(ran.out);
    cr_assert(text_matches(ran.err, expression), "%s", ran.err);
}

Test(control, reload_waits_until_the_new_generation_serves)
{
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("one"));
    server_configure(&server, TWO_WORKERS RESPOND("two"));
    expect_verdict(reload(&server), "generation 2 serves\n");
    expect_get(&server, "/", 200, "two");
    expect_verdict(reload(&server), "generation 3 serves\n");
    server_stop(&server);
}

#define MANY_WORKERS "[server]\nlisten = 127.0.0.1:0\nworkers = 16\n"

/* As a script does that deploys, and then looks at what it has deployed. */
Test(control, who_asks_after_a_reload_meets_no_worker_of_the_old_generation)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    server_start(&server, MANY_WORKERS RESPOND("old"));
    for (int i = 0; i < 5; i++) {
        server_await_workers(&server, 16, workers);
        server_configure(&server, i % 2 == 0 ? MANY_WORKERS RESPOND("new") : MANY_WORKERS RESPOND("old"));
        cr_assert_eq(reload(&server).code, 0);
        for (int n = 0; n < 20; n++)
            expect_get(&server, "/", 200, i % 2 == 0 ? "new" : "old");
    }
    server_stop(&server);
}

/* Nor a stream that may last for ever, nor who takes its answer slowly. */
Test(control, a_reload_waits_for_no_request_in_progress)
{
    struct server server;
    server_start(&server, ONE_WORKER TROUBLE RESPOND("one"));
    struct client client = client_connect(&server);
    client_enter_gate(&client, &server, "a");
    server_configure(&server, ONE_WORKER TROUBLE RESPOND("two"));
    expect_verdict(reload(&server), "generation 2 serves\n");
    expect_get(&server, "/", 200, "two");
    server_open_gate(&server, "a");
    struct response response = client_read(&client);
    expect_response(&response, 200, "through gate a");
    client_close(&client);
    server_stop(&server);
}

/* It was woken for both its listeners at once, and the first had it in a handler until after the verdict. */
Test(control, a_worker_that_was_in_a_handler_accepts_nobody_after_a_reload)
{
    static const char two_listeners[] = "[server]\nlisten = 127.0.0.1:0, unix:@DIR@/second\nworkers = 1\nworkers_max = 1\n" TROUBLE;
    struct server server;
    pid_t old[WORKERS_MAX], now[WORKERS_MAX];
    server_start(&server, text("%s" RESPOND("one"), two_listeners));
    const char *second = text("unix:%s/second", server.dir);
    server_await_workers(&server, 1, old);
    kill(old[0], SIGSTOP);
    struct client client = client_connect(&server);
    client_send(&client, request("GET", "/trouble/gate/a", ""));
    struct client early = client_connect_to(second);
    kill(old[0], SIGCONT);
    server_log_await(&server, "gate a entered", 1);
    server_configure(&server, text("%s" RESPOND("two"), two_listeners));
    expect_verdict(reload(&server), "generation 2 serves\n");
    expect_kept(&early, request("GET", "/", ""), "two");
    await(server_workers(&server, now) == 2);
    pid_t new = now[0] == old[0] ? now[1] : now[0];
    kill(new, SIGSTOP);
    struct client late = client_connect_to(second);
    client_send(&late, request("GET", "/", ""));
    server_open_gate(&server, "a");
    await(!process_alive(old[0]));
    kill(new, SIGCONT);
    struct response response = client_read(&late);
    expect_response(&response, 200, "two");
    client_close(&late);
    client_close(&early);
    client_close(&client);
    server_stop(&server);
}

Test(control, a_refused_reload_tells_every_reason)
{
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("one"));
    server_configure(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = lots\n[nonsense]\n" RESPOND("two"));
    struct run ran = reload(&server);
    expect_refused(ran, "server\\.ini:3: \\[server\\] workers: 'lots'");
    cr_assert(text_matches(ran.err, "server\\.ini:4: .*nonsense"), "%s", ran.err);
    cr_assert(text_matches(ran.err, "^reload refused: generation 1 serves on$"), "%s", ran.err);
    expect_get(&server, "/", 200, "one");
    server_configure(&server, TWO_WORKERS RESPOND("three"));
    expect_verdict(reload(&server), "generation 2 serves\n");
    server_stop(&server);
}

Test(control, what_only_a_worker_finds_wrong_is_a_reason_too)
{
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("one"));
    server_configure(&server, TWO_WORKERS "[app:x]\nmodule = @DIR@/missing.so\n");
    expect_refused(reload(&server), "server\\.ini:[45]: \\[app:x\\] module: .*missing\\.so");
    server_configure(&server, TWO_WORKERS "[app:x]\nmodule = respond\nstatus = 99\n");
    expect_refused(reload(&server), "server\\.ini:6: \\[app:x\\] status: must be 200 to 599");
    expect_get(&server, "/", 200, "one");
    server_stop(&server);
}

static pid_t reload_beside(const struct server *server, const char *out)
{
    const char *argv[] = {tine_path(), "reload", "-c", server->ini, NULL};
    return process_start(argv, out, text("%s.err", out));
}

Test(control, a_verdict_that_finds_no_memory_is_told_when_there_is_some)
{
    struct server server;
    shim_start(&server, TWO_WORKERS RESPOND("one"));
    fault_begin_in(&server, "send", ENOBUFS, server.pid);
    pid_t asking = reload_beside(&server, text("%s/out", server.dir));
    await(fault_count(&server, "send") > 0);
    fault_end(&server, "send");
    cr_assert_eq(process_wait(asking, PATIENCE), 0, "%s", file_read(text("%s/out.err", server.dir), NULL));
    cr_assert_str_eq(file_read(text("%s/out", server.dir), NULL), "generation 2 serves\n");
    server_stop(&server);
}

/* The first worker does not find any either, to say that it is ready, or why it is not. */
Test(control, a_verdict_waits_for_a_worker_that_finds_no_memory_to_tell)
{
    struct server server;
    shim_start(&server, TWO_WORKERS RESPOND("one"));
    for (int i = 0; i < 2; i++) {
        server_configure(&server, i == 0 ? TWO_WORKERS RESPOND("two")
                                         : TWO_WORKERS "[app:x]\npath = /\nmodule = @MODULES@/undefined_symbol.so\n");
        fault_begin(&server, "send", ENOBUFS);
        pid_t asking = reload_beside(&server, text("%s/out", server.dir));
        await(fault_count(&server, "send") > 2);
        fault_end(&server, "send");
        cr_assert_eq(process_wait(asking, PATIENCE), i);
    }
    cr_assert_not_null(strstr(file_read(text("%s/out.err", server.dir), NULL), "[app:x] module"));
    await(strcmp(get(&server, "/").body, "two") == 0);
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
        pid_t asking = reload_beside(&server, text("%s/out", server.dir));
        await(fault_count(&server, "accept4") > 3);
        cr_assert_leq((int64_t)fault_count(&server, "accept4"), 1 + (now_ms() - start) / 50);
        expect_get(&server, "/", 200, "one");
        fault_end(&server, "accept4");
        cr_assert_eq(process_wait(asking, PATIENCE), 0, "%s", file_read(text("%s/out.err", server.dir), NULL));
        server_log_await(&server, text("control socket: cannot accept: %s", strerror(errors[i])), 1);
    }
    server_stop(&server);
}

/* The canary of the first reload waits in worker_init; it has read the file. Who asks then is told of another run. */
Test(control, the_verdict_is_of_a_run_that_read_the_file_after_the_request)
{
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("one"));
    const char *first_out = text("%s/first", server.dir), *second_out = text("%s/second", server.dir);
    server_configure(&server, TWO_WORKERS SLOW_START("two", "open"));
    pid_t first = reload_beside(&server, first_out);
    server_log_await(&server, "worker_init of 'two' waits", 1);
    server_configure(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = lots\n");
    pid_t second = reload_beside(&server, second_out);
    server_log_await(&server, "a reload is under way", 1);
    cr_assert_eq(process_wait(first, 200), -1);
    file_write(text("%s/open", server.dir), "");
    cr_assert_eq(process_wait(first, PATIENCE), 0);
    cr_assert_str_eq(file_read(first_out, NULL), "generation 2 serves\n");
    cr_assert_eq(process_wait(second, PATIENCE), 1);
    cr_assert(text_matches(file_read(text("%s.err", second_out), NULL), "workers: 'lots'.*\nreload refused: generation 2 serves on"));
    await(strcmp(get(&server, "/").body, "two") == 0);
    server_stop(&server);
}

/* They are ready: one that has just been forked has all that the master has, until it has forgotten it. */
static void await_accepting(const pid_t *workers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        await(strcmp(process_file(workers[i], "wchan"), "inet_csk_accept") == 0);
}

static void kill_master_alone(struct server *server)
{
    pid_t workers[WORKERS_MAX];
    server_await_workers(server, 2, workers);
    await_accepting(workers, 2);
    server_signal(server, SIGKILL);
    process_wait(server->pid, PATIENCE);
}

#define IN_TIME(time) TWO_WORKERS "[timeouts]\nstart = " time "\n"

/* Not the first worker of a generation alone: one that hangs later is killed and started again. */
Test(control, a_worker_that_does_not_get_ready_in_its_time_is_refused_with_the_app)
{
    struct server server;
    pid_t before[WORKERS_MAX], workers[WORKERS_MAX];
    server_start(&server, IN_TIME("20s") SLOW_START("one", "."));
    server_await_workers(&server, 2, before);
    server_configure(&server, IN_TIME("1s") SLOW_START("two", "never"));
    int64_t start = now_ms();
    expect_refused(reload(&server), "^[^\n]*server\\.ini:[0-9]+: \\[app:slow\\] module: '[^']*slow_start\\.so' was not loaded and initialised"
                                    " in the time that \\[timeouts\\] start gives\nreload refused: generation 1 serves on");
    cr_assert_geq(now_ms() - start, 1000);
    cr_assert_eq(get(&server, "/").status, 200);
    server_configure(&server, IN_TIME("1s") SLOW_START("three", "gate"));
    file_write(text("%s/gate", server.dir), "");
    expect_verdict(reload(&server), "generation 2 serves\n");
    await(server_workers(&server, workers) == 2 && !pids_overlap(workers, 2, before, 2));
    await_accepting(workers, 2);
    unlink(text("%s/gate", server.dir));
    kill(workers[0], SIGKILL);
    server_log_await(&server, "cannot start: ", 2);
    server_log_await(&server, "is started again in", 2);
    expect_get(&server, "/", 200, "three");
    file_write(text("%s/gate", server.dir), "");
    server_await_workers(&server, 2, workers);
    server_stop(&server);
}

Test(control, a_refusal_does_not_keep_the_reload_before_it_from_being_finished)
{
    struct server server;
    pid_t before[WORKERS_MAX], now[WORKERS_MAX];
    server_start(&server, TWO_WORKERS SLOW_START("one", "."));
    server_await_workers(&server, 2, before);
    /* The canary of generation 2 is through, its second worker is not: an old one is still there. */
    server_configure(&server, TWO_WORKERS SLOW_START("two", "open"));
    pid_t first = reload_beside(&server, text("%s/first", server.dir));
    server_log_await(&server, "worker_init of 'two' waits", 1);
    const char *gate = text("%s/open", server.dir);
    file_write(gate, "");
    cr_assert_eq(process_wait(first, PATIENCE), 0);
    server_configure(&server, "[nonsense]\n");
    expect_refused(reload(&server), "generation 2 serves on");
    await(server_workers(&server, now) == 2 && !pids_overlap(now, 2, before, 2));
    server_stop(&server);
}

Test(control, a_stop_ends_the_wait_for_a_verdict)
{
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("one"));
    const char *first_out = text("%s/first", server.dir), *second_out = text("%s/second", server.dir);
    server_configure(&server, TWO_WORKERS SLOW_START("two", "never"));
    pid_t first = reload_beside(&server, first_out);
    server_log_await(&server, "worker_init of 'two' waits", 1);
    pid_t second = reload_beside(&server, second_out);
    server_log_await(&server, "a reload is under way", 1);
    server_signal(&server, SIGTERM);
    cr_assert_eq(server_wait(&server), 0);
    cr_assert_eq(process_wait(first, PATIENCE), 1);
    cr_assert_eq(process_wait(second, PATIENCE), 1);
    cr_assert(text_matches(file_read(text("%s.err", first_out), NULL), "the server is stopping"));
    cr_assert(text_matches(file_read(text("%s.err", second_out), NULL), "the server is stopping"));
}

Test(control, without_a_server_it_says_so)
{
    struct server server;
    server_prepare(&server, TWO_WORKERS RESPOND("one"));
    expect_refused(reload(&server), text("^tine reload: no server runs for '%s' \\(it is found by the path that it was started with; links are not followed\\)$", server.ini));
    expect_refused(run_tine("status", "-c", server.ini), text("^tine status: no server runs for '%s' \\(it is found by the path", server.ini));
    expect_refused(run_tine("status", "-c", "/no/such.ini"), "^tine status: no server runs for '/no/such.ini', and there is no such file$");
    server_launch(&server);
    kill_master_alone(&server);
    expect_refused(reload(&server), "no server runs for"); /* though its workers may still be there */
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
    expect_verdict(run_tine("reload", "-c", "server.ini"), "generation 2 serves\n");
    expect_verdict(run_tine("reload", "-c", text("%s/x/.././/server.ini", server.dir)), "generation 3 serves\n");
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
    expect_verdict(reload(&server), "generation 2 serves\n");
    server_stop(&server);
    cr_assert(!file_exists(path));
    /* One that a killed server left is taken over. */
    server_launch(&server);
    kill_master_alone(&server);
    cr_assert(file_exists(path));
    server_launch(&server);
    expect_verdict(reload(&server), "generation 2 serves\n");
    server_stop(&server);
}

Test(control, a_reload_moves_the_socket)
{
    struct server server;
    server_start(&server, SOCKET_AT("one") RESPOND("one"));
    server_reload(&server, SOCKET_AT("two") RESPOND("one"));
    cr_assert(!file_exists(text("%s/one", server.dir)));
    expect_verdict(reload(&server), "generation 3 serves\n");
    server.generation = 3;
    server_reload_refused(&server, SOCKET_AT("missing/three") RESPOND("one"));
    cr_assert(server_log_has(&server, "server.ini:4: [server] control: cannot write"));
    file_write(text("%s/three", server.dir), "no socket");
    server_reload_refused(&server, SOCKET_AT("three") RESPOND("one"));
    cr_assert(text_matches(server_log(&server), "server\\.ini:4: \\[server\\] control: cannot listen on '.*/three': .* \\(what lies there is no socket"));
    cr_assert(file_exists(text("%s/two", server.dir)));
    server_reload(&server, TWO_WORKERS RESPOND("one"));
    expect_verdict(reload(&server), "generation 5 serves\n");
    server.generation = 5;
    server_reload(&server, SOCKET_AT("off") RESPOND("one"));
    expect_refused(reload(&server), "its \\[server\\] control is off");
    server_stop(&server);
}

/* The file says 'off' now, but the server has not read that yet. */
Test(control, a_change_of_the_option_can_itself_be_asked_for)
{
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("one"));
    server_configure(&server, SOCKET_AT("ask") RESPOND("one"));
    expect_verdict(reload(&server), "generation 2 serves\n");
    expect_verdict(reload(&server), "generation 3 serves\n");
    server_stop(&server);
}

Test(control, strangers_are_denied)
{
    if (geteuid() != 0 || !program_exists("setpriv"))
        cr_skip_test("needs root and setpriv");
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("one"));
    const char *denied[] = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", tine_path(), "reload", "-c", server.ini, NULL};
    expect_refused(run_program(denied), "permission denied");
    server_reload(&server, SOCKET_AT("ask") RESPOND("one"));
    expect_refused(run_program(denied), "permission denied");
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
    expect_verdict(reload(&server), "generation 2 serves\n");
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
    expect_verdict(reload(&server), "generation 2 serves\n");
    for (int i = 0; i < SILENT; i++) {
        char byte;
        cr_assert_leq(recv(silent[i], &byte, 1, 0), 0);
        close(silent[i]);
    }
    server_stop(&server);
}
