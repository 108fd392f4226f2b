/* SPDX-License-Identifier: Apache-2.0
 *
 * HUP: a transaction with a verdict. What changes, what is refused and why, and that clients lose nothing.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(reloading, .timeout = 120);

Test(reloading, workers_are_replaced_on_the_same_port)
{
    struct server server;
    pid_t before[WORKERS_MAX];
    server_start(&server, TWO_WORKERS RESPOND("one"));
    server_await_workers(&server, 2, before);
    expect_get(&server, "/", 200, "one");
    server_reload(&server, TWO_WORKERS RESPOND("two"));
    server_await_replaced(&server, before, 2);
    for (int i = 0; i < 10; i++)
        expect_get(&server, "/", 200, "two");
    server_stop(&server);
}

/* A client process: requests one after the other until the file 'stop' appears; exits with 1 at the first that is lost. */
static int client_loop(const struct server *server, const char *stop, bool keep_alive)
{
    struct client client = {.fd = -1};
    int served = 0;
    while (!file_exists(stop)) {
        if (client.fd < 0)
            client = client_connect(server);
        client_send(&client, request("GET", "/hello", keep_alive ? "" : "Connection: close\r\n"));
        struct response response = client_read(&client);
        expect_response(&response, 200, "hello");
        const char *connection = response_header(&response, "Connection");
        if (connection != NULL && strcmp(connection, "close") == 0)
            client_close(&client);
        response_free(&response);
        served++;
    }
    return served > 0 ? 0 : 2;
}

static void reload_under_load(bool keep_alive)
{
    enum { CLIENTS = 4 };
    struct server server;
    pid_t clients[CLIENTS];
    server_start(&server, TWO_WORKERS PROBE);
    const char *stop = text("%s/stop", server.dir);
    for (int i = 0; i < CLIENTS; i++)
        if ((clients[i] = process_fork()) == 0)
            _exit(client_loop(&server, stop, keep_alive));
    for (int i = 0; i < 5; i++)
        server_hup(&server);
    file_write(stop, "");
    int lost = 0;
    for (int i = 0; i < CLIENTS; i++)
        lost += process_wait(clients[i], PATIENCE) != 0;
    cr_assert_eq(lost, 0, "%d of %d clients lost a request over 5 reloads", lost, CLIENTS);
    server_stop(&server);
}

Test(reloading, five_reloads_lose_no_request_of_new_connections)
{
    reload_under_load(false);
}

Test(reloading, five_reloads_lose_no_request_of_kept_connections)
{
    reload_under_load(true);
}

Test(reloading, a_request_in_progress_is_finished_by_the_old_worker)
{
    struct server server;
    pid_t before[WORKERS_MAX];
    server_start(&server, ONE_WORKER TROUBLE RESPOND("one"));
    server_await_workers(&server, 1, before);
    struct client client = client_connect(&server);
    client_enter_gate(&client, &server, "a");
    server_reload(&server, ONE_WORKER TROUBLE RESPOND("two"));
    await(strcmp(get(&server, "/").body, "two") == 0);
    cr_assert(process_alive(before[0]));
    server_open_gate(&server, "a");
    struct response response = client_read(&client);
    expect_response(&response, 200, "through gate a");
    client_close(&client);
    await(!process_alive(before[0]));
    server_stop(&server);
}

static void expect_refusal(struct server *server, const char *ini, const char *reason)
{
    pid_t before[WORKERS_MAX], now[WORKERS_MAX];
    server_await_workers(server, 2, before);
    server_reload_refused(server, ini);
    await(text_matches(server_log(server), reason));
    for (int i = 0; i < 4; i++)
        expect_get(server, "/", 200, "one");
    await(server_workers(server, now) == 2); /* without the canary */
    cr_assert_arr_eq(before, now, 2 * sizeof *now, "the old workers were replaced");
}

Test(reloading, a_bad_file_is_refused_with_every_reason)
{
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("one"));
    expect_refusal(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = lots\n[nonsense]\n" RESPOND("two"),
                   "server\\.ini:3: \\[server\\] workers: .*lots");
    cr_assert(text_matches(server_log(&server), "server\\.ini:4: .*nonsense"));
    server_reload(&server, TWO_WORKERS RESPOND("three"));
    await(strcmp(get(&server, "/").body, "three") == 0);
    server_stop(&server);
}

Test(reloading, a_missing_file_is_refused)
{
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("one"));
    unlink(server.ini);
    server_signal(&server, SIGHUP);
    server_log_await(&server, "reload refused", 1);
    expect_get(&server, "/", 200, "one");
    server_stop(&server);
}

Test(reloading, a_bad_module_is_refused)
{
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("one"));
    expect_refusal(&server, TWO_WORKERS RESPOND("two") "[app:b]\npath = /b\nmodule = @MODULES@/no_symbol.so\n",
                   "server\\.ini:10: \\[app:b\\] module: .*no_symbol\\.so");
    expect_refusal(&server, TWO_WORKERS RESPOND("two") "[app:b]\npath = /b\nmodule = @MODULES@/never_was.so\n",
                   "server\\.ini:10: \\[app:b\\] module: .*never_was\\.so");
    server_stop(&server);
}

Test(reloading, a_worker_init_that_fails_is_refused)
{
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("one"));
    expect_refusal(&server, TWO_WORKERS RESPOND("two") "[app:s]\npath = /s\nmodule = @MODULES@/settings.so\nmust = bad init\n",
                   "server\\.ini:11: \\[app:s\\] must: .*worker_init does not like it");
    server_stop(&server);
}

Test(reloading, a_worker_init_that_crashes_is_refused)
{
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("one"));
    expect_refusal(&server, TWO_WORKERS RESPOND("two") "[app:s]\npath = /s\nmodule = @MODULES@/settings.so\nmust = x\ncrash_if = @DIR@\n",
                   "reload refused");
    server_stop(&server);
}

Test(reloading, a_port_that_is_taken_is_refused)
{
    struct server other, server;
    server_start(&other, TWO_WORKERS RESPOND("other"));
    server_start(&server, TWO_WORKERS RESPOND("one"));
    expect_refusal(&server, text("[server]\nlisten = 127.0.0.1:0, %s\nworkers = 2\n" RESPOND("two"), other.address),
                   text("%s.*in use", other.address));
    expect_get(&other, "/", 200, "other");
    server_stop(&server);
    server_stop(&other);
}

Test(reloading, a_log_that_cannot_be_opened_is_refused)
{
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("one"));
    expect_refusal(&server, TWO_WORKERS RESPOND("two") "[log]\naccess = @DIR@/no/such/folder/access.log\n", "no/such/folder/access\\.log");
    server_stop(&server);
}

Test(reloading, the_number_of_workers_changes)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    server_start(&server, TWO_WORKERS RESPOND("one"));
    server_await_workers(&server, 2, workers);
    server_reload(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = 5\n" RESPOND("one"));
    server_await_workers(&server, 5, workers);
    server_reload(&server, ONE_WORKER RESPOND("one"));
    server_await_workers(&server, 1, workers);
    expect_get(&server, "/", 200, "one");
    server_stop(&server);
}

static int post_status(const struct server *server, size_t length)
{
    char *body = memset(calloc(1, length + 1), 'x', length);
    struct response response = ask(server, text("POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n%s", length, body));
    free(body);
    return response.status;
}

Test(reloading, limits_change)
{
    struct server server;
    server_start(&server, TWO_WORKERS PROBE "[limits]\nbody = 100\n");
    cr_assert_eq(post_status(&server, 100), 200);
    cr_assert_eq(post_status(&server, 101), 413);
    server_reload(&server, TWO_WORKERS PROBE "[limits]\nbody = 200\n");
    await(post_status(&server, 200) == 200);
    cr_assert_eq(post_status(&server, 201), 413);
    server_stop(&server);
}

static bool connects(const char *address)
{
    struct run ran = run("curl", "-s", "-o", "/dev/null", "-m", "5", text("http://%s/", address));
    return ran.code == 0;
}

Test(reloading, a_listener_is_added_and_another_removed)
{
    struct server server;
    server_start(&server, "[server]\nlisten = 127.0.0.1:0, [::1]:0\nworkers = 2\n" RESPOND("one"));
    const char *v4 = text("%s", server_address(&server, 0)), *v6 = text("%s", server_address(&server, 1));
    cr_assert(connects(v4) && connects(v6));
    server_reload(&server, text("[server]\nlisten = %s, unix:%s/sock\nworkers = 2\n" RESPOND("two"), "127.0.0.1:0", server.dir));
    struct client client = client_connect_to(text("unix:%s/sock", server.dir));
    client_send(&client, request("GET", "/", ""));
    struct response response = client_read(&client);
    expect_response(&response, 200, "two");
    client_close(&client);
    await(strcmp(get(&server, "/").body, "two") == 0);
    await(!connects(v6));
    cr_assert(connects(v4));
    server_stop(&server);
    cr_assert_not(file_exists(text("%s/sock", server.dir)));
}

Test(reloading, an_address_can_be_widened_to_one_that_overlaps)
{
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("one"));
    int port = address_port(server.address);
    server_configure(&server, text("[server]\nlisten = 127.0.0.1:%d\nworkers = 2\n" RESPOND("one"), port));
    server_hup(&server); /* the same socket, now named by its number */
    server_reload(&server, text("[server]\nlisten = 0.0.0.0:%d\nworkers = 2\n" RESPOND("two"), port));
    await(strcmp(get(&server, "/").body, "two") == 0);
    server_stop(&server);
}

Test(reloading, three_hups_in_a_row_are_all_judged)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    server_start(&server, TWO_WORKERS RESPOND("one"));
    server_configure(&server, TWO_WORKERS RESPOND("two"));
    for (int i = 0; i < 3; i++)
        server_signal(&server, SIGHUP);
    server_log_await(&server, "generation 2 serves", 1);
    await(strcmp(get(&server, "/").body, "two") == 0);
    server_await_workers(&server, 2, workers);
    server_stop(&server);
}

Test(reloading, a_file_changed_during_a_reload_is_read_by_the_next)
{
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("one"));
    for (int round = 2; round < 6; round++) {
        server_configure(&server, text(TWO_WORKERS RESPOND("%d"), round));
        server_signal(&server, SIGHUP);
    }
    await(strcmp(get(&server, "/").body, "5") == 0);
    server_stop(&server);
}

/* A hundred in a second, the file changed in between each time: several are one, and the last file is what serves. */
Test(reloading, a_storm_of_hups_ends_in_the_last_file)
{
    struct server server;
    char body[16] = "";
    server_start(&server, TWO_WORKERS RESPOND("0"));
    struct client client = client_connect(&server);
    for (int i = 1; i <= 100; i++) {
        snprintf(body, sizeof body, "%d", i);
        server_configure(&server, text(TWO_WORKERS "[app:hello]\npath = /\nmodule = respond\nbody = %s\n", body));
        server_signal(&server, SIGHUP);
        client_send(&client, request("GET", "/", ""));
        struct response response = client_read(&client);
        cr_assert_eq(response.status, 200);
        cr_assert_null(response_header(&response, "Connection"), "%s", response.head);
        response_free(&response);
        pause_shortly();
    }
    await(strcmp(get(&server, "/").body, body) == 0);
    cr_assert_lt(text_count(server_log(&server), " serves\n"), 102);
    server_stop(&server);
}

Test(reloading, a_reload_survives_without_descriptors_leaking)
{
    struct server server;
    server_start(&server, TWO_WORKERS PROBE);
    server_hup(&server);
    pid_t workers[WORKERS_MAX];
    server_await_workers(&server, 2, workers);
    const char *count = text("ls /proc/%d/fd | wc -l", server.pid);
    int before = atoi(run("sh", "-c", count).out);
    for (int i = 0; i < 5; i++)
        server_hup(&server);
    server_await_workers(&server, 2, workers);
    await(atoi(run("sh", "-c", count).out) <= before);
    server_stop(&server);
}
