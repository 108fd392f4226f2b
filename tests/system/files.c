/* SPDX-License-Identifier: Apache-2.0
 *
 * The built-in `static`: what is served, and that nothing else is.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(files, .timeout = 120);

enum { BIG = 12000000 }; /* more than the kernel buffers on both sides */

static struct server server;

static void put(const char *name, const char *content)
{
    file_write(text("%s/%s", server.dir, name), content);
}

static void put_big(const char *name)
{
    char *bytes = malloc(BIG);
    for (size_t i = 0; i < BIG; i++)
        bytes[i] = (char)('0' + i % 10);
    file_write_bytes(text("%s/%s", server.dir, name), bytes, BIG);
    free(bytes);
}

static void serve(void)
{
    server_prepare(&server, ONE_WORKER "[app:www]\npath = /\nmodule = static\nroot = www\n"
                                       "[app:list]\npath = /list\nmodule = static\nroot = www\nlisting = on\n"
                                       "[app:below]\npath = /a/b\nmodule = static\nroot = www\n");
    run("mkdir", "-p", text("%s/www/folder", server.dir), text("%s/www/bare", server.dir),
        text("%s/www/d\xc3\xa9j\xc3\xa0 vu", server.dir));
    put("secret.txt", "secret");
    put("www/index.html", "<p>welcome</p>");
    put("www/folder/index.html", "<p>folder</p>");
    put("www/bare/one.txt", "1");
    put("www/bare/<b>&\"two\"'.txt", "2");
    put("www/d\xc3\xa9j\xc3\xa0 vu/caf\xc3\xa9.txt", "coffee");
    put("www/empty.txt", "");
    put("www/100%.txt", "percent");
    put("www/.hidden", "hidden");
    put_big("www/big.bin");
    cr_assert_eq(symlink("../secret.txt", text("%s/www/out.txt", server.dir)), 0);
    cr_assert_eq(symlink("/etc", text("%s/www/etc", server.dir)), 0);
    cr_assert_eq(symlink("folder/index.html", text("%s/www/in.html", server.dir)), 0);
    cr_assert_eq(mkfifo(text("%s/www/fifo", server.dir), 0666), 0);
    server_launch(&server);
}

static void stop(void)
{
    if (server.pid > 0)
        server_stop(&server);
}

#define FileTest(name) Test(files, name, .init = serve, .fini = stop)

FileTest(files_are_served_by_their_names)
{
    const char *const cases[][2] = {{"/", "<p>welcome</p>"},       {"/index.html", "<p>welcome</p>"},
                                    {"/folder/", "<p>folder</p>"}, {"/a/b/folder/index.html", "<p>folder</p>"},
                                    {"/bare/one.txt", "1"},        {"/d%C3%A9j%C3%A0%20vu/caf%c3%a9.txt", "coffee"},
                                    {"/empty.txt", ""},            {"/100%25.txt", "percent"},
                                    {"/in.html", "<p>folder</p>"}, {"/bare/one.txt?query=ignored", "1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_get(&server, cases[i][0], 200, cases[i][1]);
}

FileTest(media_types_follow_the_name)
{
    const char *const types[][2] = {{"a.html", "text/html"}, {"a.css", "text/css"},         {"a.js", "text/javascript"},
                                    {"a.json", "application/json"}, {"a.png", "image/png"}, {"a.svg", "image/svg+xml"},
                                    {"a.txt", "text/plain"}, {"A.PDF", "application/pdf"},  {"a.woff2", "font/woff2"},
                                    {"noext", "application/octet-stream"}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        put(text("www/%s", types[i][0]), "x");
        struct response response = get(&server, text("/%s", types[i][0]));
        expect_response(&response, 200, "x");
        const char *type = response_header(&response, "Content-Type");
        cr_assert(type == NULL ? i == 9 : strncmp(type, types[i][1], strlen(types[i][1])) == 0, "%s: %s", types[i][0], type);
    }
}

FileTest(a_file_that_has_not_changed_is_304)
{
    struct response response = get(&server, "/bare/one.txt");
    const char *modified = response_header(&response, "Last-Modified");
    cr_assert(modified != NULL && text_matches(modified, "^[A-Z][a-z]{2}, .* GMT$"), "%s", response.head);
    response = ask(&server, request("GET", "/bare/one.txt", text("If-Modified-Since: %s\r\n", modified)));
    expect_response(&response, 304, "");
    response = ask(&server, request("GET", "/bare/one.txt", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
    expect_response(&response, 200, "1");
    response = ask(&server, request("GET", "/bare/one.txt", "If-Modified-Since: some day\r\n"));
    expect_response(&response, 200, "1");
}

FileTest(a_folder_is_redirected_to_its_slash)
{
    const char *const cases[][2] = {{"/folder", "/folder/"}, {"/folder?a=1", "/folder/?a=1"}, {"/a/b/folder", "/a/b/folder/"},
                                    {"/d%C3%A9j%C3%A0%20vu", "/d%C3%A9j%C3%A0%20vu/"}, {"//folder", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct response response = get(&server, cases[i][0]);
        const char *location = response_header(&response, "Location");
        if (cases[i][1] == NULL) /* "//folder/" would be another host */
            cr_assert(location == NULL || strncmp(location, "//", 2) != 0, "%s", location);
        else
            cr_assert(response.status >= 301 && response.status <= 308 && location != NULL && strcmp(location, cases[i][1]) == 0,
                      "%s: %s", cases[i][0], response.head);
    }
}

FileTest(a_folder_without_index_is_listed_only_where_it_may)
{
    struct response response = get(&server, "/bare/");
    cr_assert(response.status == 404 || response.status == 403, "%d", response.status);
    response = get(&server, "/list/bare/");
    expect_response(&response, 200, NULL);
    cr_assert(strstr(response.body, "one.txt") != NULL, "%s", response.body);
    cr_assert(strstr(response.body, "<b>") == NULL && strstr(response.body, "&lt;b&gt;") != NULL, "%s", response.body);
    cr_assert(strstr(response.body, "%3Cb%3E") != NULL, "%s", response.body);
}

FileTest(a_listing_shows_no_control_bytes_and_its_links_lead_to_the_files)
{
    put("www/bare/a\nb\x1b[31m%2F\t?#.txt", "odd");
    struct response response = get(&server, "/list/bare/");
    const char *row = "<a href=\"./a%0Ab%1B%5B31m%252F%09%3F%23.txt\">a\xef\xbf\xbd" "b\xef\xbf\xbd[31m%2F\xef\xbf\xbd?#.txt</a>";
    cr_assert(strstr(response.body, row) != NULL, "%s", response.body);
    expect_get(&server, "/list/bare/a%0Ab%1B%5B31m%252F%09%3F%23.txt", 200, "odd");
}

/* Names of 250 quotes, each 2 kB of a page together with its link: as a stream it would hold its worker. */
FileTest(a_large_listing_is_bounded_and_holds_up_no_worker)
{
    char name[251];
    run("mkdir", text("%s/www/wide", server.dir));
    for (int i = 0; i < 3000; i++) {
        memset(name, '\'', sizeof name - 1);
        name[snprintf(name, sizeof name, "%05d", i)] = '\'';
        name[sizeof name - 1] = 0;
        put(text("www/wide/%s", name), "");
    }
    struct client slow[4];
    for (int i = 0; i < 4; i++) {
        slow[i] = client_connect(&server);
        setsockopt(slow[i].fd, SOL_SOCKET, SO_RCVBUF, &(int){65536}, sizeof(int));
        client_send(&slow[i], request("GET", "/list/wide/", ""));
    }
    expect_get(&server, "/empty.txt", 200, "");
    for (int i = 0; i < 4; i++) {
        struct response response = client_read(&slow[i]);
        expect_response(&response, 200, NULL);
        cr_assert(response.length > 1500000 && response.length < 2100000, "%zu", response.length);
        cr_assert(text_matches(response.body + response.length - 60, "There is more: only [0-9]+ entries are shown"), "%s",
                  response.body + response.length - 60);
        response_free(&response);
        client_close(&slow[i]);
    }
}

FileTest(nothing_outside_the_root_is_served)
{
    const char *const paths[] = {"/../secret.txt", "/folder/../../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt",
                                 "/%2e%2e%2fsecret.txt", "/folder/..%2f..%2fsecret.txt", "/..%5csecret.txt", "/%252e%252e/secret.txt",
                                 "/.%2e/secret.txt", "/....//secret.txt", "//../secret.txt", "/%00/../secret.txt", "/out.txt",
                                 "/etc/passwd", "/etc/", "/a/b/../../../secret.txt", "/a/b/..%2f..%2fsecret.txt",
                                 "/index.html/../../secret.txt", "/fifo", "/index.html/", "/index.html/x", "/%c0%ae%c0%ae/secret.txt",
                                 "/proc/self/environ", "/server.ini"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct response response = get(&server, paths[i]);
        if (response.status < 400 || response.status >= 500 || strstr(response.body, "secret") == response.body)
            harness_fail("%s: %d %s", paths[i], response.status, response.body);
    }
}

/* The rule is written in src/man/files.md and in http/uri.h. */
FileTest(targets_are_decoded_once_and_by_one_rule)
{
    static const struct {
        const char *target;
        int status;
    } cases[] = {{"/%69ndex.html", 200},       {"/bare/../index.html", 200}, {"/bare/%2e%2e/index.html", 200}, {"/./%2E/index.html", 200},
                 {"/bare/./one.txt", 200},     {"/%ff%fe.txt", 200},         {"/100%25.txt", 200},             {"/%2e", 200},
                 {"/%2569ndex.html", 404},     {"/bare%2Fone.txt", 404},     {"/bare%252Fone.txt", 404},       {"//index.html", 404},
                 {"/bare//one.txt", 404},      {"/index.html%20", 404},      {"/index.html%0a", 404},
                          {"/%252e%252e/secret.txt", 404},
                 {"/%00", 400},                {"/index.html%00.txt", 400},  {"/index.html%", 400},            {"/%zz", 400},
                 {"/..", 400},                 {"/%2e%2e/secret.txt", 400},  {"/bare/../../secret.txt", 400},  {"/bare\\one.txt", 400}};
    put("www/\xff\xfe.txt", "a name that is not UTF-8");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct response response = get(&server, cases[i].target);
        if (response.status != cases[i].status)
            harness_fail("%s: %d, not %d", cases[i].target, response.status, cases[i].status);
    }
}

FileTest(other_methods_are_405)
{
    const char *const methods[] = {"POST", "PUT", "DELETE"};
    for (size_t i = 0; i < 3; i++) {
        struct response response = ask(&server, request(methods[i], "/index.html", "Content-Length: 0\r\n"));
        expect_response(&response, 405, NULL);
        cr_assert(strstr(response_header(&response, "Allow"), "GET") != NULL);
    }
    cr_assert_str_eq(file_read(text("%s/www/index.html", server.dir), NULL), "<p>welcome</p>");
}

static void expect_big(const struct response *response)
{
    expect_response(response, 200, NULL);
    cr_assert_eq(response->length, BIG);
    for (size_t i = 0; i < BIG; i++)
        if (response->body[i] != (char)('0' + i % 10))
            harness_fail("byte %zu is wrong", i);
}

FileTest(a_large_file_arrives_whole_and_the_connection_stays)
{
    struct client client = client_connect(&server);
    for (int i = 0; i < 3; i++) {
        client_send(&client, text("%s%s", request("GET", "/big.bin", ""), request("GET", "/bare/one.txt", "")));
        struct response response = client_read(&client);
        expect_big(&response);
        response_free(&response);
        response = client_read(&client);
        expect_response(&response, 200, "1");
    }
    client_send(&client, request("HEAD", "/big.bin", ""));
    struct response response = client_read_head(&client);
    cr_assert_str_eq(response_header(&response, "Content-Length"), text("%d", BIG));
    client_close(&client);
}

FileTest(a_slow_reader_gets_it_whole_while_others_are_served)
{
    struct client slow = client_connect(&server);
    setsockopt(slow.fd, SOL_SOCKET, SO_RCVBUF, &(int){262144}, sizeof(int));
    client_send(&slow, request("GET", "/big.bin", ""));
    for (int i = 0; i < 10; i++) {
        cr_assert_gt(client_receive(&slow, PATIENCE), 0);
        expect_get(&server, "/bare/one.txt", 200, "1");
    }
    struct response response = client_read(&slow);
    expect_big(&response);
    client_close(&slow);
}

/* Less comes than was promised: the connection must end there, and nothing else may be sent in its place. */
FileTest(a_file_truncated_while_it_is_sent_ends_the_connection)
{
    const char *path = text("%s/www/big.bin", server.dir);
    struct client slow = client_connect(&server);
    setsockopt(slow.fd, SOL_SOCKET, SO_RCVBUF, &(int){262144}, sizeof(int));
    client_send(&slow, text("%s%s", request("GET", "/big.bin", ""), request("GET", "/bare/one.txt", "")));
    cr_assert_gt(client_receive(&slow, PATIENCE), 0);
    cr_assert_eq(truncate(path, 1000), 0);
    while (client_receive(&slow, PATIENCE) > 0)
        cr_assert_lt(slow.length, BIG, "more than there is");
    cr_assert_neq(client_receive(&slow, 0), -2, "it hangs");
    cr_assert_eq(text_count(slow.data, "HTTP/1.1"), 1, "the next response lies in the body of this one");
    expect_get(&server, "/bare/one.txt", 200, "1");
    client_close(&slow);
}

FileTest(what_was_not_sent_is_not_logged)
{
    struct client client = client_connect(&server);
    setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &(int){65536}, sizeof(int));
    client_send(&client, request("GET", "/big.bin", ""));
    cr_assert_gt(client_receive(&client, PATIENCE), 0);
    client_close(&client);
    const char *line = server_access_await(&server, "/big.bin");
    long sent = 0;
    cr_assert_eq(sscanf(strstr(line, "\" 200 "), "\" 200 %ld", &sent), 1, "%s", line);
    cr_assert(sent > 0 && sent < BIG, "%s", line);
}

FileTest(a_file_that_grows_while_it_is_sent_keeps_its_length)
{
    struct client slow = client_connect(&server);
    setsockopt(slow.fd, SOL_SOCKET, SO_RCVBUF, &(int){262144}, sizeof(int));
    client_send(&slow, text("%s%s", request("GET", "/big.bin", ""), request("GET", "/bare/one.txt", "")));
    cr_assert_gt(client_receive(&slow, PATIENCE), 0);
    cr_assert_eq(run("sh", "-c", text("echo more >> %s/www/big.bin", server.dir)).code, 0);
    struct response response = client_read(&slow);
    expect_big(&response);
    response = client_read(&slow);
    expect_response(&response, 200, "1");
    client_close(&slow);
}

FileTest(a_file_nobody_may_read_is_refused)
{
    put("www/private.txt", "private");
    chmod(text("%s/www/private.txt", server.dir), 0);
    struct response response = get(&server, "/private.txt");
    cr_assert(response.status == 403 || response.status == 404, "%d", response.status);
}

/* The worker is inside a handler nearly all the time, and the file has a turn only between two: each has to be long. */
Test(files, a_long_file_goes_on_beside_handlers_that_take_their_time)
{
    enum { NAPS = 200, BYTES = 32 << 20 };
    server_prepare(&server, ONE_WORKER "workers_max = 1\n[app:www]\npath = /\nmodule = static\nroot = www\n" TROUBLE);
    run("mkdir", text("%s/www", server.dir));
    put("www/long.bin", "");
    cr_assert_eq(truncate(text("%s/www/long.bin", server.dir), BYTES), 0);
    server_launch(&server);
    struct client napping = client_connect(&server), reading = client_connect(&server);
    for (int i = 0; i < NAPS; i++)
        client_send(&napping, request("GET", "/trouble/nap/50", ""));
    client_send(&reading, request("GET", "/long.bin", ""));
    for (size_t got = 0; got < BYTES; reading.length = 0) {
        cr_assert_gt(client_receive(&reading, PATIENCE), 0);
        got += reading.length;
    }
    while (client_receive(&napping, 0) > 0)
        ;
    size_t naps = napping.length > 0 ? text_count(text("%.*s", (int)napping.length, napping.data), "slept 50 ms") : 0;
    cr_expect_lt(naps, 64, "%zu naps", naps);
    client_close(&napping);
    server_stop(&server);
}
