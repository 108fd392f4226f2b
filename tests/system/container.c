/* SPDX-License-Identifier: Apache-2.0
 *
 * tine as process 1, as in containers, and signals to whole process groups.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(container, .timeout = 120);

#define CHILD "[app:child]\npath = /child\nmodule = @MODULES@/child.so\ndirectory = @DIR@\n"

/* Children, dead ones too. */
static size_t count_children(pid_t parent, const char *name)
{
    size_t count = 0;
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        char *status = isdigit((unsigned char)entry->d_name[0]) ? process_file(atoi(entry->d_name), "status") : NULL;
        count += status != NULL && strncmp(status, text("Name:\t%s\n", name), strlen(name) + 7) == 0 &&
                 strstr(status, text("\nPPid:\t%d\n", parent)) != NULL;
        free(status);
    }
    closedir(proc);
    return count;
}

/* unshare(1) waits for tine, its only child, which is process 1 of a namespace of its own. */
static pid_t find_first(pid_t unshare)
{
    pid_t first = 0;
    if (!wait_until(PATIENCE, process_children(unshare, &first, 1) == 1 &&
                                  strstr(process_file(first, "status"), "Name:\ttine\n") != NULL))
        harness_fail("unshare has not become tine: %s", process_file(first, "status"));
    cr_assert(text_matches(process_file(first, "status"), "^NSpid:.*[[:space:]]1$"), "%s", process_file(first, "status"));
    return first;
}

static pid_t unshare_program(const struct server *server, const char *program)
{
    const char *argv[] = {"unshare", "--fork", "--pid", "--mount-proc", "--kill-child", program, "-c", server->ini, NULL};
    if (geteuid() != 0 || !program_exists("unshare") || run("unshare", "--fork", "--pid", "--mount-proc", "true").code != 0)
        cr_skip_test("no right to make process namespaces");
    pid_t unshare = process_start(argv, server->access, server->log);
    kill_at_exit(unshare);
    return unshare;
}

static pid_t unshare_tine(const struct server *server)
{
    return unshare_program(server, tine_path());
}

/* server->pid is unshare's: it ends as tine ends. Returns process 1. */
static pid_t start_as_first(struct server *server, const char *ini)
{
    server_prepare(server, ini);
    server->pid = unshare_tine(server);
    pid_t first = find_first(server->pid);
    snprintf(server->address, sizeof server->address, "%s", server_address(server, 0));
    return first;
}

Test(container, as_process_1_it_reaps_what_handlers_leave_behind)
{
    struct server server;
    pid_t first = start_as_first(&server, ONE_WORKER PROBE CHILD);
    for (int i = 0; i < 5; i++)
        expect_get(&server, "/child/orphan", 200, "left");
    await(count_children(first, "orphan") == 5);
    file_write(text("%s/orphan.leave", server.dir), "");
    await(count_children(first, "orphan") == 0);
    expect_get(&server, "/hello", 200, "hello");
    char *log = server_log(&server);
    cr_assert_not(text_matches(log, "exited with|killed by"), "an orphan was taken for a worker:\n%s", log);
    kill(first, SIGTERM);
    cr_assert_eq(server_wait(&server), 0);
}

static void obeys(int signal_number, const char *said)
{
    struct server server;
    pid_t first = start_as_first(&server, TWO_WORKERS PROBE);
    expect_get(&server, "/hello", 200, "hello");
    kill(first, signal_number);
    cr_assert_eq(server_wait(&server), 0);
    cr_assert(server_log_has(&server, said));
}

Test(container, as_process_1_it_obeys_term)
{
    obeys(SIGTERM, "stopping: finishing");
}

Test(container, as_process_1_it_obeys_int)
{
    obeys(SIGINT, "stopping at once");
}

Test(container, as_process_1_it_obeys_quit)
{
    obeys(SIGQUIT, "stopping: finishing");
}

Test(container, as_process_1_it_reloads_and_replaces_workers)
{
    struct server server;
    pid_t workers[WORKERS_MAX], now[WORKERS_MAX];
    pid_t first = start_as_first(&server, TWO_WORKERS PROBE);
    await(process_children(first, workers, WORKERS_MAX) == 2);
    kill(workers[0], SIGKILL);
    await(process_children(first, now, WORKERS_MAX) == 2 && now[1] != workers[1]);
    expect_get(&server, "/hello", 200, "hello");
    kill(first, SIGHUP);
    server_log_await(&server, "generation 2 serves", 1);
    expect_get(&server, "/hello", 200, "hello");
    kill(first, SIGTERM);
    cr_assert_eq(server_wait(&server), 0);
}

/* Bytes that a process has read so far, of files and all. */
static long bytes_read(pid_t process)
{
    long bytes = 0;
    char *io = process_file(process, "io");
    sscanf(io, "rchar: %ld", &bytes);
    free(io);
    return bytes;
}

/* Ordered to stop while it still reads its files: without a handler the kernel would throw the order away. */
Test(container, as_process_1_it_does_not_lose_a_term_that_comes_early)
{
    enum { LINE = 64, LINES = 16000, FILES = 40 };
    struct server server;
    char *long_file = malloc(LINE * LINES + 1);
    for (int i = 0; i < LINES; i++)
        memcpy(long_file + i * LINE, ";23456789012345678901234567890123456789012345678901234567890123\n", LINE);
    long_file[LINE * LINES] = 0;
    char *ini = ONE_WORKER;
    server_prepare(&server, ini);
    for (int i = 0; i < FILES; i++) {
        file_write(text("%s/%02d.inc", server.dir, i), long_file);
        ini = text("%sinclude = %02d.inc\n", ini, i);
    }
    free(long_file);
    server_configure(&server, text("%s" PROBE, ini));
    server.pid = unshare_tine(&server);
    pid_t first = 0;
    await(process_children(server.pid, &first, 1) == 1);
    int64_t end = now_ms() + PATIENCE;
    while (bytes_read(first) < 4 * LINE * LINES && now_ms() < end) /* no pause: that is some milliseconds only */
        continue;
    cr_assert_eq(kill(first, SIGTERM), 0);
    cr_assert_neq(strncmp(process_file(first, "cmdline"), "tine:", 5), 0, "it was too quick for this test");
    server_wait(&server);
}

/* Several processes of a group, and one of them that a handler started: systemd's KillMode=control-group, Ctrl-C. */
static void stops_by_group(int signal_number, bool finishes)
{
    struct server server;
    server_start(&server, TWO_WORKERS PROBE TROUBLE);
    struct client client = client_connect(&server);
    client_enter_gate(&client, &server, "a");
    kill(-server.pid, signal_number);
    server_log_await(&server, "stopping", 1);
    if (finishes) {
        server_open_gate(&server, "a");
        struct response response = client_read(&client);
        expect_response(&response, 200, "through gate a");
    }
    cr_assert_eq(server_wait(&server), 0);
    cr_assert(!finishes || !server_log_has(&server, "killed by signal"));
}

Test(container, term_to_the_whole_group_is_a_graceful_stop)
{
    stops_by_group(SIGTERM, true);
}

Test(container, int_to_the_whole_group_stops_at_once)
{
    stops_by_group(SIGINT, false);
}

static size_t count_copies(const struct server *server)
{
    size_t count = 0;
    DIR *directory = opendir(text("%s/temp", server->dir));
    struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL)
        count += strncmp(entry->d_name, "tine-modules-", 13) == 0;
    closedir(directory);
    return count;
}

/* Two containers with one /tmp: neither sees the other's processes. */
Test(container, one_that_shares_the_folder_of_temporary_files_does_not_clear_it_away)
{
    struct server server, other;
    pid_t before[WORKERS_MAX], now[WORKERS_MAX];
    server_prepare(&server, ONE_WORKER "temp = @DIR@/temp\n" PROBE);
    mkdir(text("%s/temp", server.dir), 0755);
    server_launch(&server);
    pid_t first = start_as_first(&other, text(ONE_WORKER "temp = %s/temp\n" PROBE, server.dir));
    cr_assert_eq(count_copies(&server), 2);
    server_await_workers(&server, 1, before);
    kill(before[0], SIGKILL);
    await(server_workers(&server, now) == 1 && now[0] != before[0]);
    expect_get(&server, "/hello", 200, "hello");
    expect_get(&other, "/hello", 200, "hello");
    kill(first, SIGTERM);
    cr_assert_eq(server_wait(&other), 0);
    cr_assert_eq(count_copies(&server), 1);
    server_stop(&server);
    cr_assert_eq(count_copies(&server), 0);
}

Test(container, what_a_killed_master_left_is_cleared_away_by_the_next)
{
    struct server server;
    pid_t worker[WORKERS_MAX];
    server_prepare(&server, ONE_WORKER "temp = @DIR@/temp\n" PROBE);
    mkdir(text("%s/temp", server.dir), 0755);
    server_launch(&server);
    server_await_workers(&server, 1, worker);
    server_signal(&server, SIGKILL);
    server_wait(&server);
    await(!process_alive(worker[0]));
    cr_assert_eq(count_copies(&server), 1);
    server_launch(&server);
    expect_get(&server, "/hello", 200, "hello");
    cr_assert_eq(count_copies(&server), 1);
    server_stop(&server);
}

Test(container, in_the_background_process_1_would_take_all_with_it_so_it_stays)
{
    struct server server;
    pid_t first = start_as_first(&server, ONE_WORKER "daemon = on\n" PROBE);
    cr_assert(server_log_has(&server, "process 1 stays in the foreground"));
    expect_get(&server, "/hello", 200, "hello");
    kill(first, SIGTERM);
    cr_assert_eq(server_wait(&server), 0);
    cr_assert(server_log_has(&server, "stopped"), "it did not end in order");
}

/* It stays the process it is; what it was before goes on beside it until its workers have given all they hold. A stop waits for that, and
 * for the one before as well. */
Test(container, as_process_1_it_upgrades_in_place)
{
    struct server server;
    pid_t first = start_as_first(&server, TWO_WORKERS "control = @DIR@/control\n" PROBE TROUBLE);
    struct client client = client_connect(&server), busy = client_connect(&server);
    client_send(&client, request("GET", "/hello", ""));
    struct response response = client_read(&client);
    expect_response(&response, 200, "hello");
    client_enter_gate(&busy, &server, "a");
    for (int generation = 2; generation < 4; generation++) {
        kill(first, SIGUSR2);
        server_log_await(&server, text("1 generation %d serves", generation), 1);
        client_send(&client, request("GET", "/hello", ""));
        response = client_read(&client);
        expect_response(&response, 200, "hello");
        cr_assert_null(response_header(&response, "Connection"), "%s", response.head);
        cr_assert(file_exists(text("%s/control", server.dir)));
    }
    kill(first, SIGTERM);
    server_log_await(&server, "1 stopping: finishing", 1);
    cr_assert_eq(process_wait(server.pid, 300), -1, "it has not waited for its former selves");
    server_open_gate(&server, "a");
    response = client_read(&busy);
    expect_response(&response, 200, "through gate a");
    cr_assert_eq(server_wait(&server), 0);
    cr_assert(server_log_has(&server, "generation 1 has left"), "%s", server_log(&server));
    cr_assert(server_log_has(&server, "1 stopped"), "%s", server_log(&server));
}

/* The verdict is told by who was process 1 until then. */
Test(container, as_process_1_it_tells_who_asked_for_an_upgrade_that_it_serves)
{
    struct server server;
    pid_t first = start_as_first(&server, TWO_WORKERS "control = @DIR@/control\n" PROBE);
    for (int generation = 2; generation < 5; generation++) {
        struct run ran = run_tine("upgrade", "-c", server.ini);
        cr_expect_eq(ran.code, 0, "%s%s", ran.out, ran.err);
        cr_expect(strstr(ran.out, text("generation %d serves", generation)) != NULL, "%s%s", ran.out, ran.err);
        expect_get(&server, "/hello", 200, "hello");
    }
    kill(first, SIGTERM);
    cr_assert_eq(server_wait(&server), 0);
}

/* A server that is process 1 with a request in progress, and a new binary that has been tried: it starts in place and waits for a token. */
static pid_t begin_in_place(struct server *server, struct client *busy, bool break_file)
{
    server_prepare(server, TWO_WORKERS TROUBLE TURNSTILE);
    server_make_tokens(server);
    server_lay_token(server, 1);
    server_lay_token(server, 2);
    server->pid = unshare_tine(server);
    pid_t first = find_first(server->pid);
    snprintf(server->address, sizeof server->address, "%s", server_address(server, 0));
    await(!file_exists(text("%s/tokens/token.1", server->dir)) && !file_exists(text("%s/tokens/token.2", server->dir)));
    *busy = client_connect(server);
    client_enter_gate(busy, server, "a");
    kill(first, SIGUSR2);
    server_log_await(server, "worker_init waits", 1);
    if (break_file)
        server_configure(server, "[server]\nworkers = lots\n");
    server_lay_token(server, 3); /* for the trial */
    return first;
}

static void expect_finished(struct server *server, struct client *busy, int code)
{
    cr_assert_eq(process_wait(server->pid, 300), -1, "it has not waited");
    server_open_gate(server, "a");
    struct response response = client_read(busy);
    expect_response(&response, 200, "through gate a");
    cr_assert_eq(server_wait(server), code, "%s", server_log(server));
}

Test(container, as_process_1_it_stops_well_while_the_new_binary_starts)
{
    struct server server;
    struct client busy;
    pid_t first = begin_in_place(&server, &busy, false);
    server_log_await(&server, "worker_init waits", 2);
    kill(first, SIGTERM);
    server_log_await(&server, "stopping: finishing", 1);
    expect_finished(&server, &busy, 0);
}

Test(container, as_process_1_it_finishes_what_is_in_progress_if_the_tried_binary_fails_after_all)
{
    struct server server;
    struct client busy;
    begin_in_place(&server, &busy, true);
    server_log_await(&server, "process 1 does not serve: stopping", 1);
    server_log_await(&server, "[server] workers: 'lots'", 1);
    expect_finished(&server, &busy, 1);
}

/* The copy that was to see the workers out has left no trace: they still know whose orders they obey. */
Test(container, as_process_1_it_stays_master_when_the_tried_binary_is_gone)
{
    struct server server;
    server_prepare(&server, TWO_WORKERS "control = @DIR@/control\n" PROBE);
    const char *program = text("%s/tine", server.dir), *script = text("%s/script", server.dir);
    cr_assert_eq(run("cp", tine_path(), program).code, 0);
    server.pid = unshare_program(&server, program);
    pid_t first = find_first(server.pid);
    snprintf(server.address, sizeof server.address, "%s", server_address(&server, 0));
    for (int refused = 1; refused <= 10; refused++) {
        file_write(script, text("#!/bin/bash\nprintf prepared >&$TINE_UPGRADE\n" HEAR("cancel") "rm %s\n", program));
        cr_assert(chmod(script, 0755) == 0 && rename(script, program) == 0);
        kill(first, SIGUSR2);
        server_log_await(&server, "process 1 cannot be replaced by", (size_t)refused);
        struct run ran = run_tine("status", "-c", server.ini);
        cr_assert(strstr(ran.out, "pid 1: serving") != NULL, "%s%s", ran.out, ran.err);
        expect_get(&server, "/hello", 200, "hello");
    }
    kill(first, SIGTERM);
    cr_assert_eq(server_wait(&server), 0);
}

Test(container, as_process_1_it_stays_when_the_new_binary_fails)
{
    struct server server;
    pid_t first = start_as_first(&server, TWO_WORKERS PROBE);
    server_configure(&server, "[server]\nworkers = lots\n" PROBE);
    kill(first, SIGUSR2);
    server_log_await(&server, "upgrade refused: generation 1 serves on", 1);
    expect_get(&server, "/hello", 200, "hello");
    kill(first, SIGTERM);
    cr_assert_eq(server_wait(&server), 0);
}
