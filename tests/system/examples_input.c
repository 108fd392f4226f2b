/* SPDX-License-Identifier: Apache-2.0
 *
 * The examples about input, called as a user would.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>

TestSuite(examples_input, .timeout = 120);

static struct server server;

static void stop(void)
{
    if (server.pid > 0)
        server_stop(&server);
}

#define ExampleTest(name) Test(examples_input, name, .fini = stop)

static void serve(const char *name, const char *settings)
{
    server_prepare(&server, "");
    chmod(server.dir, 0777); /* workers are nobody, and write here */
    server_configure(&server, text(TWO_WORKERS "[app:it]\npath = /\nmodule = @MODULES@/../../%s.so\n%s", name, settings));
    server_launch(&server);
}

static const char *curl(const char *path, const char *option, const char *value)
{
    struct run ran = run("curl", "-sS", "-w", " %{http_code}", option, value, text("http://%s%s", server.address, path));
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    return ran.out;
}

static struct response send_json(const char *method, const char *path, const char *json)
{
    return ask(&server,
               text("%s%s", request(method, path, text("Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(json))), json));
}

ExampleTest(a_form_sets_a_cookie_that_comes_back)
{
    serve("form", "");
    cr_expect_str_eq(curl("/", "-b", "a=1"), "hello stranger\n 200");
    struct response response =
        ask(&server,
            text("%sname=ada&age=36", request("POST", "/", "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 15\r\n")));
    expect_response(&response, 303, NULL);
    expect_field(&response, "Set-Cookie", "name=ada; Path=/; SameSite=Lax; HttpOnly");
    cr_expect_str_eq(curl("/", "-b", "name=ada"), "hello ada\n 200");
    cr_expect_not_null(strstr(curl("/", "-d", "name=ada&age=200"), "'age' must be an integer from 0 to 150"));
    cr_expect_not_null(strstr(curl("/", "-d", "name=a%3Bb&age=1"), "the name must be one word"));
}

ExampleTest(an_upload_is_kept_under_a_safe_name)
{
    serve("upload", "folder = @DIR@\n");
    struct run ran = run("curl", "-sS", "-F", "title=me", "-F", text("photo=@%s;filename=../me.jpg", server.ini), "-H",
                         "X-Request-Id: 1234", "-H", "Expect: 100-continue", text("http://%s/upload", server.address));
    cr_expect_str_eq(ran.out, "'me' is kept as 1234-me.jpg\n", "%s", ran.out);
    cr_expect_eq(run("cmp", server.ini, text("%s/1234-me.jpg", server.dir)).code, 0);
    cr_expect_not_null(strstr(curl("/upload", "-d", "x=1"), "the body must be multipart/form-data"));
}

ExampleTest(notes_are_created_read_updated_and_deleted)
{
    if (!file_exists(text("%s/../../notes.so", modules_path())))
        cr_skip_test("built without SQLite");
    serve("notes", "file = @DIR@/notes.db\n");
    struct response response = send_json("POST", "/notes", "{\"text\":\"milk\"}");
    expect_response(&response, 201, "{\"id\":1,\"text\":\"milk\"}");
    expect_get(&server, "/notes/1", 200, "{\"id\":1,\"text\":\"milk\"}");
    response = send_json("PUT", "/notes/1", "{\"text\":\"tea\"}");
    expect_response(&response, 200, "{\"id\":1,\"text\":\"tea\"}");
    response = send_json("PUT", "/notes/1", "{\"txt\":\"tea\"}");
    expect_response(&response, 422, NULL);
    response = ask(&server, request("DELETE", "/notes/1", ""));
    expect_response(&response, 200, "{\"id\":1,\"text\":\"tea\"}");
    expect_get(&server, "/notes/1", 404, NULL);
    expect_get(&server, "/notes/x", 400, NULL);
}
