/* SPDX-License-Identifier: Apache-2.0
 *
 * What handlers take apart: cookies, forms, integers, JSON, multipart; and what they tell the client, or the log, when it is wrong.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

TestSuite(input, .timeout = 120);

static struct server server;

static void serve(void)
{
    server_start(&server, ONE_WORKER "user = root\n[limits]\nbody = 1m\nbody_memory = 64k\n[app:input]\npath = /\n"
                                     "module = @MODULES@/input.so\ndirectory = @DIR@\n");
}

static void stop(void)
{
    if (server.pid > 0)
        server_stop(&server);
}

#define InputTest(name) Test(input, name, .init = serve, .fini = stop)

static struct response post(const char *path, const char *type, const char *body)
{
    const char *line = type != NULL ? text("Content-Type: %s\r\n", type) : "";
    return ask(&server, text("%s%s", request("POST", path, text("%sContent-Length: %zu\r\n", line, strlen(body))), body));
}

/* The problem's status, and that it says 'detail' somewhere. */
static void expect_problem(const struct response *response, int status, const char *detail)
{
    cr_expect_eq(response->status, status, "%d: %s", response->status, response->body);
    const char *type = response_header(response, "Content-Type");
    cr_expect(type != NULL && strcmp(type, "application/problem+json") == 0, "%s", response->head);
    cr_expect_not_null(strstr(response->body, detail), "'%s' is not in %s", detail, response->body);
}

struct ask {
    const char *path, *type, *body;
    int status;
    const char *answer; /* of 200 the body; else in the detail */
};

static void ask_all(const struct ask *asks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct response response = post(asks[i].path, asks[i].type, asks[i].body);
        if (asks[i].status == 200)
            expect_response(&response, 200, asks[i].answer);
        else
            expect_problem(&response, asks[i].status, asks[i].answer);
        expect_field(&response, "Accept-Encoding", NULL); /* RFC 9110, 12.5.3: not of codings */
        response_free(&response);
    }
}

#define ASK_ALL(asks) ask_all(asks, sizeof asks / sizeof *asks)

InputTest(cookies_are_those_of_the_rfc)
{
    static const char *const cases[][2] = {{"sid=1; b=2", "1"}, {"b=2; sid=\"x\"", "x"}, {"sid=1; sid=2", "1"}, {"SID=1", "(none)"},
                                           {"sid=\"a", "(none)"}, {"b", "(none)"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct response response = ask(&server, request("GET", "/cookie/sid", text("Cookie: %s\r\n", cases[i][0])));
        expect_response(&response, 200, cases[i][1]);
        response_free(&response);
    }
    struct response response = ask(&server, request("GET", "/cookie/sid", "Cookie: a=1\r\nCookie: sid=3\r\n"));
    expect_response(&response, 200, "3");
    expect_get(&server, "/cookie/sid", 200, "(none)");
}

#define FORM "application/x-www-form-urlencoded"

InputTest(forms_are_decoded_or_refused)
{
    static const struct ask asks[] = {
        {"/form", FORM, "name=ada+l%C3%A9&age=36", 200, "name=ada l\xc3\xa9;age=36;ada l\xc3\xa9 36"},
        {"/form", FORM "; charset=UTF-8", "age=0", 200, "age=0;(none) 0"},
        {"/form", FORM, "n%61me=x&age=1&name=y", 200, "name=x;age=1;name=y;x 1"},
        {"/stream/form", FORM, "name=x&age=1", 200, "name=x;age=1;x 1"},
        {"/form", FORM, "n\xc3\xa9=\xc3\xa9&name=l%C3\xa9&age=1", 200, "n\xc3\xa9=\xc3\xa9;name=l\xc3\xa9;age=1;l\xc3\xa9 1"},
        {"/form", FORM, "name=\xe9", 400, "not UTF-8"},
        {"/form", FORM, "name=x", 400, "form field 'age' is missing"}, {"/form", FORM, "", 400, "'age' is missing"},
        {"/form", FORM, "age=151", 400, "'age' must be an integer from 0 to 150"}, {"/form", FORM, "age=-1", 400, "from 0 to 150"},
        {"/form", FORM, "age=1x", 400, "must be an integer"}, {"/form", FORM, "age=", 400, "must be an integer"},
        {"/form", FORM, "age=+1", 400, "must be an integer"},
        {"/form", FORM, "x=1&name=%zz", 400, "byte 4 of the form is not percent-encoded"}, {"/form", FORM, "name=%00", 400, "NUL"},
        {"/form", FORM, "name=%ff", 400, "not UTF-8"}, {"/form", FORM "; charset=latin1", "age=1", 415, "UTF-8, not 'latin1'"},
        {"/form", FORM "; charset", "age=1", 415, "malformed"}, {"/form", "text/plain", "age=1", 415, FORM},
        {"/form", NULL, "age=1", 415, FORM},
        {"/two_failures", "text/plain", "name=x", 415, FORM}, {"/two_failures", FORM, "name=x", 400, "query parameter 'n'"},
        {"/careless_form", "text/plain", "name=x", 415, FORM}, {"/careless_form", FORM, "name=%ff", 400, "UTF-8"},
    };
    ASK_ALL(asks);
}

InputTest(queries_and_integers_are_bounded)
{
    static const struct {
        const char *path;
        int status;
        const char *answer;
    } cases[] = {
        {"/query", 204, ""}, {"/query?a=1&b=%20&&c", 200, "a=1;b= ;c=;"}, {"/query?a=1&b=%zz", 400, "not percent-encoded"},
        {"/integers/5?n=-9223372036854775808", 200, "5 -9223372036854775808"}, {"/integers/1000?n=007", 200, "1000 7"},
        {"/integers/0?n=1", 400, "path parameter 'id' must be an integer from 1 to 1000"}, {"/integers/1001?n=1", 400, "'id'"},
        {"/integers/x?n=1", 400, "'id'"}, {"/integers/1", 400, "query parameter 'n' is missing"},
        {"/integers/1?n=9223372036854775808", 400, "'n'"},
        {"/integers/1?n=--1", 400, "'n'"}, {"/integers/1?n=-", 400, "'n'"}, {"/integers/1?n=%201", 400, "'n'"},
        {"/integers/1?n=1.0", 400, "'n'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct response response = get(&server, cases[i].path);
        if (cases[i].status < 300)
            expect_response(&response, cases[i].status, cases[i].answer);
        else
            expect_problem(&response, cases[i].status, cases[i].answer);
        response_free(&response);
    }
}

InputTest(pairs_are_found_in_any_order)
{
    expect_get(&server, "/jumping_query?a=1&&b=%20&c&", 200, "b= ;a=1;c=;c=;b= ;-;c=;a=1;-;-;-;b= ;");
    expect_get(&server, "/jumping_query?", 200, "-;-;-;-;-;-;-;-;-;-;-;-;");
    expect_get(&server, "/jumping_query", 200, "-;-;-;-;-;-;-;-;-;-;-;-;");
}

/* Each of half a million pairs looked for from the first on would take minutes. */
InputTest(a_form_is_gone_through_in_time_that_grows_with_its_length)
{
    enum { PAIRS = 500000, SECONDS = 10 };
    char *body = malloc(2 * PAIRS + 1);
    for (size_t i = 0; i < PAIRS; i++)
        memcpy(body + 2 * i, "a&", 3);
    time_t before = time(NULL);
    struct response response = post("/count_pairs", FORM, body);
    expect_response(&response, 200, "500000");
    cr_expect_leq(time(NULL) - before, SECONDS);
    free(body);
}

/* A line of the log names handler and module. */
static void expect_blame(const char *handler, const char *what)
{
    server_log_await(&server, text("handler input.%s of module %s/input.so %s", handler, modules_path(), what), 1);
}

InputTest(mistakes_of_a_handler_are_logged_with_its_name)
{
    static const char *const lines[][2] = {
        {"no_such_param", "asks for {nix}, which its route's pattern does not have"},
        {"no_such_integer", "asks for query parameter 'n' from 2 to 1: no integer is"}};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct response response = get(&server, text("/%s", lines[i][0]));
        expect_problem(&response, 500, "the handler failed");
        expect_blame(lines[i][0], lines[i][1]);
    }
    struct response response = post("/wrong_json", "application/json", "{\"name\":1}");
    expect_problem(&response, 500, "the handler failed");
    expect_blame("wrong_json", "unpacks JSON by a wrong format '{s:q}'");
    response = post("/no_part", "text/plain", "x");
    expect_problem(&response, 500, "the handler failed");
    expect_blame("no_part", "calls tine_part_read() without a part");
    response = post("/stream/late", "text/plain", "0123456789");
    expect_problem(&response, 500, "the handler failed");
    expect_blame("body_too_late", "asks for the whole body, of which tine_read() or tine_next_part() has taken some");
    response =
        post("/stream/late_form", "multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--B--");
    expect_problem(&response, 500, "the handler failed");
    expect_blame("form_too_late", "asks for the whole body, of which tine_read() or tine_next_part() has taken some");
}

InputTest(a_parameter_that_the_pattern_does_not_have_is_told_once)
{
    for (int i = 0; i < 3; i++) {
        expect_get(&server, "/misnamed/x", 200, "(none)");
        expect_get(&server, "/misnamed", 200, "(none)");
    }
    expect_blame("misnamed", "asks for {nmae}, which its route's pattern /misnamed does not have");
    expect_blame("misnamed", "asks for {nmae}, which its route's pattern /misnamed/{name} does not have: it gets NULL");
    get(&server, "/no_such_param");
    expect_blame("no_such_param", "asks for {nix}");
    cr_expect_eq(text_count(server_log(&server), "asks for {nmae}"), 2);
    cr_expect_eq(text_count(server_log(&server), "asks for {nix}"), 1);
}

#define JSON "application/json"

InputTest(json_is_unpacked_or_refused_with_the_place)
{
    static const struct ask asks[] = {
        {"/json", JSON, "{\"name\":\"ada\"}", 200, "ada -1 - -1"},
        {"/json", JSON "; charset=utf-8", "{\"name\":\"\xc3\xa9\",\"age\":36,\"address\":{\"city\":\"Rome\"},\"a/b~\":[5]}", 200,
         "\xc3\xa9 36 Rome 5"},
        {"/json", "application/merge-patch+json", "{\"name\":\"x\"}", 200, "x -1 - -1"},
        {"/strict_json", JSON, "{\"name\":\"abc\"}", 200, "abc 3"},
        {"/document", JSON, "[1, 2]", 200, "[1,2]"}, {"/document", JSON, "7", 200, "7"},
        {"/json", JSON, "{\"name\":\n 1 x}", 400, "line 2, column 4"}, {"/json", JSON, "", 400, "not JSON"},
        {"/json", JSON, "{\"name\":\"\xff\"}", 400, "unable to decode byte 0xff"},
        {"/json", JSON, "{\"name\":\"a\",\"name\":\"b\"}", 400, "duplicate"}, {"/json", JSON, "{\"name\":\"a\"} x", 400, "line 1"},
        {"/json", JSON, "{\"name\":\"\\u0000\"}", 400, "column 16: a NUL in a string is not allowed\""},
        {"/json", "text/plain", "{}", 415, JSON}, {"/json", NULL, "{}", 415, JSON},
        {"/json", JSON "; charset=utf-16", "{}", 415, "UTF-8, not 'utf-16'"}, {"/document", JSON, "nope", 400, "line 1"},
        {"/json", JSON, "{}", 422, "\"/name is missing\""}, {"/json", JSON, "{\"name\":1}", 422, "/name: Expected string, got integer"},
        {"/json", JSON, "{\"name\":\"a\",\"age\":\"b\"}", 422, "/age: Expected integer, got string"},
        {"/json", JSON, "{\"name\":\"a\",\"age\":2147483648}", 422, "/age: the integer is too large or too small"},
        {"/json", JSON, "{\"name\":\"a\",\"age\":-2147483649}", 422, "/age: the integer"},
        {"/json", JSON, "{\"name\":\"a\",\"address\":{\"city\":null}}", 422, "/address/city: Expected string, got null"},
        {"/json", JSON, "{\"name\":\"a\",\"address\":{}}", 422, "/address/city is missing"},
        {"/json", JSON, "{\"name\":\"a\",\"address\":1}", 422, "/address: Expected object"},
        {"/json", JSON, "{\"name\":\"a\",\"a/b~\":[\"x\"]}", 422, "/a~1b~0/0: Expected integer, got string"},
        {"/json", JSON, "{\"name\":\"a\",\"a/b~\":[]}", 422, "/a~1b~0/0"},
        {"/json", JSON, "[1]", 422, "the document: Expected object, got array"},
        {"/strict_json", JSON, "{\"name\":\"a\",\"more\":1}", 422, "the document: 1 object item(s) left unpacked: more"},
    };
    ASK_ALL(asks);
}

/* NUL bytes, which a parser may take for the end. */
InputTest(json_has_no_nul_bytes)
{
    static const char *const bodies[] = {"{}@", "{@}", "@", "[1,@", "{}\n@ x"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        size_t length = strlen(bodies[i]);
        struct client client = client_connect(&server);
        client_send(&client, request("POST", "/json", text("Content-Type: " JSON "\r\nContent-Length: %zu\r\n", length)));
        for (size_t k = 0; k < length; k++)
            client_send_bytes(&client, bodies[i][k] == '@' ? "" : &bodies[i][k], 1);
        struct response response = client_read(&client);
        expect_problem(&response, 400, ": a NUL byte is not allowed\"");
        client_close(&client);
    }
}

/* What takes a body apart takes it as it is, and says so; what takes its bytes is left to read the field itself. */
InputTest(a_body_in_a_content_coding_is_refused_where_it_is_taken_apart)
{
    static const struct {
        const char *path, *type, *coding, *body;
        int status;
    } cases[] = {
        {"/json", JSON, "gzip", "\x1f\x8b", 415}, {"/json", JSON, "x-own, identity", "{}", 415}, {"/document", JSON, "br", "1", 415},
        {"/form", FORM, "deflate", "age=1", 415}, {"/stream/form", FORM, "gzip", "age=1", 415},
        {"/stream/parts", "multipart/form-data; boundary=x", "zstd", "--x--\r\n", 415},
        {"/mixed", "multipart/form-data; boundary=x", "gzip", "--x--\r\n", 415},
        {"/document", JSON, "identity", "1", 200}, {"/document", JSON, "IDENTITY", "1", 200}, {"/document", JSON, "", "1", 200},
        {"/form", FORM, "Identity", "age=1", 200}, {"/sum", JSON, "gzip", "{}", 200},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *fields = text("Content-Type: %s\r\nContent-Encoding: %s\r\nContent-Length: %zu\r\n", cases[i].type, cases[i].coding,
                            strlen(cases[i].body));
        struct response response = ask(&server, text("%s%s", request("POST", cases[i].path, fields), cases[i].body));
        if (cases[i].status == 415)
            expect_problem(&response, 415, text("the body must be without Content-Encoding, not '%s'", cases[i].coding));
        else
            expect_response(&response, 200, NULL);
        expect_field(&response, "Accept-Encoding", cases[i].status == 415 ? "identity" : NULL);
        response_free(&response);
    }
}

InputTest(what_was_wrong_can_be_told_in_ones_own_words)
{
    static const struct {
        const char *path, *body;
        int status;
        const char *answer;
    } asks[] = {
        {"/own_words?n=1", "{}", 204, ""},
        {"/own_words?n=2", "{}", 422, "query parameter 'n' must be an integer from 0 to 1"},
        {"/own_words?n=2", "[", 422, "the body is not JSON: line 1, column 1: ']' expected near end of file"},
    };
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        struct response response = post(asks[i].path, JSON, asks[i].body);
        expect_response(&response, asks[i].status, asks[i].answer);
        response_free(&response);
    }
}

#define MULTIPART "multipart/form-data; boundary=B"
#define FIELD(name, value) "--B\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define FILE_PART(name, file, value) \
    "--B\r\nContent-Disposition: form-data; name=\"" name "\"; filename=\"" file "\"\r\nContent-Type: text/x\r\n\r\n" value "\r\n"

InputTest(parts_are_pulled_one_by_one)
{
    static const struct ask asks[] = {
        {"/parts", MULTIPART, FIELD("a", "1") FILE_PART("f", "../x.txt", "12345") FIELD("b", "") "--B--\r\n", 200,
         "a:1;f[x.txt]text/x 5;b:;"},
        {"/stream/parts", MULTIPART, FIELD("a", "1") FILE_PART("f", "x", "12345") "--B--", 200, "a:1;f[x]text/x 5;"},
        {"/parts", MULTIPART, "--B--", 204, ""},
        {"/skip", MULTIPART, FIELD("a", "1") FILE_PART("f", "x", "12345") FIELD("b", "2") "--B--", 200, "3"},
        {"/spool", MULTIPART, FILE_PART("f", "x", "12345") "--B--", 200, "5 12345"},
        {"/parts", "text/plain", "x", 415, "multipart/form-data"}, {"/parts", NULL, "x", 415, "multipart/form-data"},
        {"/parts", "multipart/form-data", "x", 400, "boundary"}, {"/parts", "multipart/form-data; boundary=\"a@b\"", "x", 400, "boundary"},
        {"/parts", MULTIPART, "", 400, "cut off"}, {"/parts", MULTIPART, FIELD("a", "1"), 400, "cut off"},
        {"/parts", MULTIPART, FIELD("a", "1") "--Bx", 400, "behind it"},
        {"/parts", MULTIPART, "--B\r\nA: b\r\n\r\nx\r\n--B--", 400, "no Content-Disposition"},
        {"/parts", MULTIPART, FIELD("\xff", "1") "--B--", 400, "not UTF-8"},
        {"/parts", MULTIPART, FIELD("a", "\xff") "--B--", 400, "part 'a' is not text"},
        {"/stream/parts", MULTIPART, FIELD("a", "1"), 400, "cut off"}, {"/skip", MULTIPART, FIELD("a", "1") "x", 400, "cut off"},
    };
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        if (asks[i].status == 204) {
            struct response response = post(asks[i].path, asks[i].type, asks[i].body);
            expect_response(&response, 204, NULL);
        } else {
            ask_all(&asks[i], 1);
        }
    }
}

/* Whatever the order: the first plain field of the name, while the parts themselves are gone through. */
InputTest(fields_of_a_form_with_files_are_found_by_name)
{
    static const struct ask asks[] = {
        {"/mixed", MULTIPART, FIELD("age", "36") FILE_PART("f", "x", "12345") FIELD("name", "ada") FIELD("name", "bob") "--B--", 200,
         "ada 36;age:36 same;f:12345 same;name:ada same;name:bob same;"},
        {"/stream/mixed", MULTIPART, FIELD("name", "gr\xc3\xbc\xc3\x9f") FIELD("age", "1") "--B--", 200,
         "gr\xc3\xbc\xc3\x9f 1;name:gr\xc3\xbc\xc3\x9f same;age:1 same;"},
        {"/mixed", MULTIPART, FILE_PART("name", "x", "file") FIELD("age", "0") FIELD("name", "ada") "--B--", 200,
         "ada 0;name:file same;age:0 same;name:ada same;"},
        {"/mixed", MULTIPART, FIELD("name", "ada") FIELD("age", "0") FIELD("other", "\xff") "--B--", 400, "part 'other' is not text"},
        {"/mixed", MULTIPART, FIELD("name", "\xff") FIELD("age", "1") "--B--", 400, "part 'name' is not text in UTF-8"},
        {"/mixed", MULTIPART, FIELD("name", "ada") FIELD("age", "x") "--B--", 400, "form field 'age' must be an integer"},
        {"/mixed", MULTIPART, FIELD("name", "ada") "--B--", 400, "form field 'age' is missing"},
        {"/mixed", MULTIPART, FIELD("name", "ada"), 400, "cut off"},
        {"/mixed", "multipart/form-data", "x", 400, "no boundary"},
        {"/form", MULTIPART, FIELD("name", "ada") FIELD("age", "1") "--B--", 415, "application/x-www-form-urlencoded"},
    };
    ASK_ALL(asks);
}

InputTest(text_of_parts_is_bounded_and_files_are_not_kept_in_memory)
{
    char *large = malloc(200001);
    memset(large, 'x', 200000);
    large[200000] = 0;
    struct response response = post("/parts", MULTIPART, text("--B\r\nContent-Disposition: form-data; name=a\r\n\r\n%s\r\n--B--", large));
    expect_problem(&response, 413, "part 'a' is larger than [limits] body_memory");
    response = post("/mixed", MULTIPART, text("--B\r\nContent-Disposition: form-data; name=name\r\n\r\n%s\r\n--B--", large));
    expect_problem(&response, 413, "part 'name' is larger than [limits] body_memory");
    response = post("/parts", MULTIPART, text("--B\r\nContent-Disposition: form-data; name=a; filename=f\r\n\r\n%s\r\n--B--", large));
    expect_response(&response, 200, "a[f](none) 200000;");
    free(large);
}

static char *of_letters(size_t length)
{
    char *letters = malloc(length + 1);
    memset(letters, 'x', length);
    letters[length] = 0;
    return letters;
}

/* [limits] body_memory is for all that are found, and asking again takes nothing of it. */
InputTest(fields_found_by_name_have_one_allowance)
{
    static const char form[] = FIELD("first", "%s") FIELD("other", "%s") FILE_PART("f", "x", "%s") "--B--";
    char *most = of_letters(40000), *little = of_letters(20000);
    struct response response = post("/twice", MULTIPART, text(form, most, little, most));
    expect_response(&response, 200, "once 40000 20000");
    response = post("/twice", MULTIPART, text(form, most, most, most));
    expect_problem(&response, 413, "part 'other' is larger than [limits] body_memory");
    free(most);
    free(little);
}

InputTest(a_spooled_body_is_only_read_to_find_a_field)
{
    char *large = of_letters(100000);
    struct response response = post("/untouched", MULTIPART, text(FIELD("name", "ada") FILE_PART("f", "x", "%s") "--B--", large));
    expect_response(&response, 200, "ada 0");
    free(large);
}

InputTest(a_file_is_saved_once_and_under_a_safe_name)
{
    struct response response = post("/save", MULTIPART, FILE_PART("f", "../../evil.txt", "content") "--B--");
    expect_response(&response, 201, "evil.txt");
    cr_expect_str_eq(run("cat", text("%s/evil.txt", server.dir), NULL).out, "content");
    response = post("/save", MULTIPART, FILE_PART("f", "evil.txt", "other") "--B--");
    expect_problem(&response, 409, "a file of that name");
    cr_expect_str_eq(run("cat", text("%s/evil.txt", server.dir), NULL).out, "content");
    response = post("/save", MULTIPART, FILE_PART("f", "half.txt", "other"));
    expect_problem(&response, 400, "cut off");
    cr_expect(access(text("%s/half.txt", server.dir), F_OK) != 0, "half a file stays");
}

InputTest(a_body_is_there_as_a_descriptor)
{
    char *large = malloc(100001);
    memset(large, 'y', 100000);
    large[100000] = 0;
    static const char *const paths[] = {"/fd", "/stream/fd"};
    for (size_t i = 0; i < 2; i++) {
        struct response response = post(paths[i], NULL, "small");
        expect_response(&response, 200, "small");
        response = post(paths[i], NULL, large);
        expect_response(&response, 200, large);
    }
    free(large);
}
