/* SPDX-License-Identifier: Apache-2.0
 *
 * `only` and `except` of filters: around which requests they run. The module of most of them tells in X-Trace.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(scopes, .timeout = 120);

#define FILTER(name, scope) "[filter:" name "]\nmodule = @MODULES@/filters.so\n" scope
#define SERVER(filters) ONE_WORKER "filters = " filters "\n[limits]\nbody = 10\n"
#define APP(filters) "[app:main]\npath = /app\nmodule = @MODULES@/filters.so\nfilters = " filters "\n"
/* Of the app's own filter, which stands around all of it. */
#define MAIN "b:main a:main"

static struct server server;

static void start(const char *scope)
{
    server_start(&server, text("%s[filter:f]\nmodule = @MODULES@/filters.so\n%s" APP(""), SERVER("f"), scope));
}

/* 'trace' NULL: nothing has run. */
static void expect_trace_of(const char *bytes, int status, const char *trace)
{
    struct client client = client_connect(&server);
    client_send(&client, bytes);
    struct response response = strncmp(bytes, "HEAD ", 5) == 0 ? client_read_head(&client) : client_read(&client);
    const char *found = response_header(&response, "X-Trace");
    if (response.status != status || strcmp(found != NULL ? found : "", trace != NULL ? trace : "") != 0)
        harness_fail("%.60s: %d %s, not %d %s", bytes, response.status, found, status, trace);
    response_free(&response);
    client_close(&client);
}

static void expect_trace(const char *method, const char *target, int status, const char *trace)
{
    expect_trace_of(request(method, target, "Content-Length: 0\r\n"), status, trace);
}

#define RUNS "b:f b:main a:main a:f"

Test(scopes, only_names_the_requests_that_a_filter_runs_around)
{
    start("only = POST /app, /app/group/{id}/none, GET /app/routed\n");
    expect_trace("POST", "/app", 200, RUNS);
    expect_trace("POST", "/app/", 200, RUNS);
    expect_trace("GET", "/app", 200, MAIN);
    expect_trace("GET", "/app/routed", 200, "b:f b:main b:route a:route a:main a:f");
    expect_trace("HEAD", "/app/routed", 200, "b:f b:main b:route a:route a:main a:f");
    expect_trace("OPTIONS", "/app/routed", 204, MAIN);
    expect_trace("GET", "/app/group/7", 200, "b:main b:group a:group a:main");
    expect_trace("GET", "/app/group/7/none", 404, "b:f b:main b:group a:group a:main a:f");
    expect_trace("GET", "/app/nowhere", 404, MAIN);
    expect_trace("POST", "/app/nowhere", 404, RUNS);
    expect_trace("POST", "/nowhere", 404, NULL);
    server_stop(&server);
}

Test(scopes, except_names_those_that_it_does_not_run_around)
{
    start("except = GET /app/routed, /app/group, OPTIONS /\n");
    expect_trace("GET", "/app/routed", 200, "b:main b:route a:route a:main");
    expect_trace("HEAD", "/app/routed", 200, "b:main b:route a:route a:main");
    expect_trace("DELETE", "/app/routed", 405, RUNS);
    expect_trace("get", "/app/routed", 501, RUNS);
    expect_trace("OPTIONS", "/app/routed", 204, MAIN);
    expect_trace("GET", "/app/group/7", 200, "b:main b:group a:group a:main");
    expect_trace("DELETE", "/app/group/7", 405, "b:main b:group a:group a:main");
    expect_trace("GET", "/app/groups", 404, RUNS);
    expect_trace("GET", "/app/fail", 500, RUNS);
    expect_trace("GET", "/nowhere", 404, "b:f a:f");
    expect_trace("OPTIONS", "/nowhere", 404, NULL);
    expect_trace("OPTIONS", "*", 204, "b:f a:f");
    server_stop(&server);
}

Test(scopes, except_counts_within_only)
{
    start("only = /app\nexcept = POST /app\n");
    expect_trace("GET", "/app", 200, RUNS);
    expect_trace("POST", "/app", 200, MAIN);
    expect_trace("GET", "/nowhere", 404, NULL);
    expect_trace("OPTIONS", "*", 204, NULL);
    server_stop(&server);
}

/* However a path is written: what the router takes for one, they do too. */
Test(scopes, paths_are_those_of_the_router)
{
    static const char *const same[] = {"/app/routed", "/%61pp/rou%74ed", "/app/./routed", "/app/x/../routed", "/app/x/%2e%2E/routed",
                                       "/app/%2E/routed", "/app/routed?x=/", "http://host/app/routed", "http://host/x/../app/routed?y"};
    static const char *const other[] = {"/app/Routed", "/APP/routed", "/app%2Frouted", "/app/routed%2F", "/app/routed%20", "/app/routed.",
                                        "/app/routed;x", "/app/%2572outed", "/app\\routed", "/app/rout"};
    start("except = /app/routed\n");
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        expect_trace("GET", same[i], 200, "b:main b:route a:route a:main");
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        struct response response = ask(&server, request("GET", other[i], ""));
        const char *found = response_header(&response, "X-Trace");
        bool runs = found != NULL && strncmp(found, "b:f ", 4) == 0;
        cr_expect(response.status == 400 || (response.status == 404 && runs), "%s: %d %s", other[i], response.status, found);
    }
    /* No route has an empty segment, but the tail of one may: such a path is no exception, and is within `only`. */
    expect_trace("GET", "//app/routed", 404, "b:f a:f");
    expect_trace("GET", "/app//routed", 404, RUNS);
    server_reload(&server, text("%s" FILTER("f", "only = /app/routed\n") APP(""), SERVER("f")));
    expect_trace("GET", "//app/routed", 404, "b:f a:f");
    expect_trace("GET", "/app//routed", 404, RUNS);
    expect_trace("GET", "/app/routed/", 404, RUNS);
    expect_trace("GET", "/app/%2Frouted", 404, MAIN);
    expect_trace("GET", "http://host/app/routed", 200, "b:f b:main b:route a:route a:main a:f");
    server_stop(&server);
}

/* Neither before, nor after, nor when all is done; others in the list do not notice. */
Test(scopes, a_filter_that_is_left_out_is_so_for_the_whole_request)
{
    server_start(&server, SERVER("a, f, z") FILTER("a", "") FILTER("f", "except = /app\n") FILTER("z", "") APP(""));
    expect_trace("GET", "/app/?f=answer", 200, "b:a b:z b:main a:main a:z a:a");
    expect_trace("GET", "/app/?z=answer", 401, "b:a b:z a:a");
    expect_trace("GET", "/nowhere?f=answer", 401, "b:a b:f a:a");
    expect_trace("GET", "/app/?f=replace", 200, "b:a b:z b:main a:main a:z a:a");
    expect_trace("GET", "/app/?f=crash", 200, "b:a b:z b:main a:main a:z a:a");
    struct response response = get(&server, "/app/stream?f=replace");
    cr_assert_eq(response.length, 100000);
    expect_field(&response, "X-Trace", "b:a b:z b:main a:main a:z a:a");
    expect_get(&server, "/app/crash", 500, NULL);
    expect_get(&server, "/app/?z=finish", 401, "finished by z");
    response = ask(&server, "POST /app/ HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello world");
    expect_response(&response, 413, NULL);
    expect_field(&response, "X-Trace", "b:a b:z b:main a:main a:z a:a");
    response = ask(&server, "POST /app/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n");
    expect_response(&response, 413, NULL);
    expect_field(&response, "X-Trace", "b:a b:z b:main a:main a:z a:a");
    server_log_await(&server, "done a 401", 3);
    server_log_await(&server, "done a 413", 2);
    cr_expect_not(server_log_has(&server, "done f"), "%s", server_log(&server));
    expect_trace("GET", "/nowhere", 404, "b:a b:f b:z a:z a:f a:a");
    server_log_await(&server, "done f 404", 1);
    server_stop(&server);
}

/* Requests of one connection, and of one worker, are asked each for itself. */
Test(scopes, count_anew_for_each_request_of_a_connection)
{
    start("only = POST /app\n");
    struct client client = client_connect(&server);
    for (int i = 0; i < 6; i++) {
        client_send(&client, text("%s /app HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", i % 2 == 0 ? "POST" : "GET"));
        struct response response = client_read(&client);
        expect_field(&response, "X-Trace", i % 2 == 0 ? RUNS : MAIN);
    }
    client_close(&client);
    server_stop(&server);
}

/* A handler that reads the body while it arrives is entered before that is there, and so are its filters. */
Test(scopes, hold_where_the_body_comes_later)
{
    server_start(&server, ONE_WORKER "filters = f\n" FILTER("f", "except = POST /input/stream/sum\n")
                                     "[app:input]\npath = /input\nmodule = @MODULES@/input.so\ndirectory = @DIR@\n");
    expect_trace_of("POST /input/stream/sum HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 200, NULL);
    expect_trace_of("POST /input/sum HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 200, "b:f a:f");
    expect_trace_of("POST /input/stream/first HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 200, "b:f a:f");
    server_stop(&server);
}

Test(scopes, hold_wherever_the_filter_is_named)
{
    server_start(&server, ONE_WORKER "filters = f, s\n" FILTER("f", "only = /app/routed\n") FILTER("g", "")
                                     "[filter:s]\nmodule = @MODULES@/several.so\nonly = GET /app\n" APP("g, f")
                                     "[app:none]\nmodule = respond\n");
    expect_trace("GET", "/app", 200, "b:one b:two b:g b:main a:main a:g a:two");
    expect_trace("POST", "/app", 200, "b:g b:main a:main a:g");
    expect_trace("GET", "/app/routed", 200, "b:f b:one b:two b:g b:f b:main b:route a:route a:main a:f a:g a:two a:f");
    expect_trace("GET", "/", 200, NULL);
    server_stop(&server);
}

/* Who is not admitted to an app is seen by the server's filters, where they run. */
Test(scopes, hold_for_who_is_denied)
{
    server_start(&server, SERVER("f") FILTER("f", "except = GET /app\n") APP("") "deny = 127.0.0.1\n");
    expect_trace("GET", "/app", 403, NULL);
    expect_trace("POST", "/app", 403, "b:f a:f");
    server_stop(&server);
}

Test(scopes, of_the_last_of_32_filters_hold)
{
    char *all = text("f"), *trace = text("b:f");
    for (int i = 1; i < 31; i++)
        all = text("%s, f", all);
    for (int i = 1; i < 62; i++)
        trace = text("%s %s:f", trace, i < 31 ? "b" : "a");
    server_start(&server, text(ONE_WORKER "filters = %s, g\n" FILTER("f", "") FILTER("g", "only = /nowhere\n")
                               "[app:none]\nmodule = respond\n", all));
    expect_trace("GET", "/", 200, trace);
    server_stop(&server);
}

Test(scopes, hold_without_a_server)
{
    server_prepare(&server, SERVER("f") FILTER("f", "only = POST /app\n") APP(""));
    struct run ran = run_tine("call", "-c", server.ini, "POST", "/app", "-d", "");
    cr_expect(text_matches(ran.out, "^X-Trace: " RUNS "\r?$"), "%s%s", ran.out, ran.err);
    ran = run_tine("call", "-c", server.ini, "/app");
    cr_expect(text_matches(ran.out, "^X-Trace: " MAIN "\r?$"), "%s%s", ran.out, ran.err);
}

/* ---- What they are for ---------------------------------------------------------------------------- */

#define API "[app:api]\npath = /api\nmodule = respond\nbody = in\n"

Test(scopes, a_login_alone_is_limited)
{
    server_start(&server, ONE_WORKER "[filter:login_limit]\nmodule = rate_limit\nonly = POST /api/login\nlimit = 2\nper = 1h\n" API
                                     "filters = login_limit\n");
    for (int i = 0; i < 5; i++)
        expect_get(&server, "/api/login", 200, "in");
    for (int i = 0; i < 4; i++) {
        struct response response = ask(&server, request("POST", "/api/login", "Content-Length: 0\r\n"));
        expect_response(&response, i < 2 ? 200 : 429, NULL);
    }
    struct response response = get(&server, "/api/login");
    expect_response(&response, 200, "in");
    expect_field(&response, "RateLimit", NULL);
    server_stop(&server);
}

/* The token of ada is "sesame". */
Test(scopes, all_but_a_login_is_protected)
{
    server_start(&server, ONE_WORKER "[filter:auth]\nmodule = bearer\nexcept = POST /api/login, GET /api/articles\n"
                                     "token.ada = d0c04f4b1951e4aeaaec8223ed2039e542f3aae805a6fa7f6d794e5afff5d272\n" API
                                     "filters = auth\n");
    static const struct {
        const char *method, *path;
        int status;
    } cases[] = {
        {"POST", "/api/login", 200}, {"GET", "/api/login", 401}, {"GET", "/api/articles", 200}, {"HEAD", "/api/articles/x", 200},
        {"POST", "/api/articles", 401}, {"OPTIONS", "/api/articles", 401}, {"GET", "/api/users", 401}, {"GET", "/api//articles", 401},
        {"GET", "/api/articles/../users", 401}, {"GET", "/api/articles/%2e%2e/users", 401}, {"GET", "/api/articlesx", 401},
        {"get", "/api/articles", 401},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_trace(cases[i].method, cases[i].path, cases[i].status, NULL);
    struct response response = get_with(&server, "/api/users", "Authorization: Bearer sesame\r\n");
    expect_response(&response, 200, "in");
    server_stop(&server);
}

/* ---- What is told of them ------------------------------------------------------------------------- */

Test(scopes, that_are_wrong_are_told_with_their_place)
{
    static const struct {
        const char *ini, *expected;
    } cases[] = {
        {FILTER("f", "only = login\n"), "server\\.ini:6: \\[filter:f\\] only: 'login' does not begin with '/'; write /login$"},
        {FILTER("f", "except = /a, post /x\n"),
         "server\\.ini:6: \\[filter:f\\] except: 'post /x': methods are in capitals; write POST /x$"},
        {FILTER("f", "ony = /a\n"), "server\\.ini:6: \\[filter:f\\] ony: module .* has no such setting; did you mean 'only'\\?$"},
        {APP("") "only = /a\n", "server\\.ini:8: \\[app:main\\] only: module .* has no such setting; "
                               "it is a key of \\[filter:NAME\\] and \\[route:NAME\\]$"},
        {APP("") "except = /a\n", "\\[app:main\\] except: module .* has no such setting; it is a key of \\[filter:NAME\\]$"},
        {FILTER("f", "only = /a\nonly = /b\n"), "server\\.ini:7: \\[filter:f\\] only: already set at .*server\\.ini:6$"},
    };
    server_prepare(&server, "");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        server_configure(&server, text(ONE_WORKER "%s", cases[i].ini));
        expect_bad_ini(&server, cases[i].expected);
    }
}

Test(scopes, are_printed_as_they_count)
{
    server_prepare(&server, ONE_WORKER FILTER("f", "only = POST /app/x, /b\n"));
    struct run ran = run_tine("-T", "-c", server.ini);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    cr_expect(text_matches(ran.out, "^only = .?POST /app/x, /b.?$") && text_matches(ran.out, "^except =$"), "%s", ran.out);
}

Test(scopes, take_their_names_from_settings_of_modules)
{
    server_prepare(&server, ONE_WORKER "[filter:s]\nmodule = @MODULES@/several.so\nexcept = /x\n");
    struct run ran = run_tine("-t", "-c", server.ini);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    cr_expect(text_matches(ran.err, "server\\.ini:5: \\[filter:s\\] module: its setting 'except' cannot be set: "
                                    "that is tine's own key of \\[filter:NAME\\]$"), "%s", ran.err);
}

Test(scopes, of_no_route_are_warned_of)
{
    server_prepare(&server, ONE_WORKER
                            FILTER("f", "only = POST /app, POST /app/routed, GET /app/group/{x}/y/z, /app/group/in, "
                                        "OPTIONS /app/fail, /-/live, /none\n"
                                        "except = /app/rooted, /\n")
                            FILTER("unused", "only = /nowhere\n") APP("f")
                            "[app:none]\npath = /none\nmodule = respond\n");
    struct run ran = run_tine("-t", "-c", server.ini);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    static const char *const expected[] = {
        "server\\.ini:6: \\[filter:f\\] only: no route that it stands around is at 'POST /app/routed' \\(see tine routes\\)$",
        "server\\.ini:6: \\[filter:f\\] only: no route that it stands around is at 'GET /app/group/\\{x\\}/y/z' ",
        "server\\.ini:6: \\[filter:f\\] only: no route that it stands around is at '/none' ",
        "server\\.ini:7: \\[filter:f\\] except: no route that it stands around is at '/app/rooted' ",
    };
    expect_matches(ran.err, expected, sizeof expected / sizeof expected[0]);
    cr_expect_eq(text_count(ran.err, "no route that it"), 4, "%s", ran.err);
}

Test(scopes, show_in_the_list_of_routes)
{
    server_prepare(&server, ONE_WORKER "filters = f, x\n" FILTER("f", "only = /app/group/7, GET /app/fail, /none/x\n")
                            FILTER("x", "except = /none, /app\n")
                            APP("") "[app:none]\npath = /none\nmodule = respond\n");
    struct run ran = run_tine("routes", "-c", server.ini);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    static const char *const rows[] = {
        "^GET +/app/fail +main\\.fail +[^ ]+ +f\\.own, main\\.own$",
        "^GET +/app +main\\.plain +[^ ]+ +main\\.own$",
        "^GET +/app/group/\\{id\\} +main\\.id +[^ ]+ +\\(f\\.own\\), main\\.own, main\\.group$",
        "^\\* +/none/\\{path:path\\} +none\\.respond +respond, built in +\\(f\\.own\\)$",
    };
    expect_matches(ran.out, rows, sizeof rows / sizeof rows[0]);
    ran = run_tine("routes", "--json", "-c", server.ini);
    cr_expect(text_matches(ran.out, "^ +\"main\\.group\"$"), "%s", ran.out);
    cr_expect_eq(text_count(ran.out, "\"filters_in_part\": ["), text_count(ran.out, "\"filters\": ["));
    cr_expect_eq(text_count(ran.out, "\"f.own\""), 5, "%s", ran.out); /* in part of two routes, around the whole of one */
}
