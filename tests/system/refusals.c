/* SPDX-License-Identifier: Apache-2.0
 *
 * What is ambiguous, too much or not understood is refused, with the right status, as a problem or a
 * page, and the connection is closed in order. The grammar is tested to the branch in tests/unit; here
 * stands that the server acts on it.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(refusals, .timeout = 120);

static struct server server;

static void serve(void)
{
    server_start(&server, ONE_WORKER "[limits]\nrequest_line = 1k\nheader_field = 1k\nheaders = 4k\nheader_count = 20\n" PROBE);
}

static void stop(void)
{
    if (server.pid > 0)
        server_stop(&server);
}

#define RefusalTest(name) Test(refusals, name, .init = serve, .fini = stop)

/* Sends these bytes: the answer, a problem with this status, is the last thing on the connection. */
static void expect_refused(const char *bytes, size_t length, int status)
{
    struct client client = client_connect(&server);
    client_send_bytes(&client, bytes, length);
    struct response response = client_read(&client);
    if (response.status != status)
        harness_fail("%d, not %d, for: %.200s\n%s%s", response.status, status, bytes, response.head, response.body);
    cr_assert_str_eq(response_header(&response, "Connection"), "close");
    cr_assert_eq(strncmp(response_header(&response, "Content-Type"), "application/problem+json", 24), 0);
    cr_assert(text_matches(response.body, text("\"status\": ?%d", status)), "%s", response.body);
    cr_assert(strstr(response.body, "\"title\"") != NULL, "%s", response.body);
    client_expect_close(&client);
    client_close(&client);
    response_free(&response);
}

#define HOST "Host: a\r\n"
#define GET "GET /hello HTTP/1.1\r\n" HOST
#define POST "POST /echo HTTP/1.1\r\n" HOST
#define SMUGGLED "GET /users/smuggled HTTP/1.1\r\n" HOST "\r\n"

RefusalTest(bad_requests_are_400)
{
    static const char *const bad[] = {
        "GET /hello\r\n\r\n",                                        /* HTTP/0.9 */
        "GET  /hello HTTP/1.1\r\n" HOST "\r\n",
        "GET /hello HTTP/1.1 \r\n" HOST "\r\n",
        " GET /hello HTTP/1.1\r\n" HOST "\r\n",
        "GET\t/hello\tHTTP/1.1\r\n" HOST "\r\n",
        "GET /hello HTTP/1.1\n" HOST "\r\n",                         /* bare LF */
        "GET /hello HTTP/1.1\r\nHost: a\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a\r\n\n" SMUGGLED,
        "GET /hello HTTP/1.1\r\nHost: a\rX: y\r\n\r\n",              /* bare CR */
        "GET /hello http/1.1\r\n" HOST "\r\n",
        "GET /hello HTTP/1.10\r\n" HOST "\r\n",
        "GET /hello HTTP/1\r\n" HOST "\r\n",
        "G@T /hello HTTP/1.1\r\n" HOST "\r\n",
        "GET hello HTTP/1.1\r\n" HOST "\r\n",
        "GET /hello#fragment HTTP/1.1\r\n" HOST "\r\n",
        "GET /hel\"lo HTTP/1.1\r\n" HOST "\r\n",
        "GET /hel\\lo HTTP/1.1\r\n" HOST "\r\n",
        "GET /caf\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n",
        "GET /%zz HTTP/1.1\r\n" HOST "\r\n",
        "GET /%4 HTTP/1.1\r\n" HOST "\r\n",
        "GET /%00 HTTP/1.1\r\n" HOST "\r\n",
        "GET /../hello HTTP/1.1\r\n" HOST "\r\n",
        "GET /%2e%2e/hello HTTP/1.1\r\n" HOST "\r\n",
        "GET ftp://a/hello HTTP/1.1\r\n" HOST "\r\n",
        "GET http://user@a/hello HTTP/1.1\r\n" HOST "\r\n",
        "GET * HTTP/1.1\r\n" HOST "\r\n",
        "GET /hello HTTP/1.1\r\n\r\n",                               /* no Host */
        "GET /hello HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: u@a\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a, b\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost : a\r\n\r\n",                   /* space before the colon */
        GET "X Y: z\r\n\r\n",
        GET ": nameless\r\n\r\n",
        GET "no colon\r\n\r\n",
        GET "X: y\r\n folded\r\n\r\n",
        GET " X: y\r\n\r\n",
        GET "X: a\x01z\r\n\r\n",
        GET "X: a\x7fz\r\n\r\n",
        POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED,
        POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" SMUGGLED,
        POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        POST "Content-Length: 5, 5\r\n\r\nhello",
        POST "Content-Length: +5\r\n\r\nhello",
        POST "Content-Length: -5\r\n\r\nhello",
        POST "Content-Length: 0x5\r\n\r\nhello",
        POST "Content-Length: 5 5\r\n\r\nhello",
        POST "Content-Length: \r\n\r\nhello",
        POST "Content-Length: 99999999999999999999999\r\n\r\nhello",
        POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        POST "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\n\r\n 5\r\nhello\r\n0\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",              /* a TLS hello, cut at its NUL below */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_refused(bad[i], strlen(bad[i]), 400);
    const char nul[] = GET "X: a\0b\r\n\r\n";
    expect_refused(nul, sizeof nul - 1, 400);
    expect_get(&server, "/hello", 200, "hello");
}

RefusalTest(limits_have_their_statuses)
{
    char *many = text("%s", GET), *a = memset(calloc(1, 5001), 'a', 5000);
    for (int i = 0; i < 25; i++)
        many = text("%sX-%d: y\r\n", many, i);
    char *large = text("%s", GET);
    for (int i = 0; i < 6; i++)
        large = text("%sX: %.900s\r\n", large, a);
    const struct {
        const char *bytes;
        int status;
    } cases[] = {
        {text("GET /%.1500s HTTP/1.1\r\n" HOST "\r\n", a), 414},
        {text("GET /%.5000s", a), 414}, /* without waiting for its end */
        {text(GET "X: %.1500s\r\n\r\n", a), 431},
        {text(GET "X: %.5000s", a), 431},
        {text("%s\r\n", many), 431},
        {text("%s\r\n", large), 431},
        {POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
        {POST "Transfer-Encoding: x-unknown, chunked\r\n\r\n0\r\n\r\n", 501},
        {"GET /hello HTTP/2.0\r\n" HOST "\r\n", 505},
        {"GET /hello HTTP/3.1\r\n" HOST "\r\n", 505},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_refused(cases[i].bytes, strlen(cases[i].bytes), cases[i].status);
}

/* What was smuggled behind a refused request must never be answered. */
RefusalTest(nothing_behind_a_refused_request_is_answered)
{
    struct client client = client_connect(&server);
    client_send(&client, text("%s%s%s", GET "\r\n", GET "Bad Name: x\r\n\r\n", SMUGGLED));
    struct response response = client_read(&client);
    expect_response(&response, 200, "hello");
    response = client_read(&client);
    expect_response(&response, 400, NULL);
    client_expect_close(&client);
    client_close(&client);
    cr_assert(strstr(file_read(server.access, NULL), "smuggled") == NULL);
}

RefusalTest(a_problem_says_what_is_wrong)
{
    struct response response = ask(&server, "GET /hello HTTP/1.1\r\n\r\n");
    expect_response(&response, 400, NULL);
    cr_assert(text_matches(response.body, "\"detail\": ?\"[^\"]*[Hh]ost"), "%s", response.body);
    cr_assert(text_matches(response.body, "\"title\": ?\"Bad Request\""), "%s", response.body);
}

RefusalTest(a_problem_is_a_page_where_html_is_preferred)
{
    const char *accept = "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\n";
    struct response response = ask(&server, request("GET", "/<nowhere>", accept));
    cr_assert_eq(response.status, 400);
    response = ask(&server, request("GET", "/nowhere%3Cb%3E", accept));
    expect_response(&response, 404, NULL);
    cr_assert_eq(strncmp(response_header(&response, "Content-Type"), "text/html", 9), 0, "%s", response.head);
    cr_assert(text_matches(response.body, "<!DOCTYPE html>|<!doctype html>|<html"), "%s", response.body);
    cr_assert(strstr(response.body, "404") != NULL && strstr(response.body, "<b>") == NULL, "%s", response.body);
    response = ask(&server, request("GET", "/problem", accept));
    expect_response(&response, 409, NULL);
    cr_assert(strstr(response.body, "ada is taken") != NULL, "%s", response.body);
    const char *const json[] = {"", "Accept: */*\r\n", "Accept: application/json\r\n", "Accept: text/html;q=0.5, application/json\r\n"};
    for (size_t i = 0; i < 4; i++) {
        response = ask(&server, request("GET", "/nowhere", json[i]));
        cr_assert_eq(strncmp(response_header(&response, "Content-Type"), "application/problem+json", 24), 0, "%s", json[i]);
    }
}

RefusalTest(a_problem_of_a_handler_keeps_the_connection)
{
    struct client client = client_connect(&server);
    const struct {
        const char *path;
        int status;
    } cases[] = {{"/nowhere", 404}, {"/problem", 409}, {"/status/503", 503}, {"/hello", 200}};
    for (size_t i = 0; i < 4; i++) {
        client_send(&client, request("GET", cases[i].path, ""));
        struct response response = client_read(&client);
        expect_response(&response, cases[i].status, NULL);
        cr_assert_null(response_header(&response, "Connection"));
    }
    client_close(&client);
}

RefusalTest(connect_and_trace_do_nothing)
{
    struct response response = ask(&server, "CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n");
    cr_assert(response.status >= 400 && response.status < 600, "%d", response.status);
    response = ask(&server, "TRACE /hello HTTP/1.1\r\n" HOST "Cookie: secret\r\n\r\n");
    cr_assert(response.status >= 400 && strstr(response.body, "secret") == NULL, "%d", response.status);
}

/* What was known of the target before its body turned out to be bad. */
RefusalTest(a_bad_body_is_answered_without_the_fields_of_another_answer)
{
    struct client client = client_connect(&server);
    client_send(&client, "POST /hello HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    struct response response = client_read(&client);
    cr_assert_eq(response.status, 400);
    cr_assert_null(response_header(&response, "Allow"), "%s", response.head);
    client_expect_close(&client);
}
