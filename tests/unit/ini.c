/* SPDX-License-Identifier: Apache-2.0 */
#include "config/ini.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was told, one line each: "1 [section]", "2 section.key=value", "3 ! mistake". */
static void heading(void *told, int line, const char *section)
{
    fprintf(told, "%d [%s]\n", line, section);
}

static void setting(void *told, int line, const char *section, const char *key, const char *value)
{
    fprintf(told, "%d %s.%s=%s\n", line, section, key, value);
}

static void mistake(void *told, int line, const char *message)
{
    fprintf(told, "%d ! %s\n", line, message);
}

static char *read_text(const char *text, size_t length)
{
    char *told = NULL;
    size_t size;
    FILE *stream = open_memstream(&told, &size);
    const struct ini_visitor visitor = {stream, heading, setting, mistake};

    ini_read(text, length, &visitor);
    fclose(stream);
    return told;
}

static void expect_told(const char *text, size_t length, const char *expected)
{
    char *told = read_text(text, length);

    cr_expect_str_eq(told, expected, "for\n%s\nwas told\n%s\nnot\n%s", text, told, expected);
    free(told);
}

struct text_case {
    const char *text, *told;
};

static void expect_all(const struct text_case *cases)
{
    for (; cases->text; cases++)
        expect_told(cases->text, strlen(cases->text), cases->told);
}

Test(ini, tells_headings_and_settings_with_their_lines)
{
    static const struct text_case cases[] = {
        {"", ""},
        {"\n\n", ""},
        {"[a]\nk = v\n", "1 [a]\n2 a.k=v\n"},
        {"[a]\nk=v", "1 [a]\n2 a.k=v\n"},
        {"[a:b-c_1]\nx.y-z_1 =\n", "1 [a:b-c_1]\n2 a:b-c_1.x.y-z_1=\n"},
        {"[a]\nk = a = b : c\n", "1 [a]\n2 a.k=a = b : c\n"},
        {"[a] ; why\n[b]; why\n[c]   \n", "1 [a]\n2 [b]\n3 [c]\n"},
        {"[a]\n[b]\n[a]\n", "1 [a]\n2 [b]\n3 [a]\n"},
        {"[a]\nk = \xC3\xBC\n", "1 [a]\n2 a.k=\xC3\xBC\n"},
        {0},
    };

    expect_all(cases);
}

Test(ini, counts_lines_across_comments)
{
    static const struct text_case cases[] = {
        {"; one\n# two\n\n[a]\n ; five\n\t# six\nk=v\n", "4 [a]\n7 a.k=v\n"},
        {";[a]\n;k=v\n", ""},
        {0},
    };

    expect_all(cases);
}

Test(ini, leaves_comments_behind_values_to_the_value)
{
    static const struct text_case cases[] = {
        {"[a]\nk = \"v ; w\" ; x\n", "1 [a]\n2 a.k=\"v ; w\" ; x\n"},
        {0},
    };

    expect_all(cases);
}

Test(ini, takes_no_indented_line_for_a_continuation)
{
    static const struct text_case cases[] = {
        {"[a]\nk = v\n  j = w\n\t i=x\n  [b]\n", "1 [a]\n2 a.k=v\n3 a.j=w\n4 a.i=x\n5 [b]\n"},
        {0},
    };

    expect_all(cases);
}

Test(ini, accepts_crlf_and_a_byte_order_mark)
{
    static const struct text_case cases[] = {
        {"[a]\r\nk=v\r\n\r\n", "1 [a]\n2 a.k=v\n"},
        {"[a]\nk=v\r", "1 [a]\n2 a.k=v\n"},
        {"\xEF\xBB\xBF[a]\nk=v\n", "1 [a]\n2 a.k=v\n"},
        {0},
    };

    expect_all(cases);
}

Test(ini, refuses_what_is_neither_section_nor_setting_nor_comment)
{
    static const struct text_case cases[] = {
        {"[a]\nword\nk=v\n", "1 [a]\n2 ! 'word' is not a [section], a key = value or a comment\n3 a.k=v\n"},
        {"[a]\nk: v\n", "1 [a]\n2 ! 'k: v' is not a [section], a key = value or a comment\n"},
        {"[a]\na:b = v\n", "1 [a]\n2 ! 'a:b = v' is not a [section], a key = value or a comment\n"},
        {"[a]\na b = v\n", "1 [a]\n2 ! 'a b = v' is not a [section], a key = value or a comment\n"},
        {"[a]\n= v\n", "1 [a]\n2 ! '= v' is not a [section], a key = value or a comment\n"},
        {"k = v\n[a]\n", "1 ! 'k' stands before any [section]\n2 [a]\n"},
        {0},
    };

    expect_all(cases);
}

Test(ini, refuses_broken_headings_and_passes_over_what_is_below)
{
    static const struct text_case cases[] = {
        {"[a]\n[b\nk=v\n[c]\nj=w\n", "1 [a]\n2 ! the heading has no ']'\n4 [c]\n5 c.j=w\n"},
        {"[]\nk=v\n", "1 ! the heading names no section\n"},
        {"[a] x\nk=v\n", "1 ! something stands behind the ']' (a comment begins with ';')\n"},
        {"[a]]\n", "1 ! something stands behind the ']' (a comment begins with ';')\n"},
        {"[a] # x\n", "1 ! something stands behind the ']' (a comment begins with ';')\n"},
        {0},
    };

    expect_all(cases);
}

Test(ini, refuses_control_bytes_and_ends_at_a_nul)
{
    static const char nul[] = "[a]\nk=\0v\nj=w\n";
    static const struct text_case cases[] = {
        {"[a]\nk=\x01v\nj=w\n", "1 [a]\n2 ! control byte 0x01 in the line\n3 a.j=w\n"},
        {"[a]\n; \x7f\n", "1 [a]\n2 ! control byte 0x7f in the line\n"},
        {"[a]\rk=v\n", "1 ! control byte 0x0d in the line\n"},
        {"[a]\nk=v\r\r\n", "1 [a]\n2 ! control byte 0x0d in the line\n"},
        {"[a]\nk=\tv\tw\n", "1 [a]\n2 a.k=v\tw\n"},
        {0},
    };

    expect_all(cases);
    expect_told(nul, sizeof nul - 1, "1 [a]\n2 ! a NUL byte: this is not a text file\n");
}

Test(ini, takes_the_longest_line_whole_and_refuses_a_longer_one)
{
    char text[INI_LINE_MAX + 64], expected[INI_LINE_MAX + 64];
    int length = sprintf(text, "[a]\nk=%0*d\nj=w\n", INI_LINE_MAX - 2, 7);

    sprintf(expected, "1 [a]\n2 a.k=%0*d\n3 a.j=w\n", INI_LINE_MAX - 2, 7);
    expect_told(text, (size_t)length, expected);
    length = sprintf(text, "[a]\nk=%0*d\nj=w\n", INI_LINE_MAX - 1, 7);
    expect_told(text, (size_t)length, "1 [a]\n2 ! the line is longer than 8189 bytes\n3 a.j=w\n");
}

Test(ini, takes_the_longest_names_whole_and_refuses_longer_ones)
{
    char text[256], expected[256];

    sprintf(text, "[%049d]\n%064d=v\n", 1, 2);
    sprintf(expected, "1 [%049d]\n2 %049d.%064d=v\n", 1, 1, 2);
    expect_told(text, strlen(text), expected);
    sprintf(text, "[%050d]\n%065d=v\n[a]\n%065d=v\n", 1, 2, 3);
    expect_told(text, strlen(text),
                "1 ! the name of the section is longer than 49 bytes\n"
                "2 ! the key '000000000000000000000000000000...' is longer than 64 bytes\n3 [a]\n"
                "4 ! the key '000000000000000000000000000000...' is longer than 64 bytes\n");
}
