/* SPDX-License-Identifier: Apache-2.0
 *
 * The filter gzip: which answers become smaller, for whom, and which are left as they are.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(compressing, .timeout = 120);

#define SMALL "[filter:small]\nmodule = gzip\n"
#define ANSWERS "[app:a]\npath = /\nmodule = @MODULES@/answers.so\nfile = server.ini\nfilters = small\n"

static struct server server;

static void start(void)
{
    server_start(&server, ONE_WORKER SMALL "max_length = 100k\n" ANSWERS);
}

static void stop(void)
{
    server_stop(&server);
}

#define GzipTest(name) Test(compressing, name, .init = start, .fini = stop)

#define GZIP "Accept-Encoding: gzip\r\n"

static bool is_words(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] != "compress me, "[i % 13])
            return false;
    return true;
}

static char *unpack(const struct response *response)
{
    char *path = text("%s/packed", server.dir);
    file_write_bytes(path, response->body, response->length);
    struct run ran = run("gzip", "-dc", path);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    return ran.out;
}

static void expect_packed(const char *path, const char *fields, size_t length)
{
    struct response response = get_with(&server, path, fields);
    expect_field(&response, "Content-Encoding", "gzip");
    cr_assert_lt(response.length, length / 5);
    char *text = unpack(&response);
    cr_assert_eq(strlen(text), length);
    cr_assert(is_words(text, length));
    response_free(&response);
}

/* As the handler made it. */
static void expect_plain(const char *path, const char *fields, size_t length)
{
    struct response response = get_with(&server, path, fields);
    const char *coding = response_header(&response, "Content-Encoding");
    if (coding != NULL && strcmp(coding, "gzip") == 0)
        harness_fail("%s with %s is compressed", path, fields);
    cr_assert_eq(response.length, length, "%s: %zu bytes", path, response.length);
    response_free(&response);
}

GzipTest(clients_that_ask_for_it_get_less)
{
    for (int i = 0; i < 3; i++) { /* the compressor is used again */
        expect_packed("/answer?length=5000", GZIP, 5000);
        expect_packed("/answer?length=100000&type=application/vnd.x%2Bjson", GZIP, 100000);
    }
    expect_packed("/answer?length=5000&status=404&type=TEXT/html;+charset=utf-8", "Accept-Encoding: br, *;q=0.1\r\n", 5000);
    expect_packed("/content", GZIP, 5000);
    expect_plain("/answer?length=5000", "", 5000);
    expect_plain("/answer?length=5000", "Accept-Encoding: gzip;q=0, br\r\n", 5000);
    expect_plain("/answer?length=5000", "Accept-Encoding: gzip;q=nonsense\r\n", 5000);
    expect_plain("/answer?length=5000", "Accept-Encoding: identity, gzip;q=0.5\r\n", 5000);
    expect_packed("/answer?length=5000", "Accept-Encoding: identity;q=0.5, gzip;q=0.5\r\n", 5000);
}

GzipTest(what_would_not_gain_or_may_not_change_is_left)
{
    expect_plain("/answer?length=1023", GZIP, 1023);
    expect_plain("/answer?length=102401", GZIP, 102401);
    expect_plain("/answer?length=5000&type=image/png", GZIP, 5000);
    expect_plain("/answer?length=5000&type=text", GZIP, 5000);
    expect_plain("/answer?length=5000&field=Content-Encoding:br", GZIP, 5000);
    expect_plain("/answer?length=5000&field=Content-Range:bytes+0-4999/9999", GZIP, 5000);
    expect_plain("/answer?length=5000&field=Repr-Digest:sha-256%3d%3aMTIz%3a", GZIP, 5000);
    expect_plain("/answer?length=5000&field=Cache-Control:public,+No-Transform", GZIP, 5000);
    expect_plain("/answer?length=5000&status=206", GZIP, 5000);
    expect_plain("/file", GZIP, strlen(file_read(server.ini, NULL)));
}

GzipTest(ranges_are_of_the_bytes_as_they_are)
{
    struct response response = get_with(&server, "/content", GZIP "Range: bytes=1-2000\r\n");
    cr_assert_eq(response.status, 206);
    cr_assert_eq(response.length, 2000);
    expect_field(&response, "Content-Encoding", NULL);
    response = get_with(&server, "/content", GZIP);
    expect_field(&response, "Accept-Ranges", NULL);
    response = get_with(&server, "/content", "");
    expect_field(&response, "Accept-Ranges", "bytes");
}

GzipTest(streams_go_out_as_they_come)
{
    expect_plain("/stream", GZIP, 100000);
    expect_plain("/flushed", GZIP, 5000);
    cr_assert(!server_log_has(&server, "builds a response"), "%s", server_log(&server));
}

GzipTest(caches_are_told_whoever_asks)
{
    struct response response = get_with(&server, "/answer?length=5000", "");
    expect_field(&response, "Vary", "Accept-Encoding");
    response = get_with(&server, "/answer?length=5000&field=Vary:origin,+accept-encoding", GZIP);
    expect_field(&response, "Vary", "origin, accept-encoding");
    response = get_with(&server, "/answer?length=5000&field=Vary:Origin", GZIP);
    cr_assert(strstr(response.head, "Vary: Origin\r\nX-Calls") != NULL && strstr(response.head, "Vary: Accept-Encoding\r\n") != NULL, "%s",
              response.head);
    response = get_with(&server, "/answer?length=50", GZIP);
    expect_field(&response, "Vary", NULL);
    response = get_with(&server, "/answer?length=5000&type=image/png", GZIP);
    expect_field(&response, "Vary", NULL);
}

/* Of a 206 and a 304 as of the 200 in their place, which has it for some. */
GzipTest(caches_are_told_by_parts_and_by_304s)
{
    static const struct {
        const char *path, *fields;
        int status;
        const char *vary;
    } cases[] = {
        {"/answer?length=5000&etag=%22a%22", GZIP "If-None-Match: W/\"a\"\r\n", 304, "Accept-Encoding"},
        {"/answer?length=5000&etag=%22a%22", "If-None-Match: \"a\"\r\n", 304, "Accept-Encoding"},
        {"/answer?length=5000&etag=%22a%22&field=Vary:Accept-Encoding", "If-None-Match: \"a\"\r\n", 304, "Accept-Encoding"},
        {"/answer?length=5000&etag=%22a%22&field=Content-Type:image/png", "If-None-Match: \"a\"\r\n", 304, NULL},
        {"/answer?length=5000&etag=%22a%22&field=Cache-Control:no-transform", "If-None-Match: \"a\"\r\n", 304, NULL},
        {"/content", GZIP "If-None-Match: W/\"one\"\r\n", 304, "Accept-Encoding"},
        {"/content", GZIP "Range: bytes=1-2\r\n", 206, "Accept-Encoding"},
        {"/content", "Range: bytes=1-2\r\n", 206, "Accept-Encoding"},
        {"/content", "Range: bytes=1-2\r\nIf-Range: \"one\"\r\n", 206, "Accept-Encoding"},
        {"/content", "Range: bytes=1-2,4000-\r\n", 206, "Accept-Encoding"},
        {"/content?field=Cache-Control:no-transform", "Range: bytes=1-2\r\n", 206, NULL},
        {"/answer?length=50&status=206&field=Content-Range:bytes+0-49/500", GZIP, 206, NULL},
        {"/answer?length=50&status=206&field=Content-Range:bytes+0-49/5000", GZIP, 206, "Accept-Encoding"},
        {"/answer?length=50&status=206&field=Content-Range:bytes+0-49/5000&type=image/png", GZIP, 206, NULL},
        {"/file", GZIP "Range: bytes=1-2\r\n", 206, NULL},
        {"/file", GZIP "If-None-Match: *\r\n", 304, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct response response = get_with(&server, cases[i].path, cases[i].fields);
        if (response.status != cases[i].status)
            harness_fail("%s with '%s' is not %d:\n%s", cases[i].path, cases[i].fields, cases[i].status, response.head);
        expect_field(&response, "Vary", cases[i].vary);
        response_free(&response);
    }
}

/* A weak one would replace it at the client, whose If-Match and If-Range fail from then on. */
GzipTest(the_tag_of_what_was_not_compressed_stays_strong)
{
    static const char *const paths[] = {"/file", "/answer?length=50&etag=%22a%22", "/answer?length=5000&type=image/png&etag=%22a%22"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        run("touch", "-d", "1994-11-06 08:49:37.5 UTC", server.ini);
        struct response response = get_with(&server, paths[i], GZIP);
        const char *tag = response_header(&response, "ETag");
        cr_assert(response.status == 200 && tag != NULL && tag[0] == '"', "%s: %s", paths[i], response.head);
        response = get_with(&server, paths[i], text(GZIP "If-None-Match: \"x\", %s\r\n", tag));
        cr_assert_eq(response.status, 304);
        expect_field(&response, "ETag", tag);
    }
    struct response response = get_with(&server, "/file", GZIP "If-None-Match: *\r\n");
    cr_assert(response_header(&response, "ETag")[0] == '"', "%s", response.head);
}

/* The bytes under one strong tag are the same everywhere. */
GzipTest(the_tag_of_what_is_compressed_is_weak)
{
    struct response response = get_with(&server, "/answer?length=5000&etag=%22a%22", GZIP);
    expect_field(&response, "ETag", "W/\"a\"");
    response = get_with(&server, "/answer?length=5000&etag=W/%22a%22", GZIP);
    expect_field(&response, "ETag", "W/\"a\"");
    response = get_with(&server, "/answer?length=5000&etag=%22a%22", "");
    expect_field(&response, "ETag", "\"a\"");
    response = get_with(&server, "/answer?length=5000&etag=%22a%22", GZIP "If-None-Match: W/\"a\"\r\n");
    cr_assert_eq(response.status, 304);
    expect_field(&response, "ETag", "W/\"a\"");
    response = get_with(&server, "/content", GZIP "If-None-Match: \"two\", W/\"one\"\r\n");
    cr_assert_eq(response.status, 304);
    expect_field(&response, "ETag", "W/\"one\"");
    response = get_with(&server, "/content", "If-None-Match: W/\"one\"\r\n");
    cr_assert_eq(response.status, 304);
    expect_field(&response, "ETag", "\"one\"");
}

GzipTest(head_tells_what_get_would)
{
    struct client client = client_connect(&server);
    client_send(&client, request("HEAD", "/answer?length=5000", GZIP));
    struct response head = client_read_head(&client);
    expect_field(&head, "Content-Encoding", "gzip");
    client_send(&client, request("GET", "/answer?length=5000", GZIP));
    struct response whole = client_read(&client);
    expect_field(&head, "Content-Length", text("%zu", whole.length));
    client_close(&client);
}

Test(compressing, bad_settings_are_named)
{
    static const struct {
        const char *line, *reason;
    } cases[] = {
        {"level = 10\n", "server\\.ini:6: \\[filter:small\\] level: .*must be from 1 "},
        {"min_length = 0\n", "server\\.ini:6: \\[filter:small\\] min_length: .*must be 1"},
        {"max_length = 65m\n", "server\\.ini:6: \\[filter:small\\] max_length: .*to 64m"},
        {"types = text/*, html\n", "server\\.ini:6: \\[filter:small\\] types: .*'html' is no media type"},
        {"types = */*\n", "server\\.ini:6: \\[filter:small\\] types: .*'\\*/\\*' is no"},
        {"typ = text/html\n", "server\\.ini:6: \\[filter:small\\] typ: .*no such setting"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        server_prepare(&server, text("%s%s%s%s", ONE_WORKER, SMALL, cases[i].line, ANSWERS));
        expect_bad_ini(&server, cases[i].reason);
    }
}
