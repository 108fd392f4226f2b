/* SPDX-License-Identifier: Apache-2.0
 *
 * What modules send by tine_send_file() and tine_send_content(): conditions, ranges, and that what was lent is given back.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

TestSuite(content, .timeout = 120);

static struct server server;

static void serve(void)
{
    server_prepare(&server, ONE_WORKER "workers_max = 1\n[app:content]\npath = /\nmodule = @MODULES@/content.so\nfile = @DIR@/page.txt\n"
                                       "[app:answers]\npath = /answers\nmodule = @MODULES@/answers.so\n");
    file_write(text("%s/page.txt", server.dir), "abcdefghij");
    run("touch", "-d", "1994-11-06 08:49:37.5 UTC", text("%s/page.txt", server.dir));
    server_launch(&server);
}

static void stop(void)
{
    if (server.pid > 0)
        server_stop(&server);
}

#define ContentTest(name) Test(content, name, .init = serve, .fini = stop)

ContentTest(a_file_has_versions_and_ranges)
{
    struct response response = get(&server, "/file");
    expect_response(&response, 200, "abcdefghij");
    expect_field(&response, "Content-Type", "text/plain; charset=utf-8");
    expect_field(&response, "Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT");
    expect_field(&response, "Accept-Ranges", "bytes");
    const char *etag = response_header(&response, "ETag");
    cr_assert(text_matches(etag, "^\"[0-9a-f]{16}\"$"), "%s", etag);

    response = get_with(&server, "/file", text("If-None-Match: %s\r\n", etag));
    expect_response(&response, 304, "");
    expect_field(&response, "ETag", etag);
    expect_field(&response, "Content-Type", NULL);
    expect_field(&response, "Content-Length", NULL);
    response = get_with(&server, "/file", "If-Match: \"other\"\r\n");
    expect_response(&response, 412, NULL);
    expect_field(&response, "ETag", NULL);
    response = get_with(&server, "/file", "Range: bytes=2-4\r\n");
    expect_response(&response, 206, "cde");
    expect_field(&response, "Content-Range", "bytes 2-4/10");
    expect_field(&response, "Content-Type", "text/plain; charset=utf-8");
    response = get_with(&server, "/file?type=image/png", "");
    expect_field(&response, "Content-Type", "image/png");
}

ContentTest(a_file_that_is_none_is_404)
{
    remove(text("%s/page.txt", server.dir));
    expect_get(&server, "/file", 404, NULL);
    run("mkdir", text("%s/page.txt", server.dir));
    expect_get(&server, "/file", 404, NULL);
    run("rmdir", text("%s/page.txt", server.dir));
    run("mkfifo", text("%s/page.txt", server.dir));
    expect_get(&server, "/file", 404, NULL);
}

ContentTest(what_comes_from_memory_is_answered_alike)
{
    struct response response = get(&server, "/memory");
    expect_response(&response, 200, "0123456789");
    expect_field(&response, "ETag", "\"ten\"");
    expect_field(&response, "Cache-Control", "max-age=60");
    response = get_with(&server, "/memory", "Range: bytes=-3\r\n");
    expect_response(&response, 206, "789");
    expect_field(&response, "Content-Range", "bytes 7-9/10");
    response = get_with(&server, "/memory", "Range: bytes=10-\r\n");
    expect_response(&response, 416, NULL);
    expect_field(&response, "Content-Range", "bytes */10");
    expect_field(&response, "Cache-Control", NULL);
    response = get_with(&server, "/memory", "If-None-Match: \"x\"\r\nIf-None-Match: W/\"ten\"\r\n");
    expect_response(&response, 304, "");
    expect_field(&response, "Cache-Control", "max-age=60");
    struct client client = client_connect(&server);
    client_send(&client, request("HEAD", "/memory", "Range: bytes=0-1\r\n"));
    response = client_read_head(&client);
    cr_assert_eq(response.status, 200);
    expect_field(&response, "Content-Length", "10");
    client_close(&client);
    expect_get(&server, "/balance", 200, "0");
}

/* Fields that the handler has set for the content: the error is neither encoded, nor may a cache give it to others. */
ContentTest(errors_in_place_of_content_have_no_fields_of_it)
{
    static const char *const names[] = {"Content-Encoding", "Repr-Digest", "Expires", "ETag"};
    const char *path = "/answers/content?field=Content-Encoding:br&field=Repr-Digest:sha-256%3d%3aMTIz%3a&field=Link:1"
                       "&field=Cache-Control:max-age=60&field=Expires:Fri,+01+Jan+2100+00%3a00%3a00+GMT";
    struct response response = get(&server, path);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cr_assert(response_header(&response, names[i]) != NULL, "%s: %s", names[i], response.head);
    for (int status = 412; status <= 416; status += 4) {
        response = get_with(&server, path, status == 412 ? "If-Match: \"two\"\r\n" : "Range: bytes=9999-\r\n");
        expect_response(&response, status, NULL);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            expect_field(&response, names[i], NULL);
        expect_field(&response, "Cache-Control", "no-store");
        expect_field(&response, "Link", "1");
        expect_field(&response, "Content-Range", status == 416 ? "bytes */5000" : NULL);
    }
}

ContentTest(other_statuses_have_no_conditions)
{
    struct response response = get_with(&server, "/gone", "If-None-Match: \"g\"\r\nRange: bytes=0-1\r\n");
    expect_response(&response, 410, "gone");
    expect_field(&response, "ETag", NULL);
    expect_field(&response, "Accept-Ranges", NULL);
}

ContentTest(what_is_lent_is_given_back_once)
{
    expect_get(&server, "/memory", 200, "0123456789");
    expect_get(&server, "/twice", 200, "0123456789");
    expect_get(&server, "/replaced", 200, "something else");
    struct response response = get(&server, "/bad");
    expect_response(&response, 500, NULL);
    expect_field(&response, "X-Evil", NULL);
    response = get(&server, "/bad_etag");
    expect_response(&response, 200, "x");
    expect_field(&response, "ETag", NULL);
    expect_get(&server, "/balance", 200, "0");
}

ContentTest(it_is_kept_until_a_slow_client_has_it)
{
    struct client slow = client_connect(&server);
    setsockopt(slow.fd, SOL_SOCKET, SO_RCVBUF, &(int){65536}, sizeof(int));
    client_send(&slow, request("GET", "/large", ""));
    cr_assert_gt(client_receive(&slow, PATIENCE), 0);
    expect_get(&server, "/balance", 200, "1");
    struct response response = client_read(&slow);
    expect_response(&response, 200, NULL);
    cr_assert_eq(response.length, 8000000);
    for (size_t i = 0; i < response.length; i++)
        if (response.body[i] != (char)('0' + i % 10))
            harness_fail("byte %zu is wrong", i);
    await(strcmp(get(&server, "/balance").body, "0") == 0);
    client_send(&slow, request("GET", "/large", ""));
    client_receive(&slow, PATIENCE);
    client_close(&slow);
    await(strcmp(get(&server, "/balance").body, "0") == 0);
}

/* The digits that the module makes, from 'from' on. */
static void expect_digits(const struct response *response, int status, size_t from, size_t length)
{
    expect_response(response, status, NULL);
    cr_assert_eq(response->length, length, "%zu bytes", response->length);
    for (size_t i = 0; i < length; i++)
        if (response->body[i] != (char)('0' + (from + i) % 10))
            harness_fail("byte %zu is wrong", i);
}

ContentTest(a_head_in_front_of_content_does_it_no_harm)
{
    static const size_t rooms[] = {0, 1, 100, 512}, lengths[] = {1, 4096, 4097, 10240, 65536};
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++)
        for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
            char *path = text("/roomy?room=%zu&length=%zu", rooms[i], lengths[k]);
            struct response response = get(&server, path);
            expect_digits(&response, 200, 0, lengths[k]);
            response = get_with(&server, path, "X-Request-Id: 0123456789012345678901234567890123456789\r\nRange: bytes=0-\r\n");
            expect_digits(&response, 206, 0, lengths[k]);
            if (lengths[k] > 5000) {
                response = get_with(&server, path, "Range: bytes=700-\r\n");
                expect_digits(&response, 206, 700, lengths[k] - 700);
            }
            response = get(&server, path);
            expect_digits(&response, 200, 0, lengths[k]);
        }
}

/* One is in the midst of it, or has not even taken the head, when others get a head of their own. */
ContentTest(many_clients_take_content_with_room_at_a_time)
{
    struct client clients[3];
    for (size_t i = 0; i < 3; i++) {
        clients[i] = client_connect(&server);
        setsockopt(clients[i].fd, SOL_SOCKET, SO_RCVBUF, &(int){65536}, sizeof(int));
        client_send(&clients[i], request("GET", "/roomy?room=512&length=8000000", text("X-Request-Id: client%zu\r\n", i)));
        cr_assert_gt(client_receive(&clients[i], PATIENCE), 0);
    }
    for (size_t i = 3; i-- > 0;) {
        struct response response = client_read(&clients[i]);
        expect_field(&response, "X-Request-Id", text("client%zu", i));
        expect_digits(&response, 200, 0, 8000000);
        client_close(&clients[i]);
    }
}

ContentTest(changes_are_made_to_the_version_that_was_meant)
{
    static const struct {
        const char *method, *field;
        int status;
    } cases[] = {{"PUT", "", 200},
                 {"PUT", "If-Match: \"v1\"\r\n", 200},
                 {"PUT", "If-Match: \"v0\"\r\n", 412},
                 {"PUT", "If-None-Match: *\r\n", 412},
                 {"PUT", "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n", 412},
                 {"PUT", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 200},
                 {"GET", "If-None-Match: *\r\n", 304},
                 {"GET", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 304}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool puts = strcmp(cases[i].method, "PUT") == 0;
        struct response response =
            ask(&server, request(cases[i].method, "/change", text("%s%s", cases[i].field, puts ? "Content-Length: 0\r\n" : "")));
        expect_response(&response, cases[i].status, NULL);
        expect_field(&response, "ETag", puts ? NULL : "\"v1\"");
    }
}

ContentTest(modules_learn_what_encodings_are_wanted)
{
    struct response response = get_with(&server, "/encoding", "");
    expect_response(&response, 200, "-1 0");
    response = get_with(&server, "/encoding", "Accept-Encoding: br\r\nAccept-Encoding: gzip;q=0.5, identity;q=0\r\n");
    expect_response(&response, 200, "500 -1");
}

ContentTest(a_stretch_of_a_descriptor_is_sent)
{
    struct response response = get_with(&server, "/descriptor", "If-None-Match: *\r\nRange: bytes=0-0\r\n");
    expect_response(&response, 201, "bcd");
    expect_field(&response, "Content-Type", NULL);
    expect_field(&response, "ETag", NULL);
}

ContentTest(a_file_can_be_described_without_being_sent)
{
    struct response response = get(&server, "/file");
    expect_get(&server, "/described", 200, text("%s text/plain; charset=utf-8", response_header(&response, "ETag")));
}

/* What was promised cannot be kept: the client sees it by the end of the connection, and the log says whose promise it was. */
static void expect_cut_off(const char *handler, const char *told)
{
    struct client client = client_connect(&server);
    client_send(&client, request("GET", text("/%s", handler), ""));
    cr_assert(client_drain(&client, PATIENCE, NULL));
    client_close(&client);
    server_log_await(&server, text("handler content.%s of module %s/content.so %s", handler, modules_path(), told), 1);
    expect_get(&server, "/balance", 200, "0");
}

ContentTest(a_length_that_the_file_does_not_have_ends_the_connection)
{
    expect_cut_off("too_long", "promised 990 bytes more of a file than there are");
    expect_cut_off("no_file", "sends a descriptor that is no open file: ");
}
