/* SPDX-License-Identifier: Apache-2.0
 *
 * Conduit by tine_test.h: tokens that are not ours, input at its bounds, and what stands in the database of it.
 */
#include "support.h"

#include <criterion/redirect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(test_conduit, .timeout = 60);

#define SECRET "0123456789abcdef0123456789abcdef"

static tine_test *open_conduit(const char *settings)
{
    if (access(module_path("conduit"), R_OK) != 0)
        cr_skip_test("Conduit was not built for want of a library");
    return open_module("conduit", text("file = %s/conduit.sqlite\npassword_cost = 1\n%s", own_folder(), settings));
}

static const tine_answer *call(tine_test *t, const char *method, const char *target, const char *token, const char *body)
{
    const char *fields =
        text("Content-Type: application/json\n%s%s", token != NULL ? "Authorization: Token " : "", token != NULL ? token : "");
    return tine_test_call(t, method, target, fields, body);
}

static const char *join(tine_test *t, const char *name)
{
    const tine_answer *a = call(t, "POST", "/users", NULL,
                                text("{\"user\":{\"username\":\"%s\",\"email\":\"%s@example.org\",\"password\":\"p\"}}", name, name));
    cr_assert_eq(tine_answer_status(a), 201, "%s", tine_answer_body(a, NULL));
    return json_string_value(json_object_get(json_object_get(tine_answer_json(a), "user"), "token"));
}

static char *many(size_t count)
{
    char *letters = text("%*s", (int)count, "");
    memset(letters, 'a', count);
    return letters;
}

/* What is wrong is told in JSON, and some of it are the client's own words. */
Test(test_conduit, refuses_fields_that_are_no_text)
{
    static const char *const fields[] = {"Content-Type: application/json; charset=\"\xff\"\n",
                                         "Content-Type: application/json\nContent-Encoding: \xc3\n"};
    tine_test *t = open_conduit("secret = " SECRET "\n");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const tine_answer *a = tine_test_call(t, "POST", "/users", fields[i], "{\"user\":{}}");
        cr_expect_eq(tine_answer_status(a), 422, "%zu: %d", i, tine_answer_status(a));
        cr_expect_not_null(tine_answer_json(a), "%zu: %s", i, tine_answer_body(a, NULL));
    }
    tine_test_close(t);
}

/* All for account 1, who is there; but for the first not signed with SECRET, or not as we do it, or over. */
Test(test_conduit, takes_no_tokens_but_its_own)
{
    static const struct {
        const char *token;
        int status;
    } tokens[] = {
        /* {"alg":"HS256","typ":"JWT"} {"exp":9999999999,"sub":"1"} */
        {"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjk5OTk5OTk5OTksInN1YiI6IjEifQ.2tacLAeycfhewMN_LV2rYTGU4u9CuQwgwIMZYH-TcKc", 200},
        {"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjk5OTk5OTk5OTksInN1YiI6IjEifQ.OH7qFEPDlkvQhF0iWdPr5dblARVUdop66ziayyudOCI", 401},
        {"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjk5OTk5OTk5OTksInN1YiI6IjEifQ.", 401},
        {"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjk5OTk5OTk5OTksInN1YiI6IjEifQ", 401},
        /* HS512 with the same key; {"alg":"none"} */
        {"eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJleHAiOjk5OTk5OTk5OTksInN1YiI6IjEifQ"
         ".TqFobxI-TPY_9BbTBffUCAlHHpXHT_8NkWQpgtrrbZqCoYj-yN5dFdSRcdb0HtuIw37Ovl0M0OJCxR-AHtaN3g", 401},
        {"eyJhbGciOiJub25lIn0.eyJleHAiOjk5OTk5OTk5OTksInN1YiI6IjEifQ.", 401},
        /* {"exp":1,"sub":"1"}; {"sub":"1"}; {"exp":9999999999}; sub "x", "-1" and "2" */
        {"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjEsInN1YiI6IjEifQ.97sAx0Gnkp07CnOYUiaH6F5YwcF5Q6Hr14kPDhvff3I", 401},
        {"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.ZdIs1RUkZLDmaHX9ytm6QtA8XbmTywe1ILo4WPHHij4", 401},
        {"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjk5OTk5OTk5OTl9.2PDnL1wluNGdotspgxNmsp0Fxw9N0TLGiA8tY6RnfAQ", 401},
        {"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjk5OTk5OTk5OTksInN1YiI6IngifQ.KuOka8A-yMP-PRuoIRt9m4g1w3LvlSOihVN3T9RprVk", 401},
        {"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjk5OTk5OTk5OTksInN1YiI6Ii0xIn0._9jq1LUYtG4lkFfA10gXYAR6JMwv-0zqQX1rDRyPHz8", 401},
        {"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjk5OTk5OTk5OTksInN1YiI6IjIifQ.pnMM4QKUq68mgN90LHGK8rKAfjArQoVVD2SSNl-jGIU", 401},
        {"", 401}, {"...", 401}, {"x", 401}, {".", 401}, {"..", 401}, {"x..", 401}, {".x.y", 401}, {"x..y", 401}, {"x.y.z", 401},
        {"!.!.!", 401},
    };
    tine_test *t = open_conduit("secret = " SECRET "\n");
    join(t, "ada");
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        const tine_answer *a = call(t, "GET", "/user", tokens[i].token, NULL);
        cr_expect_eq(tine_answer_status(a), tokens[i].status, "%s: %d", tokens[i].token, tine_answer_status(a));
    }
    cr_expect_eq(tine_answer_status(tine_test_call(t, "GET", "/user", text("Authorization: token  %s", tokens[0].token), NULL)), 401);
    cr_expect_eq(tine_answer_status(tine_test_call(t, "GET", "/user", text("Authorization: Bearer %s", tokens[0].token), NULL)), 401);
    cr_expect_eq(tine_answer_status(tine_test_call(t, "GET", "/user", text("authorization: token %s", tokens[0].token), NULL)), 200);
    tine_test_close(t);
}

Test(test_conduit, tokens_end_with_their_lifetime)
{
    tine_test *t = open_conduit("token_lifetime = 2s\n"); /* whole seconds: 1s may be over at once */
    const char *token = join(t, "ada");
    cr_assert_eq(tine_answer_status(call(t, "GET", "/user", token, NULL)), 200);
    int looks = 0;
    while (looks++ < 100 && tine_answer_status(call(t, "GET", "/user", token, NULL)) == 200)
        usleep(50000);
    cr_assert_eq(tine_answer_status(call(t, "GET", "/user", token, NULL)), 401);
    tine_test_close(t);
}

Test(test_conduit, input_has_bounds)
{
    const struct {
        const char *field;
        size_t most;
        const char *format; /* of the article, with the field in it */
    } fields[] = {
        {"title", 255, "{\"article\":{\"title\":\"%s\",\"description\":\"d\",\"body\":\"b\"}}"},
        {"description", 2000, "{\"article\":{\"title\":\"t\",\"description\":\"%s\",\"body\":\"b\"}}"},
        {"body", 200000, "{\"article\":{\"title\":\"t\",\"description\":\"d\",\"body\":\"%s\"}}"},
    };
    tine_test *t = open_conduit("");
    const char *token = join(t, "ada");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *before = text("%.*s", (int)(strstr(fields[i].format, "%s") - fields[i].format), fields[i].format),
                   *behind = strstr(fields[i].format, "%s") + 2;
        expect_answer(call(t, "POST", "/articles", token, text("%s%s%s", before, many(fields[i].most), behind)), 201, NULL);
        const char *reason = text("{\"errors\":{\"body\":[\"%s is too long (%zu bytes at most)\"]}}", fields[i].field, fields[i].most);
        expect_answer(call(t, "POST", "/articles", token, text("%s%s%s", before, many(fields[i].most + 1), behind)), 422, reason);
    }
    tine_test_close(t);
}

/* Whatever it is, it is 422 and its reason, which is text. */
Test(test_conduit, what_is_no_such_json_is_told)
{
    static const char *const bodies[] = {
        "", " ", "x", "{", "[]", "1", "null", "\"user\"", "{\"user\":[]}", "{\"user\":null}", "{\"user\":1}", "{\"USER\":{}}",
        "{\"user\":{}}x", "{\"user\":{\"username\":\"\\u0000\"}}", "{\"user\":{\"\\u0000\":1}}", "{\"user\":{\"username\":\"\\ud800\"}}",
        "{\"user\":\xc3\xa9}", "\xff",
        "{\"user\":\"a\xff\"}", "{\"user\":{\"username\xc3", "{\"user\":{\"username\":\"a\nb\"}}", "{\"user\":{\"email\":1,\"email\":2}}",
        "{\"user\":{\"username\":{},\"email\":[\"a\"],\"password\":true}}", "{\"user\":{\"username\":1e999}}",
    };
    tine_test *t = open_conduit("");
    for (size_t i = 0; i <= sizeof bodies / sizeof *bodies; i++) {
        char *deep = many(50000);
        const tine_answer *a = call(t, "POST", "/users", NULL, i < sizeof bodies / sizeof *bodies ? bodies[i] : memset(deep, '[', 50000));
        const json_t *reasons = json_object_get(json_object_get(tine_answer_json(a), "errors"), "body");
        cr_expect_eq(tine_answer_status(a), 422, "%zu: %d", i, tine_answer_status(a));
        cr_expect(json_is_string(json_array_get(reasons, 0)), "%zu: %s", i, tine_answer_body(a, NULL));
    }
    expect_answer(tine_test_call(t, "POST", "/users", "Content-Type: text/plain\n", "{}"), 422,
                  "{\"errors\":{\"body\":[\"the body must be application/json\"]}}");
    tine_test_close(t);
}

/* Those of 120 bytes and more are cut, but not within a character. */
Test(test_conduit, slugs_are_cut_between_characters)
{
    tine_test *t = open_conduit("");
    const char *token = join(t, "ada");
    for (size_t length = 117; length <= 120; length++) {
        const char *body = text("{\"article\":{\"title\":\"%s\xe2\x82\xac-end\",\"description\":\"d\",\"body\":\"b\"}}", many(length));
        const tine_answer *a = call(t, "POST", "/articles", token, body);
        expect_answer(a, 201, NULL);
        const char *slug = json_string_value(json_object_get(json_object_get(tine_answer_json(a), "article"), "slug"));
        cr_expect_str_eq(slug, text("%s%s", many(length), length == 117 ? "\xe2\x82\xac" : ""), "%s", slug);
    }
    tine_test_close(t);
}

Test(test_conduit, passwords_are_kept_as_yescrypt)
{
    tine_test *t = open_conduit("");
    char line[256] = "";
    join(t, "ada");
    join(t, "zoe"); /* who has the same */
    tine_test_close(t);
    FILE *ran = popen(text("python3 -c \"import sqlite3, sys; [print(*r) for r in sqlite3.connect(sys.argv[1]).execute('SELECT DISTINCT "
                           "password FROM account')]\" %s/conduit.sqlite", own_folder()), "r");
    for (int i = 0; i < 2; i++) {
        if (fgets(line, sizeof line, ran) == NULL && i == 0)
            cr_skip_test("python3 is not there");
        cr_assert(strncmp(line, "$y$", 3) == 0 && strlen(line) > 60, "%s", line);
    }
    pclose(ran);
}

Test(test_conduit, nobody_else_may_read_the_file)
{
    static const char *const names[] = {"conduit.sqlite", "conduit.sqlite-wal", "conduit.sqlite-shm"};
    struct stat status;
    tine_test *t = open_conduit("");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cr_assert_eq(stat(text("%s/%s", own_folder(), names[i]), &status), 0, "%s", names[i]);
        cr_expect_eq(status.st_mode & 0777, 0600, "%s: %o", names[i], status.st_mode);
    }
    tine_test_close(t);
}

Test(test_conduit, settings_are_checked)
{
    static const char *const wrong[] = {"secret = short\n", "password_cost = 12\n", "token_lifetime = 1ms\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_redirect_stderr();
        cr_assert_null(tine_test_open(module_path("conduit"), text("file = %s/c.sqlite\n%s", own_folder(), wrong[i])));
    }
}

/* What is told is why a statement failed, not how what undid those before it went. */
Test(test_conduit, a_database_of_something_else_is_refused_with_the_reason)
{
    char told[2000] = "";
    if (access(module_path("conduit"), R_OK) != 0)
        cr_skip_test("Conduit was not built for want of a library");
    const char *command =
        "python3 -c \"import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('CREATE TABLE article(price real)')\" %s/shop.sqlite";
    if (system(text(command, own_folder())) != 0)
        cr_skip_test("python3 is not there");
    cr_redirect_stderr();
    cr_assert_null(tine_test_open(module_path("conduit"), text("file = %s/shop.sqlite\n", own_folder())));
    fflush(stderr);
    cr_assert(fread(told, 1, sizeof told - 1, cr_get_redirected_stderr()) > 0);
    cr_assert(strstr(told, "[app:conduit] file: table article already exists\n") != NULL, "%s", told);
}
