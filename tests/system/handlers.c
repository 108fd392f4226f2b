/* SPDX-License-Identifier: Apache-2.0
 *
 * What tine.h promises to a handler, seen by its client; and the built-ins respond and redirect.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <string.h>
#include <strings.h>

TestSuite(handlers, .timeout = 120);

static struct server server;

static void serve(void)
{
    server_start(&server, ONE_WORKER PROBE "[app:below]\npath = /api/v1\nmodule = @MODULES@/probe.so\n");
}

static void stop(void)
{
    if (server.pid > 0)
        server_stop(&server);
}

#define HandlerTest(name) Test(handlers, name, .init = serve, .fini = stop)

HandlerTest(text_is_text)
{
    struct response response = get(&server, "/hello");
    expect_response(&response, 200, "hello");
    expect_field(&response, "Content-Type", "text/plain; charset=utf-8");
    expect_field(&response, "Content-Length", "5");
}

HandlerTest(json_is_json)
{
    struct response response = get(&server, "/users/ada");
    expect_response(&response, 200, NULL);
    expect_field(&response, "Content-Type", "application/json");
    cr_assert(text_matches(response.body, "^\\{\"name\": ?\"ada\"\\}"), "%s", response.body);
}

HandlerTest(a_problem_is_a_problem)
{
    struct response response = get(&server, "/problem");
    expect_response(&response, 409, NULL);
    expect_field(&response, "Content-Type", "application/problem+json");
    cr_assert(text_matches(response.body, "\"detail\": ?\"ada is taken\""), "%s", response.body);
    cr_assert(text_matches(response.body, "\"title\": ?\"Conflict\""), "%s", response.body);
}

HandlerTest(no_answer_is_204)
{
    struct client client = client_connect(&server);
    client_send(&client, request("GET", "/nothing", ""));
    struct response response = client_read(&client);
    expect_response(&response, 204, "");
    cr_assert_null(response_header(&response, "Content-Length"), "RFC 9110, 8.6");
    client_send(&client, request("GET", "/hello", ""));
    response = client_read(&client);
    expect_response(&response, 200, "hello");
}

HandlerTest(a_returned_error_status_is_a_problem)
{
    const int statuses[] = {400, 404, 418, 500, 503};
    for (size_t i = 0; i < 5; i++) {
        struct response response = get(&server, text("/status/%d", statuses[i]));
        expect_response(&response, statuses[i], NULL);
        expect_field(&response, "Content-Type", "application/problem+json");
    }
}

HandlerTest(a_returned_status_of_no_sense_is_500)
{
    const int statuses[] = {1, 99, 600, 1000, 101};
    for (size_t i = 0; i < 5; i++)
        expect_get(&server, text("/status/%d", statuses[i]), 500, NULL);
}

HandlerTest(parameters_are_decoded_and_the_most_specific_route_wins)
{
    const char *const cases[][2] = {{"/users/me", "me"},
                                    {"/items/42", "item 42"},
                                    {"/items/-1", "item -1"},
                                    {"/path/", "/path/|"},
                                    {"/path/a/b/c", "/path/a/b/c|a/b/c"},
                                    {"/path/a%20b/%41", "/path/a b/A|a b/A"},
                                    {"/path/a/./b/../c", "/path/a/c|a/c"},
                                    {"/path/%2e%2E/hello", "hello"},
                                    {"/path/a%2Fb", "/path/a%2Fb|a/b"},
                                    {"/api/v1/items/7", "item 7"},
                                    {"/api/v1/hello", "hello"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct response response = get(&server, cases[i][0]);
        if (response.status != 200 || (strcmp(response.body, cases[i][1]) != 0 && strstr(cases[i][0], "%2F") == NULL))
            harness_fail("%s: %d %s", cases[i][0], response.status, response.body);
    }
    struct response response = get(&server, "/users/J%C3%BCrgen%20%2f%22");
    cr_assert(strstr(response.body, "J\xc3\xbcrgen /\\\"") != NULL, "%s", response.body);
}

HandlerTest(queries_are_decoded)
{
    const char *const cases[][2] = {{"/query", "(none)|"},
                                    {"/query?", "(none)|"},
                                    {"/query?q=", "|q="},
                                    {"/query?q", "|q"},
                                    {"/query?a=1&q=x+y%26z&q=2", "x y&z|a=1&q=x+y%26z&q=2"},
                                    {"/query?Q=1", "(none)|Q=1"},
                                    {"/query?%71=encoded", "encoded|%71=encoded"},
                                    {"/query?q=%zz", "(none)|q=%zz"},
                                    {"/query?q=a%00b", "(none)|q=a%00b"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct response response = get(&server, cases[i][0]);
        if (response.status == 400 && i >= 7) /* refusing a broken query outright is as good */
            continue;
        expect_response(&response, 200, cases[i][1]);
    }
}

HandlerTest(fields_are_found_whatever_their_case)
{
    struct response response = ask(&server, request("GET", "/header/x-TEST", "X-Test:  one \t\r\nX-test: two\r\n"));
    expect_response(&response, 200, "one, two");
    expect_get(&server, "/header/nothing", 200, "(none)");
    response = ask(&server, request("GET", "/headers", "A: 1\r\nB:2\r\nConnection: close\r\n"));
    expect_response(&response, 200, "Host=tine.test\nA=1\nB=2\nConnection=close\n");
}

HandlerTest(client_and_method_are_known)
{
    expect_get(&server, "/client", 200, "127.0.0.1");
    const char *const methods[] = {"GET", "PUT", "PROPFIND", "X-OWN"};
    for (size_t i = 0; i < 4; i++) {
        struct response response = ask(&server, request(methods[i], "/method", ""));
        expect_response(&response, 200, methods[i]);
    }
}

HandlerTest(a_body_comes_back_with_all_its_bytes)
{
    char bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    struct client client = client_connect(&server);
    client_send(&client, request("POST", "/echo", "Content-Length: 256\r\n"));
    client_send_bytes(&client, bytes, 256);
    struct response response = client_read(&client);
    cr_assert_eq(response.length, 256);
    cr_assert_arr_eq(response.body, bytes, 256);
    expect_field(&response, "Content-Type", "application/octet-stream");
}

HandlerTest(fields_can_be_set_but_not_split)
{
    struct response response = get(&server, "/set");
    expect_response(&response, 201, "1 0");
    expect_field(&response, "X-Set", "second");
    cr_assert_eq(text_count(response.head, "X-Set:"), 1);
    cr_assert_eq(text_count(response.head, "X-Many:"), 2, "%s", response.head);
    cr_assert(strstr(response.head, "Evil") == NULL);
}

HandlerTest(the_last_answer_counts)
{
    expect_get(&server, "/twice", 200, "second");
}

HandlerTest(a_redirect_says_where)
{
    struct response response = get(&server, "/redirect");
    expect_response(&response, 303, NULL);
    expect_field(&response, "Location", "/hello?from=redirect");
}

static void expect_digits(const struct response *response, size_t length)
{
    cr_assert_eq(response->status, 200);
    cr_assert_eq(response->length, length, "%zu bytes, not %zu", response->length, length);
    for (size_t i = 0; i < length; i++)
        if (response->body[i] != (char)('0' + i % 10))
            harness_fail("byte %zu is wrong", i);
}

HandlerTest(what_is_written_arrives_in_chunks_once_it_is_much)
{
    const size_t sizes[] = {0, 1, 1000, 65000, 70000, 1000000, 5000000};
    struct client client = client_connect(&server);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        client_send(&client, request("GET", text("/stream/%zu", sizes[i]), ""));
        struct response response = client_read(&client);
        if (sizes[i] == 0)
            cr_assert(response.status == 200 || response.status == 204);
        else
            expect_digits(&response, sizes[i]);
        cr_assert_eq(response.chunked, sizes[i] > 65536, "%zu bytes", sizes[i]);
        response_free(&response);
    }
    client_close(&client);
}

HandlerTest(a_handler_that_fails_after_its_response_began_sends_no_last_chunk)
{
    struct client client = client_connect(&server);
    client_send(&client, request("GET", "/broken_stream/100000", ""));
    int64_t deadline = now_ms() + PATIENCE;
    for (long got = 1; got > 0;) {
        got = client_receive(&client, deadline - now_ms());
        cr_assert_null(strstr(client.data, "\r\n0\r\n"), "the body looks whole");
        cr_assert_neq(got, -2, "the connection does not end");
    }
    cr_assert(strstr(client.data, " 500 ") == NULL && !text_matches(client.data, "^Content-Length:"), "%.300s", client.data);
    client_close(&client);
    expect_get(&server, "/hello", 200, "hello");
}

HandlerTest(a_block_of_any_size_arrives)
{
    const size_t sizes[] = {1, 16384, 100000, 3000000};
    struct client client = client_connect(&server);
    for (size_t i = 0; i < 4; i++) {
        client_send(&client, request("GET", text("/block/%zu", sizes[i]), ""));
        struct response response = client_read(&client);
        expect_digits(&response, sizes[i]);
        cr_assert_not(response.chunked);
        response_free(&response);
    }
    client_close(&client);
}

HandlerTest(a_status_set_before_writing_is_sent)
{
    struct response response = ask(&server, request("POST", "/created", "Content-Length: 0\r\n"));
    expect_response(&response, 201, "made");
}

HandlerTest(what_the_client_has_is_304)
{
    struct response response = get(&server, "/fresh");
    expect_response(&response, 200, "version 1");
    expect_field(&response, "ETag", "\"v1\"");
    expect_field(&response, "Last-Modified", "Sun, 09 Sep 2001 01:46:40 GMT");
    const char *const has[] = {"If-None-Match: \"v1\"\r\n", "If-None-Match: W/\"v1\"\r\n", "If-None-Match: \"x\", \"v1\"\r\n",
                               "If-None-Match: *\r\n", "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\n"};
    for (size_t i = 0; i < 5; i++) {
        response = ask(&server, request("GET", "/fresh", has[i]));
        if (response.status != 304 || response.length != 0 || response_header(&response, "ETag") == NULL)
            harness_fail("%s: %s", has[i], response.head);
    }
    response = ask(&server, request("GET", "/fresh", "If-None-Match: \"v2\"\r\nIf-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\n"));
    expect_response(&response, 200, "version 1"); /* If-None-Match goes first */
}

HandlerTest(an_etag_with_line_ends_adds_no_field)
{
    struct response response = get(&server, "/fresh_split");
    expect_response(&response, 200, "version 1");
    cr_assert_null(response_header(&response, "X-Evil"), "%s", response.head);
    cr_assert_null(response_header(&response, "ETag"), "%s", response.head);
    expect_field(&response, "Last-Modified", "Sun, 09 Sep 2001 01:46:40 GMT");
}

HandlerTest(a_log_line_carries_the_requests_id)
{
    struct response response = get(&server, "/log");
    await(text_matches(server_log(&server), text(" warning .*the probe says 42.*%s|%s.*the probe says 42", response.body, response.body)));
}

Test(handlers, settings_have_types_and_fallbacks)
{
    server_start(&server, ONE_WORKER "[app:one]\npath = /one\nmodule = @MODULES@/settings.so\nmust = \"a ; b\"\n"
                                     "[app:two]\npath = /two\nmodule = @MODULES@/settings.so\nmust = x\ngreeting = hi\nfile = sub/x\n"
                                     "count = -7\nroom = 2m\npause = 90s\nloud = on\n");
    expect_get(&server, "/one/", 200, text("good day|%s/some/file|3|8192|50|0|a ; b|one|/one|set in worker_init", server.dir));
    expect_get(&server, "/two/", 200, text("hi|%s/sub/x|-7|2097152|90000|1|x|two|/two|set in worker_init", server.dir));
    server_stop(&server);
}

Test(handlers, respond_answers_as_it_is_told)
{
    server_start(&server, ONE_WORKER "[app:a]\npath = /a\nmodule = respond\nstatus = 503\ntype = text/html\nbody = <p>soon</p>\n"
                                     "[app:b]\npath = /b\nmodule = respond\n");
    struct response response = get(&server, "/a/any/thing?x");
    expect_response(&response, 503, "<p>soon</p>");
    cr_assert_eq(strncmp(response_header(&response, "Content-Type"), "text/html", 9), 0);
    response = ask(&server, request("POST", "/a", "Content-Length: 0\r\n"));
    expect_response(&response, 503, "<p>soon</p>");
    response = get(&server, "/b");
    cr_assert(response.status == 200 || response.status == 204);
    server_stop(&server);
}

Test(handlers, redirect_sends_elsewhere)
{
    server_start(&server, ONE_WORKER "[app:a]\npath = /old\nmodule = redirect\nto = https://new.test/place\nstatus = 308\n"
                                     "[app:b]\npath = /b\nmodule = redirect\nto = /c\n");
    struct response response = get(&server, "/old");
    expect_response(&response, 308, NULL);
    cr_assert_eq(strncmp(response_header(&response, "Location"), "https://new.test/place", 22), 0);
    response = get(&server, "/b");
    cr_assert(response.status >= 301 && response.status <= 308, "%d", response.status);
    server_stop(&server);
}
