/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may not, shall not upload: filters that are asked when a head is there and its body is not.
 */
#include "client.h"
#include "shim.h"

#include <criterion/criterion.h>
#include <crypt.h>
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

/* ---- What comes with tine ---- */

EarlyTest(bearer_refuses_a_body_before_it_comes)
{
    start("tokens", BEARER BATTERY);
    struct response response = expect_refusal("/", LARGE, 401);
    expect_field(&response, "WWW-Authenticate", "Bearer realm=\"restricted\"");
    cr_assert(text_matches(response.body, "a token is needed"), "%s", response.body);
    expect_refusal("/", LARGE EXPECT, 401);
    expect_refusal("/", "Transfer-Encoding: chunked\r\n", 401);
    expect_refusal("/", "Transfer-Encoding: chunked\r\n" EXPECT, 401);
    expect_refusal("/nowhere", LARGE, 401);
    response = expect_refusal("/", LARGE "Authorization: Bearer best\r\n", 401);
    cr_assert(text_matches(response.body, "the token is not known here"), "%s", response.body);
    cr_assert(text_matches(server_access_await(&server, "POST /"), "\" 401 [0-9]+ "), "%s", server_log(&server));
}

static bool spools(void)
{
    pid_t worker;
    server_await_workers(&server, 1, &worker);
    return run("sh", "-c", text("readlink /proc/%d/fd/* | grep -v memfd | grep -q deleted", (int)worker)).code == 0;
}

/* Half sent, with the last chunk's size cut off, and more of it comes all the same: it is thrown away. */
EarlyTest(of_a_body_that_is_refused_nothing_is_kept)
{
    enum { SIZE = 1000000 };
    char *bytes = memset(malloc(SIZE), 'x', SIZE);
    start("tokens", BEARER BATTERY);
    struct client other = client_connect(&server), client = client_connect(&server);
    client_send(&client, text("%s5\r\nabcde\r\nfff", request("POST", "/attribute/user", "Transfer-Encoding: chunked\r\n")));
    cr_assert_eq(client_read(&client).status, 401);
    client_try_send(&client, bytes, SIZE);
    client_send(&other, request("GET", "/attribute/user", TOKEN));
    cr_assert_eq(client_read(&other).status, 200);
    cr_assert_not(spools());
    client_close(&client);
    client = send_head("/attribute/user", LARGE TOKEN);
    client_send_bytes(&client, bytes, SIZE);
    await(spools()); /* else the look above would tell nothing */
    client_close(&client);
    client_close(&other);
    free(bytes);
}

EarlyTest(who_has_the_token_uploads_as_ever)
{
    start("tokens", BEARER BATTERY "[app:main2]\npath = /early\nmodule = @MODULES@/early.so\n");
    struct response response = upload("POST", "/early/", TOKEN, "hello");
    expect_response(&response, 200, "2 calls, 1 left, 1 open: hello");
    struct client client = send_head("/early/", TOKEN "Transfer-Encoding: chunked\r\n" EXPECT);
    cr_assert_eq(client_read(&client).status, 100);
    client_send(&client, "4\r\nha");
    client_send(&client, "lf\r\n0\r\n\r\n");
    expect_kept(&client, NULL, "2 calls, 1 left, 1 open: half");
    client_send(&client, text("%shal", request("GET", "/attribute/user", TOKEN "Content-Length: 4\r\n")));
    client_send(&client, "f");
    expect_kept(&client, NULL, "ada");
    client_close(&client);
}

EarlyTest(a_body_that_came_with_its_head_is_refused_as_ever)
{
    start("tokens", BEARER BATTERY);
    struct client client = client_connect(&server);
    for (int i = 0; i < 2; i++) {
        client_send(&client, text("%shello", request("POST", "/attribute/user", "Content-Length: 5\r\n")));
        struct response response = client_read(&client);
        expect_response(&response, 401, NULL);
        expect_field(&response, "Connection", NULL);
    }
    client_close(&client);
}

EarlyTest(in_a_pipeline_the_answers_before_it_come_first)
{
    start("tokens", BEARER BATTERY);
    struct client client = client_connect(&server);
    client_send(&client, text("%s%s%shello%s", request("GET", "/attribute/user", TOKEN), request("GET", "/attribute/user", ""),
                              request("POST", "/attribute/user", "Content-Length: 5\r\n"), request("POST", "/", LARGE EXPECT)));
    cr_assert_eq(client_read(&client).status, 200);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(client_read(&client).status, 401);
    client_expect_close(&client);
    client_close(&client);
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

EarlyTest(fields_of_filters_around_are_on_the_refusal)
{
    start("headers, cors, tokens", "[filter:headers]\nmodule = security_headers\n"
                                   "[filter:cors]\nmodule = cors\norigins = https://app.example\n" BEARER BATTERY);
    struct response response = expect_refusal("/attribute/user", LARGE "Origin: https://app.example\r\n", 401);
    expect_field(&response, "X-Frame-Options", "DENY");
    expect_field(&response, "Access-Control-Allow-Origin", "https://app.example");
    expect_field(&response, "WWW-Authenticate", "Bearer realm=\"restricted\"");
}

EarlyTest(csrf_refuses_what_another_site_sends_and_waits_for_tokens)
{
    start("csrf", "[filter:csrf]\nmodule = csrf\nkeys = 0123456789abcdef0123456789abcdef\n" BARE);
    struct response response = expect_refusal("/", LARGE "Sec-Fetch-Site: cross-site\r\n", 403);
    cr_assert(text_matches(response.body, "another site"), "%s", response.body);
    expect_uploaded("/", "Sec-Fetch-Site: same-origin\r\n", "0 calls, 0 left, 0 open: body");
    response = upload("POST", "/", "Content-Type: application/x-www-form-urlencoded\r\n", "csrf_token=x");
    expect_response(&response, 403, NULL);
}

/* By a session, which has to be asked for early itself. */
EarlyTest(who_is_logged_in_is_known_early)
{
    start("session", "[filter:session]\nmodule = session\nkeys = 0123456789abcdef0123456789abcdef\n"
                     "[filter:member]\nmodule = @MODULES@/early.so\n" BATTERY "filters = member\n"
                     "[app:login]\npath = /login\nmodule = @MODULES@/battery.so\n");
    expect_refusal("/session?early=member", LARGE, 401);
    struct response response = ask(&server, request("POST", "/login/session?user=ada", "Content-Length: 0\r\n"));
    expect_response(&response, 200, NULL);
    const char *cookie = response_header(&response, "Set-Cookie");
    cr_assert_not_null(cookie);
    struct client client =
        send_head("/session?early=member", text("Cookie: %.*s\r\n" LARGE EXPECT, (int)strcspn(cookie, ";"), cookie));
    response = client_read(&client);
    cr_assert_eq(response.status, 100, "%s", response.head);
    client_close(&client);
}

static const char *basic(const char *password)
{
    return text("Authorization: Basic %s\r\n", run("sh", "-c", text("printf 'ada:%s' | base64 | tr -d '\\n'", password)).out);
}

static const char *users_of(const char *password)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    cr_assert_not_null(crypt_gensalt_rn("$2y$", 4, NULL, 0, setting, sizeof setting));
    return text("ada:%s\n", crypt(password, setting));
}

static void prepare_basic(const char *filters, const char *ini)
{
    server_prepare(&server, "");
    file_write(text("%s/users", server.dir), users_of("right"));
    server_configure(&server, text(ALONE "filters = %s\n" LIMITS "[filter:login]\nmodule = basic_auth\nfile = @DIR@/users\n%s" BATTERY,
                                   filters, ini));
}

/* It is compared once, though both are asked. */
EarlyTest(basic_auth_refuses_a_body_before_it_comes)
{
    prepare_basic("login", "");
    shim_launch(&server);
    expect_refusal("/", LARGE, 401);
    for (int i = 0; i < 3; i++) {
        fault_begin(&server, "crypt_rn", 1);
        expect_refusal("/", text("%s" LARGE EXPECT, basic(i == 1 ? "bad" : "wrong")), 401);
        cr_assert_eq(fault_count(&server, "crypt_rn"), 1);
        fault_end(&server, "crypt_rn");
    }
    struct response response = upload("POST", "/", basic("right"), "body");
    expect_response(&response, 200, "plain");
    /* What was wrong once may be right by now. */
    expect_refusal("/", text("%s" LARGE EXPECT, basic("changed")), 401);
    file_write(text("%s/users", server.dir), users_of("changed"));
    await(get_with(&server, "/", basic("changed")).status == 200);
    response = upload("POST", "/", basic("changed"), "body");
    expect_response(&response, 200, "plain");
}

/* Who has come too often is told nothing by what is further in: not even by a 100 that his guess was right. */
EarlyTest(who_has_tried_too_often_does_not_learn_that_the_password_was_right)
{
    prepare_basic("limit, login", "[filter:limit]\nmodule = rate_limit\nlimit = 2\nper = 1h\n");
    server_launch(&server);
    struct client client = send_head("/", text("%s" LARGE EXPECT, basic("right")));
    cr_assert_eq(client_read(&client).status, 100);
    client_close(&client);
    for (int i = 0; i < 2; i++) /* that one did not count, these do, once each */
        expect_refusal("/", text("%s" LARGE EXPECT, basic("wrong")), 401);
    struct response response = expect_refusal("/", text("%s" LARGE EXPECT, basic("wrong")), 429);
    cr_assert_not_null(response_header(&response, "Retry-After"));
    expect_refusal("/", text("%s" LARGE EXPECT, basic("right")), 429);
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
