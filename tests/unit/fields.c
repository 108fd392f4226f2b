/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens, lists, quality values, media ranges.
 */
#include "http/fields.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* A copy that is not a byte too large, so that a sanitizer sees a look beyond it. */
static struct slice copy(const char *text)
{
    size_t length = strlen(text);
    char *bytes = malloc(length > 0 ? length : 1);
    memcpy(bytes, text, length);
    return (struct slice){bytes, length};
}

Test(fields, tokens_are_made_of_token_bytes)
{
    cr_expect(field_is_token(SLICE("!#$%&'*+-.^_`|~09azAZ")));
    cr_expect(!field_is_token(SLICE("")));
    for (int byte = 0; byte < 256; byte++) {
        char text[3] = {'a', (char)byte, 'b'};
        bool expected = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                        (byte >= 'a' && byte <= 'z') || (byte != 0 && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
        cr_expect_eq(field_is_token((struct slice){text, 3}), expected, "%02x", byte);
        cr_expect_eq((field_token_bytes[byte] & FIELD_TOKEN_UNDERSCORE) != 0, byte == '_', "%02x", byte);
    }
}

Test(fields, values_have_no_control_bytes_and_no_white_space_around)
{
    cr_expect(field_is_value(SLICE("")));
    cr_expect(field_is_value(SLICE("a")));
    cr_expect(field_is_value(SLICE("a b\tc")));
    cr_expect(field_is_value(SLICE("\x80\xff")));
    cr_expect(!field_is_value(SLICE(" a")));
    cr_expect(!field_is_value(SLICE("a ")));
    cr_expect(!field_is_value(SLICE("\ta")));
    cr_expect(!field_is_value(SLICE("a\t")));
    cr_expect(!field_is_value(SLICE(" ")));
    for (int byte = 0; byte < 256; byte++) {
        char text[3] = {'a', (char)byte, 'b'};
        bool expected = byte == '\t' || (byte >= ' ' && byte != 0x7f);
        cr_expect_eq(field_is_value((struct slice){text, 3}), expected, "%02x", byte);
    }
}

Test(fields, lists_are_cut_at_commas_outside_quotes)
{
    static const struct {
        const char *list, *elements; /* "[a][b]" */
    } cases[] = {
        {"", ""},
        {" \t ", ""},
        {",", ""},
        {", ,\t,", ""},
        {"a", "[a]"},
        {"a,b", "[a][b]"},
        {" a ,\tb\t, c d ", "[a][b][c d]"},
        {",a,,b,", "[a][b]"},
        {"\"a,b\",c", "[\"a,b\"][c]"},
        {"\"a\\\",b\",c", "[\"a\\\",b\"][c]"},
        {"a=\"\\\\\",b", "[a=\"\\\\\"][b]"},
        {"a\\,b", "[a\\][b]"},
        {"\"a,b", "[\"a,b]"},
        {"\"a,b\\", "[\"a,b\\]"},
        {"a\"b,c\"d,e", "[a\"b,c\"d][e]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice list = copy(cases[i].list), rest = list, element;
        char elements[64] = "";
        while (field_list_next(&rest, &element))
            sprintf(elements + strlen(elements), "[%.*s]", (int)element.length, element.data);
        cr_expect_str_eq(elements, cases[i].elements, "%s gives %s", cases[i].list, elements);
        cr_expect_eq(rest.length, 0);
        free((char *)list.data);
    }
}

Test(fields, lists_are_searched_without_regard_to_case)
{
    cr_expect(field_list_has(SLICE("close"), SLICE("close")));
    cr_expect(field_list_has(SLICE("keep-alive, CLOSE"), SLICE("close")));
    cr_expect(!field_list_has(SLICE("closed, clos, \"close\""), SLICE("close")));
    cr_expect(!field_list_has(SLICE(""), SLICE("close")));
    cr_expect(!field_list_has((struct slice){NULL, 0}, SLICE("close")));
}

static const struct {
    const char *accept, *media_type;
    int quality;
} quality_cases[] = {
    {"", "text/html", 1000},
    {"text/html", "text/html", 1000},
    {"TEXT/HTML", "text/html", 1000},
    {"text/plain", "text/html", 0},
    {"text/html;q=0.5", "text/html", 500},
    {"text/html ; Q=0.25 ", "text/html", 250},
    {"text/html;q=0.123", "text/html", 123},
    {"text/html;q=0.999", "text/html", 999},
    {"text/html;q=1.000", "text/html", 1000},
    {"text/html;q=1.", "text/html", 1000},
    {"text/html;q=0", "text/html", 0},
    {"text/html;q=0.", "text/html", 0},
    {"*/*;q=0.1, text/html;q=0", "text/html", 0},
    /* a broken weight: the element counts for nothing */
    {"text/html;q=", "text/html", 0},
    {"text/html;q=2", "text/html", 0},
    {"text/html;q=-1", "text/html", 0},
    {"text/html;q=x", "text/html", 0},
    {"text/html;q=00", "text/html", 0},
    {"text/html;q=1.001", "text/html", 0},
    {"text/html;q=0.1234", "text/html", 0},
    {"text/html;q=0.1a", "text/html", 0},
    {"text/html;q=0.1/", "text/html", 0},
    {"text/html;q=x, */*;q=0.3", "text/html", 300},
    /* the most specific range counts, wherever it stands (RFC 9110, 12.5.1) */
    {"*/*;q=0.1, text/*;q=0.2, text/html;q=0.3", "text/html", 300},
    {"text/html;q=0.3, text/*;q=0.2, */*;q=0.1", "text/html", 300},
    {"text/html;q=0.3, text/*;q=0.2, */*;q=0.1", "text/plain", 200},
    {"text/html;q=0.3, TEXT/*;q=0.2, */*;q=0.1", "text/plain", 200},
    {"text/html;q=0.3, text/*;q=0.2, */*;q=0.1", "image/png", 100},
    {"text/*;q=0.3, text/html;q=0.7, text/html;level=1, */*;q=0.5", "text/html", 700},
    {"text/*;q=0.3, text/html;level=1;q=0.4, */*;q=0.5", "text/html", 400},
    {"application/json; charset=\"a;q=0,b\"", "application/json", 1000},
    {"text/html;;q=0.5;", "text/html", 500},
    {"text/html; ;q=0.5, text/html;level=1;q=0.9", "text/html", 500},
    {"text/html;q=0.2, text/html;q=0.4, text/html;q=0.3", "text/html", 400},
    /* no ranges */
    {"*", "text/html", 0},
    {"*/html", "text/html", 0},
    {"text", "text/html", 0},
    {"text/", "text/html", 0},
    {"tex/*", "text/html", 0},
    {"text/html/*", "text/html", 0},
    {"/*", "text/html", 0},
    {";q=1", "text/html", 0},
    {",", "text/html", 0},
};

Test(fields, accept_weighs_media_types)
{
    for (size_t i = 0; i < sizeof quality_cases / sizeof *quality_cases; i++) {
        struct slice accept = copy(quality_cases[i].accept), media_type = copy(quality_cases[i].media_type);
        cr_expect_eq(accept_quality(accept, media_type), quality_cases[i].quality, "%s for %s",
                     quality_cases[i].accept, quality_cases[i].media_type);
        free((char *)accept.data);
        free((char *)media_type.data);
    }
    cr_expect_eq(accept_quality((struct slice){NULL, 0}, SLICE("text/html")), 1000);
}

Test(fields, pages_are_for_those_who_name_them)
{
    static const struct {
        const char *accept;
        bool html;
    } cases[] = {
        {"", false},
        {"*/*", false},
        {"text/*", false},
        {"application/json", false},
        {"text/html", true},
        {"text/html;charset=utf-8", true},
        {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", true},
        {"text/html, */*", false},
        {"text/html, application/json", false},
        {"text/html, application/problem+json", false},
        {"text/html, application/json;q=0.9", true},
        {"text/html;q=0.5, application/problem+json", false},
        {"text/html;q=0.5, application/problem+json;q=0.4", true},
        {"text/html;q=0", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(accept_prefers_html(slice_from(cases[i].accept)), cases[i].html, "%s", cases[i].accept);
    cr_expect(!accept_prefers_html((struct slice){NULL, 0}));
}
