/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "http/form.h"

#include <criterion/criterion.h>

Test(form, is_judged_pair_by_pair)
{
    static const struct {
        const char *text;
        enum form_verdict verdict;
        size_t at;
    } cases[] = {
        {"", FORM_FINE, 0}, {"&&", FORM_FINE, 0}, {"a", FORM_FINE, 0}, {"a=b&c=d", FORM_FINE, 0}, {"a=%41%c3%A9+x", FORM_FINE, 0},
        {"=", FORM_FINE, 0}, {"a=b=c", FORM_FINE, 0}, {"%41=1", FORM_FINE, 0}, {"a=%f0%9f%98%80", FORM_FINE, 0},
        {"a=%", FORM_BROKEN, 0}, {"a=%4", FORM_BROKEN, 0}, {"a=%4g", FORM_BROKEN, 0}, {"a=%g4", FORM_BROKEN, 0},
        {"x=1&a=%zz", FORM_BROKEN, 4}, {"%=1", FORM_BROKEN, 0}, {"a=b c", FORM_BROKEN, 0}, {"a=b\r\n", FORM_BROKEN, 0},
        {"a=\x01\xc3\xa9", FORM_BROKEN, 0}, {"a=\x7f", FORM_BROKEN, 0},
        {"a=%00", FORM_NUL, 0}, {"&&%00=1", FORM_NUL, 2}, {"a=%ff", FORM_NOT_TEXT, 0}, {"a=%c3", FORM_NOT_TEXT, 0},
        {"a=%c3&b=%a9", FORM_NOT_TEXT, 0},
        {"%c3=%a9", FORM_NOT_TEXT, 0}, {"a=\xc3\xa9", FORM_FINE, 0}, {"\xc3\xa9=%c3\xa9+\xf0\x9f\x98\x80", FORM_FINE, 0},
        {"a=\xc3", FORM_NOT_TEXT, 0}, {"x=1&a=\xe9", FORM_NOT_TEXT, 4}, {"\xc3=\xa9", FORM_NOT_TEXT, 0},
        {"a=\xc3%00", FORM_NUL, 0}, {"a=\xed\xa0\x80", FORM_NOT_TEXT, 0},
        {"a=1&b=%ed%a0%80", FORM_NOT_TEXT, 4}, {"a=%c3x", FORM_NOT_TEXT, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t at = 0;
        cr_expect_eq(form_check(slice_from(cases[i].text), &at), cases[i].verdict, "'%s'", cases[i].text);
        cr_expect_eq(at, cases[i].at, "'%s': %zu", cases[i].text, at);
    }
}

Test(utf8, knows_the_table_of_the_rfc)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"", true}, {"a", true}, {"\x7f", true}, {"\xc2\x80", true}, {"\xdf\xbf", true}, {"\xe0\xa0\x80", true}, {"\xed\x9f\xbf", true},
        {"\xee\x80\x80", true}, {"\xef\xbf\xbf", true}, {"\xf0\x90\x80\x80", true}, {"\xf4\x8f\xbf\xbf", true}, {"\xe1\x80\xbf" "a", true},
        {"\x80", false}, {"\xc0\x80", false}, {"\xc1\xbf", false}, {"\xc2", false}, {"\xc2\x41", false}, {"\xc2\xc0", false},
        {"\xe0\x9f\xbf", false},
        {"\xed\xa0\x80", false}, {"\xe1\x80", false}, {"\xe1\x80\x7f", false}, {"\xf0\x8f\xbf\xbf", false}, {"\xf4\x90\x80\x80", false},
        {"\xf5\x80\x80\x80", false}, {"\xf1\x80\x80", false}, {"\xff", false}, {"a\xfe", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(utf8_is_valid(slice_from(cases[i].text)), cases[i].valid, "case %zu", i);
    struct utf8 state = UTF8_START;
    cr_expect_not(utf8_step(&state, 0xff));
    cr_expect_not(utf8_step(&state, 'a'), "broken stays so");
    cr_expect_not(utf8_is_between(&state));
}
