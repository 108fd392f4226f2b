/* SPDX-License-Identifier: Apache-2.0 */
#include "base/errors.h"

#include <criterion/criterion.h>

TestSuite(errors);

static void expect_order(const char *const *added, const char *const *expected)
{
    struct errors errors;
    errors_init(&errors);
    for (size_t i = 0; added[i] != NULL; i++)
        errors_add(&errors, "%s", added[i]);
    for (size_t i = 0; i < errors.kept; i++)
        cr_expect_str_eq(errors.messages[i], expected[i]);
    errors_release(&errors);
}

Test(errors, of_one_file_stand_in_the_order_of_its_lines)
{
    static const char *const added[] = {"a.ini:9: nine", "a.ini:10: ten", "a.ini:1: one", "a.ini:9: nine again", "a.ini:2: two: 0: x",
                                        NULL};
    static const char *const expected[] = {"a.ini:1: one", "a.ini:2: two: 0: x", "a.ini:9: nine", "a.ini:9: nine again", "a.ini:10: ten"};
    expect_order(added, expected);
}

Test(errors, of_other_files_and_of_no_place_stay_where_they_came)
{
    static const char *const added[] = {"a.ini:9: nine", "b.ini:1: other", "a.ini:1: one", "no place", ":1: no name", "a.ini:: no line",
                                        "a.ini1: no colon", "7: no file", "a.ini:1", "", "aa.ini:1: longer", NULL};
    expect_order(added, added);
}

Test(errors, beyond_those_that_are_kept_are_counted)
{
    struct errors errors;
    errors_init(&errors);
    for (int i = 0; i <= ERRORS_MAX; i++)
        errors_add(&errors, "a.ini:%d: number", ERRORS_MAX - i);
    cr_expect_eq(errors.kept, ERRORS_MAX);
    cr_expect_eq(errors.count, ERRORS_MAX + 1);
    cr_expect_str_eq(errors.messages[0], "a.ini:1: number");
    errors_release(&errors);
}
