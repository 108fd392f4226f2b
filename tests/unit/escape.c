/* SPDX-License-Identifier: Apache-2.0 */
#include "base/escape.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static void cr_buffer(struct buffer *buffer, const char *wanted)
{
    cr_expect(slice_equals((struct slice){buffer_bytes(buffer), buffer_length(buffer)}, slice_from(wanted)), "got '%.*s', wanted '%s'",
              (int)buffer_length(buffer), buffer_bytes(buffer), wanted);
    buffer_release(buffer);
}

Test(escape, json_text_is_what_a_string_may_hold)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"plain", "plain"},
        {"a\"b\\c\nd\te\x7f", "a\\\"b\\\\c\\nd\\te\\u007f"},
        {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xff", "\xef\xbf\xbd"},
        {"\xc3", "\xef\xbf\xbd"},
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xe0\x80\x80x", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx"},
        {"\xf0\x80\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer out = BUFFER_EMPTY;
        escape_json(&out, slice_from(cases[i].text));
        cr_buffer(&out, cases[i].wanted);
    }
}

Test(escape, json_of_any_bytes_is_read_by_jansson)
{
    srandom(5);
    for (int i = 0; i < 2000; i++) {
        char bytes[40];
        struct buffer out = BUFFER_EMPTY;
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (char)(random() % 3 ? random() : 0xc0 + random() % 0x40);
        buffer_append_text(&out, "\"");
        escape_json(&out, (struct slice){bytes, sizeof bytes});
        buffer_append_text(&out, "\"");
        json_t *value = json_loadb(buffer_bytes(&out), buffer_length(&out), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        cr_assert_not_null(value);
        json_decref(value);
        buffer_release(&out);
    }
}

Test(escape, html_cannot_leave_its_place)
{
    struct buffer out = BUFFER_EMPTY;
    escape_html(&out, SLICE("<a href=\"x\" title='y'>&</a>"));
    cr_buffer(&out, "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;&lt;/a&gt;");
}

Test(escape, log_text_is_visible_ascii)
{
    char out[64];
    size_t length = escape_log(out, sizeof out, SLICE("a \"b\\\n\x1b\xff"));
    cr_expect_eq(length, strlen("a \\x22b\\x5c\\x0a\\x1b\\xff"));
    cr_expect_arr_eq(out, "a \\x22b\\x5c\\x0a\\x1b\\xff", length);
}

Test(escape, log_text_is_cut_between_escapes)
{
    char out[6];
    cr_expect_eq(escape_log(out, sizeof out, SLICE("abc\n")), 3);
    cr_expect_eq(escape_log(out, sizeof out, SLICE("ab\n")), 6);
    cr_expect_eq(escape_log(out, 0, SLICE("a")), 0);
}

/* Eight bytes are looked at together: each byte at each place of texts of each length. */
Test(escape, log_text_is_the_same_wherever_a_byte_stands)
{
    char text[20], out[100], wanted[5];
    for (size_t size = 1; size <= sizeof text; size++) {
        for (size_t i = 0; i < size * 256; i++) {
            unsigned char byte = (unsigned char)(i % 256);
            size_t at = i / 256;
            memset(text, 'x', sizeof text);
            text[at] = (char)byte;
            bool plain = byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\';
            snprintf(wanted, sizeof wanted, plain ? "%c" : "\\x%02x", byte);
            cr_expect_eq(escape_is_plain((struct slice){text, size}), plain);
            size_t length = escape_log(out, sizeof out, (struct slice){text, size}), more = strlen(wanted) - 1;
            cr_assert_eq(length, size + more, "byte %d at %zu of %zu: %zu", byte, at, size, length);
            cr_assert(memcmp(out + at, wanted, more + 1) == 0 && memcmp(out, text, at) == 0 &&
                          memcmp(out + at + more + 1, text + at + 1, size - at - 1) == 0,
                      "byte %d at %zu of %zu", byte, at, size);
        }
    }
}
