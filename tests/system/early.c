/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may not, shall not upload: filters that are asked when a head is there and its body is not.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

TestSuite(early, .timeout = 120);

#define ALONE ONE_WORKER "workers_max = 1\n"
#define LIMITS "[limits]\nbody = 32m\nbody_memory = 4k\n"
#define EARLY "[app:main]\npath = /\nmodule = @MODULES@/early.so\n"
#define BARE EARLY "asked = off\n"
#define BATTERY "[app:main]\npath = /\nmodule = @MODULES@/battery.so\n"
/* The token is "test". */
#define BEARER "[filter:tokens]\nmodule = bearer\ntoken.ada = 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n"
#define TRACE "[filter:outer]\nmodule = @MODULES@/filters.so\n"
#define TOKEN "Authorization: Bearer test\r\n"
#define LARGE "Content-Length: 20000000\r\n"
#define EXPECT "Expect: 100-continue\r\n"

static struct server server;

static void stop(void)
{
    if (server.pid > 0)
        server_stop(&server);
}

#define EarlyTest(name) Test(early, name, .fini = stop)

static void start(const char *filters, const char *ini)
{
    server_start(&server, text(ALONE "filters = %s\n" LIMITS "%s", filters, ini));
}

static struct client send_head(const char *target, const char *fields)
{
    struct client client = client_connect(&server);
    client_send(&client, request("POST", target, fields));
    return client;
}

/* The answer is the first thing that comes, though nothing follows the head, and the connection ends. */
static struct response expect_refusal(const char *target, const char *fields, int status)
{
    struct client client = send_head(target, fields);
    struct response response = client_read(&client);
    if (response.status != status)
        harness_fail("%s: %d, not %d: %s %s", target, response.status, status, response.head, response.body);
    expect_field(&response, "Connection", "close");
    client_expect_close(&client);
    client_close(&client);
    return response;
}

/* The body is wanted, and with it this is the answer. */
static struct response upload(const char *method, const char *target, const char *fields, const char *body)
{
    struct client client = client_connect(&server);
    client_send(&client, request(method, target, text("%sContent-Length: %zu\r\n" EXPECT, fields, strlen(body))));
    struct response response = client_read(&client);
    if (response.status != 100)
        harness_fail("%s: not 100: %s %s", target, response.head, response.body);
    client_send(&client, body);
    response = client_read(&client);
    client_close(&client);
    return response;
}

static void expect_uploaded(const char *target, const char *fields, const char *answer)
{
    struct response response = upload("POST", target, fields, "body");
    expect_response(&response, 200, answer);
}

/* ---- Whose author asks for it ---- */

EarlyTest(one_that_passes_is_called_twice_and_leaves_things_once)
{
    start("", EARLY);
    struct response response = ask(&server, text("%sbody", request("POST", "/", "Content-Length: 4\r\nConnection: close\r\n")));
    expect_response(&response, 200, "1 calls, 1 left, 1 open: body");
    response = upload("POST", "/", "", "body");
    expect_response(&response, 200, "2 calls, 1 left, 1 open: body");
    cr_assert_eq(text_count(response.head, "X-Checked"), 1);
    cr_assert_eq(text_count(response.head, "Set-Cookie"), 1);
    expect_uploaded("/?early=built", "", "1 calls, 1 left, 1 open: body");
    expect_uploaded("/?early=careless", "", "2 calls, 1 left, 1 open: body");
    response = upload("POST", "/stream", "", "body");
    expect_response(&response, 200, "1 calls, 1 left, 1 open: body");
    response = upload("OPTIONS", "/", "", "body");
    expect_response(&response, 204, NULL);
    expect_field(&response, "Allow", "POST, GET, HEAD, OPTIONS");
    cr_assert_eq(text_count(response.head, "Allow:"), 1);
    expect_get(&server, "/", 200, "1 open");
}

EarlyTest(one_that_refuses_speaks_in_before)
{
    start("", EARLY);
    struct response response = expect_refusal("/?key=a", LARGE, 401);
    cr_assert(text_matches(response.body, "the key is needed"), "%s", response.body);
    cr_assert_eq(text_count(response.head, "X-Checked"), 1);
    expect_uploaded("/?key=a", "X-Key: a\r\n", "4 calls, 1 left, 1 open: body");
    /* only the one of them refuses: what it built is not sent */
    response = expect_refusal("/?early=answer", LARGE, 403);
    cr_assert(text_matches(response.body, "refused before its body had come"), "%s", response.body);
    expect_get(&server, "/?key=a", 401, NULL);
    expect_get(&server, "/", 200, "1 open");
}

/* While it takes its time. */
EarlyTest(the_answers_before_it_do_not_wait_for_a_filter)
{
    start("", EARLY);
    const char *gate = text("%s/gate", server.dir);
    chmod(server.dir, 0755);
    struct client client = client_connect(&server);
    client_send(&client, text("%s%s", request("GET", "/", ""), request("POST", text("/?early=gate&gate=%s", gate), LARGE)));
    struct response response = client_read(&client);
    expect_response(&response, 200, "1 open");
    file_write(gate, "");
    response = client_read(&client);
    expect_response(&response, 403, NULL);
    client_close(&client);
}

/* What is asked first decides: whoever comes before, and cannot be asked, is not passed by. */
EarlyTest(behind_a_filter_that_cannot_be_asked_none_is)
{
    start("outer", TRACE EARLY);
    struct response response = upload("POST", "/?key=a", "", "body");
    expect_response(&response, 401, NULL);
    expect_field(&response, "X-Trace", "b:outer a:outer");
    expect_get(&server, "/", 200, "1 open");
    stop();
    start("outer", TRACE "only = GET /\n" EARLY);
    expect_refusal("/?key=a", LARGE, 401);
    stop();
    start("", TRACE EARLY "filters = \n");
    expect_refusal("/?key=a", LARGE, 401);
}

EarlyTest(one_is_asked_within_its_scope)
{
    start("f", "[filter:f]\nmodule = @MODULES@/early.so\nexcept = POST /in\n" BARE
               "[app:in]\npath = /in\nmodule = @MODULES@/early.so\nasked = off\n");
    expect_refusal("/?key=a", LARGE, 401);
    expect_refusal("/nowhere?key=a", LARGE, 401);
    expect_uploaded("/in/?key=a", "", "4 calls, 0 left, 0 open: body"); /* of the two that were refused */
}

/* ---- What goes wrong ---- */

static void expect_wrong(const char *what, int status, const char *told)
{
    expect_refusal(text("/?early=%s", what), LARGE, status);
    server_log_await(&server, text("filter main.asked of module %s/early.so %s", modules_path(), told), 1);
}

EarlyTest(one_has_no_body_and_sends_nothing)
{
    start("", EARLY);
    struct client client = client_connect(&server);
    client_send(&client, text("%sa=1", request("POST", "/?early=body", LARGE)));
    cr_assert_eq(client_read(&client).status, 500);
    client_close(&client);
    expect_wrong("body", 500, "asks for the body as its .early, before it is there");
    expect_wrong("fd", 422, "asks for the body as its .early");
    expect_wrong("read", 422, "asks for the body as its .early");
    expect_wrong("write", 422, "calls tine_write() as its .early");
    expect_wrong("flush", 422, "calls tine_flush() as its .early");
    expect_wrong("finish", 422, "calls tine_finish() as its .early");
    expect_wrong("nonsense", 500, "returned -5 as its .early, which is neither");
    struct response response = expect_refusal("/?early=form", LARGE "Content-Type: application/x-www-form-urlencoded\r\n", 500);
    response_free(&response);
}

Test(early, one_that_crashes_or_hangs_is_answered_for)
{
    server_start(&server, ALONE LIMITS "[timeouts]\nrequest = 1s\n" EARLY);
    struct client other = client_connect(&server);
    expect_kept(&other, request("GET", "/", ""), "1 open");
    expect_refusal("/?early=crash", LARGE, 500);
    server_log_await(&server, "filter main.asked of module ", 1);
    server_log_await(&server, "POST /?early=crash", 1);
    expect_kept(&other, request("GET", "/", ""), "1 open");
    expect_refusal("/?early=hang", LARGE EXPECT, 504);
    server_log_await(&server, "took longer than [timeouts] request", 1);
    expect_kept(&other, request("GET", "/", ""), "1 open");
    client_close(&other);
    server_stop_after_crashes(&server);
}

Test(early, one_that_crashes_too_often_is_not_asked_any_more)
{
    server_start(&server, ALONE "crash_limit = 2\n" LIMITS EARLY);
    for (int i = 0; i < 2; i++)
        expect_refusal("/?early=crash", LARGE, 500);
    server_log_await(&server, "crashed too often: its route answers 503", 1);
    struct response response = upload("POST", "/?early=crash", "", "body");
    expect_response(&response, 503, NULL);
    server_stop_after_crashes(&server);
}

/* ---- Elsewhere ---- */

/* Who adopts it reads the head again, in which the filter has had text terminated. What then comes is more than one read takes. */
Test(early, one_is_not_asked_again_by_another_worker, .fini = stop)
{
    enum { SIZE = 300000 };
    pid_t before[WORKERS_MAX];
    char *bytes = memset(malloc(SIZE), 'x', SIZE);
    server_start(&server, ALONE LIMITS EARLY);
    struct client client = send_head("/?key=a", text("X-Key: a\r\nContent-Length: %d\r\n" EXPECT, SIZE));
    cr_assert_eq(client_read(&client).status, 100);
    client_send_bytes(&client, bytes, 10000);
    server_await_workers(&server, 1, before);
    server_hup(&server);
    server_await_replaced(&server, before, 1);
    client_send_bytes(&client, bytes, SIZE - 10000);
    expect_kept(&client, NULL, "1 calls, 1 left, 1 open: ");
    client_close(&client);
    free(bytes);
}

Test(early, none_is_asked_where_there_is_no_network)
{
    server_prepare(&server, EARLY);
    struct run ran = run_tine("call", "-c", server.ini, "/?early=answer", "-d", "body");
    cr_assert(ran.code == 0 && strstr(ran.out, "1 calls, 1 left, 1 open: body") != NULL, "%d %s %s", ran.code, ran.out, ran.err);
}
