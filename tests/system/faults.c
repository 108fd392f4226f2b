/* SPDX-License-Identifier: Apache-2.0
 *
 * What fails at the worst of times: nothing is lost but what the failed process itself held, and all goes on as soon as
 * the system lets it. System calls fail by tests/modules/faults.c, for as long as a file is there.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(faults, .timeout = 120);

enum { KEPT = 20 };

static const char *fault_path(const struct server *server, const char *call)
{
    return text("%s/faults/%s", server->dir, call);
}

/* Workers are nobody, and count their failures too. */
static void fault_write(const struct server *server, const char *call, const char *content)
{
    const char *path = fault_path(server, call), *fresh = text("%s.fresh", path);
    file_write(fresh, content);
    chmod(fresh, 0666);
    cr_assert_eq(rename(fresh, path), 0);
}

static void fault_begin(const struct server *server, const char *call, int error)
{
    fault_write(server, call, text("%d\n", error));
}

static size_t fault_count(const struct server *server, const char *call)
{
    char *content = file_read(fault_path(server, call), NULL);
    size_t count = text_count(content, "x");
    free(content);
    return count;
}

static void fault_end(const struct server *server, const char *call)
{
    unlink(fault_path(server, call));
}

/* The shim cannot come before a sanitizer's runtime. */
static void start(struct server *server, const char *ini)
{
    server_prepare(server, ini);
    mkdir(text("%s/faults", server->dir), 0755);
    const char *argv[] = {"env", text("LD_PRELOAD=%s/faults.so", modules_path()), text("FAULTS=%s/faults", server->dir),
                          "ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0", tine_path(), "-c", server->ini, NULL};
    server_launch_by(server, argv);
}

static void expect_hello(struct client *client)
{
    client_send(client, request("GET", "/hello", ""));
    struct response response = client_read(client);
    expect_response(&response, 200, "hello");
    cr_assert_null(response_header(&response, "Connection"), "%s", response.head);
    response_free(&response);
}

static void keep(struct server *server, struct client *clients)
{
    for (int i = 0; i < KEPT; i++) {
        clients[i] = client_connect(server);
        expect_hello(&clients[i]);
    }
}

static void expect_all_kept(struct client *clients)
{
    for (int i = 0; i < KEPT; i++)
        expect_hello(&clients[i]);
}

static void await_replaced(struct server *server, const pid_t *before, size_t count)
{
    pid_t now[WORKERS_MAX];
    await(server_workers(server, now) == count && !pids_overlap(now, count, before, count));
}

Test(faults, a_reload_that_cannot_fork_is_refused_and_the_next_is_not)
{
    struct server server;
    struct client clients[KEPT];
    start(&server, TWO_WORKERS PROBE);
    keep(&server, clients);
    fault_begin(&server, "fork", EAGAIN);
    server_reload_refused(&server, TWO_WORKERS PROBE);
    cr_assert_gt(fault_count(&server, "fork"), 0);
    expect_all_kept(clients);
    fault_end(&server, "fork");
    server_hup(&server);
    expect_all_kept(clients);
    server_stop(&server);
}

Test(faults, workers_that_could_not_be_forked_come_later)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    start(&server, TWO_WORKERS PROBE);
    server_await_workers(&server, 2, workers);
    fault_begin(&server, "fork", EAGAIN);
    kill(workers[0], SIGKILL);
    await(fault_count(&server, "fork") > 0);
    expect_get(&server, "/hello", 200, "hello");
    fault_end(&server, "fork");
    server_await_workers(&server, 2, workers);
    expect_get(&server, "/hello", 200, "hello");
    cr_assert(server_log_has(&server, "cannot fork a worker"));
    server_stop(&server);
}

/* The other one has room. */
Test(faults, a_worker_at_the_limit_of_descriptors_gives_before_it_closes)
{
    struct server server;
    struct client clients[KEPT], fresh;
    pid_t workers[WORKERS_MAX];
    start(&server, TWO_WORKERS PROBE);
    server_await_workers(&server, 2, workers);
    keep(&server, clients);
    for (int i = 0; i < 2; i++) {
        fault_write(&server, "accept4", text("%d %d\n", EMFILE, (int)workers[i]));
        for (int tries = 0; fault_count(&server, "accept4") < 3 && tries < 10000; tries++) {
            fresh = client_connect(&server);
            expect_hello(&fresh);
            client_close(&fresh);
        }
        cr_assert_geq(fault_count(&server, "accept4"), 3);
        fault_end(&server, "accept4");
        expect_all_kept(clients);
    }
    server_stop(&server);
}

/* New clients wait in the kernel's queue. A worker that lacks descriptors closes the idle connection that it used longest ago,
 * so nobody keeps one here. */
Test(faults, accept_at_the_limit_of_descriptors_is_tried_again)
{
    static const int errors[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED};
    struct server server;
    struct client clients[KEPT];
    start(&server, TWO_WORKERS PROBE);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        fault_begin(&server, "accept4", errors[i]);
        for (int k = 0; k < KEPT; k++) { /* workers that sleep in accept4 already still take one each */
            clients[k] = client_connect(&server);
            client_send(&clients[k], request("GET", "/hello", ""));
        }
        await(fault_count(&server, "accept4") > 3);
        fault_end(&server, "accept4");
        for (int k = 0; k < KEPT; k++) {
            struct response response = client_read(&clients[k]);
            expect_response(&response, 200, "hello");
            client_close(&clients[k]);
        }
    }
    char *log = server_log(&server);
    cr_assert(text_matches(log, "cannot accept: Too many open files"), "%s", log);
    cr_assert_leq(text_count(log, "cannot accept"), 2 * (sizeof errors / sizeof *errors), "%s", log);
    server_stop(&server);
}

Test(faults, connections_that_cannot_be_given_are_kept_until_they_can)
{
    static const int errors[] = {ETOOMANYREFS, EAGAIN, ENOBUFS, ENOMEM};
    struct server server;
    struct client clients[KEPT];
    pid_t before[WORKERS_MAX];
    start(&server, TWO_WORKERS PROBE);
    keep(&server, clients);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        server_await_workers(&server, 2, before);
        fault_begin(&server, "sendmsg", errors[i]);
        server_hup(&server);
        await(fault_count(&server, "sendmsg") > 2);
        expect_all_kept(clients);
        fault_end(&server, "sendmsg");
        await_replaced(&server, before, 2);
        expect_all_kept(clients);
    }
    server_stop(&server);
}

/* What was read of a request travels in memory of its own. */
Test(faults, half_a_request_that_cannot_be_packed_is_kept_until_it_can)
{
    struct server server;
    struct client clients[KEPT];
    pid_t before[WORKERS_MAX];
    start(&server, TWO_WORKERS PROBE);
    keep(&server, clients);
    for (int i = 0; i < KEPT; i++)
        client_send(&clients[i], "GET /hel");
    server_await_workers(&server, 2, before);
    fault_begin(&server, "memfd_create", EMFILE);
    server_hup(&server);
    await(fault_count(&server, "memfd_create") > 0);
    fault_end(&server, "memfd_create");
    await_replaced(&server, before, 2);
    for (int i = 0; i < KEPT; i++) {
        client_send(&clients[i], "lo HTTP/1.1\r\nHost: a\r\n\r\n");
        struct response response = client_read(&clients[i]);
        expect_response(&response, 200, "hello");
    }
    server_stop(&server);
}

/* It cannot give what it holds; new connections and those of others are served. */
Test(faults, a_stopped_worker_holds_up_a_reload_for_nobody_else)
{
    struct server server;
    struct client clients[KEPT];
    pid_t before[WORKERS_MAX];
    server_start(&server, TWO_WORKERS PROBE);
    server_await_workers(&server, 2, before);
    keep(&server, clients);
    kill(before[0], SIGSTOP);
    server_hup(&server);
    for (int i = 0; i < KEPT; i++)
        expect_get(&server, "/hello", 200, "hello");
    kill(before[0], SIGCONT);
    await_replaced(&server, before, 2);
    expect_all_kept(clients);
    server_stop(&server);
}

Test(faults, requests_are_answered_though_the_access_log_is_on_a_full_disk)
{
    struct server server;
    struct client clients[KEPT];
    server_start(&server, TWO_WORKERS "[log]\naccess = /dev/full\n" PROBE);
    keep(&server, clients);
    for (int round = 0; round < 20; round++)
        expect_all_kept(clients);
    server_log_await(&server, "lines lost: No space left on device", 1);
    cr_assert_leq(text_count(server_log(&server), "No space left on device"), 4, "%s", server_log(&server));
    server_stop(&server);
}

Test(faults, a_module_that_cannot_be_read_is_refused)
{
    struct server server;
    struct client clients[KEPT];
    server_start(&server, TWO_WORKERS PROBE);
    keep(&server, clients);
    const char *module = text("%s/torn.so", server.dir);
    size_t length;
    char *bytes = file_read(text("%s/probe.so", modules_path()), &length);
    const char *ini = text(TWO_WORKERS "[app:torn]\npath = /\nmodule = %s\n", module);
    for (size_t part = 0; part < 8; part++) {
        file_write_bytes(module, bytes, length * part / 8);
        server_reload_refused(&server, ini);
        cr_assert(server_log_has(&server, "[app:torn] module"));
        expect_all_kept(clients);
    }
    unlink(module);
    cr_assert_eq(mkdir(module, 0755), 0);
    server_reload_refused(&server, ini);
    rmdir(module);
    cr_assert_eq(symlink("torn.so", module), 0);
    server_reload_refused(&server, ini);
    unlink(module);
    file_write_bytes(module, bytes, length);
    server_reload(&server, ini);
    expect_all_kept(clients);
    server_stop(&server);
}
