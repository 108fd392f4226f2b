/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening modules by tine_test.h: settings and what is wrong with them, several modules, worker_init and worker_exit.
 */
#include "support.h"

#include <criterion/redirect.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(test_opening, .timeout = 60);

static const char *errors_of(const char *module, const char *settings)
{
    static char errors[8192];
    cr_redirect_stderr();
    tine_test *t = tine_test_open(module, settings);
    fflush(stderr);
    FILE *read = cr_get_redirected_stderr();
    size_t length = fread(errors, 1, sizeof errors - 1, read);
    errors[length] = 0;
    cr_assert_null(t);
    return errors;
}

Test(test_opening, tells_every_reason_with_its_line)
{
    const char *errors = errors_of(module_path("upload"), "foldr = /tmp\nlimits.body = many\n");
    expect_in(errors, "settings:1: [app:upload] foldr: module '");
    expect_in(errors, "did you mean 'folder'?");
    expect_in(errors, "settings:2: [app:upload] limits.body: 'many' is not a size");
    expect_in(errors, "[app:upload] folder: module");
}

Test(test_opening, a_missing_module_is_told)
{
    const char *errors = errors_of("./no-such.so", NULL);
    expect_in(errors, "settings: [app:no-such] module: cannot load '");
    expect_in(errors, "there is no such file: was it built (make)?");
}

Test(test_opening, a_module_or_sections_but_not_both)
{
    expect_in(errors_of(NULL, NULL), "tine_test_open: a module is needed");
}

Test(test_opening, sections_name_their_modules)
{
    expect_in(errors_of(module_path("hello"), "\n; first\n[app:a]\n"), "give NULL as the module");
}

Test(test_opening, a_worker_init_that_fails_says_why)
{
    expect_in(errors_of(module_path("tests/modules/frozen_abi"), "room = x\n"), "settings:1: [app:frozen_abi] room: 'x' is not a size");
}

Test(test_opening, a_module_of_the_first_layout_is_called)
{
    tine_test *t = open_module("tests/modules/frozen_abi", "room = 2k\n");
    expect_answer(tine_test_get(t, "/show/ann"), 200, "ann: good day, 2048, 0, started after loaded");
    tine_test_close(t);
}

Test(test_opening, several_are_open_at_once)
{
    tine_test *one = open_module("counter", NULL), *two = open_module("tests/modules/probe", "path = /p\n"),
              *three = open_module("hello", NULL);
    tine_test_call(one, "POST", "/once/a", NULL, NULL);
    expect_answer(tine_test_get(two, "/p/hello"), 200, "hello");
    expect_answer(tine_test_get(two, "/hello"), 404, NULL);
    expect_answer(tine_test_call(one, "POST", "/once/a", NULL, NULL), 200, "again\n");
    tine_test_close(two);
    expect_answer(tine_test_call(one, "POST", "/once/a", NULL, NULL), 200, "again\n");
    expect_answer(tine_test_get(three, "/hello/x"), 200, "{\"hello\":\"x\"}");
    tine_test_close(one);
    tine_test_close(three);
}

Test(test_opening, what_was_shared_begins_anew)
{
    for (int i = 0; i < 3; i++) {
        tine_test *t = open_module("counter", NULL);
        expect_answer(tine_test_call(t, "POST", "/count", NULL, NULL), 200, "{\"visits\":1}");
        tine_test_close(t);
    }
}

Test(test_opening, the_memory_is_given_back)
{
    for (int i = 0; i < 200; i++) { /* of 1m each, and with a descriptor or two */
        tine_test *t = open_module("hello", NULL);
        tine_test_get(t, "/hello/ada");
        tine_test_close(t);
    }
    cr_assert_lt(count_files("/proc/self/fd"), 100);
}

Test(test_opening, a_call_without_a_module_aborts, .signal = SIGABRT)
{
    tine_test_get(NULL, "/");
}

Test(test_opening, close_takes_null)
{
    tine_test_close(NULL);
}

Test(test_opening, the_log_goes_to_standard_error_if_asked_for)
{
    setenv("TINE_TEST_LOG", "1", 1);
    tine_test *t = open_module("tests/modules/probe", NULL);
    cr_redirect_stderr();
    tine_test_get(t, "/log");
    fflush(stderr);
    char line[256] = "";
    cr_assert_not_null(fgets(line, sizeof line, cr_get_redirected_stderr()));
    expect_in(line, "the probe says 42");
    tine_test_close(t);
}
