/* SPDX-License-Identifier: Apache-2.0 */
#include "http/cookie.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const struct {
    const char *field, *cookies;
} cases[] = {
    {"", ""}, {";", ""}, {" ; ;", ""}, {"a=1", "a[1]"}, {"a=1; b=2", "a[1]b[2]"}, {"a=1;b=2;", "a[1]b[2]"}, {"a=", "a[]"},
    {"a=b=c", "a[b=c]"},
    {"  a = 1\t;b=2", "a[1]b[2]"}, {"a=\"1\"", "a[1]"}, {"a=\"\"", "a[]"}, {"a=x y, z", "a[x y, z]"}, {"a=\xc3\xa9", "a[\xc3\xa9]"},
    {"a=1; a=2", "a[1]a[2]"}, {"A=1", "A[1]"}, {"__Host-id=x", "__Host-id[x]"}, {"a=\\", "a[\\]"},
    /* what counts for nothing, while its neighbours stand */
    {"a", ""}, {"a; b=2", "b[2]"}, {"=1; b=2", "b[2]"}, {"a b=1; b=2", "b[2]"}, {"a=\"; b=2", "b[2]"}, {"a=x\"y; b=2", "b[2]"},
    {"a=\"x\"y\"; b=2", "b[2]"}, {"a=\"x;b=2\"", ""}, {"a=\x01; b=2", "b[2]"}, {"a=x\ty; b=2", "b[2]"}, {"a[]=1; b=2", "b[2]"},
};

Test(cookie, pairs_are_taken_off_and_broken_ones_passed_over)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice rest = slice_from(cases[i].field), name, value;
        char text[200] = "";
        size_t length = 0;
        while (cookie_next(&rest, &name, &value))
            length += (size_t)snprintf(text + length, sizeof text - length, "%.*s[%.*s]", (int)name.length, name.data, (int)value.length,
                                       value.data);
        cr_expect_str_eq(text, cases[i].cookies, "'%s' is '%s'", cases[i].field, text);
        cr_expect_eq(rest.length, 0);
    }
}
