/* SPDX-License-Identifier: Apache-2.0
 *
 * UTF-8 (RFC 3629).
 */
#include "base/utf8.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(utf8);

static const struct {
    const char *text, *mended;
    size_t first; /* length of the character in front */
} cases[] = {
    {"", "", 0}, {"a", "a", 1}, {"\xc3\xa4x", "\xc3\xa4x", 2}, {"\xe2\x82\xac", "\xe2\x82\xac", 3},
    {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", 4}, {"\xff", "?", 0}, {"a\xff" "b", "a?b", 1}, {"\x80\x80", "??", 0},
    {"\xc0\xaf", "??", 0}, {"\xed\xa0\x80", "???", 0}, {"\xf4\x90\x80\x80", "????", 0}, {"\xe2\x82", "??", 0},
    {"\xe2\x82g", "??g", 0}, {"\xe2\xc3\xa4", "?\xc3\xa4", 0}, {"x\xf0\x9f\x98", "x???", 1},
};

Test(utf8, bytes_that_belong_to_no_character_are_mended)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[16];
        strcpy(text, cases[i].text);
        cr_expect_eq(utf8_character(text), cases[i].first, "%zu", i);
        utf8_mend(text);
        cr_expect_str_eq(text, cases[i].mended, "%zu: %s", i, text);
        cr_expect(utf8_is_valid(slice_from(text)));
        cr_expect_eq(utf8_is_valid(slice_from(cases[i].text)), strcmp(cases[i].text, cases[i].mended) == 0, "%zu", i);
    }
}
