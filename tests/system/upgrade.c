/* SPDX-License-Identifier: Apache-2.0
 *
 * The binary upgrade: what a new binary takes over, and that one which cannot start changes nothing. Programs that only play the new
 * binary are shell scripts: the link is a descriptor that printf can write to.
 */
#include "manager.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(upgrade, .timeout = 120);

enum { KEPT = 40 };

/* Serves by a copy of the binary, which can be replaced. */
static void serve_copy(struct server *server, const char *ini)
{
    server_prepare(server, ini);
    cr_assert_eq(run("cp", tine_path(), text("%s/tine", server->dir)).code, 0);
    const char *argv[] = {text("%s/tine", server->dir), "-c", server->ini, NULL};
    server_launch_by(server, argv);
}

static void replace_binary(const struct server *server, const char *script)
{
    char *fresh = text("%s/fresh", server->dir);
    file_write(fresh, script);
    chmod(fresh, 0755);
    cr_assert_eq(rename(fresh, text("%s/tine", server->dir)), 0);
}

Test(upgrade, connections_go_on_over_several)
{
    struct server server;
    struct client clients[KEPT], half;
    server_start(&server, TWO_WORKERS PROBE);
    for (int i = 0; i < KEPT; i++) {
        clients[i] = client_connect(&server);
        expect_kept(&clients[i], request("GET", "/hello", ""), "hello");
    }
    for (int round = 0; round < 3; round++) {
        half = client_connect(&server);
        client_send(&half, "GET /hel");
        server_upgrade(&server);
        expect_kept(&half, "lo HTTP/1.1\r\nHost: a\r\n\r\n", "hello");
        for (int i = 0; i < KEPT; i++)
            expect_kept(&clients[i], request("GET", "/hello", ""), "hello");
    }
    server_stop(&server);
}

Test(upgrade, a_request_in_progress_is_finished_and_its_connection_goes_on)
{
    struct server server;
    server_start(&server, TWO_WORKERS PROBE TROUBLE);
    struct client client = client_connect(&server);
    client_enter_gate(&client, &server, "a");
    server_signal(&server, SIGUSR2);
    pid_t old = server_succeed(&server);
    expect_get(&server, "/hello", 200, "hello");
    cr_assert(process_alive(old));
    server_open_gate(&server, "a");
    expect_kept(&client, NULL, "through gate a");
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    cr_assert_eq(process_wait(old, PATIENCE), 0);
    server_stop(&server);
}

/* With a request in progress at the oldest of three; 'ends' is how the one in the middle does. */
static void expect_end(const char *ends, bool replaced)
{
    struct server server;
    server_start(&server, TWO_WORKERS PROBE TROUBLE);
    struct client client = client_connect(&server);
    client_enter_gate(&client, &server, "a");
    server_signal(&server, SIGUSR2);
    pid_t first = server_succeed(&server);
    pid_t children[WORKERS_MAX];
    await(process_children(first, children, WORKERS_MAX) == 2); /* its worker with the request, and the next master */
    if (replaced) {
        server_signal(&server, SIGUSR2);
        server_succeed(&server);
    } else {
        kill(server.pid, SIGKILL);
        server.pid = first;
    }
    server_log_await(&server, text("the master of the new binary has %s: here", ends), 1);
    cr_assert_eq(text_count(server_log(&server), "the master of the new binary has"), 1, "%s", server_log(&server));
    if (replaced)
        expect_get(&server, "/hello", 200, "hello");
    server_open_gate(&server, "a");
    struct response response = client_read(&client);
    expect_response(&response, 200, "through gate a");
    cr_assert_eq(process_wait(first, PATIENCE), 0);
    if (replaced)
        server_stop(&server);
}

Test(upgrade, one_that_hands_over_in_its_turn_is_not_told_of_as_lost)
{
    expect_end("left, stopped or replaced by another", true);
}

Test(upgrade, one_that_is_killed_while_it_serves_is_warned_of)
{
    expect_end("ended", false);
}

Test(upgrade, a_handler_of_the_old_binary_that_crashes_is_answered_by_the_new_one)
{
    struct server server;
    server_start(&server, TWO_WORKERS "[timeouts]\nrequest = 2s\n" PROBE TROUBLE);
    struct client client = client_connect(&server);
    client_enter_gate(&client, &server, "never");
    server_signal(&server, SIGUSR2);
    pid_t old = server_succeed(&server);
    struct response response = client_read(&client);
    cr_assert_eq(response.status, 504, "%s", response.head);
    cr_assert_eq(process_wait(old, PATIENCE), 0);
    server_stop(&server);
}

#define SIXTEEN "[server]\nlisten = 127.0.0.1:0\nworkers = 16\n"

static void expect_refused(const char *script, const char *reason)
{
    struct server server;
    pid_t workers[WORKERS_MAX], now[WORKERS_MAX];
    serve_copy(&server, TWO_WORKERS PROBE);
    server_await_workers(&server, 2, workers);
    struct client client = client_connect(&server);
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    if (script != NULL)
        replace_binary(&server, script);
    else
        unlink(text("%s/tine", server.dir));
    struct run ran = run_tine("upgrade", "-c", server.ini);
    cr_assert_eq(ran.code, 1, "exit code %d: %s", ran.code, ran.out);
    cr_assert(text_matches(ran.err, reason), "%s", ran.err);
    cr_assert(text_matches(ran.err, "^upgrade refused: generation 1 serves on$"), "%s", ran.err);
    cr_assert(text_matches(server_log(&server), reason), "%s", server_log(&server));
    cr_assert(text_matches(run_tine("status", "-c", server.ini).out, "upgrade refused: generation 1 serves on: "));
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    cr_assert_eq(server_workers(&server, now), 2);
    cr_assert(pids_overlap(now, 1, workers, 1));
    server_stop(&server);
}

Test(upgrade, a_binary_that_is_gone_is_refused)
{
    expect_refused(NULL, "cannot run '.*/tine': No such file or directory");
}

Test(upgrade, a_binary_that_is_no_program_is_refused)
{
    expect_refused("\177ELF nonsense", "cannot run '.*/tine': |exited with status");
}

/* execvp() would give it to a shell. */
Test(upgrade, a_file_that_is_no_program_is_not_run_as_a_script)
{
    const char *trace = text("%s/trace", test_dir());
    expect_refused(text("touch %s\n", trace), "cannot run '.*/tine': Exec format error");
    expect_refused("", "cannot run '.*/tine': Exec format error");
    cr_assert_not(file_exists(trace));
}

Test(upgrade, a_binary_that_fails_is_refused)
{
    expect_refused("#!/bin/sh\nexit 7\n", "'.*/tine' exited with status 7 before it was ready");
}

Test(upgrade, a_binary_that_crashes_is_refused)
{
    expect_refused("#!/bin/sh\nkill -XCPU $$\n", "was killed by signal 24 .* before it was ready");
}

Test(upgrade, the_reasons_of_a_new_binary_are_told_by_the_old_one)
{
    struct server server;
    server_start(&server, TWO_WORKERS PROBE);
    server_configure(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = lots\n" PROBE);
    struct run ran = run_tine("upgrade", "-c", server.ini);
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "server\\.ini:3: \\[server\\] workers: 'lots'"), "%s", ran.err);
    server_configure(&server, TWO_WORKERS "[app:x]\npath = /\nmodule = @MODULES@/undefined_symbol.so\n");
    ran = run_tine("upgrade", "-c", server.ini);
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "\\[app:x\\] module: .*undefined"), "%s", ran.err);
    cr_assert_eq(text_count(server_log(&server), "[app:x] module: "), 1, "told twice:\n%s", server_log(&server));
    expect_get(&server, "/hello", 200, "hello");
    server_configure(&server, TWO_WORKERS PROBE);
    server_upgrade(&server);
    expect_get(&server, "/hello", 200, "hello");
    server_stop(&server);
}

/* As a script does that deploys, and then looks at what it has deployed. */
Test(upgrade, who_asks_after_one_meets_nobody_of_before)
{
    enum { ROUNDS = 4 };
    struct server server;
    pid_t workers[WORKERS_MAX];
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* each new master is ours to wait for, however soon the old one ends */
    server_start(&server, SIXTEEN RESPOND("0"));
    for (int i = 1; i <= ROUNDS; i++) {
        server_await_workers(&server, 16, workers);
        server_configure(&server, text(SIXTEEN RESPOND("%d"), i));
        pid_t old = server.pid;
        struct run ran = run_tine("upgrade", "-c", server.ini);
        cr_assert_eq(ran.code, 0, "%s", ran.err);
        for (int n = 0; n < 20; n++)
            expect_get(&server, "/", 200, text("%d", i));
        cr_assert_eq(server_succeed(&server), old);
        cr_assert_eq(process_wait(old, PATIENCE), 0);
    }
    server_stop(&server);
}

Test(upgrade, one_that_ends_before_its_workers_are_there_is_taken_back)
{
    struct server server;
    serve_copy(&server, TWO_WORKERS "pidfile = @DIR@/pid\n" PROBE);
    struct client client = client_connect(&server);
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    replace_binary(&server, text("#!/bin/bash\nprintf 'keep 0' >&$TINE_UPGRADE\nprintf keep-channel >&$TINE_UPGRADE\n"
                                 "printf prepared >&$TINE_UPGRADE\n" HEAR("take over") "echo $$ >%s/pid\nexit 1\n", server.dir));
    struct run ran = run_tine("upgrade", "-c", server.ini);
    cr_assert(ran.code == 1 && strstr(ran.err, "before all its workers were there: generation 1 serves on") != NULL, "%d: %s", ran.code, ran.err);
    server_log_await(&server, "before all its workers were there: generation 1 serves on", 1);
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    expect_get(&server, "/hello", 200, "hello");
    cr_assert_eq(atoi(file_read(text("%s/pid", server.dir), NULL)), server.pid);
    server_hup(&server);
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    server_stop(&server);
}

/* It is stopped at the worst moment, say: it asked whether it may take over, and does not. */
Test(upgrade, one_that_never_takes_over_is_taken_back)
{
    struct server server;
    serve_copy(&server, TWO_WORKERS "[timeouts]\nstart = 1s\n" PROBE);
    struct client client = client_connect(&server);
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    replace_binary(&server, "#!/bin/bash\nprintf 'keep 0' >&$TINE_UPGRADE\nprintf keep-channel >&$TINE_UPGRADE\n"
                            "printf prepared >&$TINE_UPGRADE\n" HEAR("take over") "kill -STOP $$\n");
    server_signal(&server, SIGUSR2);
    server_log_await(&server, "told to take over and does not, for 1 s ([timeouts] start): killing it", 1);
    server_log_await(&server, "before all its workers were there: generation 1 serves on", 1);
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    expect_get(&server, "/hello", 200, "hello");
    server_hup(&server);
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    server_stop(&server);
}

/* It had given the sockets what its own file says. */
Test(upgrade, one_that_is_taken_back_leaves_sockets_as_they_were)
{
    struct server server;
    struct stat status;
    serve_copy(&server, "[server]\nworkers = 2\n[listen:a]\naddress = unix:@DIR@/sock\nmode = 0640\n" PROBE);
    const char *path = text("%s/sock", server.dir);
    replace_binary(&server, text("#!/bin/bash\nprintf 'keep 0' >&$TINE_UPGRADE\nprintf keep-channel >&$TINE_UPGRADE\nchmod 0604 %s\n"
                                 "printf prepared >&$TINE_UPGRADE\n" HEAR("take over") "exit 1\n", path));
    server_signal(&server, SIGUSR2);
    server_log_await(&server, "before all its workers were there: generation 1 serves on", 1);
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(status.st_mode & 07777, 0640, "mode %o", status.st_mode & 07777);
    server_stop(&server);
}

/* It takes the sockets and does not understand what is given: our workers finish what they hold, as in a stop. */
Test(upgrade, to_one_with_another_hand_off_connections_are_finished)
{
    struct server server;
    serve_copy(&server, TWO_WORKERS PROBE TROUBLE);
    struct client busy = client_connect(&server);
    client_enter_gate(&busy, &server, "a");
    replace_binary(&server, "#!/bin/bash\nprintf 'keep 0' >&$TINE_UPGRADE\nprintf prepared >&$TINE_UPGRADE\n"
                            "printf complete >&$TINE_UPGRADE\nexec sleep 20\n");
    server_signal(&server, SIGUSR2);
    server_log_await(&server, "has taken over", 1);
    server_open_gate(&server, "a");
    struct response response = client_read(&busy);
    expect_response(&response, 200, "through gate a");
    cr_assert_eq(process_wait(server.pid, PATIENCE), 0);
}

static char *receive_text(int fd)
{
    char bytes[512];
    ssize_t length = 0;
    await((length = recv(fd, bytes, sizeof bytes - 1, MSG_DONTWAIT)) >= 0);
    bytes[length] = 0;
    return text("%s", bytes);
}

/* The test plays the old master, of another age: it says what this one does not know, and its hand-off has other records. */
Test(upgrade, a_master_of_another_version_is_succeeded_without_its_channel)
{
    struct server server;
    char bound[128];
    int pair[2], listener = manager_listen("127.0.0.1", bound);
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))}};
    memcpy(CMSG_DATA(&control.header), &listener, sizeof listener);
    const char *first = "tine\nhandoff 999 1\ngeneration 41\nweather fine\n", *next = text("listening\naddress %s\nbacklog 100\n", bound);
    send(pair[0], first, strlen(first), 0);
    send(pair[0], "unheard of\n", 11, 0);
    struct iovec iov = {(void *)next, strlen(next)};
    sendmsg(pair[0], &(struct msghdr){.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control}, 0);
    send(pair[0], "end\n", 4, 0);
    server_prepare(&server, text("[server]\nlisten = %s\nworkers = 2\n" PROBE, bound));
    const char *argv[] = {"env", "TINE_UPGRADE=3", tine_path(), "-c", server.ini, NULL};
    process_pass(&pair[1], 1);
    server.pid = process_start(argv, server.access, server.log);
    close(pair[1]);
    cr_assert_str_eq(receive_text(pair[0]), "keep 0");
    cr_assert_str_eq(receive_text(pair[0]), "prepared");
    cr_assert_not(server_log_has(&server, "serves"));
    send(pair[0], "take over", 9, 0);
    cr_assert_str_eq(receive_text(pair[0]), "serves");
    cr_assert_str_eq(receive_text(pair[0]), "complete");
    cr_assert(server_log_has(&server, "generation 42 serves"), "%s", server_log(&server));
    snprintf(server.address, sizeof server.address, "%s", bound);
    expect_get(&server, "/hello", 200, "hello");
    close(pair[0]);
    server_stop(&server);
}

Test(upgrade, a_wrong_link_is_passed_over)
{
    struct server server;
    server_prepare(&server, ONE_WORKER PROBE);
    const char *argv[] = {"env", "TINE_UPGRADE=1", tine_path(), "-c", server.ini, NULL};
    server_launch_by(&server, argv);
    cr_assert(server_log_has(&server, "TINE_UPGRADE '1' is no link"));
    expect_get(&server, "/hello", 200, "hello");
    server_stop(&server);
}

Test(upgrade, paths_and_pid_file_go_to_the_new_master_and_with_it)
{
    struct server server;
    server_start(&server, "[server]\nlisten = unix:@DIR@/socket, 127.0.0.1:0\nworkers = 2\npidfile = @DIR@/pid\n"
                          "control = @DIR@/control\n" PROBE);
    for (int round = 0; round < 2; round++) {
        server_upgrade(&server);
        cr_assert_eq(atoi(file_read(text("%s/pid", server.dir), NULL)), server.pid);
        cr_assert_eq(run_tine("reload", "-c", server.ini).code, 0);
        server.generation++;
        expect_get(&server, "/hello", 200, "hello");
    }
    struct run ran = run_tine("upgrade", "-c", server.ini);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    cr_assert(text_matches(ran.out, "^generation 6 serves, in process [0-9]+$"), "%s", ran.out);
    process_wait(server_succeed(&server), PATIENCE);
    server_stop(&server);
    cr_assert_not(file_exists(text("%s/pid", server.dir)));
    cr_assert_not(file_exists(text("%s/control", server.dir)));
    cr_assert_not(file_exists(text("%s/socket", server.dir)));
}

Test(upgrade, the_file_is_read_anew_and_sockets_come_and_go)
{
    struct server server;
    server_start(&server, "[server]\nlisten = 127.0.0.1:0, unix:@DIR@/old\nworkers = 2\ncontrol = @DIR@/control\n" PROBE);
    struct client client = client_connect_to(text("unix:%s/old", server.dir));
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    server_configure(&server, "[server]\nlisten = 127.0.0.1:0, unix:@DIR@/new\nworkers = 3\n" PROBE);
    server_upgrade(&server);
    pid_t workers[WORKERS_MAX];
    server_await_workers(&server, 3, workers);
    expect_get(&server, "/hello", 200, "hello");
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    struct client other = client_connect_to(text("unix:%s/new", server.dir));
    expect_kept(&other, request("GET", "/hello", ""), "hello");
    cr_assert_not(file_exists(text("%s/old", server.dir)));
    cr_assert_not(file_exists(text("%s/control", server.dir)));
    cr_assert_eq(run_tine("status", "-c", server.ini).code, 0);
    server_stop(&server);
}

Test(upgrade, a_storm_of_signals_ends_in_one_server)
{
    struct server server;
    server_start(&server, TWO_WORKERS "pidfile = @DIR@/pid\n" PROBE);
    struct client client = client_connect(&server);
    await(file_exists(text("%s/pid", server.dir)));
    for (int i = 0; i < 20; i++) {
        kill(atoi(file_read(text("%s/pid", server.dir), NULL)), i % 3 == 0 ? SIGHUP : SIGUSR2);
        expect_kept(&client, request("GET", "/hello", ""), "hello");
    }
    await(text_count(server_log(&server), "has taken over") == text_count(server_log(&server), " has left") &&
          text_count(server_log(&server), "has taken over") > 0);
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    server.pid = atoi(file_read(text("%s/pid", server.dir), NULL));
    kill(server.pid, SIGTERM);
    server_log_await(&server, text("%d stopped", server.pid), 1);
}

Test(upgrade, the_service_manager_is_told_who_is_its_main_process)
{
    struct server server;
    struct manager manager;
    manager_open(&manager, false);
    server_prepare(&server, TWO_WORKERS PROBE);
    manager_launch(&server, text("NOTIFY_SOCKET=%s WATCHDOG_USEC=400000 WATCHDOG_PID=@PID@", manager.name), NULL, 0);
    size_t ready = manager_await(&manager, "READY=1", 0);
    server_upgrade(&server);
    size_t main_pid = manager_await(&manager, text("MAINPID=%d", server.pid), ready + 1);
    for (size_t i = ready + 1; i < main_pid; i++) /* from one that is not its main process systemd takes nothing */
        cr_assert_not(text_matches(manager.messages[i], "generation 2|starting"), "%s", manager.messages[i]);
    manager_await(&manager, "STATUS=generation 2 serves, 2 workers", main_pid);
    manager_await(&manager, "WATCHDOG=1", main_pid + 2);
    server_upgrade(&server);
    main_pid = manager_await(&manager, text("MAINPID=%d", server.pid), main_pid + 1);
    server_stop(&server);
    manager_await(&manager, "STOPPING=1", main_pid);
}

Test(upgrade, a_stop_while_a_new_binary_starts_stops_both)
{
    struct server server;
    serve_copy(&server, TWO_WORKERS PROBE);
    replace_binary(&server, text("#!/bin/sh\necho $$ >%s/new\nexec sleep 60\n", server.dir));
    server_signal(&server, SIGUSR2);
    char *path = text("%s/new", server.dir);
    await(atoi(file_read(path, NULL)) > 0);
    pid_t fresh = atoi(file_read(path, NULL));
    server_stop(&server);
    await(!process_alive(fresh));
}

Test(upgrade, what_was_passed_in_by_the_manager_is_passed_on)
{
    struct server server;
    struct manager manager;
    char bound[128];
    int fd = manager_listen("127.0.0.1", bound);
    manager_open(&manager, false);
    server_prepare(&server, text("[server]\nlisten = %s\nworkers = 2\n" PROBE, bound));
    manager_launch(&server, "LISTEN_FDS=1 LISTEN_PID=@PID@", &fd, 1);
    server_upgrade(&server);
    expect_get(&server, "/hello", 200, "hello");
    server_stop(&server);
    struct client late = client_connect_to(bound); /* it still listens: for whom the manager starts next */
    client_close(&late);
}
