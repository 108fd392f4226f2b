/* SPDX-License-Identifier: Apache-2.0
 *
 * Conditional requests for files, and the validators they are made with.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(files_conditions, .timeout = 120);

#define MODIFIED "Sun, 06 Nov 1994 08:49:37 GMT"
#define EARLIER "Sun, 06 Nov 1994 08:49:36 GMT"

static struct server server;
static const char *etag;

static void put(const char *name, const char *content, const char *when)
{
    file_write(text("%s/www/%s", server.dir, name), content);
    run("touch", "-d", when, text("%s/www/%s", server.dir, name));
}

static void serve(void)
{
    server_prepare(&server, ONE_WORKER "workers_max = 1\n[app:www]\npath = /\nmodule = static\nroot = www\ncache_control = max-age=60\n"
                                       "[app:raw]\npath = /raw\nmodule = static\nroot = www\ncache = 0\n");
    run("mkdir", text("%s/www", server.dir));
    put("page.txt", "content", "1994-11-06 08:49:37.5 UTC");
    server_launch(&server);
    etag = response_header((struct response[]){get(&server, "/page.txt")}, "ETag");
}

static void stop(void)
{
    if (server.pid > 0)
        server_stop(&server);
}

#define ConditionTest(name) Test(files_conditions, name, .init = serve, .fini = stop)

/* In @ the file's tag. */
static const struct {
    const char *fields;
    int status;
} cases[] = {
    {"If-None-Match: @\r\n", 304},
    {"If-None-Match: W/@\r\n", 304},
    {"If-None-Match: \"other\", @\r\n", 304},
    {"If-None-Match: \"other\"\r\nIf-None-Match: @\r\n", 304},
    {"If-None-Match: *\r\n", 304},
    {"If-None-Match: \"other\"\r\n", 200},
    {"If-None-Match: \"other\"\r\nIf-Modified-Since: " MODIFIED "\r\n", 200},
    {"If-Modified-Since: " MODIFIED "\r\n", 304},
    {"If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n", 304},
    {"If-Modified-Since: Sun Nov  6 08:49:37 1994\r\n", 304},
    {"If-Modified-Since: " EARLIER "\r\n", 200},
    {"If-Modified-Since: never\r\n", 200},
    {"If-Match: @\r\n", 200},
    {"If-Match: *\r\n", 200},
    {"If-Match: W/@\r\n", 412},
    {"If-Match: \"other\"\r\n", 412},
    {"If-Match: \"other\"\r\nIf-None-Match: @\r\n", 412},
    {"If-Match: @\r\nIf-Unmodified-Since: " EARLIER "\r\n", 200},
    {"If-Unmodified-Since: " MODIFIED "\r\n", 200},
    {"If-Unmodified-Since: " EARLIER "\r\n", 412},
    {"If-Unmodified-Since: " EARLIER "\r\nIf-None-Match: @\r\n", 412},
    {"If-None-Match: @\r\nRange: bytes=0-1\r\n", 304},
    {"If-Match: \"other\"\r\nRange: bytes=0-1\r\n", 412},
    {"If-Match: @\r\nRange: bytes=0-1\r\n", 206},
};

static const char *with_etag(const char *fields)
{
    const char *at = strchr(fields, '@');
    return at == NULL ? fields : with_etag(text("%.*s%s%s", (int)(at - fields), fields, etag, at + 1));
}

ConditionTest(each_is_answered_for_get_and_for_head)
{
    struct client client = client_connect(&server);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *fields = with_etag(cases[i].fields);
        for (int k = 0; k < 4; k++) {
            const char *path = k < 2 ? "/page.txt" : "/raw/page.txt";
            client_send(&client, request(k % 2 == 0 ? "GET" : "HEAD", path, fields));
            struct response response = k % 2 == 0 ? client_read(&client) : client_read_head(&client);
            int expected = cases[i].status == 206 && k % 2 == 1 ? 200 : cases[i].status;
            if (response.status != expected)
                harness_fail("%s %s: %d, not %d, to\n%s", k % 2 == 0 ? "GET" : "HEAD", path, response.status, expected, fields);
        }
    }
    client_close(&client);
}

ConditionTest(a_304_has_what_caches_need)
{
    struct response response = ask(&server, request("GET", "/page.txt", with_etag("If-None-Match: @\r\n")));
    expect_response(&response, 304, "");
    expect_field(&response, "ETag", etag);
    expect_field(&response, "Cache-Control", "max-age=60");
    expect_field(&response, "Last-Modified", MODIFIED);
    cr_assert(response_header(&response, "Date") != NULL);
    expect_field(&response, "Content-Type", NULL);
    expect_field(&response, "Content-Length", NULL);
}

ConditionTest(a_412_says_nothing_of_the_file)
{
    struct response response = ask(&server, request("GET", "/page.txt", "If-Match: \"other\"\r\n"));
    expect_response(&response, 412, NULL);
    expect_field(&response, "Cache-Control", NULL);
    expect_field(&response, "Last-Modified", NULL);
    expect_field(&response, "Content-Type", "application/problem+json");
}

ConditionTest(every_version_has_its_own_tag)
{
    static const char *const versions[][3] = {{"page.txt", "content", "1994-11-06 08:49:37.5 UTC"},
                                              {"page.txt", "content!", "1994-11-06 08:49:37.5 UTC"},
                                              {"page.txt", "content", "1994-11-06 08:49:37.500000001 UTC"},
                                              {"page.txt", "content", "1994-11-06 08:49:38.5 UTC"},
                                              {"another.txt", "content", "1994-11-06 08:49:37.5 UTC"}};
    const char *tags[5];
    for (size_t i = 0; i < 5; i++) {
        put(versions[i][0], versions[i][1], versions[i][2]);
        tags[i] = response_header((struct response[]){get(&server, text("/raw/%s", versions[i][0]))}, "ETag");
        cr_assert(text_matches(tags[i], "^\"[0-9a-f]{16}\"$"), "%s", tags[i]);
        for (size_t k = 0; k < i; k++)
            cr_assert_str_neq(tags[i], tags[k], "%zu and %zu", i, k);
    }
    cr_assert_str_eq(tags[0], etag, "every worker, and every app, gives the same tag");
}

/* It may change again without its time telling. */
ConditionTest(the_tag_of_a_file_just_changed_is_weak_until_it_has_rested)
{
    put("new.txt", "new", "now + 1 minutes");
    struct response response = get(&server, "/new.txt");
    const char *young = response_header(&response, "ETag");
    cr_assert(text_matches(young, "^W/\"[0-9a-f]{16}\"$"), "%s", young);
    expect_field(&response, "Last-Modified", response_header(&response, "Date")); /* never in the future */
    file_write(text("%s/www/fresh.txt", server.dir), "fresh");
    await(text_matches(response_header((struct response[]){get(&server, "/fresh.txt")}, "ETag"), "^\"[0-9a-f]{16}\"$"));
}
