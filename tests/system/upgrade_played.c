/* SPDX-License-Identifier: Apache-2.0
 *
 * Upgrades one side of which is played. That of the new binary by shell scripts (the link is a descriptor that printf can write to): one
 * that cannot start, or does not take over, changes nothing. That of the old one by the test: a master of another version.
 */
#include "manager.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(upgrade_played, .timeout = 120);

/* How scripts begin that keep the first socket, and those that keep the hand-off too. */
#define KEEP "#!/bin/bash\nprintf 'keep 0' >&$TINE_UPGRADE\n"
#define KEEP_ALL KEEP "printf keep-channel >&$TINE_UPGRADE\n"
#define PREPARED "printf prepared >&$TINE_UPGRADE\n"

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

/* The same by its name alone; a link to the binary is in PATH as well, behind it. */
static void serve_copy_by_name(struct server *server, const char *ini)
{
    server_prepare(server, ini);
    const char *behind = text("%s/behind", server->dir);
    cr_assert_eq(run("cp", tine_path(), text("%s/tine", server->dir)).code, 0);
    cr_assert_eq(mkdir(behind, 0755), 0);
    cr_assert_eq(symlink(tine_path(), text("%s/tine", behind)), 0);
    const char *argv[] = {"env", text("PATH=/nowhere::%s:%s:%s", server->dir, behind, getenv("PATH")), "tine", "-c", server->ini, NULL};
    server_launch_by(server, argv);
}

static void expect_refused_of(void (*serve)(struct server *server, const char *ini), const char *script, const char *reason)
{
    struct server server;
    pid_t workers[WORKERS_MAX], now[WORKERS_MAX];
    serve(&server, TWO_WORKERS PROBE);
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

static void expect_refused(const char *script, const char *reason)
{
    expect_refused_of(serve_copy, script, reason);
}

Test(upgrade_played, a_binary_that_is_gone_is_refused)
{
    expect_refused(NULL, "cannot run '.*/tine': No such file or directory");
}

/* It is the one that was started, and no other that PATH leads to by now. */
Test(upgrade_played, so_it_is_where_the_server_was_started_by_a_name)
{
    const char *trace = text("%s/trace", test_dir());
    expect_refused_of(serve_copy_by_name, NULL, "cannot run '/.*/tine': No such file or directory");
    expect_refused_of(serve_copy_by_name, text("touch %s\n", trace), "cannot run '/.*/tine': Exec format error");
    cr_assert_not(file_exists(trace));
}

Test(upgrade_played, a_binary_that_is_no_program_is_refused)
{
    expect_refused("\177ELF nonsense", "cannot run '.*/tine': |exited with status");
}

/* execvp() would give it to a shell. */
Test(upgrade_played, a_file_that_is_no_program_is_not_run_as_a_script)
{
    const char *trace = text("%s/trace", test_dir());
    expect_refused(text("touch %s\n", trace), "cannot run '.*/tine': Exec format error");
    expect_refused("", "cannot run '.*/tine': Exec format error");
    cr_assert_not(file_exists(trace));
}

Test(upgrade_played, a_binary_that_fails_is_refused)
{
    expect_refused("#!/bin/sh\nexit 7\n", "'.*/tine' exited with status 7 before it was ready");
}

Test(upgrade_played, a_binary_that_crashes_is_refused)
{
    expect_refused("#!/bin/sh\nkill -XCPU $$\n", "was killed by signal 24 .* before it was ready");
}

Test(upgrade_played, one_that_ends_before_its_workers_are_there_is_taken_back)
{
    struct server server;
    serve_copy(&server, TWO_WORKERS "pidfile = @DIR@/pid\n" PROBE);
    struct client client = client_connect(&server);
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    replace_binary(&server, text(KEEP_ALL PREPARED HEAR("take over") "echo $$ >%s/pid\nexit 1\n", server.dir));
    struct run ran = run_tine("upgrade", "-c", server.ini);
    cr_assert(ran.code == 1 && strstr(ran.err, "before all its workers were there: generation 1 serves on") != NULL, "%d: %s", ran.code,
              ran.err);
    server_log_await(&server, "before all its workers were there: generation 1 serves on", 1);
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    expect_get(&server, "/hello", 200, "hello");
    cr_assert_eq(atoi(file_read(text("%s/pid", server.dir), NULL)), server.pid);
    server_hup(&server);
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    server_stop(&server);
}

/* It is stopped at the worst moment, say: it asked whether it may take over, and does not. */
Test(upgrade_played, one_that_never_takes_over_is_taken_back)
{
    struct server server;
    serve_copy(&server, TWO_WORKERS "[timeouts]\nstart = 1s\n" PROBE);
    struct client client = client_connect(&server);
    expect_kept(&client, request("GET", "/hello", ""), "hello");
    replace_binary(&server, KEEP_ALL PREPARED HEAR("take over") "kill -STOP $$\n");
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
Test(upgrade_played, one_that_is_taken_back_leaves_sockets_as_they_were)
{
    struct server server;
    struct stat status;
    serve_copy(&server, "[server]\nworkers = 2\n[listen:a]\naddress = unix:@DIR@/sock\nmode = 0640\n" PROBE);
    const char *path = text("%s/sock", server.dir);
    replace_binary(&server, text(KEEP_ALL "chmod 0604 %s\n" PREPARED HEAR("take over") "exit 1\n", path));
    server_signal(&server, SIGUSR2);
    server_log_await(&server, "before all its workers were there: generation 1 serves on", 1);
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(status.st_mode & 07777, 0640, "mode %o", status.st_mode & 07777);
    server_stop(&server);
}

/* It takes the sockets and does not understand what is given: our workers finish what they hold, as in a stop. */
Test(upgrade_played, to_one_with_another_hand_off_connections_are_finished)
{
    struct server server;
    serve_copy(&server, TWO_WORKERS PROBE TROUBLE);
    struct client busy = client_connect(&server);
    client_enter_gate(&busy, &server, "a");
    replace_binary(&server, KEEP PREPARED "printf complete >&$TINE_UPGRADE\nexec sleep 20\n");
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
Test(upgrade_played, a_master_of_another_version_is_succeeded_without_its_channel)
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

Test(upgrade_played, a_stop_while_a_new_binary_starts_stops_both)
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
