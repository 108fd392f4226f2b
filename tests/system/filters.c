/* SPDX-License-Identifier: Apache-2.0
 *
 * Filters: which run around what, in which order, and what they may do. The module tells in X-Trace.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

TestSuite(filters, .timeout = 120);

#define FILTER(name) "[filter:" name "]\nmodule = @MODULES@/filters.so\n"
#define FILTERS FILTER("outer") FILTER("second") FILTER("app")
#define SERVER(filters) ONE_WORKER "filters = " filters "\n[limits]\nbody = 10\n"
#define APP(filters) "[app:main]\npath = /app\nmodule = @MODULES@/filters.so\nfilters = " filters "\n"
#define PLAIN "[app:none]\npath = /none\nmodule = respond\n"

static struct server server;

static void start(void)
{
    server_start(&server, SERVER("outer, second") FILTERS APP("app") PLAIN);
}

static void stop(void)
{
    server_stop(&server);
}

#define FilterTest(name) Test(filters, name, .init = start, .fini = stop)

/* A line of the log names who has done wrong, and the module. */
static void expect_blame(const char *who, const char *what)
{
    server_log_await(&server, text("%s of module %s/filters.so %s", who, modules_path(), what), 1);
}

#define OUTER "b:outer b:second"
#define RETTUO "a:second a:outer"
#define MAIN OUTER " b:app b:main"
#define NIAM "a:main a:app " RETTUO

static void expect_trace(const char *method, const char *path, const char *fields, int status, const char *trace)
{
    struct response response = ask(&server, request(method, path, fields));
    const char *found = response_header(&response, "X-Trace");
    if (response.status != status || found == NULL || strcmp(found, trace) != 0)
        harness_fail("%s %s: %d %s, not %d %s", method, path, response.status, found, status, trace);
    response_free(&response);
}

FilterTest(run_from_the_server_in_and_out_again)
{
    expect_trace("GET", "/app", "", 200, MAIN " " NIAM);
    expect_trace("GET", "/app/routed", "", 200, MAIN " b:route a:route " NIAM);
    expect_trace("GET", "/app/group/7", "", 200, MAIN " b:group a:group " NIAM);
    expect_trace("GET", "/app/group/in/7/x", "", 200, MAIN " b:group b:inner a:inner a:group " NIAM);
    expect_trace("GET", "/app/group/route", "", 200, MAIN " b:group b:route a:route a:group " NIAM);
    expect_trace("GET", "/none", "", 200, OUTER " " RETTUO);
}

FilterTest(see_what_no_handler_answers)
{
    expect_trace("GET", "/nowhere", "", 404, OUTER " " RETTUO);
    expect_trace("GET", "/app/nowhere", "", 404, MAIN " " NIAM);
    expect_trace("GET", "/app/group/a/b", "", 404, MAIN " b:group a:group " NIAM);
    expect_trace("GET", "/app/group/in/1/nothing", "", 404, MAIN " b:group b:inner a:inner a:group " NIAM);
    expect_trace("DELETE", "/app", "", 405, MAIN " " NIAM);
    expect_trace("DELETE", "/app/group/post", "", 405, MAIN " b:group a:group " NIAM);
    expect_trace("OPTIONS", "/app", "", 204, MAIN " " NIAM);
    expect_trace("GET", "/app/fail", "", 500, MAIN " " NIAM);
    expect_trace("GET", "/app/nonsense", "", 500, MAIN " " NIAM);
    expect_trace("BREW", "/app/routed", "", 501, MAIN " " NIAM);
}

FilterTest(of_a_group_without_a_prefix_run_around_its_routes_alone)
{
    expect_trace("GET", "/app/closed/7", "", 200, MAIN " b:group a:group " NIAM);
    expect_trace("DELETE", "/app/closed/7", "", 405, MAIN " b:group a:group " NIAM);
    expect_trace("OPTIONS", "/app/closed", "", 204, MAIN " b:group a:group " NIAM);
    expect_trace("GET", "/app/closed/in/x", "", 200, MAIN " b:group a:group " NIAM);
    expect_trace("GET", "/app/closed/in/nothing", "", 404, MAIN " b:group a:group " NIAM);
    expect_trace("GET", "/app/closed/7/nothing", "", 404, MAIN " " NIAM);
    expect_trace("GET", "/app/open", "", 200, MAIN " " NIAM);
    expect_trace("DELETE", "/app/open", "", 405, MAIN " " NIAM);
    expect_trace("GET", "/app/both", "", 200, MAIN " b:group a:group " NIAM);
    expect_trace("DELETE", "/app/both", "", 405, MAIN " " NIAM); /* that of POST comes first */
    expect_trace("GET", "/app/deep/closed/7", "", 200, MAIN " b:group b:inner a:inner a:group " NIAM);
    expect_trace("DELETE", "/app/deep/closed/7", "", 405, MAIN " b:group b:inner a:inner a:group " NIAM);
    expect_trace("DELETE", "/app/deep/one", "", 405, MAIN " b:group a:group " NIAM);
    expect_trace("GET", "/app/deep/nothing", "", 404, MAIN " b:group a:group " NIAM);
}

/* Whether its length was said, found out on the way, or asked for before. */
FilterTest(see_a_body_that_is_refused)
{
    struct response response = ask(&server, "POST /app/ HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello world");
    expect_response(&response, 413, NULL);
    expect_field(&response, "X-Trace", MAIN " " NIAM);
    expect_field(&response, "Connection", "close");
    response = ask(&server, "POST /app/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n8\r\nabcdefgh\r\n0\r\n\r\n");
    expect_response(&response, 413, NULL);
    expect_field(&response, "X-Trace", MAIN " " NIAM);
    response = ask(&server, "POST /app/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    expect_response(&response, 404, NULL);
    expect_field(&response, "X-Trace", MAIN " " NIAM);
    response = ask(&server, "GET / HTTP/1.1\r\nHost: x\r\nBad Field: 1\r\n\r\n");
    expect_response(&response, 400, NULL);
    expect_field(&response, "X-Trace", NULL);
}

FilterTest(may_answer_and_only_those_around_them_see_it)
{
    struct response response = get(&server, "/app/routed?app=answer");
    expect_response(&response, 401, "answered by app");
    expect_field(&response, "X-Trace", OUTER " b:app " RETTUO);
    expect_trace("GET", "/app/?outer=answer", "", 401, "b:outer");
    expect_trace("GET", "/app/?main=status", "", 403, MAIN " a:app " RETTUO);
    expect_trace("GET", "/nowhere?second=answer", "", 401, OUTER " a:outer");
    expect_trace("POST", "/app/?outer=answer", "Content-Length: 0\r\n", 401, "b:outer");
    response = get(&server, "/app/?second=nonsense");
    expect_response(&response, 500, NULL);
    expect_field(&response, "X-Trace", OUTER " a:outer");
    expect_blame("filter second.own", "returned -5");
}

FilterTest(may_change_the_answer_afterwards)
{
    struct response response = get(&server, "/app/?app=replace");
    expect_response(&response, 202, "replaced by app");
    expect_field(&response, "X-Trace", MAIN " " NIAM);
    expect_get(&server, "/app/?app=wrap&outer=wrap", 200, "<<main>>");
    expect_get(&server, "/app/?app=code", 203, "main");
    expect_trace("GET", "/app/?app=nonsense_after", "", 500, MAIN " " NIAM);
    expect_blame("filter app.own", "returned 1, which is neither");
    expect_get(&server, "/app/?app=write", 200, "main");
    expect_blame("filter app.own", "calls tine_write() after the handler");
    expect_get(&server, "/app/?app=late", 200, "main");
    expect_blame("filter app.own", "sets field 'X-Late', refused: it is too late after the response was done");
    expect_blame("filter app.own", "builds a response after the response was done");
}

FilterTest(come_before_the_head_of_a_stream)
{
    struct response response = get(&server, "/app/stream");
    cr_assert_eq(response.length, 100000);
    expect_field(&response, "X-Trace", MAIN " " NIAM);
    server_log_await(&server, "done outer 200 100000", 1);
    response = get(&server, "/app/stream?app=replace");
    expect_response(&response, 200, NULL);
    cr_assert_eq(response.length, 100000);
    expect_blame("filter app.own", "answers after the response has begun");
    response = get(&server, "/app/?main=stream");
    cr_assert_eq(response.length, 100000);
    expect_field(&response, "X-Trace", MAIN " a:app " RETTUO);
}

FilterTest(learn_what_came_of_it)
{
    expect_get(&server, "/app/", 200, "main");
    server_log_await(&server, "done main 200 4", 1);
    server_log_await(&server, "done outer 200 4", 1);
    struct client client = client_connect(&server);
    client_send(&client, request("HEAD", "/app/", ""));
    client_read_head(&client);
    server_log_await(&server, "done outer 200 0", 1);
    client_close(&client);
}

FilterTest(that_crash_are_named_and_do_not_run_on_the_answer)
{
    struct response response = get(&server, "/app/?app=crash");
    expect_response(&response, 500, NULL);
    expect_field(&response, "X-Trace", NULL);
    server_log_await(&server, "filter app.own of module ", 1);
    expect_get(&server, "/nowhere?second=crash", 500, NULL);
    server_log_await(&server, "filter second.own of module ", 1);
    response = get(&server, "/app/crash");
    expect_response(&response, 500, NULL);
    expect_field(&response, "X-Trace", NULL);
    server_log_await(&server, "handler main.crash of module ", 1);
}

FilterTest(tell_handlers_by_attributes)
{
    expect_get(&server, "/app/", 200, "main");
    expect_get(&server, "/app/attributes", 200, "-1 1 1 1");
    expect_blame("handler main.attributes", "sets an attribute without a name");
}

FilterTest(what_is_deferred_runs_backwards_at_the_end)
{
    expect_get(&server, "/app/defer", 200, "-1");
    server_log_await(&server, "deferred first", 1);
    const char *log = server_log(&server), *second = strstr(log, "deferred second");
    cr_assert(strstr(log, "done outer") < second && second < strstr(log, "deferred first"), "%s", log);
    expect_blame("handler main.defer", "gives tine_defer() no function");
}

Test(filters, nothing_runs_where_none_is_named)
{
    server_start(&server, ONE_WORKER PLAIN "[app:x]\npath = /x\nmodule = @MODULES@/filters.so\n");
    struct response response = get(&server, "/none");
    expect_field(&response, "X-Trace", NULL);
    response = get(&server, "/x/routed");
    expect_field(&response, "X-Trace", "b:x b:route a:route a:x");
    response = get(&server, "/");
    expect_field(&response, "X-Trace", NULL);
    server_stop(&server);
}

/* Who is not admitted to an app is seen by the filters of the server alone. */
Test(filters, of_an_app_see_nobody_whom_it_denies)
{
    server_start(&server, SERVER("outer") FILTER("outer") FILTER("app") APP("app") "deny = 127.0.0.1\n");
    expect_trace("GET", "/app/", "", 403, "b:outer a:outer");
    server_stop(&server);
}

Test(filters, do_not_keep_anybody_from_asking_for_health)
{
    server_start(&server, ONE_WORKER "health = on\nfilters = outer\n" FILTER("outer"));
    struct response response = get(&server, "/-/live?outer=answer");
    expect_response(&response, 200, "live\n");
    expect_field(&response, "X-Trace", NULL);
    expect_get(&server, "/-/ready?outer=answer", 200, "ready\n");
    server_stop(&server);
}

Test(filters, that_crash_too_often_do_not_run_any_more)
{
    server_start(&server, ONE_WORKER "crash_limit = 2\nfilters = outer\n" FILTER("outer") APP(""));
    for (int i = 0; i < 2; i++)
        expect_get(&server, "/app/?outer=crash", 500, NULL);
    struct response response = get(&server, "/app/?outer=crash");
    expect_response(&response, 503, NULL);
    expect_field(&response, "X-Trace", NULL);
    server_stop(&server);
}

/* Who is turned away by a filter, for want of a password say, does not show that what is behind it is well again. One that finishes its
 * answer lets go of client and request while it runs. */
/* One worker alone: what has finished its answer may not have concluded the try when another worker is asked. */
Test(filters, that_answer_do_not_vouch_for_what_is_behind_them)
{
    static const char *const ways[] = {"answer", "finish"};
    server_start(&server,
                 ONE_WORKER "workers_max = 1\ncrash_limit = 2\nfilters = outer, second\n" FILTER("outer") FILTER("second") APP(""));
    for (int i = 0; i < 2; i++)
        expect_get(&server, "/app/?second=crash", 500, NULL);
    expect_get(&server, "/app/", 503, NULL);
    for (int way = 0; way < 2; way++) {
        struct client client = client_connect(&server);
        int status = 0;
        while (status != 401) { /* after the pause */
            client_send(&client, request("GET", text("/app/?outer=%s", ways[way]), ""));
            status = client_read(&client).status;
            cr_assert(status == 401 || status == 503, "%s: %d", ways[way], status);
            pause_shortly();
        }
        expect_get(&server, text("/app/?outer=%s", ways[way]), 401, NULL);
        expect_get(&server, "/app/?second=crash", 500, NULL);
        expect_get(&server, "/app/", 503, NULL);
    }
    cr_assert_not(server_log_has(&server, "serves again"));
    server_stop(&server);
}

/* Where there is no handler they are counted together: 404, 405, a body that is refused. What has one is as before. */
Test(filters, that_crash_where_there_is_no_handler_do_not_run_any_more)
{
    server_start(&server, ONE_WORKER "crash_limit = 2\nfilters = outer\n[limits]\nbody = 10\n" FILTER("outer") APP(""));
    expect_get(&server, "/nowhere?outer=crash", 500, NULL);
    struct response response = ask(&server, request("DELETE", "/app/?outer=crash", ""));
    expect_response(&response, 500, NULL);
    server_log_await(&server, "crashed too often: its route answers 503", 1);
    response = get(&server, "/nowhere");
    expect_response(&response, 503, NULL);
    expect_field(&response, "X-Trace", NULL);
    response = ask(&server, request("POST", "/app/?outer=crash", "Content-Length: 11\r\n"));
    expect_response(&response, 503, NULL);
    expect_get(&server, "/app/", 200, "main");
    struct run status = run_tine("status", "-c", server.ini);
    cr_assert(text_matches(status.out, "^  \\* \\(filters where there is no handler\\) \\(outer.own of /.*/filters\\.so\\): .* 2 crashes"),
              "%s", status.out);
    server_stop_after_crashes(&server);
}

Test(filters, that_are_wrong_are_told_with_their_place)
{
    static const struct {
        const char *ini, *expected;
    } cases[] = {
        {SERVER("outer, nobody") FILTER("outer"),
         "server\\.ini:4: \\[server\\] filters: there is no \\[filter:nobody\\]: it is a section of its own"},
        {ONE_WORKER APP("nobody"), "server\\.ini:7: \\[app:main\\] filters: there is no \\[filter:nobody\\]: it is a section of its own"},
        {ONE_WORKER "[filter:x]\nmodule = respond\n", "server\\.ini:5: \\[filter:x\\] module: it has no filters"},
        {ONE_WORKER "[filter:x]\nmodule = @MODULES@/filters.so\nwall = 1\n", "server\\.ini:6: \\[filter:x\\] wall: "},
        {ONE_WORKER "[filter:x]\nwell = 1\n", "server\\.ini:4: \\[filter:x\\] module: is missing"},
        {ONE_WORKER "[filter:x]\nmodule = ./none.so\n", "server\\.ini:5: \\[filter:x\\] module: cannot load"},
        {ONE_WORKER FILTER("x") FILTER("x"), "server\\.ini:6: \\[filter:x\\].*already"},
        {ONE_WORKER "filters = x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x\n" FILTER("x"),
         "\\[server\\] filters: more than 32 filters"},
    };
    server_prepare(&server, "");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        server_configure(&server, cases[i].ini);
        expect_bad_ini(&server, cases[i].expected);
    }
    server_configure(&server, SERVER("outer") FILTERS APP("app, second"));
    struct run ran = run_tine("-T", "-c", server.ini);
    cr_assert_eq(ran.code, 0);
    cr_assert(text_matches(ran.out, "^\\[filter:outer\\]") && text_matches(ran.out, "^filters = .?app, second"), "%s", ran.out);
}

/* ---- Routing -------------------------------------------------------------------------------------- */

FilterTest(a_slash_at_the_end_counts)
{
    expect_get(&server, "/app", 200, NULL);
    expect_get(&server, "/app/", 200, NULL);
    expect_get(&server, "/app/slash/", 200, NULL);
    expect_get(&server, "/app/slash", 404, NULL);
    expect_get(&server, "/app/routed/", 404, NULL);
    expect_get(&server, "/app/group", 200, NULL);
    expect_get(&server, "/app/group/", 404, NULL);
    expect_get(&server, "/app/group/7/", 404, NULL);
}

FilterTest(a_prefix_may_have_parameters)
{
    expect_get(&server, "/app/group/seven", 200, "id seven");
    expect_get(&server, "/app/group/in/a%20b/12/y", 200, "id a b");
    expect_get(&server, "/app/group/in/a/b/y", 404, NULL);
    struct response response = ask(&server, request("PUT", "/app/group/post", "Content-Length: 0\r\n"));
    expect_response(&response, 405, NULL);
    expect_field(&response, "Allow", "POST, GET, HEAD, OPTIONS");
}

Test(filters, groups_that_cannot_be_used_are_told)
{
    static const char *const expected[] = {
        "/slash/ cannot be used: the prefix of a group ends with '/'", "none cannot be used: the pattern does not begin with '/'",
        "/with cannot be used: a group has no handler", "GET /leafx cannot be used: the pattern does not begin with '/'",
        "/a/b/c/d/e/f/g/h/i cannot be used: groups stand in groups more than eight deep",
        "GET /twice/x cannot be used: the same method and pattern are there already (tests/modules/groups_wrong.c:",
        "its group none cannot be used: ", "(tests/modules/groups_wrong.c:28)", "it has a filter without a name",
        "it has a filter that was built for a newer tine",
        "more than 32 filters run around one route",
    };
    server_prepare(&server, ONE_WORKER "[app:wrong]\nmodule = @MODULES@/groups_wrong.so\n");
    struct run ran = run_tine("-t", "-c", server.ini);
    cr_assert_eq(ran.code, 1);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        cr_expect(strstr(ran.err, expected[i]) != NULL, "%s: %s", expected[i], ran.err);
}

/* ---- Health --------------------------------------------------------------------------------------- */

Test(filters, readiness_asks_modules_for_their_health)
{
    server_prepare(&server, "");
    file_write(text("%s/well", server.dir), "");
    server_configure(&server, ONE_WORKER "health = on\n" FILTER("f") APP("f") "well = @DIR@/well\n");
    server_launch(&server);
    expect_get(&server, "/-/ready", 200, "ready\n");
    unlink(text("%s/well", server.dir));
    struct response response = get(&server, "/-/ready");
    expect_response(&response, 503, "app:main is not healthy\n");
    expect_field(&response, "Cache-Control", "no-store");
    expect_get(&server, "/-/ready", 503, NULL);
    expect_get(&server, "/-/live", 200, "live\n");
    expect_get(&server, "/app/", 200, "main");
    server_log_await(&server, "/-/ready fails: ", 1);
    cr_assert(text_matches(server_log(&server), "/-/ready fails: .*server\\.ini:[0-9]+: \\[app:main\\] well: it is gone"), "%s",
              server_log(&server));
    cr_assert_eq(text_count(server_log(&server), "/-/ready fails"), 1);
    file_write(text("%s/well", server.dir), "");
    expect_get(&server, "/-/ready", 200, "ready\n");
    server_stop(&server);
}

/* ---- The example ---------------------------------------------------------------------------------- */

Test(filters, the_example_asks_for_a_token)
{
    server_start(&server, ONE_WORKER "[filter:token]\nmodule = @MODULES@/../../filter.so\ntoken = sesame\n"
                                     "[app:hello]\nmodule = @MODULES@/../../hello.so\nfilters = token\n");
    struct response response = get(&server, "/hello/ada");
    expect_response(&response, 401, NULL);
    expect_field(&response, "WWW-Authenticate", "Bearer");
    response = ask(&server, request("GET", "/hello/ada", "Authorization: Bearer sesame\r\n"));
    expect_response(&response, 200, "{\"hello\":\"ada\"}");
    cr_assert(text_matches(response.head, "Server-Timing: app;dur=[0-9.]+\r"), "%s", response.head);
    server_stop(&server);
}
