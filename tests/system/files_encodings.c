/* SPDX-License-Identifier: Apache-2.0
 *
 * Compressed forms of files: made beforehand and lying beside them, or made here.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(files_encodings, .timeout = 120);

static struct server server;

static void put_at(const char *name, const char *content, const char *when)
{
    file_write(text("%s/www/%s", server.dir, name), content);
    run("touch", "-d", when, text("%s/www/%s", server.dir, name));
}

static void put(const char *name, const char *content)
{
    put_at(name, content, "1994-11-06 08:49:37.5 UTC");
}

static char *long_text(void)
{
    char *words = calloc(1, 20001);
    for (size_t i = 0; i < 20000; i++)
        words[i] = "compress me, "[i % 13];
    return words;
}

static void serve(void)
{
    server_prepare(&server, ONE_WORKER "workers_max = 1\n[app:plain]\npath = /plain\nmodule = static\nroot = www\n"
                                       "[app:both]\npath = /both\nmodule = static\nroot = www\nprecompressed = on\ngzip = on\n"
                                       "[app:siblings]\npath = /\nmodule = static\nroot = www\nprecompressed = on\n"
                                       "[app:raw]\npath = /raw\nmodule = static\nroot = www\nprecompressed = on\ngzip = on\ncache = 0\n");
    run("mkdir", text("%s/www", server.dir));
    put("page.html", "as it is");
    put("page.html.br", "by brotli");
    put("page.html.zst", "by zstd");
    put("page.html.gz", "by gzip");
    put("some.html", "some");
    put("some.html.gz", "some by gzip");
    put("old.html", "edited");
    put_at("old.html.br", "before", "1994-11-06 08:49:36 UTC");
    put("picture.png", "a picture");
    put("picture.png.gz", "who does that");
    put("lonely.txt.gz", "without its file");
    put("long.txt", long_text());
    put("long.bin", long_text());
    put("short.txt", "too short to gain");
    server_launch(&server);
}

static void stop(void)
{
    if (server.pid > 0)
        server_stop(&server);
}

#define EncodingTest(name) Test(files_encodings, name, .init = serve, .fini = stop)

EncodingTest(the_sibling_that_is_wanted_most_is_sent)
{
    static const struct {
        const char *path, *accepted, *body, *encoding;
    } cases[] = {
        {"/page.html", NULL, "as it is", NULL},
        {"/page.html", "", "as it is", NULL},
        {"/page.html", "gzip", "by gzip", "gzip"},
        {"/page.html", "x-gzip", "by gzip", "gzip"},
        {"/page.html", "zstd", "by zstd", "zstd"},
        {"/page.html", "gzip, deflate, br, zstd", "by brotli", "br"},
        {"/page.html", "br;q=0.5, gzip;q=0.8", "by gzip", "gzip"},
        {"/page.html", "br;q=0, *", "by zstd", "zstd"},
        {"/page.html", "br;q=0.5, identity", "as it is", NULL},
        {"/page.html", "*;q=0, identity;q=0.1", "as it is", NULL},
        {"/page.html", "gzip, identity;q=0", "by gzip", "gzip"},
        {"/page.html", "deflate", "as it is", NULL},
        {"/some.html", "gzip, br", "some by gzip", "gzip"},
        {"/some.html", "br;q=1, zstd;q=0.9, gzip;q=0.1", "some by gzip", "gzip"},
        {"/old.html", "br", "edited", NULL},
    };
    for (size_t round = 0; round < 2; round++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            const char *path = text("%s%s", round == 0 ? "" : "/raw", cases[i].path);
            struct response response =
                get_with(&server, path, cases[i].accepted != NULL ? text("Accept-Encoding: %s\r\n", cases[i].accepted) : "");
            if (response.status != 200 || strcmp(response.body, cases[i].body) != 0)
                harness_fail("%s for '%s': %d '%s', not '%s'", path, cases[i].accepted, response.status, response.body, cases[i].body);
            expect_field(&response, "Content-Encoding", cases[i].encoding);
            expect_field(&response, "Vary", "Accept-Encoding");
            expect_field(&response, "Content-Type", "text/html; charset=utf-8");
        }
}

EncodingTest(each_form_has_its_tag_and_its_ranges)
{
    struct response plain = get(&server, "/page.html"), packed = get_with(&server, "/page.html", "Accept-Encoding: gzip\r\n");
    const char *plain_tag = response_header(&plain, "ETag"), *packed_tag = response_header(&packed, "ETag");
    cr_assert_str_neq(plain_tag, packed_tag);
    struct response response = get_with(&server, "/page.html", text("Accept-Encoding: gzip\r\nIf-None-Match: %s\r\n", packed_tag));
    expect_response(&response, 304, "");
    expect_field(&response, "Vary", "Accept-Encoding");
    expect_field(&response, "Content-Encoding", NULL);
    response = get_with(&server, "/page.html", text("Accept-Encoding: gzip\r\nIf-None-Match: %s\r\n", plain_tag));
    expect_response(&response, 200, "by gzip");
    response = get_with(&server, "/page.html", "Accept-Encoding: gzip\r\nRange: bytes=3-\r\n");
    expect_response(&response, 206, "gzip");
    expect_field(&response, "Content-Encoding", "gzip");
    expect_field(&response, "Content-Range", "bytes 3-6/7");
    put("wide.html", "wide");
    put("wide.html.gz", long_text());
    response = get_with(&server, "/wide.html", "Accept-Encoding: gzip\r\nRange: bytes=0-1,1000-1001\r\n");
    expect_response(&response, 200, long_text()); /* no field could say that only what is in the parts is encoded */
}

/* All forms have the date: it does not tell which of them the client has a part of. A file without other forms is told by it. */
EncodingTest(a_date_gives_no_range_of_what_has_forms)
{
    static const char range[] = "Range: bytes=3-5\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    struct response response = get_with(&server, "/page.html", text("%sAccept-Encoding: gzip\r\n", range));
    expect_response(&response, 200, "by gzip");
    response = get_with(&server, "/page.html", range);
    expect_response(&response, 200, "as it is");
    response = get_with(&server, "/both/long.txt", text("%sAccept-Encoding: gzip\r\n", range));
    expect_response(&response, 200, long_text());
    response = get_with(&server, "/plain/page.html", range);
    expect_response(&response, 206, "it ");
    response = get_with(&server, "/picture.png", range);
    expect_response(&response, 206, "ict");
    const char *tag = response_header((struct response[]){get_with(&server, "/page.html", "Accept-Encoding: gzip\r\n")}, "ETag");
    response = get_with(&server, "/page.html", text("Accept-Encoding: gzip\r\nRange: bytes=3-5\r\nIf-Range: %s\r\n", tag));
    expect_response(&response, 206, "gzi");
}

EncodingTest(a_client_that_takes_nothing_there_is_gets_406)
{
    struct response response = get_with(&server, "/some.html", "Accept-Encoding: br, identity;q=0\r\n");
    expect_response(&response, 406, NULL);
    expect_field(&response, "Vary", "Accept-Encoding");
}

EncodingTest(what_has_no_forms_does_not_vary)
{
    struct response response = get_with(&server, "/picture.png", "Accept-Encoding: gzip\r\n");
    expect_response(&response, 200, "a picture");
    expect_field(&response, "Vary", NULL);
    response = get_with(&server, "/plain/page.html", "Accept-Encoding: gzip\r\n");
    expect_response(&response, 200, "as it is");
    expect_field(&response, "Vary", NULL);
    expect_get(&server, "/lonely.txt", 404, NULL);
    response = get_with(&server, "/page.html.gz", "Accept-Encoding: gzip\r\n");
    expect_response(&response, 200, "by gzip");
    expect_field(&response, "Content-Type", "application/gzip");
    expect_field(&response, "Content-Encoding", NULL);
}

EncodingTest(a_sibling_that_comes_or_goes_is_noticed)
{
    expect_response((struct response[]){get_with(&server, "/some.html", "Accept-Encoding: br\r\n")}, 200, "some");
    put("some.html.br", "some by brotli");
    await(strcmp(get_with(&server, "/some.html", "Accept-Encoding: br\r\n").body, "some by brotli") == 0);
    remove(text("%s/www/some.html.br", server.dir));
    await(strcmp(get_with(&server, "/some.html", "Accept-Encoding: br\r\n").body, "some") == 0);
}

/* What gzip makes of a body. */
static const char *unpack(const struct response *response)
{
    const char *path = text("%s/packed.gz", server.dir);
    file_write_bytes(path, response->body, response->length);
    struct run ran = run("gzip", "-dc", path);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    return ran.out;
}

EncodingTest(texts_are_compressed_where_that_is_asked_for)
{
    const char *const paths[] = {"/both/long.txt", "/both/long.txt", "/raw/long.txt"};
    for (size_t i = 0; i < 3; i++) {
        struct response response = get_with(&server, paths[i], "Accept-Encoding: gzip\r\n");
        expect_response(&response, 200, NULL);
        expect_field(&response, "Content-Encoding", "gzip");
        expect_field(&response, "Vary", "Accept-Encoding");
        cr_assert_lt(response.length, 2000);
        cr_assert_str_eq(unpack(&response), long_text());
        const char *etag = response_header(&response, "ETag");
        cr_assert(text_matches(etag, "^W/\"[0-9a-f]{16}-gzip\"$"), "%s", etag);
        response = get_with(&server, paths[i], text("Accept-Encoding: gzip\r\nIf-None-Match: %s\r\n", etag));
        expect_response(&response, 304, "");
        response = get_with(&server, paths[i], text("Accept-Encoding: gzip\r\nRange: bytes=0-11\r\nIf-Range: %s\r\n", etag));
        expect_response(&response, 200, long_text());
        expect_field(&response, "Content-Encoding", NULL);
        response = get_with(&server, paths[i], "Accept-Encoding: gzip\r\nRange: bytes=0-7\r\n");
        expect_response(&response, 206, "compress");
        response = get_with(&server, paths[i], "Accept-Encoding: gzip, identity;q=0\r\n");
        expect_field(&response, "Content-Encoding", "gzip");
    }
}

EncodingTest(nothing_else_is_compressed)
{
    static const struct {
        const char *path, *accepted;
    } cases[] = {{"/both/long.txt", ""},         {"/both/long.txt", "br"},
                 {"/both/long.txt", "gzip;q=0"}, {"/both/long.txt", "gzip;q=0.5, identity"},
                 {"/both/short.txt", "gzip"},    {"/both/long.bin", "gzip"},
                 {"/plain/long.txt", "gzip"},    {"/long.txt", "gzip"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct response response = get_with(&server, cases[i].path, text("Accept-Encoding: %s\r\n", cases[i].accepted));
        expect_response(&response, 200, NULL);
        if (response_header(&response, "Content-Encoding") != NULL)
            harness_fail("%s for '%s' is encoded", cases[i].path, cases[i].accepted);
    }
    struct response response = get_with(&server, "/both/page.html", "Accept-Encoding: gzip\r\n");
    expect_response(&response, 200, "by gzip"); /* the sibling goes first */
}
