/* SPDX-License-Identifier: Apache-2.0 */
#include "http/parameters.h"

#include <criterion/criterion.h>

Test(parameters, are_found_and_unquoted)
{
    static const struct {
        const char *value;
        long length;
        const char *text;
    } cases[] = {
        {"", -1, ""}, {"text/plain", -1, ""}, {"text/plain;", -1, ""}, {"text/plain; a=b", -1, ""}, {"x;p=v", 1, "v"}, {"x ; P=v ", 1, "v"},
        {"x;a=1;p=v;b=2", 1, "v"}, {"x;;p=v;", 1, "v"}, {"x; ;p=v", 1, "v"}, {"x;p=\"\"", 0, ""}, {"x;p=\"a;b\"", 3, "a;b"},
        {"x;p=\"a\\\"b\"", 3, "a\"b"}, {"x;p=\"a\\\\b\"", 3, "a\\b"}, {"x;p=\"C:\\dir\\f\"", 8, "C:\\dir\\f"}, {"x;a=\"p=1\";p=2", 1, "2"},
        {"x;p=\"\xc3\xa9\"", 2, "\xc3\xa9"}, {"x;p=1234567", 7, "1234567"}, {"x;pp=1", -1, ""}, {"x;p=\"12345678\"", 8, "12345678"},
        /* broken */
        {"x;p", -2, ""}, {"x;p=", -2, ""}, {"x;=v", -2, ""}, {"x;p=v w", -2, ""}, {"x;p=\"v", -2, ""}, {"x;p=\"v\\\"", -2, ""},
        {"x;p=\"v\"w", -2, ""},
        {"x;p=\"\x01\"", -2, ""}, {"x;p=1;p=1", -2, ""}, {"x;p=123456789", -2, ""}, {"x;p=v;b", -2, ""}, {"x;p =v", -2, ""},
        {"x;p= v", -2, ""}, {"x;p=v,w", -2, ""}, {"x;p=\"v\\", -2, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[9] = "";
        long length = parameter_find(slice_from(cases[i].value), SLICE("p"), text, sizeof text);
        cr_expect_eq(length, cases[i].length, "'%s': %ld", cases[i].value, length);
        if (length >= 0)
            cr_expect_str_eq(text, cases[i].text, "'%s' is '%s'", cases[i].value, text);
    }
}

Test(parameters, follow_the_value)
{
    cr_expect(slice_equals(parameters_before(SLICE(" text/html ; charset=x")), SLICE("text/html")));
    cr_expect(slice_equals(parameters_before(SLICE("text/html")), SLICE("text/html")));
    cr_expect_eq(parameters_before(SLICE("")).length, 0);
}
