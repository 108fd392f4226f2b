/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages, cookies, and what a handler does wrong with its answer: each time the client is told no more than it may be, and the
 * log names handler and module.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(output, .timeout = 120);

#define OUTPUT "[app:out]\npath = /\nmodule = @MODULES@/output.so\n"

static struct server server;

static void serve(void)
{
    server_start(&server, ONE_WORKER "trusted = 127.0.0.0/8\n" OUTPUT);
}

static void stop(void)
{
    if (server.pid > 0)
        server_stop(&server);
}

#define OutputTest(name) Test(output, name, .init = serve, .fini = stop)

/* As many lines of the log blame this handler for 'what'. */
static void expect_blame(const char *handler, const char *what, size_t count)
{
    const char *line = text("handler out.%s of module %s/output.so %s", handler, modules_path(), what);
    if (!wait_until(PATIENCE, text_count(server_log(&server), line) >= count))
        harness_fail("not %zu times in the log: %s\n%s", count, line, server_log(&server));
}

OutputTest(what_is_written_by_a_format_is_whole)
{
    enum { LINES = 4000 };
    expect_get(&server, "/written?q=2", 200, "0,7\r\n1,7\r\n0<");
    struct response response = get(&server, text("/written?q=%d", LINES));
    cr_assert_eq(response.status, 200);
    const char *at = response.body;
    for (int i = 0; i < LINES; i++) {
        char line[3100];
        snprintf(line, sizeof line, "%d,%0*d\r\n", i, i % 3000, 7);
        cr_assert_eq(strncmp(at, line, strlen(line)), 0, "line %d: %.80s", i, at);
        at += strlen(line);
    }
    cr_assert_str_eq(at, "0<");
    response_free(&response);
}

/* As Content-Disposition is read: RFC 6266, with the names of RFC 8187. */
OutputTest(an_attachment_has_its_name_whatever_that_is)
{
    static const struct {
        const char *query, *field;
    } cases[] = {
        {"", "attachment"},
        {"?q=report+1.pdf", "attachment; filename=\"report 1.pdf\""},
        {"?q=", "attachment; filename=\"file\""},
        {"?q=f%C3%BCr%20%E2%82%AC+5.txt", "attachment; filename=\"f_r _ 5.txt\"; filename*=UTF-8''f%C3%BCr%20%E2%82%AC%205.txt"},
        {"?q=100%25.csv", "attachment; filename=\"100_.csv\"; filename*=UTF-8''100%25.csv"},
        {"?q=%22%0D%0Aa%5C%2F..%2F.b%22%3B", "attachment; filename=\"_b__\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct response response = get(&server, text("/attachment%s", cases[i].query));
        expect_response(&response, 200, "0");
        cr_expect_str_eq(response_header(&response, "Content-Disposition"), cases[i].field);
        response_free(&response);
    }
    char longest[2000], *end = stpcpy(longest, "/attachment?q=");
    for (int i = 0; i < 200; i++)
        end = stpcpy(end, "%C3%BC");
    struct response response = get(&server, longest);
    expect_response(&response, 200, "0");
    cr_expect(text_matches(response_header(&response, "Content-Disposition"),
                           "^attachment; filename=\"_{127}\"; filename\\*=UTF-8''(%C3%BC){127}$"),
              "%s", response_header(&response, "Content-Disposition"));
    response_free(&response);
}

OutputTest(what_a_page_shows_is_escaped)
{
    struct response response = get(&server, "/page?q=%3Cb%3E'%22%26");
    expect_response(&response, 201, "<p title='&lt;b&gt;&#39;&quot;&amp;'>&lt;b&gt;&#39;&quot;&amp; 7</p><li>&lt;0</li><li>&lt;1</li>");
    expect_field(&response, "Content-Type", "text/html; charset=utf-8");
    expect_get(&server, "/escaped?q=%3Ca%20href=%22x%22%3E", 200, "&lt;a href=&quot;x&quot;&gt;|");
}

static const char *const cookie_lines[] = {"plain=a=b; Path=/; SameSite=Lax; HttpOnly",
                                           "all=1; Path=/x; Domain=a.test; Max-Age=60; SameSite=Strict; Secure",
                                           "gone=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; SameSite=Lax; HttpOnly",
                                           "other=; Path=/; SameSite=None; Secure; HttpOnly",
                                           "__Host-sid=x; Path=/; SameSite=Lax; Secure; HttpOnly",
                                           "never=x; Path=/; SameSite=Lax; HttpOnly"};

OutputTest(cookies_are_careful_unless_told_otherwise)
{
    struct response response = get(&server, "/cookies");
    expect_response(&response, 200, "0");
    for (size_t i = 0; i < sizeof cookie_lines / sizeof *cookie_lines; i++)
        cr_expect(strstr(response.head, text("\r\nSet-Cookie: %s\r\n", cookie_lines[i])) != NULL, "%s\n%s", cookie_lines[i], response.head);
}

OutputTest(cookies_are_secure_on_https)
{
    struct response response = ask(&server, request("GET", "/cookies", "X-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.1\r\n"));
    expect_response(&response, 200, "0");
    cr_expect(strstr(response.head, "\r\nSet-Cookie: plain=a=b; Path=/; SameSite=Lax; Secure; HttpOnly\r\n") != NULL, "%s", response.head);
    cr_expect(strstr(response.head, "\r\nSet-Cookie: never=x; Path=/; SameSite=Lax; HttpOnly\r\n") != NULL, "%s", response.head);
}

OutputTest(a_cookie_that_no_browser_would_take_is_refused)
{
    struct response response = get(&server, "/bad_cookies");
    expect_response(&response, 200, "12");
    expect_field(&response, "Set-Cookie", NULL);
    expect_field(&response, "X-Evil", NULL);
    expect_blame("bad_cookies", "sets cookie 'split', refused: the value has a byte that no cookie can have: encode it", 2);
}

OutputTest(answers_that_cannot_be_made_are_500_and_name_the_handler)
{
    const char *const cases[][2] = {{"send", "gives tine_send() a length of 18446744073709551615: was it negative?"},
                                    {"send_null", "gives tine_send() NULL for 5 bytes"},
                                    {"send_type", "gives tine_send() a media type with a control byte"},
                                    {"json", "gives tine_json() NULL: did json_pack() fail"},
                                    {"json_pack", "gives tine_json_pack() what it cannot write by '{s:i, s:s}': Invalid UTF-8 string"},
                                    {"json_pack_format",
                                     "gives tine_json_pack() what it cannot write by '{s:i': Unexpected end of format string"},
                                    {"json_pack_null", "gives tine_json_pack() what it cannot write by '': the format is NULL"},
                                    {"redirect", "redirects to NULL"},
                                    {"redirect_status", "redirects with status 200"},
                                    {"html", "gives tine_html() a format that it cannot take: '%ls'"},
                                    {"text", "gives tine_text() NULL for a format"},
                                    {"status", "answers with status 99"},
                                    {"returned", "returned 1000, which is neither 0 nor a status"},
                                    {"fd", "gives tine_send_fd() 7 bytes from offset -5"},
                                    {"fd_length", "gives tine_send_fd() 18446744073709551615 bytes from offset 0"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct response response = get(&server, text("/wrong?what=%s", cases[i][0]));
        if (response.status != 500 || strstr(response.head, "X-Evil") != NULL)
            harness_fail("%s: %s", cases[i][0], response.head);
        expect_blame("wrong", cases[i][1], 1);
    }
}

OutputTest(a_problem_of_500_is_logged)
{
    expect_get(&server, "/gives_up?status=503", 503, NULL);
    expect_get(&server, "/gives_up?status=400", 400, NULL);
    expect_get(&server, "/gives_up?status=500", 500, NULL);
    expect_blame("gives_up", "answers 500: no such table: users", 1);
    expect_get(&server, "/wrong?what=returned", 500, NULL);
    expect_blame("wrong", "returned 1000", 1);
    cr_expect_eq(text_count(server_log(&server), "no such table"), 1);
    cr_expect_eq(text_count(server_log(&server), "answers 500"), 1);
}

OutputTest(an_answer_may_be_made_of_the_one_before)
{
    const char *const cases[][2] = {{"text", "<a body that is lent>"},
                                    {"html", "<a body that is lent>"},
                                    {"send", "body that is lent"},
                                    {"json", "[\"a body that is lent\"]"},
                                    {"json_pack", "[\"a body that is lent\"]"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        expect_get(&server, text("/made_of?how=%s", cases[i][0]), 200, cases[i][1]);
        expect_get(&server, text("/made_of?lent=1&how=%s", cases[i][0]), 200, cases[i][1]);
    }
    for (int lent = 1; lent >= 0; lent--) {
        const char *more = lent ? "&lent=1" : "";
        struct response response = get(&server, text("/made_of?how=problem%s", more));
        expect_response(&response, 400, NULL);
        cr_expect_not_null(strstr(response.body, "\"detail\":\"a body that is lent\""), "%s", response.body);
        response_free(&response);
        response = get(&server, text("/made_of?how=redirect%s", more));
        expect_response(&response, 302, "");
        expect_field(&response, "Location", "a%20body%20that%20is%20lent");
        response_free(&response);
    }
}

OutputTest(calls_that_cannot_be_done_fail_alone_and_name_the_handler)
{
    expect_get(&server, "/wrong_calls", 200, "5");
    expect_blame("wrong_calls", "gives tine_write() NULL for 5 bytes", 1);
    expect_blame("wrong_calls", "gives tine_write() a length of 18446744073709551615", 1);
    expect_blame("wrong_calls", "sets field '(null)', refused: the name is not a token", 1);
    expect_blame("wrong_calls", "sets field 'X-A', refused: the value has a control byte", 1);
    expect_blame("wrong_calls", "adds field 'X-A' without a value, refused", 1);
    expect_blame("wrong_calls", "sleeps for -1 ms", 1);
    expect_blame("wrong_calls", "waits for -1 ms", 1);
    expect_blame("wrong_calls", "sets status 1000, which is not from 200 to 599", 1);
}

OutputTest(a_handler_that_does_wrong_in_a_loop_does_not_flood_the_log)
{
    expect_get(&server, "/stubborn", 200, "done");
    expect_blame("stubborn", "gives tine_write() NULL for 5 bytes; more of this request is not told", 1);
    cr_assert_eq(text_count(server_log(&server), "gives tine_write() NULL"), 8);
}

OutputTest(what_comes_after_the_response_began_is_too_late)
{
    struct response response = get(&server, "/late?what=begun");
    expect_response(&response, 200, "all");
    expect_field(&response, "X-Late", NULL);
    await(server_log_has(&server, "late: 3 calls failed"));
    expect_blame("late", "sets field 'X-Late', refused: it is too late after its response has begun", 1);
    expect_blame("late", "sets cookie 'late', refused: it is too late", 1);
    expect_blame("late", "builds a response after its response has begun", 1);
    expect_blame("late", "sets status 404 after its response has begun", 1);
}

OutputTest(what_comes_after_finish_is_too_late)
{
    struct response response = get(&server, "/late?what=finish");
    expect_response(&response, 200, "all");
    await(server_log_has(&server, "late: 9 calls failed"));
    expect_blame("late", "sets field 'X-Late', refused: it is too late after tine_finish()", 1);
    expect_blame("late", "calls tine_write() after tine_finish()", 1);
    expect_blame("late", "calls tine_flush() after tine_finish()", 1);
    expect_blame("late", "calls tine_event() after tine_finish()", 1);
    expect_blame("late", "calls tine_write_html() after tine_finish()", 1);
    expect_blame("late", "calls tine_write_text() after tine_finish()", 1);
    expect_blame("late", "calls tine_finish() twice", 1);
}

OutputTest(what_fails_after_finish_is_logged)
{
    expect_get(&server, "/fails_late", 200, "fine");
    expect_blame("fails_late", "failed with 500 after tine_finish()", 1);
}

OutputTest(no_stream_where_there_is_no_content)
{
    struct response response = get(&server, "/no_content");
    expect_response(&response, 204, "");
    expect_blame("no_content", "streams a response of status 204, which has no content", 1);
    await(server_log_has(&server, "no_content: -1"));
}

OutputTest(nothing_can_be_written_behind_a_file)
{
    file_write(text("%s/file", server.dir), "the file");
    expect_get(&server, text("/behind_file?file=%s/file", server.dir), 200, "the file");
    expect_blame("behind_file", "calls tine_write() behind a file or content, which is the whole answer", 1);
}
