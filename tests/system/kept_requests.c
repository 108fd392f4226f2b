/* SPDX-License-Identifier: Apache-2.0
 *
 * What requests on kept connections cost: nothing of the heap, once there have been some of their kind.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

TestSuite(kept_requests, .timeout = 120);

enum { KEPT = 64, ROUNDS = 10 };

static void start(struct server *server)
{
    if (is_sanitized())
        cr_skip_test("the heap is the sanitizers'");
    server_prepare(server, ONE_WORKER "workers_max = 1\n[log]\naccess = @DIR@/access.log\n"
                                      "[app:heap]\npath = /heap\nmodule = @MODULES@/heap.so\n"
                                      "[app:fixed]\npath = /fixed\nmodule = respond\nbody = hello\n"
                                      "[app:files]\npath = /files\nmodule = static\nroot = @DIR@/files\n");
    mkdir(text("%s/files", server->dir), 0755);
    char *content = calloc(1, 10001);
    file_write(text("%s/files/ten.txt", server->dir), memset(content, 'x', 10000));
    free(content);
    const struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}}; /* for a while after a change it is looked at anew */
    cr_assert_eq(utimensat(AT_FDCWD, text("%s/files/ten.txt", server->dir), old, 0), 0);
    const char *argv[] = {"env", text("LD_PRELOAD=%s/heap.so", modules_path()), tine_path(), "-c", server->ini, NULL};
    server_launch_by(server, argv);
}

static unsigned long count_calls(struct client *client)
{
    client_send(client, request("GET", "/heap/calls", ""));
    struct response response = client_read(client);
    cr_assert_eq(response.status, 200);
    unsigned long calls = strtoul(response.body, NULL, 10);
    response_free(&response);
    return calls;
}

static void ask_on_all(struct client *clients, const char *bytes, int answers)
{
    for (int i = 0; i < KEPT; i++) {
        client_send(&clients[i], bytes);
        for (int k = 0; k < answers; k++) {
            struct response response = client_read(&clients[i]);
            cr_assert_lt(response.status, 500);
            response_free(&response);
        }
    }
}

/* The first of their kind may: for buffers that are kept, a file that is opened. */
static void expect_no_allocation(const char *what, const char *bytes, int answers)
{
    struct server server;
    struct client clients[KEPT], counter;
    start(&server);
    counter = client_connect(&server);
    for (int i = 0; i < KEPT; i++)
        clients[i] = client_connect(&server);
    ask_on_all(clients, bytes, answers);
    unsigned long before = 0;
    for (int i = 0; i < 3; i++)
        before = count_calls(&counter);
    cr_assert_gt(before, 0);
    for (int round = 0; round < ROUNDS; round++)
        ask_on_all(clients, bytes, answers);
    unsigned long after = count_calls(&counter);
    cr_assert_eq(after, before, "%s: %lu calls for %d requests", what, after - before, KEPT * ROUNDS * answers);
    server_stop(&server);
}

Test(kept_requests, with_a_fixed_answer_take_nothing_of_the_heap)
{
    expect_no_allocation("fixed", request("GET", "/fixed", "Accept: text/html\r\nCookie: a=b\r\n"), 1);
}

Test(kept_requests, that_are_pipelined_take_nothing_of_the_heap)
{
    const char *one = request("GET", "/fixed", "");
    expect_no_allocation("pipelined", text("%s%s%s%s", one, one, one, one), 4);
}

Test(kept_requests, of_a_handlers_json_take_nothing_of_the_heap)
{
    expect_no_allocation("JSON", request("GET", "/heap/json/Emma", ""), 1);
}

Test(kept_requests, with_a_body_take_nothing_of_the_heap)
{
    expect_no_allocation("body", text("%sa=b&c=d&e", request("POST", "/heap/body", "Content-Length: 9\r\n")), 1);
}

Test(kept_requests, of_files_take_nothing_of_the_heap)
{
    expect_no_allocation("files", request("GET", "/files/ten.txt", ""), 1);
}

Test(kept_requests, for_what_is_not_there_take_nothing_of_the_heap)
{
    expect_no_allocation("404", request("GET", "/fixed/nowhere", ""), 1);
}
