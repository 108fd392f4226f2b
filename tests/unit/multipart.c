/* SPDX-License-Identifier: Apache-2.0
 *
 * Each case is looked at whole, and cut in two at every position, and byte by byte: what is told must be the same.
 */
#include "http/multipart.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Shows the bytes up to each cut in turn, and writes down what is told: "<fields>content|" for each part, "." at the end, "!" for bad,
 * "~" when it is cut off. */
static void tell(const char *body, size_t length, const size_t *cuts, size_t count, char *out)
{
    struct multipart m;
    size_t start = 0, consumed;
    struct slice data;
    cr_assert_eq(multipart_init(&m, SLICE("B")), 0);
    for (size_t i = 0; i <= count; i++) {
        size_t shown = i < count ? cuts[i] : length;
        for (;;) {
            char *copy = malloc(shown - start + 1); /* so that a look beyond is seen by the sanitizer */
            memcpy(copy, body + start, shown - start);
            copy = realloc(copy, shown - start > 0 ? shown - start : 1);
            enum multipart_event event = multipart_next(&m, copy, shown - start, &consumed, &data);
            cr_assert_leq(consumed, shown - start);
            start += consumed;
            if (event == MULTIPART_HEAD)
                out += sprintf(out, "<%.*s>", (int)data.length, data.data);
            if (event == MULTIPART_DATA)
                out += sprintf(out, "%.*s", (int)data.length, data.data);
            free(copy);
            if (event == MULTIPART_TAIL)
                out += sprintf(out, "|");
            if (event == MULTIPART_END || event == MULTIPART_BAD) {
                cr_assert_eq(multipart_next(&m, "--B", 3, &consumed, &data), event, "it stays so");
                strcpy(out, event == MULTIPART_END ? "." : "!");
                return;
            }
            if (event == MULTIPART_MORE)
                break;
        }
    }
    strcpy(out, "~");
}

#define PART(content) "--B\r\nA: b\r\n\r\n" content "\r\n"

static const struct {
    const char *body, *told;
} cases[] = {
    {PART("x") "--B--", "<A: b\r\n>x|."}, {PART("x") "--B--\r\nepilogue", "<A: b\r\n>x|."}, {PART("") "--B--", "<A: b\r\n>|."},
    {"\r\n" PART("x") "--B--", "<A: b\r\n>x|."}, {"preamble\r\n" PART("x") PART("y") "--B--", "<A: b\r\n>x|<A: b\r\n>y|."},
    {"--B\r\n\r\nx\r\n--B--", "<>x|."}, {"--B \t\r\n\r\nx\r\n--B--", "<>x|."}, {"--B--", "."}, {"pre--B\r\n--B--", "."},
    {PART("\r\n-\r\n--\r\n--A\r\nB") "--B--", "<A: b\r\n>\r\n-\r\n--\r\n--A\r\nB|."}, {PART("--B") "--B--", "<A: b\r\n>!"},
    {PART("\r") "--B--", "<A: b\r\n>\r|."}, {PART("\r\r\n") "--B--", "<A: b\r\n>\r\r\n|."}, {PART("x--B--") "--B--", "<A: b\r\n>x--B--|."},
    {PART("x\n--B--") "--B--", "<A: b\r\n>x\n--B--|."}, {PART("-") "--B--", "<A: b\r\n>-|."}, {"\r\n\r\n--B--", "."}, {"-\r\n--B--", "."},
    /* refused */
    {PART("x") "--Bx", "<A: b\r\n>x|!"}, {PART("x") "--B-x", "<A: b\r\n>x|!"}, {"--B\n\r\nx", "!"}, {"--B\r\r\n", "!"}, {"--B x\r\n", "!"},
    {"--B\r\nA: b\r\n\r\n--B--", "<A: b\r\n>!"},
    /* cut off */
    {"", "~"}, {"-", "~"}, {"--", "~"}, {"no boundary at all", "~"}, {"--B", "~"}, {"--B-", "~"}, {"--B\r", "~"}, {"--B\r\n", "~"},
    {"--B\r\nA: b\r\n", "~"}, {"--B\r\nA: b\r\n\r\n", "<A: b\r\n>~"}, {PART("x"), "<A: b\r\n>x~"}, {PART("x") "--B", "<A: b\r\n>x|~"},
};

Test(multipart, tells_the_same_wherever_it_is_cut)
{
    char told[500];
    size_t every[200];
    for (size_t i = 0; i < 200; i++)
        every[i] = i;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t length = strlen(cases[i].body);
        tell(cases[i].body, length, NULL, 0, told);
        cr_expect_str_eq(told, cases[i].told, "case %zu '%s' is '%s'", i, cases[i].body, told);
        for (size_t cut = 0; cut <= length; cut++) {
            tell(cases[i].body, length, &cut, 1, told);
            cr_expect_str_eq(told, cases[i].told, "case %zu cut at %zu is '%s'", i, cut, told);
        }
        tell(cases[i].body, length, every, length, told);
        cr_expect_str_eq(told, cases[i].told, "case %zu byte by byte is '%s'", i, told);
    }
}

Test(multipart, bounds_fields_and_padding)
{
    struct multipart m;
    size_t consumed;
    struct slice data;
    char *body = calloc(1, MULTIPART_WINDOW + 100);
    for (int padding = 0; padding < 2; padding++) {
        cr_assert_eq(multipart_init(&m, SLICE("B")), 0);
        size_t start = (size_t)sprintf(body, padding ? "--B" : "--B\r\n");
        memset(body + start, padding ? ' ' : 'a', MULTIPART_WINDOW);
        cr_expect_eq(multipart_next(&m, body, start + MULTIPART_HEAD_MAX - 1, &consumed, &data), MULTIPART_MORE);
        cr_expect_eq(consumed, start);
        cr_expect_eq(multipart_next(&m, body + start, MULTIPART_WINDOW, &consumed, &data), MULTIPART_BAD, "a window that is full decides");
        cr_expect_not_null(m.reason);
    }
    free(body);
}

Test(multipart, takes_the_boundaries_of_the_rfc)
{
    static const char *const good[] = {"B", "a b", "'()+_,-./:=?", "----WebKitFormBoundary7MA4YWxkTrZu0gW",
                                       "0123456789012345678901234567890123456789012345678901234567890123456789"};
    static const char *const bad[] = {"", " ", "a ", "a\"", "a\r", "a@", "\xc3\xa9",
                                      "01234567890123456789012345678901234567890123456789012345678901234567890"};
    struct multipart m;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect_eq(multipart_init(&m, slice_from(good[i])), 0, "'%s'", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_eq(multipart_init(&m, slice_from(bad[i])), -1, "'%s'", bad[i]);
    cr_expect_eq(multipart_init(&m, (struct slice){"a\0b", 3}), -1);
}

#define FORM_DATA "Content-Disposition: form-data; "

Test(multipart, fields_say_what_a_part_is)
{
    static const struct {
        const char *fields, *is; /* name[file]type; NULL: refused */
    } parts[] = {
        {FORM_DATA "name=a\r\n", "a-"}, {FORM_DATA "name=\"a b\"\r\n", "a b-"},
        {"content-disposition:form-data;name=a;filename=f\r\n", "a[f]"},
        {FORM_DATA "name=a; filename=\"\"\r\nContent-Type: text/plain\r\n", "a[]text/plain"}, {"X: y\r\n" FORM_DATA "name=\"\"\r\n", "-"},
        {FORM_DATA "name=a; filename*=UTF-8''x\r\n", "a-"},
        {"", NULL}, {"X: y\r\n", NULL}, {FORM_DATA "\r\n", NULL}, {FORM_DATA "filename=x\r\n", NULL},
        {"Content-Disposition: attachment; name=a\r\n", NULL},
        {FORM_DATA "name=a; name=b\r\n", NULL}, {FORM_DATA "name=a\r\n" FORM_DATA "name=b\r\n", NULL}, {FORM_DATA "name=\"a\r\n", NULL},
        {FORM_DATA "name=a; filename=\"x\r\n", NULL}, {"no colon\r\n", NULL}, {": x\r\n", NULL}, {" folded: x\r\n", NULL},
        {"A : x\r\n", NULL},
        {FORM_DATA "name=a\r\n b\r\n", NULL}, {"A: b\nc\r\n" FORM_DATA "name=a\r\n", NULL}, {"A: b\rc\r\n" FORM_DATA "name=a\r\n", NULL},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct multipart_part part;
        char is[200] = "";
        const char *wrong = multipart_read_fields(&part, slice_from(parts[i].fields));
        cr_expect_eq(wrong == NULL, parts[i].is != NULL, "'%s': %s", parts[i].fields, wrong != NULL ? wrong : "taken");
        if (wrong != NULL || parts[i].is == NULL)
            continue;
        int length = sprintf(is, part.has_file ? "%s[%s]" : "%s-", part.name, part.file);
        if (part.type.data != NULL)
            sprintf(is + length, "%.*s", (int)part.type.length, part.type.data);
        cr_expect_str_eq(is, parts[i].is);
    }
}

Test(multipart, names_of_files_are_made_safe)
{
    static const struct {
        const char *sent, *safe;
    } names[] = {
        {"photo.jpg", "photo.jpg"}, {"/etc/passwd", "passwd"}, {"../../x", "x"}, {"C:\\dir\\x.txt", "x.txt"}, {"a/b\\c", "c"}, {"", "file"},
        {"/", "file"}, {"a/..", "_."}, {".", "_"}, {".htaccess", "_htaccess"}, {"-rf", "_rf"}, {"a b", "a b"}, {"a\x01\x7f\x1f", "a___"},
        {"\xc3\xa9.png", "\xc3\xa9.png"},
        {"\xff.png", "_.png"}, {"a<b>c:d\"e|f?g*h", "a_b_c_d_e_f_g_h"}, {"$(x)`y`;&'", "_(x)_y____"}, {"%2e%2e%2fx", "%2e%2e%2fx"},
    };
    char safe[MULTIPART_NAME_MAX], longest[600] = "";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        multipart_safe_name(names[i].sent, safe);
        cr_expect_str_eq(safe, names[i].safe, "'%s' is '%s'", names[i].sent, safe);
    }
    for (int i = 0; i < 200; i++)
        strcat(longest, "\xc3\xa9");
    multipart_safe_name(longest, safe);
    cr_expect_eq(strlen(safe), 254, "a character is not cut");
}
