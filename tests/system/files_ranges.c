/* SPDX-License-Identifier: Apache-2.0
 *
 * Parts of files: as each kind is sent, from the cache, by its descriptor in it, and without it.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(files_ranges, .timeout = 120);

enum { SMALL = 1000, LARGE = 200000, HUGE_LENGTH = 12000000 };

static struct server server;

/* The folders that serve the same files: with a cache, and without one. */
static const char *const folders[] = {"", "/raw"};

static char byte_at(size_t i)
{
    return (char)('a' + (i * 31 + i / 26) % 26);
}

static void put(const char *name, size_t length)
{
    char *bytes = malloc(length + 1);
    for (size_t i = 0; i < length; i++)
        bytes[i] = byte_at(i);
    file_write_bytes(text("%s/www/%s", server.dir, name), bytes, length);
    run("touch", "-d", "1994-11-06 08:49:37.5 UTC", text("%s/www/%s", server.dir, name));
    free(bytes);
}

static void serve(void)
{
    server_prepare(&server, ONE_WORKER "workers_max = 1\n[app:www]\npath = /\nmodule = static\nroot = www\n"
                                       "[app:raw]\npath = /raw\nmodule = static\nroot = www\ncache = 0\n");
    run("mkdir", text("%s/www", server.dir));
    put("small.txt", SMALL);
    put("large.txt", LARGE);
    put("huge.bin", HUGE_LENGTH);
    put("empty.txt", 0);
    server_launch(&server);
}

static void stop(void)
{
    if (server.pid > 0)
        server_stop(&server);
}

#define RangeTest(name) Test(files_ranges, name, .init = serve, .fini = stop)

static void expect_bytes(const char *bytes, size_t length, size_t first)
{
    for (size_t i = 0; i < length; i++)
        if (bytes[i] != byte_at(first + i))
            harness_fail("byte %zu of the part from %zu is wrong", i, first);
}

static void expect_part(const char *path, const char *range, size_t size, size_t first, size_t length)
{
    struct response response = get_with(&server, path, text("Range: bytes=%s\r\n", range));
    expect_response(&response, 206, NULL);
    expect_field(&response, "Content-Range", text("bytes %zu-%zu/%zu", first, first + length - 1, size));
    expect_field(&response, "Content-Length", text("%zu", length));
    cr_assert_eq(response.length, length);
    expect_bytes(response.body, length, first);
    response_free(&response);
}

RangeTest(one_part_is_sent_as_it_lies_in_the_file)
{
    static const struct {
        const char *file;
        size_t size;
    } files[] = {{"small.txt", SMALL}, {"large.txt", LARGE}};
    for (size_t f = 0; f < 2; f++)
        for (size_t k = 0; k < 2; k++) {
            const char *path = text("%s/%s", folders[k], files[f].file);
            size_t size = files[f].size;
            expect_part(path, "0-0", size, 0, 1);
            expect_part(path, "0-", size, 0, size);
            expect_part(path, "17-916", size, 17, 900);
            expect_part(path, "-5", size, size - 5, 5);
            expect_part(path, text("%zu-", size - 1), size, size - 1, 1);
            expect_part(path, "500-9999999999", size, 500, size - 500);
            expect_part(path, "0-4,5-9", size, 0, 10);
        }
    expect_part("/huge.bin", "11000000-", HUGE_LENGTH, 11000000, 1000000);
}

/* Checks and takes the part at the front of a multipart body. */
static const char *take_part(const char *at, const char *boundary, size_t size, size_t first, size_t length, bool is_first)
{
    const char *head = text("%s--%s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes %zu-%zu/%zu\r\n\r\n",
                            is_first ? "" : "\r\n", boundary, first, first + length - 1, size);
    cr_assert_eq(strncmp(at, head, strlen(head)), 0, "no '%s' but '%.200s'", head, at);
    expect_bytes(at + strlen(head), length, first);
    return at + strlen(head) + length;
}

static void expect_three_parts(const char *path, size_t size)
{
    struct response response = get_with(&server, path, "Range: bytes=0-9, 2000-, -3, 600-602\r\n");
    const char *type = response_header(&response, "Content-Type"), *boundary = type + strlen("multipart/byteranges; boundary=");
    bool large = size > 2000; /* then "2000-" reaches to the end and takes the suffix in */
    expect_response(&response, 206, NULL);
    cr_assert(text_matches(type, "^multipart/byteranges; boundary=[0-9a-f]{16}$"), "%s", type);
    expect_field(&response, "Content-Range", NULL);
    const char *at = take_part(response.body, boundary, size, 0, 10, true);
    at = large ? take_part(at, boundary, size, 2000, size - 2000, false) : take_part(at, boundary, size, size - 3, 3, false);
    at = take_part(at, boundary, size, 600, 3, false);
    cr_assert_str_eq(at, text("\r\n--%s--\r\n", boundary));
    cr_assert_eq(response.length, (size_t)(at - response.body) + strlen(at));
    response_free(&response);
}

RangeTest(several_parts_come_in_their_order)
{
    for (size_t k = 0; k < 2; k++) {
        expect_three_parts(text("%s/small.txt", folders[k]), SMALL);
        expect_three_parts(text("%s/large.txt", folders[k]), LARGE);
    }
}

static uint64_t unshift(uint64_t x, int by)
{
    uint64_t was = x;
    for (int i = by; i < 64; i += by)
        was = x ^ was >> by;
    return was;
}

/* Ids of requests are splitmix64 of a counter, the lowest half byte first: from one the next can be computed. */
static const char *id_after(const char *id)
{
    uint64_t x = 0;
    char next[17] = "";
    for (int i = 16; i-- > 0;)
        x = x << 4 | (uint64_t)(strchr("0123456789abcdef", id[i]) - "0123456789abcdef");
    x = unshift(x, 31) * 0x319642b2d24d8ec3; /* the inverses of those factors, modulo 2^64 */
    x = unshift(unshift(x, 27) * 0x96de1b173f119089, 30) + 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    x ^= x >> 31;
    for (int i = 0; i < 16; i++, x >>= 4)
        next[i] = "0123456789abcdef"[x & 15];
    return text("%s", next);
}

/* Else who writes a file, and asks for any page before, could put parts of his own into what others get. */
RangeTest(a_boundary_cannot_be_told_from_the_ids_of_requests)
{
    struct response before = get(&server, "/small.txt"), after = get(&server, "/small.txt");
    const char *id = response_header(&after, "X-Request-Id");
    cr_assert_str_eq(id_after(response_header(&before, "X-Request-Id")), id);
    struct response response = get_with(&server, "/small.txt", "Range: bytes=0-9, 600-602\r\n");
    const char *type = response_header(&response, "Content-Type"), *own = response_header(&response, "X-Request-Id");
    cr_assert_str_eq(own, id_after(id));
    cr_assert(text_matches(type, "^multipart/byteranges; boundary=[0-9a-f]{16}$"), "%s", type);
    cr_assert_str_neq(type, text("multipart/byteranges; boundary=%s", id_after(own)));
    response_free(&before);
    response_free(&after);
    response_free(&response);
}

RangeTest(several_parts_of_a_large_file_reach_a_slow_client)
{
    struct client slow = client_connect(&server);
    setsockopt(slow.fd, SOL_SOCKET, SO_RCVBUF, &(int){65536}, sizeof(int));
    client_send(&slow,
                text("%s%s", request("GET", "/huge.bin", "Range: bytes=0-5999999,7000000-11999998\r\n"), request("GET", "/small.txt", "")));
    for (int i = 0; i < 5; i++) {
        cr_assert_gt(client_receive(&slow, PATIENCE), 0);
        expect_part("/small.txt", "1-2", SMALL, 1, 2);
    }
    struct response response = client_read(&slow);
    expect_response(&response, 206, NULL);
    const char *second = strstr(response.body + 6000000, "\r\n\r\n") + 4;
    expect_bytes(strstr(response.body, "\r\n\r\n") + 4, 6000000, 0);
    expect_bytes(second, 4999999, 7000000);
    cr_assert_eq(strncmp(second + 4999999, "\r\n--", 4), 0);
    response = client_read(&slow);
    expect_response(&response, 200, NULL);
    cr_assert_eq(response.length, SMALL);
    client_close(&slow);
    cr_assert(text_matches(server_access_await(&server, "/huge.bin"), " 206 1100[0-9]{4} "));
}

RangeTest(what_is_not_there_is_416)
{
    for (size_t k = 0; k < 2; k++) {
        struct response response = get_with(&server, text("%s/small.txt", folders[k]), "Range: bytes=1000-\r\n");
        expect_response(&response, 416, NULL);
        expect_field(&response, "Content-Range", "bytes */1000");
        expect_field(&response, "ETag", NULL);
        response = get_with(&server, text("%s/empty.txt", folders[k]), "Range: bytes=0-0\r\n");
        expect_response(&response, 416, NULL);
        expect_field(&response, "Content-Range", "bytes */0");
    }
}

RangeTest(a_range_that_cannot_be_heeded_is_passed_over)
{
    char many[400] = "Range: bytes=0-0";
    for (int i = 1; i <= 16; i++)
        sprintf(many + strlen(many), ",%d-%d", i * 200, i * 200);
    strcat(many, "\r\n");
    const char *const fields[] = {"Range: bytes=5-4\r\n", "Range: lines=1-2\r\n", "Range: bytes=a-b\r\n",
                                  "Range: bytes=1-2\r\nRange: bytes=3-4\r\n", many};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct response response = get_with(&server, "/large.txt", fields[i]);
        expect_response(&response, 200, NULL);
        expect_field(&response, "Content-Range", NULL);
        cr_assert_eq(response.length, LARGE, "%s", fields[i]);
        response_free(&response);
    }
    struct client client = client_connect(&server);
    client_send(&client, request("HEAD", "/small.txt", "Range: bytes=0-1\r\n"));
    struct response response = client_read_head(&client);
    expect_response(&response, 200, NULL);
    expect_field(&response, "Content-Length", "1000");
    client_close(&client);
}

RangeTest(a_hundred_overlapping_parts_do_not_make_it_larger)
{
    struct response response = get_with(&server, "/large.txt", "Range: bytes=0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-\r\n");
    expect_response(&response, 206, NULL);
    cr_assert_eq(response.length, LARGE);
}

RangeTest(if_range_decides_between_the_part_and_the_whole)
{
    const char *date = "Sun, 06 Nov 1994 08:49:37 GMT", *etag = response_header((struct response[]){get(&server, "/small.txt")}, "ETag");
    cr_assert(text_matches(etag, "^\"[0-9a-f]{16}\"$"), "%s", etag);
    const char *const holds[] = {etag, date};
    const char *const fails[] = {"\"other\"", "Sun, 06 Nov 1994 08:49:36 GMT", "Sun, 06 Nov 1994 08:49:38 GMT", text("W/%s", etag), "*",
                                 "some day"};
    for (size_t i = 0; i < sizeof holds / sizeof *holds; i++) {
        struct response response = get_with(&server, "/small.txt", text("Range: bytes=0-1\r\nIf-Range: %s\r\n", holds[i]));
        expect_response(&response, 206, NULL);
        expect_field(&response, "Content-Range", "bytes 0-1/1000");
        expect_field(&response, "ETag", etag);
        expect_field(&response, "Last-Modified", NULL); /* the client has it: RFC 9110, 15.3.7 */
        expect_field(&response, "Content-Type", NULL);
    }
    for (size_t i = 0; i < sizeof fails / sizeof *fails; i++) {
        struct response response = get_with(&server, "/small.txt", text("Range: bytes=0-1\r\nIf-Range: %s\r\n", fails[i]));
        expect_response(&response, 200, NULL);
        expect_field(&response, "Last-Modified", date);
        cr_assert_eq(response.length, SMALL, "%s", fails[i]);
    }
    struct response response = get_with(&server, "/small.txt", text("If-Range: %s\r\n", etag));
    expect_response(&response, 200, NULL);
}

/* A part that cannot be sent whole ends the connection, and is told. */
RangeTest(a_file_that_shrinks_between_its_parts_ends_the_connection)
{
    struct client slow = client_connect(&server);
    setsockopt(slow.fd, SOL_SOCKET, SO_RCVBUF, &(int){65536}, sizeof(int));
    client_send(&slow, text("%s%s", request("GET", "/huge.bin", "Range: bytes=0-8999999,11000000-\r\n"), request("GET", "/small.txt", "")));
    cr_assert_gt(client_receive(&slow, PATIENCE), 0);
    cr_assert_eq(truncate(text("%s/www/huge.bin", server.dir), 10000000), 0);
    while (client_receive(&slow, PATIENCE) > 0)
        cr_assert_lt(slow.length, 10000000, "more than there is");
    cr_assert_eq(text_count(slow.data, "HTTP/1.1"), 1);
    server_log_await(&server, "handler www.serve of module static promised 10000", 1);
    client_close(&slow);
}
