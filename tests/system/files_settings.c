/* SPDX-License-Identifier: Apache-2.0
 *
 * What the settings of `static` do, and what they may not be.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(files_settings, .timeout = 120);

static struct server server;

static void put(const char *name, const char *content)
{
    file_write(text("%s/www/%s", server.dir, name), content);
}

static void serve(const char *settings)
{
    server_prepare(&server, text(ONE_WORKER "workers_max = 1\n[app:www]\npath = /\nmodule = static\nroot = www\n%s", settings));
    run("mkdir", "-p", text("%s/www/folder", server.dir), text("%s/www/bare", server.dir), text("%s/outside", server.dir));
    put("index.html", "<p>welcome</p>");
    put("404.html", "<p>not here</p>");
    put("folder/index.html", "<p>folder</p>");
    put("note.txt", "note");
    server_launch(&server);
}

static void stop(void)
{
    if (server.pid > 0)
        server_stop(&server);
}

#define SettingTest(name) Test(files_settings, name, .fini = stop)

SettingTest(try_answers_for_what_is_not_there)
{
    serve("try = /index.html\n");
    const char *const there[] = {"/users/7", "/users/", "/bare/", "/note.txt/more", "/app.js"};
    for (size_t i = 0; i < sizeof there / sizeof *there; i++) {
        struct response response = get(&server, there[i]);
        expect_response(&response, 200, "<p>welcome</p>");
        expect_field(&response, "Content-Type", "text/html; charset=utf-8");
    }
    expect_get(&server, "/note.txt", 200, "note");
    expect_get(&server, "/folder/", 200, "<p>folder</p>");
    expect_get(&server, "/folder", 301, NULL);
    cr_assert_eq(symlink("../server.ini", text("%s/www/out.txt", server.dir)), 0);
    const char *const hidden[] = {"/.git/config", "/a%2Fb", "/folder//index.html", "/out.txt"};
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        expect_get(&server, hidden[i], 404, NULL);
    remove(text("%s/www/index.html", server.dir));
    await(get(&server, "/users/7").status == 404);
}

SettingTest(an_error_has_its_page)
{
    serve("error_page.404 = /404.html\nerror_page.403 = /gone.html\n");
    const char *const paths[] = {"/nothing", "/.env", "/a%2Fb", "/folder//x"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct response response = ask(&server, request("GET", paths[i], "If-None-Match: *\r\nRange: bytes=0-1\r\n"));
        expect_response(&response, 404, "<p>not here</p>");
        expect_field(&response, "Content-Type", "text/html; charset=utf-8");
        expect_field(&response, "ETag", NULL);
        expect_field(&response, "Cache-Control", NULL);
    }
    expect_get(&server, "/404.html", 200, "<p>not here</p>");
    expect_get(&server, "/bare/", 403, NULL); /* its page is missing: the problem itself, and a line in the log */
    server_log_await(&server, "cannot open the page '/gone.html' for status 403: No such file", 1);
    struct response response = ask(&server, request("POST", "/nothing", "Content-Length: 0\r\n"));
    expect_response(&response, 405, NULL);
}

SettingTest(cache_control_goes_by_media_type)
{
    serve("cache_control = max-age=60\ncache_control.text/html = no-cache\ncache_control.text/* = max-age=10\n"
          "cache_control.image/svg+xml = \"\"\n"
          "error_page.404 = /404.html\n");
    put("logo.svg", "<svg/>");
    put("a.png", "png");
    static const char *const cases[][2] = {{"/", "no-cache"}, {"/note.txt", "max-age=10"}, {"/a.png", "max-age=60"}, {"/logo.svg", NULL},
                                           {"/none", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct response response = get(&server, cases[i][0]);
        expect_field(&response, "Cache-Control", cases[i][1]);
    }
    struct response response = ask(&server, request("GET", "/", "If-None-Match: *\r\n"));
    expect_response(&response, 304, "");
    expect_field(&response, "Cache-Control", "no-cache");
}

SettingTest(media_types_can_be_added)
{
    serve("type.xyz = chemical/x-xyz\ntype.TAR.gz = application/x-tgz\ntype.gz = application/x-gz\ntype.html = text/html; charset=koi8-r\n"
          "type.log = text/x-log\n"
          "charset = iso-8859-1\n");
    static const char *const cases[][2] = {{"a.xyz", "chemical/x-xyz"}, {"a.XYZ", "chemical/x-xyz"}, {"a.tar.gz", "application/x-tgz"},
                                           {"b.gz", "application/x-gz"}, {"a.html", "text/html; charset=koi8-r"},
                                           {"a.log", "text/x-log; charset=iso-8859-1"}, {"a.txt", "text/plain; charset=iso-8859-1"},
                                           {"a.json", "application/json"}, {"xyz", "application/octet-stream"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put(cases[i][0], "x");
        struct response response = get(&server, text("/%s", cases[i][0]));
        expect_field(&response, "Content-Type", cases[i][1]);
        expect_field(&response, "X-Content-Type-Options", "nosniff");
    }
}

SettingTest(without_a_charset_none_is_said)
{
    serve("charset =\n");
    struct response response = get(&server, "/note.txt");
    expect_field(&response, "Content-Type", "text/plain");
}

static void link_to(const char *target, const char *name)
{
    cr_assert_eq(symlink(target, text("%s/www/%s", server.dir, name)), 0);
}

static void expect_links(const char *setting, int inside, int folder, int outside)
{
    serve(setting);
    file_write(text("%s/outside/secret.txt", server.dir), "secret");
    link_to("note.txt", "inside.txt");
    link_to("folder", "link");
    link_to("../note.txt", "bare/there.txt");
    link_to("../outside/secret.txt", "outside.txt");
    link_to(text("%s/outside", server.dir), "out");
    expect_get(&server, "/inside.txt", inside, inside == 200 ? "note" : NULL);
    expect_get(&server, "/link/", folder, folder == 200 ? "<p>folder</p>" : NULL);
    expect_get(&server, "/outside.txt", outside, outside == 200 ? "secret" : NULL);
    expect_get(&server, "/out/secret.txt", outside, outside == 200 ? "secret" : NULL);
    expect_get(&server, "/note.txt", 200, "note");
    struct response response = get(&server, "/bare/");
    cr_assert_eq(strstr(response.body, "there.txt") != NULL, inside == 200, "%s", response.body);
}

SettingTest(links_inside_are_followed)
{
    expect_links("listing = on\n", 200, 200, 404);
}

SettingTest(links_are_not_followed)
{
    expect_links("listing = on\nsymlinks = off\n", 404, 404, 404);
}

SettingTest(links_anywhere_are_followed)
{
    expect_links("listing = on\nsymlinks = any\n", 200, 200, 200);
}

SettingTest(a_wrong_setting_is_refused_with_its_reason)
{
    static const char *const cases[][2] = {
        {"try = index.html", "try: 'index.html' is not a file below the root"},
        {"try = /../x", "try: '/../x' is not"},
        {"try = /folder/", "try: '/folder/' is not"},
        {"error_page.404 = 404.html", "error_page.404: '404.html' is not a file"},
        {"error_page.405 = /x", "error_page.405: static answers with 403, 404"},
        {"error_page.x = /x", "error_page.x: static answers"},
        {"type.xyz = chemical", "type.xyz: 'chemical' is not a media type"},
        {"cache_control.html = no-cache", "cache_control.html: .*not a media type"},
        {"charset = \"a b\"", "charset: 'a b' is not"},
        {"symlinks = on", "symlinks: 'on' is none of inside, off, any"},
        {"cache = much", "cache: 'much' is not a size"},
        {"gzip = 9", "gzip: '9' is not on or off"},
        {"index = a/b", "index: must be"},
        {"cach = 1", "did you mean 'cache'"},
    };
    server.pid = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        server_prepare(&server, text(ONE_WORKER "[app:www]\npath = /\nmodule = static\nroot = /\n%s\n", cases[i][0]));
        expect_bad_ini(&server, text("server.ini:8: \\[app:www\\] .*%s", cases[i][1]));
    }
}
