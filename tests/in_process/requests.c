/* SPDX-License-Identifier: Apache-2.0
 *
 * What tine_test.h promises of requests and answers, whatever the module.
 */
#include "support.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(test_requests, .timeout = 60);

#define PROBE "tests/modules/probe"

static const struct { /* to the module probe */
    const char *method, *target, *fields, *body;
    int status;
    const char *answer; /* NULL: any */
} cases[] = {
    {"GET", "/nowhere", NULL, NULL, 404, NULL},
    {"DELETE", "/hello", NULL, NULL, 405, NULL},
    {"HEAD", "/hello", NULL, NULL, 200, ""},
    {"OPTIONS", "/hello", NULL, NULL, 204, ""},
    {"OPTIONS", "*", NULL, NULL, 204, ""},
    {"BREW", "/hello", NULL, NULL, 501, NULL},
    {"BREW", "/method", NULL, NULL, 200, "BREW"},
    {"GET", "/a b", NULL, NULL, 400, NULL},
    {"GET", "/%", NULL, NULL, 400, NULL},
    {"GET", "/../hello", NULL, NULL, 400, NULL},
    {"GET", "/x/../hello", NULL, NULL, 200, "hello"},
    {"GET", "/hello", "No colon", NULL, 400, NULL},
    {"GET", "/hello", "Host: a\nHost: b", NULL, 400, NULL},
    {"GET", "/header/host", "Host: example.org", NULL, 200, "example.org"},
    {"GET", "/header/x-a", "X-A: 1\n\nX-A: 2\n", NULL, 200, "1, 2"},
    {"POST", "/echo", NULL, "a\nbody", 200, "a\nbody"},
    {"POST", "/echo", NULL, "", 200, ""},
    {"POST", "/echo", "Content-Length: 2", "four", 200, "fo"},
    {"POST", "/echo", "Content-Length: 5", "four", 408, NULL},
    {"POST", "/echo", "Content-Length: x", "four", 400, NULL},
    {"POST", "/echo", "Content-Length: 1048577", "", 413, NULL},
    {"POST", "/echo", "Transfer-Encoding: chunked", "3\r\nabc\r\n0\r\n\r\n", 200, "abc"},
    {"POST", "/echo", "Transfer-Encoding: chunked", "xyz", 400, NULL},
    {"POST", "/echo", "Expect: 100-continue", "abc", 200, "abc"},
    {"POST", "/nowhere", "Expect: 100-continue", "abc", 404, NULL},
    {"GET", "/client", NULL, NULL, 200, "127.0.0.1"},
    {"GET", "/id", "X-Request-Id: mine", NULL, 200, "mine"},
    {"GET", "/fresh", "If-None-Match: \"v1\"", NULL, 304, ""},
    {"GET", "/nothing", NULL, NULL, 204, ""},
    {"GET", "/status/418", NULL, NULL, 418, NULL},
    {"GET", "/stream/200000", NULL, NULL, 200, NULL},
};

Test(test_requests, are_answered_as_by_a_server)
{
    tine_test *t = open_module(PROBE, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const tine_answer *a = tine_test_call(t, cases[i].method, cases[i].target, cases[i].fields, cases[i].body);
        cr_expect_eq(tine_answer_status(a), cases[i].status, "%s %s (%s): %d", cases[i].method, cases[i].target,
                     cases[i].fields != NULL ? cases[i].fields : "", tine_answer_status(a));
        if (cases[i].answer != NULL)
            cr_expect_str_eq(tine_answer_body(a, NULL), cases[i].answer);
        cr_expect_eq(tine_answer_whole(a), 1);
    }
    tine_test_close(t);
}

Test(test_requests, bodies_have_any_bytes)
{
    static char bytes[300000]; /* spooled to a file */
    size_t length;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7);
    tine_test *t = tine_test_open(NULL, text("[server]\ntemp = %s\n[app:m]\nmodule = %s\n", own_folder(), module_path(PROBE)));
    cr_assert_not_null(t);
    const tine_answer *a = tine_test_send(t, "POST", "/echo", NULL, bytes, sizeof bytes);
    const char *body = tine_answer_body(a, &length);
    cr_assert_eq(length, sizeof bytes);
    cr_assert_eq(memcmp(body, bytes, length), 0);
    cr_assert_eq(body[length], 0);
    cr_assert_eq(count_files(own_folder()), 0);
    tine_test_close(t);
}

/* body_memory shows where there is no folder for what is larger. */
Test(test_requests, go_by_the_limits_of_their_route)
{
    tine_test *t = tine_test_open(NULL, text("[server]\ntemp = /no/such\n[limits]\nbody = 4\n[app:m]\nmodule = %s\nlimits.body = 3\n"
                                             "[route:large]\nonly = POST /echo\nlimits.body = 9\nbody_memory = 8\n"
                                             "[route:small]\nonly = /echo_stream, /echo\nlimits.body = 2\n", module_path(PROBE)));
    static const struct {
        const char *method, *target, *body;
        int status;
    } asked[] = {
        {"POST", "/echo", "12345678", 200}, {"POST", "/echo", "123456789", 500}, {"POST", "/echo", "1234567890", 413},
        {"PUT", "/echo", "12", 200}, {"PUT", "/echo", "123", 413}, {"POST", "/echo_stream", "12", 200},
        {"POST", "/echo_stream", "123", 413},
        {"POST", "/sum", "123", 200}, {"POST", "/sum", "1234", 413}, {"POST", "/nowhere", "1234", 404}, {"POST", "/nowhere", "12345", 413},
    };
    cr_assert_not_null(t);
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        const tine_answer *a = tine_test_send(t, asked[i].method, asked[i].target, NULL, asked[i].body, strlen(asked[i].body));
        cr_expect_eq(tine_answer_status(a), asked[i].status, "%s %s %s: %d", asked[i].method, asked[i].target, asked[i].body,
                     tine_answer_status(a));
    }
    tine_test_close(t);
}

Test(test_requests, answers_live_until_the_module_is_closed)
{
    tine_test *t = open_module(PROBE, NULL);
    const tine_answer *first = tine_test_get(t, "/users/ada");
    json_t *json = tine_answer_json(first);
    for (int i = 0; i < 100; i++)
        tine_test_get(t, "/hello");
    expect_answer(first, 200, "{\"name\":\"ada\"}");
    cr_assert_eq(tine_answer_json(first), json);
    tine_test_close(t);
}

Test(test_requests, fields_are_found_by_name_and_one_by_one)
{
    const char *name, *value;
    int cookies = 0;
    size_t i = 0;
    tine_test *t = open_module(PROBE, NULL);
    const tine_answer *a = tine_test_get(t, "/cookies");
    expect_header(a, "SET-COOKIE", "a=1");
    expect_header(a, "X-None", NULL);
    for (; tine_answer_header_at(a, i, &name, &value) == 0; i++)
        cookies += strcmp(name, "Set-Cookie") == 0 && strcmp(value, cookies == 0 ? "a=1" : "b=2") == 0;
    cr_assert_eq(cookies, 2);
    cr_assert_eq(tine_answer_header_at(a, i, NULL, NULL), -1);
    cr_assert_null(tine_answer_json(a));
    tine_test_close(t);
}

Test(test_requests, an_answer_that_breaks_off_is_told)
{
    tine_test *t = open_module(PROBE, NULL);
    const tine_answer *a = tine_test_get(t, "/broken_stream/200000");
    cr_assert_eq(tine_answer_status(a), 200);
    cr_assert_eq(tine_answer_whole(a), 0);
    expect_in(tine_test_log(t), "handler probe.broken_stream of module");
    expect_in(tine_test_log(t), "failed with 500 after its response had begun");
    tine_test_close(t);
}

Test(test_requests, the_log_is_of_the_last_request)
{
    tine_test *t = open_module(PROBE, NULL);
    tine_test_get(t, "/log");
    expect_in(tine_test_log(t), "warning");
    expect_in(tine_test_log(t), "the probe says 42");
    tine_test_get(t, "/hello");
    cr_assert_str_empty(tine_test_log(t));
    tine_test_close(t);
}

Test(test_requests, a_message_of_a_library_ends_without_its_line_end)
{
    tine_test *t = open_module(PROBE, NULL);
    const tine_answer *a = tine_test_get(t, "/log_lines");
    expect_in(tine_test_log(t), "it failed\\x0a\\x09because (request ");
    expect_in(tine_test_log(t), "answers 500: it failed (request ");
    cr_assert_str_eq(json_string_value(json_object_get(tine_answer_json(a), "detail")), "it failed");
    tine_test_close(t);
}

Test(test_requests, stream_handlers_read_their_body)
{
    tine_test *t = open_module("tests/modules/input", NULL);
    cr_assert_eq(tine_answer_status(tine_test_call(t, "POST", "/stream/sum", NULL, "some bytes")), 200);
    const tine_answer *whole = tine_test_call(t, "POST", "/sum", NULL, "some bytes");
    const tine_answer *piece = tine_test_call(t, "POST", "/stream/sum", "Transfer-Encoding: chunked", "a\r\nsome bytes\r\n0\r\n\r\n");
    expect_answer(piece, 200, tine_answer_body(whole, NULL));
    expect_header(piece, "Connection", NULL);
    const tine_answer *cut = tine_test_call(t, "POST", "/stream/sum", "Content-Length: 11", "some bytes");
    expect_answer(cut, 400, NULL);
    expect_header(cut, "Connection", "close");
    tine_test_close(t);
}

Test(test_requests, files_are_read_into_the_answer)
{
    tine_test *t = tine_test_open(NULL, "[app:files]\nmodule = static\nroot = src/testing\n");
    cr_assert_not_null(t);
    const tine_answer *a = tine_test_get(t, "/exports");
    expect_answer(a, 200, "{\nglobal:\n    tine_*;\nlocal:\n    *;\n};\n");
    a = tine_test_call(t, "GET", "/exports", "Range: bytes=2-7", NULL);
    expect_answer(a, 206, "global");
    a = tine_test_call(t, "GET", "/exports", text("If-None-Match: %s", tine_answer_header(a, "ETag")), NULL);
    expect_answer(a, 304, "");
    a = tine_test_call(t, "GET", "/test.c", "Range: bytes=0-1,1000-1001", NULL);
    expect_answer(a, 206, NULL);
    expect_in(tine_answer_header(a, "Content-Type"), "multipart/byteranges");
    expect_in(tine_answer_body(a, NULL), "\r\n\r\n/*\r\n--");
    tine_test_close(t);
}

Test(test_requests, a_trusted_client_speaks_for_others)
{
    tine_test *t = tine_test_open(NULL, text("[server]\ntrusted = 127.0.0.1\n[app:m]\nmodule = %s\n", module_path(PROBE)));
    cr_assert_not_null(t);
    expect_answer(tine_test_call(t, "GET", "/scheme", "X-Forwarded-For: 192.0.2.7\nX-Forwarded-Proto: https", NULL), 200,
                  "https 192.0.2.7");
    tine_test_close(t);
}

Test(test_requests, a_crash_is_a_crash, .signal = SIGABRT)
{
    tine_test *t = open_module("tests/modules/input", NULL);
    tine_test_call(t, "POST", "/stream/crash", NULL, "x");
}

/* A second for all of a handler's waits: then it is to end. */
Test(test_requests, wait_for_descriptors)
{
    tine_test *t = open_module("tests/modules/output", NULL);
    char folder[] = "/tmp/tine-wait-XXXXXX", fifo[64], target[128];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    cr_assert_eq(mkfifo(fifo, 0600), 0);
    int news = open(fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    snprintf(target, sizeof target, "/waiting?ms=10&fifo=%s", fifo);
    cr_expect_str_eq(tine_answer_body(tine_test_get(t, target), NULL), "0");
    snprintf(target, sizeof target, "/waiting?ms=100000&fifo=%s", fifo);
    cr_expect_str_eq(tine_answer_body(tine_test_get(t, target), NULL), "1");
    cr_assert_eq(write(news, "x", 1), 1);
    cr_expect_str_eq(tine_answer_body(tine_test_get(t, target), NULL), "2");
    close(news);
    unlink(fifo);
    rmdir(folder);
    tine_test_close(t);
}
