/* SPDX-License-Identifier: Apache-2.0
 *
 * The example modules by tine_test.h, as a newcomer would test them.
 */
#include "support.h"

#include <string.h>
#include <sys/stat.h>

TestSuite(test_examples, .timeout = 60);

#define FORM "Content-Type: application/x-www-form-urlencoded\n"

Test(test_examples, hello_greets_in_json)
{
    tine_test *t = open_module("hello", NULL);
    const tine_answer *a = tine_test_get(t, "/hello/ada");
    expect_answer(a, 200, "{\"hello\":\"ada\"}");
    expect_header(a, "content-type", "application/json");
    cr_assert_str_eq(json_string_value(json_object_get(tine_answer_json(a), "hello")), "ada");
    cr_assert_eq(tine_answer_whole(a), 1);
    cr_assert_str_empty(tine_test_log(t));
    tine_test_close(t);
}

Test(test_examples, a_handler_sees_the_request_that_was_sent)
{
    tine_test *t = open_module("hello", NULL);
    const tine_answer *a = tine_test_call(t, "PUT", "/request?a=b", "X-One: 1\r\nX-Two:  2 ", "four");
    cr_assert_eq(tine_answer_status(a), 200);
    const char *const lines[] = {"method   PUT\n", "path     /request\n", "query    a=b\n", "client   127.0.0.1\n",
                                 "field    Host: localhost\n", "field    Content-Length: 4\n", "field    X-One: 1\n", "field    X-Two: 2\n",
                                 "body     4 bytes\n"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        expect_in(tine_answer_body(a, NULL), lines[i]);
    tine_test_close(t);
}

Test(test_examples, form_sets_and_reads_a_cookie)
{
    tine_test *t = open_module("form", NULL);
    const tine_answer *a = tine_test_call(t, "POST", "/", FORM, "name=ada&age=36");
    expect_answer(a, 303, "");
    expect_header(a, "Location", "/");
    expect_header(a, "Set-Cookie", "name=ada; Path=/; SameSite=Lax; HttpOnly");
    expect_answer(tine_test_call(t, "GET", "/", "Cookie: name=ada", NULL), 200, "hello ada\n");
    expect_answer(tine_test_call(t, "POST", "/", FORM, "name=ada&age=old"), 400, NULL);
    expect_answer(tine_test_call(t, "POST", "/", NULL, "name=ada"), 415, NULL);
    tine_test_close(t);
}

#define PART(head, body) "--b\r\nContent-Disposition: form-data; " head "\r\n\r\n" body "\r\n"

Test(test_examples, upload_keeps_what_arrives)
{
    tine_test *t = open_module("upload", text("folder = %s\n", own_folder()));
    const char *body = PART("name=title", "me") PART("name=photo; filename=a.txt", "bytes") "--b--\r\n";
    const tine_answer *a = tine_test_call(t, "POST", "/upload", "Content-Type: multipart/form-data; boundary=b", body);
    expect_answer(a, 201, NULL);
    expect_in(tine_answer_body(a, NULL), "'me' is kept as ");
    cr_assert_eq(count_files(own_folder()), 1);
    a = tine_test_send(t, "POST", "/upload", "Content-Type: multipart/form-data; boundary=b", body, strlen(body) - 20);
    expect_answer(a, 400, NULL);
    tine_test_close(t);
}

#define FILTERED                                                                     \
    "; a whole INI text\n\n[filter:token]\nmodule = %s\ntoken = t\n"                  \
    "[app:hello]\npath = /api\nmodule = %s\nfilters = token\n"

Test(test_examples, filter_wants_its_token)
{
    tine_test *t = tine_test_open(NULL, text(FILTERED, module_path("filter"), module_path("hello")));
    cr_assert_not_null(t);
    const tine_answer *a = tine_test_get(t, "/api/hello/ada");
    expect_answer(a, 401, NULL);
    expect_header(a, "WWW-Authenticate", "Bearer");
    expect_header(a, "Content-Type", "application/problem+json");
    cr_assert_str_eq(json_string_value(json_object_get(tine_answer_json(a), "detail")), "a token is needed");
    a = tine_test_call(t, "GET", "/api/hello/ada", "Authorization: Bearer t", NULL);
    expect_answer(a, 200, "{\"hello\":\"ada\"}");
    cr_assert_not_null(tine_answer_header(a, "Server-Timing"));
    tine_test_close(t);
}

Test(test_examples, stream_comes_out_of_its_chunks)
{
    tine_test *t = open_module("stream", NULL);
    const tine_answer *a = tine_test_get(t, "/rows?count=3");
    expect_answer(a, 200, "0,0\r\n1,1\r\n2,4\r\n");
    expect_header(a, "Transfer-Encoding", "chunked");
    tine_test_close(t);
}

/* The id that is in front of a name is what a client says, too. */
Test(test_examples, upload_keeps_nothing_outside_of_its_folder)
{
    const char *folder = text("%s/uploads", own_folder());
    cr_assert_eq(mkdir(folder, 0700), 0);
    tine_test *t = open_module("upload", text("folder = %s\n", folder));
    const tine_answer *a = tine_test_call(t, "POST", "/upload", "Content-Type: multipart/form-data; boundary=b\nX-Request-Id: x/../../out",
                                          PART("name=photo; filename=a.txt", "bytes") "--b--\r\n");
    expect_answer(a, 201, "'' is kept as out-a.txt\n");
    cr_expect_eq(count_files(folder), 1);
    a = tine_test_call(t, "POST", "/upload", "Content-Type: multipart/form-data; boundary=b\nX-Request-Id: ../out",
                       PART("name=photo; filename=b.txt", "bytes") "--b--\r\n");
    expect_answer(a, 201, "'' is kept as out-b.txt\n");
    cr_expect_eq(count_files(folder), 2);
    char long_name[251] = "";
    memset(long_name, 'n', sizeof long_name - 1);
    a = tine_test_call(t, "POST", "/upload", "Content-Type: multipart/form-data; boundary=b",
                       text(PART("name=photo; filename=%s", "bytes") "--b--\r\n", long_name));
    expect_answer(a, 201, NULL);
    tine_test_close(t);
}

Test(test_examples, stream_has_no_more_rows_than_it_will_send)
{
    tine_test *t = open_module("stream", NULL);
    expect_answer(tine_test_get(t, "/rows?count=1001"), 400, NULL);
    expect_answer(tine_test_get(t, "/rows?count=x"), 400, NULL);
    expect_answer(tine_test_get(t, "/rows?count=0"), 204, "");
    tine_test_close(t);
}

/* Counted by what is sent: an id is what the client says. */
Test(test_examples, events_go_on_behind_any_id)
{
    tine_test *t = open_module("events", NULL);
    expect_in(tine_answer_body(tine_test_call(t, "GET", "/clock", "Last-Event-ID: 2147483647", NULL), NULL), "id: 2147483648\n");
    expect_in(tine_answer_body(tine_test_call(t, "GET", "/clock", "Last-Event-ID: 5000", NULL), NULL), "id: 5002\n");
    tine_test_close(t);
}

Test(test_examples, events_come_to_an_end)
{
    tine_test *t = open_module("events", NULL);
    const tine_answer *a = tine_test_call(t, "GET", "/clock", "Last-Event-ID: 6", NULL);
    cr_assert_eq(tine_answer_status(a), 200);
    expect_header(a, "Content-Type", "text/event-stream");
    expect_in(tine_answer_body(a, NULL), "event: tick\nid: 7\n");
    expect_in(tine_answer_body(a, NULL), "id: 8\n");
    tine_test_close(t);
}

Test(test_examples, background_works_on_after_its_answer)
{
    tine_test *t = open_module("background", NULL);
    expect_answer(tine_test_call(t, "POST", "/mails", FORM, "to=ada"), 202, "{\"state\":\"accepted\"}");
    expect_in(tine_test_log(t), " info ");
    expect_in(tine_test_log(t), "mail sent: to=ada (request ");
    tine_test_close(t);
}

Test(test_examples, counter_counts)
{
    tine_test *t = open_module("counter", NULL);
    expect_answer(tine_test_call(t, "POST", "/count", NULL, NULL), 200, "{\"visits\":1}");
    expect_answer(tine_test_get(t, "/count"), 200, "{\"visits\":1}");
    expect_answer(tine_test_call(t, "POST", "/once/a", NULL, NULL), 200, "first\n");
    expect_answer(tine_test_call(t, "POST", "/once/a", NULL, NULL), 200, "again\n");
    tine_test_close(t);
}

Test(test_examples, notes_are_kept_in_a_database)
{
    struct stat status;
    if (stat(module_path("notes"), &status) != 0)
        cr_skip_test("there is no libsqlite3-dev");
    tine_test *t = open_module("notes", text("file = %s/notes.db\n", own_folder()));
    expect_answer(tine_test_json(t, "POST", "/notes", "{\"text\":\"milk\"}"), 201, "{\"id\":1,\"text\":\"milk\"}");
    expect_answer(tine_test_get(t, "/notes/1"), 200, "{\"id\":1,\"text\":\"milk\"}");
    expect_answer(tine_test_json(t, "PUT", "/notes/1", "{\"txt\":\"\"}"), 422, NULL);
    expect_answer(tine_test_call(t, "DELETE", "/notes/1", NULL, NULL), 200, NULL);
    expect_answer(tine_test_get(t, "/notes/1"), 404, NULL);
    tine_test_close(t);
}
