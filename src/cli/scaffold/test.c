/* make test: calls @NAME@.c through its routes, without a network. */
#include <criterion/criterion.h>
#include <string.h>
#include <tine_test.h>

static tine_test *app;

static void open_app(void)
{
    app = tine_test_open(MODULE, NULL); /* MODULE is build/@NAME@.so; tine.mk says where that is */
    cr_assert_not_null(app);
}

static void close_app(void)
{
    tine_test_close(app);
}

TestSuite(@NAME@, .init = open_app, .fini = close_app);

Test(@NAME@, greets)
{
    const tine_answer *answer = tine_test_get(app, "/hello/Ada");
    cr_assert_eq(tine_answer_status(answer), 200);
    cr_assert_str_eq(tine_answer_body(answer, NULL), "{\"hello\":\"Ada\"}");
}

Test(@NAME@, creates)
{
    const tine_answer *answer = tine_test_json(app, "POST", "/people", "{\"name\": \"Ada\", \"age\": 36}");
    cr_assert_eq(tine_answer_status(answer), 201);
    cr_assert_eq(json_integer_value(json_object_get(tine_answer_json(answer), "age")), 36);
}

Test(@NAME@, says_what_is_wrong)
{
    const tine_answer *answer = tine_test_json(app, "POST", "/people", "{\"name\": \"Ada\", \"age\": \"x\"}");
    cr_assert_eq(tine_answer_status(answer), 422);
    cr_assert_not_null(strstr(tine_answer_body(answer, NULL), "/age"));
}
