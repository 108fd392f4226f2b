/* SPDX-License-Identifier: Apache-2.0
 *
 * Where parts of the API meet: filters around answers that handlers send themselves and where there is no app, bodies that arrive
 * while the answer is out already.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(together, .timeout = 120);

static struct server server;

static void serve(void)
{
    server_start(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = 2\nworkers_max = 2\nfilters = all\n[limits]\nstreams = 1\n"
                          "[filter:all]\nmodule = @MODULES@/together.so\n[app:all]\npath = /app\nmodule = @MODULES@/together.so\n");
}

static void stop(void)
{
    if (server.pid > 0)
        server_stop(&server);
}

#define TogetherTest(name) Test(together, name, .init = serve, .fini = stop)

static void go(void)
{
    file_write(text("%s/go", server.dir), "");
}

static void expect_blame(const char *what)
{
    server_log_await(&server, text("filter all.around of module %s/together.so %s", modules_path(), what), 1);
}

TogetherTest(filters_take_input_apart_where_there_is_no_app)
{
    const char *body = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n"
                       "--x\r\nContent-Disposition: form-data; name=\"b\"; filename=\"f\"\r\n\r\nabcd\r\n--x--\r\n";
    const char *fields = text("Content-Type: multipart/form-data; boundary=x\r\nContent-Length: %zu\r\n", strlen(body));
    struct response response = ask(&server, text("%s%s", request("POST", "/nowhere?before=part", fields), body));
    expect_response(&response, 404, NULL);
    expect_field(&response, "X-Parts", "one 1 4");
    response = get(&server, "/nowhere?before=part");
    expect_response(&response, 404, NULL);
    expect_field(&response, "X-Parts", "- 0 0");
    expect_field(&response, "X-After", "404");
}

TogetherTest(what_a_filter_cannot_read_is_no_failure_unless_it_says_so)
{
    expect_get(&server, "/app/written?before=form", 200, "written");
    expect_get(&server, "/app/written?after=form", 200, "written");
    struct response response = get(&server, "/app/written?before=form_failed");
    expect_response(&response, 415, NULL);
    cr_assert(strstr(response.body, "the body must be application/x-www-form-urlencoded"), "%s", response.body);
}

TogetherTest(a_filter_has_keys_of_its_own_wherever_it_runs)
{
    struct response response = get(&server, "/nowhere?before=share");
    expect_field(&response, "X-Sum", "1");
    response = get(&server, "/other?before=share");
    expect_field(&response, "X-Sum", "2");
    response = get(&server, "/app/?before=share"); /* its module's filter runs, too, and further in: with the keys of the app */
    expect_field(&response, "X-Sum", "1");
    response = get(&server, "/nowhere?before=share");
    expect_field(&response, "X-Sum", "4");
}

TogetherTest(filters_come_before_whatever_head_is_sent_early)
{
    struct response response = get(&server, "/app/events?after=cookie");
    expect_response(&response, 200, "event: tick\ndata: 1\n\n");
    expect_field(&response, "X-After", "200");
    expect_field(&response, "Content-Type", "text/event-stream");
    expect_field(&response, "Set-Cookie", "last=1; Path=/; SameSite=Lax; HttpOnly");
    go();
    response = get(&server, text("/app/finish?file=%s/go", server.dir));
    expect_response(&response, 202, "accepted");
    expect_field(&response, "X-After", "202");
    server_log_await(&server, "done 200 21", 2);
}

TogetherTest(filters_send_nothing_when_the_handler_has_answered)
{
    expect_get(&server, "/nowhere?after=send", 404, NULL);
    expect_blame("calls tine_flush() after the handler");
    expect_blame("calls tine_event() after the handler");
    expect_blame("calls tine_write_html() after the handler");
    expect_blame("calls tine_finish() after the handler");
    expect_get(&server, "/app/events?after=send", 200, "event: tick\ndata: 1\n\n");
}

TogetherTest(a_filter_may_finish_and_then_no_handler_runs)
{
    struct response response = get(&server, "/app/finish?before=finish");
    expect_response(&response, 401, NULL);
    server_access_await(&server, " 401 ");
    expect_get(&server, "/app/", 200, "plain");
    cr_assert_not(server_log_has(&server, "deferred"));
    cr_assert_not(server_log_has(&server, "failed with"));
}

TogetherTest(filters_end_with_the_work_that_follows_an_answer)
{
    struct client client = client_connect(&server);
    client_send(&client, request("GET", text("/app/finish?file=%s/go", server.dir), ""));
    struct response response = client_read(&client);
    expect_response(&response, 202, "accepted");
    client_send(&client, request("GET", "/app/", "")); /* by the other worker */
    response = client_read(&client);
    expect_response(&response, 200, "plain");
    cr_assert_not(server_log_has(&server, "done 202"));
    cr_assert_not(server_log_has(&server, "deferred"));
    go();
    server_log_await(&server, "deferred the end", 1);
    const char *log = server_log(&server), *done = strstr(log, "done 202 8");
    cr_assert(strstr(log, "worked on") < done && done < strstr(log, "deferred the end"), "%s", log);
    client_close(&client);
}

TogetherTest(filters_see_that_a_stream_was_one_too_many)
{
    struct client client = client_connect(&server);
    client_send(&client, request("GET", text("/app/events?file=%s/go", server.dir), ""));
    while (client.length == 0 || strstr(client.data, "tick") == NULL)
        cr_assert(client_receive(&client, PATIENCE) > 0);
    struct response response = get(&server, "/app/events");
    expect_response(&response, 503, NULL);
    expect_field(&response, "X-After", "503");
    expect_field(&response, "Content-Type", "application/problem+json");
    go();
    response = client_read(&client);
    expect_response(&response, 200, NULL);
    client_close(&client);
}

TogetherTest(an_upload_taken_whole_can_be_answered_before_the_work)
{
    struct client client = client_connect(&server);
    client_send(&client, text("%shello%s", request("POST", text("/app/upload?file=%s/go", server.dir), "Content-Length: 5\r\n"),
                              request("GET", "/app/", "")));
    struct response response = client_read(&client);
    expect_response(&response, 202, "5");
    response = client_read(&client);
    expect_response(&response, 200, "plain");
    cr_assert_not(server_log_has(&server, "worked on"));
    go();
    server_log_await(&server, "worked on after an upload", 1);
    client_close(&client);
}

TogetherTest(an_upload_left_unread_ends_the_connection_with_the_answer)
{
    struct client client = client_connect(&server);
    client_send(&client, text("%shell", request("POST", text("/app/upload?take=none&file=%s/go", server.dir), "Content-Length: 5\r\n")));
    struct response response = client_read(&client);
    expect_response(&response, 202, "0");
    expect_field(&response, "Connection", "close");
    go();
    client_expect_close(&client);
    server_log_await(&server, "worked on after an upload", 1);
}
