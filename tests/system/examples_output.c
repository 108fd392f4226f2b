/* SPDX-License-Identifier: Apache-2.0
 *
 * The examples that answer in the less usual ways, called as their heads say.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(examples_output, .timeout = 120);

#define EXAMPLE(name) "[app:example]\npath = /\nmodule = @MODULES@/../../" name ".so\n"

static struct server server;

static void stop(void)
{
    if (server.pid > 0)
        server_stop(&server);
}

#define ExampleTest(name) Test(examples_output, name, .fini = stop)

ExampleTest(stream)
{
    server_start(&server, TWO_WORKERS EXAMPLE("stream"));
    struct response response = get(&server, "/rows?count=3");
    expect_response(&response, 200, "0,0\r\n1,1\r\n2,4\r\n");
    cr_assert(response.chunked);
}

Test(examples_output, filter_keeps_its_token_to_itself)
{
    struct server prepared;
    server_prepare(&prepared,
                   TWO_WORKERS "[filter:token]\nmodule = @MODULES@/../../filter.so\ntoken = hush\n" EXAMPLE("hello") "filters = token\n");
    struct run ran = run_tine("-c", prepared.ini, "-T");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    cr_assert_not_null(strstr(ran.out, "\n[filter:token]\n"));
    cr_assert_null(strstr(ran.out, "hush"), "%s", ran.out);
}

ExampleTest(events)
{
    server_start(&server, TWO_WORKERS EXAMPLE("events"));
    struct client client = client_connect(&server);
    client_send(&client, request("GET", "/clock", "Last-Event-ID: 7\r\n"));
    int64_t deadline = now_ms() + PATIENCE;
    while (client.length == 0 || strstr(client.data, "id: 9\n") == NULL)
        cr_assert(client_receive(&client, deadline - now_ms()) > 0);
    cr_assert(text_matches(client.data, "^event: tick\nid: 8\ndata: [0-9]{10}$"), "%s", client.data);
    client_close(&client);
}

ExampleTest(background)
{
    server_start(&server, TWO_WORKERS EXAMPLE("background"));
    struct client client = client_connect(&server);
    client_send(&client, request("POST", "/mails", "Content-Length: 6\r\n"));
    client_send(&client, "to=ada");
    struct response response = client_read(&client);
    expect_response(&response, 202, "{\"state\":\"accepted\"}");
    await(server_log_has(&server, "mail sent: to=ada"));
}

ExampleTest(cookies)
{
    server_start(&server, TWO_WORKERS EXAMPLE("cookies"));
    struct response response = get(&server, "/");
    expect_response(&response, 200, NULL);
    cr_assert_not_null(strstr(response.body, "<body class=\"light\">hello, 127.0.0.1"), "%s", response.body);
    response = ask(&server, request("POST", "/theme/dark", "Content-Length: 0\r\n"));
    expect_response(&response, 303, NULL);
    expect_field(&response, "Set-Cookie", "theme=dark; Path=/; Max-Age=2592000; SameSite=Lax; HttpOnly");
    response = ask(&server, request("GET", "/", "Cookie: a=b; theme=dark\r\n"));
    cr_assert_not_null(strstr(response.body, "<body class=\"dark\">"), "%s", response.body);
    response = ask(&server, request("POST", "/theme/a%3B%20b", "Content-Length: 0\r\n"));
    expect_response(&response, 400, NULL);
    expect_field(&response, "Set-Cookie", NULL);
    response = ask(&server, request("DELETE", "/theme", ""));
    expect_response(&response, 204, NULL);
    expect_field(&response, "Set-Cookie", "theme=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; SameSite=Lax; HttpOnly");
}
