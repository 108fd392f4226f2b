/* SPDX-License-Identifier: Apache-2.0
 *
 * Generations side by side: workers that still start, addresses that overlap, clients that stay, and each one's own
 * logs. (reloading.c has what a single reload does.)
 */
#include "client.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(generations, .timeout = 120);

#define SETTINGS(must) "[app:settings]\npath = /settings\nmodule = @MODULES@/settings.so\nmust = " must "\n"
#define HOLD "hold = @DIR@/hold\n"
#define LONG_GRACEFUL "[timeouts]\ngraceful = 20s\n"

static const char *hold_file(const struct server *server)
{
    return text("%s/hold", server->dir);
}

/* A client that is answered and stays. */
static struct client client_keep(const struct server *server)
{
    struct client client = client_connect(server);
    client_send(&client, request("GET", "/", ""));
    struct response response = client_read(&client);
    expect_response(&response, 200, NULL);
    return client;
}

Test(generations, a_hup_is_obeyed_though_the_generation_before_cannot_fill_up)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    server_start(&server, TWO_WORKERS RESPOND("one"));
    file_write(text("%s/lock", server.dir), "");
    server_reload(&server, TWO_WORKERS RESPOND("two") SETTINGS("x") "lock = @DIR@/lock\n");
    server_log_await(&server, "another has it", 2); /* and it is tried again and again */
    server_reload(&server, TWO_WORKERS RESPOND("three"));
    await(strcmp(get(&server, "/").body, "three") == 0);
    server_await_workers(&server, 2, workers);
    for (int i = 0; i < 10; i++)
        expect_get(&server, "/", 200, "three");
    server_stop(&server);
}

Test(generations, a_worker_that_still_starts_at_the_commit_leaves)
{
    struct server server;
    pid_t before[WORKERS_MAX], workers[WORKERS_MAX];
    server_start(&server, TWO_WORKERS RESPOND("one") SETTINGS("x") HOLD);
    server_await_workers(&server, 2, before);
    await_accepting(before, 2); /* or it would wait in worker_init as well */
    file_write(hold_file(&server), "");
    kill(before[0], SIGKILL);
    server_log_await(&server, "waits in worker_init", 1);
    server_await_workers(&server, 2, workers);
    pid_t late = workers[0] == before[1] ? workers[1] : workers[0];
    server_reload(&server, TWO_WORKERS RESPOND("two"));
    await(!process_alive(before[1])); /* all others have been replaced */
    unlink(hold_file(&server));
    await(!process_alive(late));
    server_await_workers(&server, 2, workers);
    for (int i = 0; i < 10; i++)
        expect_get(&server, "/", 200, "two");
    server_stop(&server);
}

/* An idle client may keep an old worker, which has the old socket, for long. The system sends a SYN that nobody took again
 * after a second, and after three. */
static void change_host(const char *from, const char *to)
{
    struct server server;
    int64_t longest = 0, start, asked;
    server_start(&server, text("[server]\nlisten = %s:0\nworkers = 2\n" LONG_GRACEFUL RESPOND("one"), from));
    int port = address_port(server.address);
    snprintf(server.address, sizeof server.address, "127.0.0.1:%d", port);
    struct client idle = client_keep(&server);
    server_reload(&server, text("[server]\nlisten = %s:%d\nworkers = 2\n" LONG_GRACEFUL RESPOND("two"), to, port));
    for (start = asked = now_ms(); asked - start < 4000; asked = now_ms()) {
        expect_get(&server, "/", 200, NULL);
        if (now_ms() - asked > longest)
            longest = now_ms() - asked;
        pause_shortly();
    }
    cr_assert_lt(longest, 5000, "a client was answered after %d ms", (int)longest);
    expect_get(&server, "/", 200, "two");
    cr_assert_eq(client_receive(&idle, 0), -2, "the idle client was closed");
    server_stop(&server);
}

Test(generations, an_idle_client_does_not_keep_others_out_when_an_address_is_widened)
{
    change_host("127.0.0.1", "0.0.0.0");
}

Test(generations, an_idle_client_does_not_keep_others_out_when_an_address_is_narrowed)
{
    change_host("0.0.0.0", "127.0.0.1");
}

/* Its first worker is held until requests were answered a moment before it fails. */
Test(generations, a_reload_that_is_refused_takes_no_lines_of_the_access_log)
{
    enum { ROUNDS = 6, REQUESTS = 10 };
    struct server server;
    server_start(&server, TWO_WORKERS "[log]\naccess = @DIR@/requests\n" PROBE);
    for (int round = 1; round <= ROUNDS; round++) {
        file_write(hold_file(&server), "");
        server_configure(&server, text(TWO_WORKERS "[log]\naccess = %s\n" PROBE SETTINGS("bad init") HOLD,
                                       round % 2 == 0 ? "off" : "@DIR@/others"));
        server_signal(&server, SIGHUP);
        server_log_await(&server, "waits in worker_init", (size_t)round);
        for (int i = 0; i < REQUESTS; i++)
            expect_get(&server, "/hello", 200, "hello");
        unlink(hold_file(&server));
        server_log_await(&server, "reload refused", (size_t)round);
    }
    server_stop(&server);
    size_t lines = text_count(file_read(text("%s/requests", server.dir), NULL), "GET /hello ");
    cr_assert_eq(lines, ROUNDS * REQUESTS, "%zu lines of %d", lines, ROUNDS * REQUESTS);
    cr_assert_str_empty(file_read(text("%s/others", server.dir), NULL));
}

static bool has_open(pid_t process, const char *path)
{
    return run("sh", "-c", text("ls -l /proc/%d/fd | grep -q ' %s$'", process, path)).code == 0;
}

static bool any_has_open(const struct server *server, const char *path)
{
    pid_t workers[WORKERS_MAX];
    bool any = has_open(server->pid, path);
    for (size_t count = server_workers(server, workers); count-- > 0 && !any;)
        any = has_open(workers[count], path);
    return any;
}

Test(generations, usr1_during_a_reload_reopens_the_logs_of_both)
{
    struct server server;
    server_start(&server, ONE_WORKER LONG_GRACEFUL "[log]\naccess = @DIR@/requests\n" PROBE);
    const char *path = text("%s/requests", server.dir), *old_path = text("%s.1", path);
    struct client kept = client_keep(&server); /* of the old worker, for as long as that stays */
    file_write(hold_file(&server), "");
    server_configure(&server, ONE_WORKER LONG_GRACEFUL "[log]\naccess = @DIR@/requests\n" PROBE SETTINGS("x") HOLD);
    server_signal(&server, SIGHUP);
    server_log_await(&server, "waits in worker_init", 1);
    rename(path, old_path);
    server_signal(&server, SIGUSR1);
    wait_until(200, file_exists(path)); /* at once or after the reload, that is not promised */
    unlink(hold_file(&server));
    server_log_await(&server, "generation 2 serves", 1);
    server_log_await(&server, "logs opened again", 1);
    await(!any_has_open(&server, old_path));
    client_send(&kept, request("GET", "/query?old", ""));
    client_read(&kept);
    get(&server, "/query?new");
    server_stop(&server);
    char *lines = file_read(path, NULL);
    cr_assert(strstr(lines, "/query?old") != NULL && strstr(lines, "/query?new") != NULL, "%s", lines);
}
