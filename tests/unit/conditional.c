/* SPDX-License-Identifier: Apache-2.0
 *
 * Conditional requests.
 */
#include "http/conditional.h"

#include <criterion/criterion.h>

#define NOW 784111800 /* Sun, 06 Nov 1994 08:50:00 GMT */
#define MODIFIED "Sun, 06 Nov 1994 08:49:37 GMT"
#define EARLIER "Sun, 06 Nov 1994 08:49:36 GMT"
#define LATER "Sun, 06 Nov 1994 08:49:38 GMT"

static const time_t modified = 784111777;

static struct slice slice_or_none(const char *text)
{
    return text != NULL ? slice_from(text) : (struct slice){NULL, 0};
}

struct condition_case {
    const char *match, *unmodified, *none_match, *since;
    int reading, changing; /* what GET and what PUT come to */
};

static void expect_results(const char *etag, bool has_modified, const struct condition_case *cases)
{
    const struct validators validators = {slice_or_none(etag), modified, has_modified};

    for (; cases->reading >= 0; cases++) {
        struct conditions conditions = {.match = slice_or_none(cases->match), .unmodified_since = slice_or_none(cases->unmodified),
                                        .none_match = slice_or_none(cases->none_match), .modified_since = slice_or_none(cases->since)};
        for (int reads = 0; reads < 2; reads++) {
            conditions.reads = reads;
            int result = conditions_evaluate(&conditions, &validators, NOW), expected = reads ? cases->reading : cases->changing;
            cr_expect_eq(result, expected, "%s: match %s, unmodified %s, none %s, since %s: %d, not %d", reads ? "GET" : "PUT",
                         cases->match, cases->unmodified, cases->none_match, cases->since, result, expected);
        }
    }
}

#define END {NULL, NULL, NULL, NULL, -1, -1}

Test(conditional, each_condition_by_itself)
{
    expect_results("\"a\"", true, (const struct condition_case[]){
        {NULL, NULL, NULL, NULL, 0, 0},
        {"\"a\"", NULL, NULL, NULL, 0, 0},
        {"\"b\"", NULL, NULL, NULL, 412, 412},
        {"\"b\", \"a\"", NULL, NULL, NULL, 0, 0},
        {"W/\"a\"", NULL, NULL, NULL, 412, 412},
        {"*", NULL, NULL, NULL, 0, 0},
        {"", NULL, NULL, NULL, 412, 412},
        {"a", NULL, NULL, NULL, 412, 412},
        {"a, \"a\"", NULL, NULL, NULL, 412, 412},
        {NULL, MODIFIED, NULL, NULL, 0, 0},
        {NULL, LATER, NULL, NULL, 0, 0},
        {NULL, EARLIER, NULL, NULL, 412, 412},
        {NULL, "yesterday", NULL, NULL, 0, 0},
        {NULL, NULL, "\"a\"", NULL, 304, 412},
        {NULL, NULL, "\"b\"", NULL, 0, 0},
        {NULL, NULL, "W/\"a\"", NULL, 304, 412},
        {NULL, NULL, "\"b\" ,, W/\"c\",\t\"a\"", NULL, 304, 412},
        {NULL, NULL, "*", NULL, 304, 412},
        {NULL, NULL, " * ", NULL, 304, 412},
        {NULL, NULL, "*, \"b\"", NULL, 0, 0},
        {NULL, NULL, "", NULL, 0, 0},
        {NULL, NULL, ",", NULL, 0, 0},
        {NULL, NULL, "a", NULL, 0, 0},
        {NULL, NULL, "\"a", NULL, 0, 0},
        {NULL, NULL, "\"b\"\"a\"", NULL, 0, 0},
        {NULL, NULL, "w/\"a\"", NULL, 0, 0},
        {NULL, NULL, "W/", NULL, 0, 0},
        {NULL, NULL, NULL, MODIFIED, 304, 0},
        {NULL, NULL, NULL, LATER, 304, 0},
        {NULL, NULL, NULL, EARLIER, 0, 0},
        {NULL, NULL, NULL, "", 0, 0},
        END,
    });
}

Test(conditional, the_order_is_that_of_the_standard)
{
    expect_results("\"a\"", true, (const struct condition_case[]){
        {"\"a\"", EARLIER, NULL, NULL, 0, 0},      /* with If-Match, If-Unmodified-Since does not count */
        {"\"b\"", LATER, NULL, NULL, 412, 412},
        {"\"a\"", NULL, "\"a\"", NULL, 304, 412},  /* then If-None-Match */
        {"\"b\"", NULL, "\"a\"", NULL, 412, 412},
        {NULL, EARLIER, "\"a\"", NULL, 412, 412},
        {NULL, MODIFIED, "\"a\"", NULL, 304, 412},
        {NULL, NULL, "\"b\"", MODIFIED, 0, 0},     /* with If-None-Match, If-Modified-Since does not count */
        {NULL, NULL, "\"a\"", EARLIER, 304, 412},
        {"\"a\"", NULL, NULL, MODIFIED, 304, 0},
        END,
    });
}

Test(conditional, weak_tags_and_missing_validators)
{
    expect_results("W/\"a\"", true, (const struct condition_case[]){
        {"W/\"a\"", NULL, NULL, NULL, 412, 412},
        {"\"a\"", NULL, NULL, NULL, 412, 412},
        {"*", NULL, NULL, NULL, 0, 0},
        {NULL, NULL, "\"a\"", NULL, 304, 412},
        {NULL, NULL, "W/\"a\"", NULL, 304, 412},
        END,
    });
    expect_results(NULL, false, (const struct condition_case[]){
        {"\"a\"", NULL, NULL, NULL, 412, 412},
        {"*", NULL, NULL, NULL, 0, 0},
        {NULL, EARLIER, NULL, NULL, 0, 0},
        {NULL, NULL, "\"a\"", NULL, 0, 0},
        {NULL, NULL, "*", NULL, 304, 412},
        {NULL, NULL, NULL, LATER, 0, 0},
        END,
    });
    expect_results("\"a\\\"", true, (const struct condition_case[]){
        {NULL, NULL, "\"a\\\", \"b\"", NULL, 304, 412}, /* a backslash quotes nothing */
        {NULL, NULL, "\"b\\\", \"a\\\"", NULL, 304, 412},
        END,
    });
    expect_results("\"a,b\"", true, (const struct condition_case[]){{NULL, NULL, "\"a,b\"", NULL, 304, 412}, END});
}

Test(conditional, tags_have_a_grammar)
{
    const char *const good[] = {"\"\"", "\"a\"", "W/\"a\"", "\"a,b\\\"", "\"\xff!#~\""};
    const char *const bad[] = {"", "a", "\"", "\"a", "W/", "W/a", "w/\"a\"", "\"a\"b", "\"a b\"", "\"a\"\"", "\"\x7f\"", "\"\n\""};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect(etag_is_valid(slice_from(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect(!etag_is_valid(slice_from(bad[i])), "%s", bad[i]);
}

Test(conditional, each_byte_of_a_tag_counts_wherever_it_stands)
{
    for (int at = 1; at < 27; at++) {
        for (int byte = 1; byte < 256; byte++) {
            char tag[] = "\"0123456789abcdef0123456789\"";
            bool good = byte > ' ' && byte != 0x7f && byte != '"';
            tag[at] = (char)byte;
            cr_assert_eq(etag_is_valid(slice_from(tag)), good, "byte %d at %d", byte, at);
        }
    }
}

Test(conditional, if_range_compares_strongly)
{
    static const struct {
        const char *etag, *value;
        time_t now;
        bool holds;
    } cases[] = {
        {"\"a\"", "\"a\"", NOW, true},
        {"\"a\"", " \"a\" ", NOW, true},
        {"\"a\"", "\"b\"", NOW, false},
        {"\"a\"", "W/\"a\"", NOW, false},
        {"W/\"a\"", "W/\"a\"", NOW, false},
        {"W/\"a\"", "\"a\"", NOW, false},
        {NULL, "\"a\"", NOW, false},
        {"\"a\"", "\"a\", \"a\"", NOW, false},
        {"\"a\"", "*", NOW, false},
        {"\"a\"", "", NOW, false},
        {"\"a\"", MODIFIED, NOW, true},
        {"\"a\"", MODIFIED, 784111778, true},
        {"\"a\"", MODIFIED, 784111777, false}, /* the second is not over */
        {"\"a\"", EARLIER, NOW, false},
        {"\"a\"", LATER, NOW, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct validators validators = {slice_or_none(cases[i].etag), modified, true};
        cr_expect_eq(if_range_holds(slice_from(cases[i].value), &validators, cases[i].now), cases[i].holds, "%zu: %s", i, cases[i].value);
    }
    const struct validators undated = {slice_or_none("\"a\""), modified, false};
    cr_expect(!if_range_holds(slice_from(MODIFIED), &undated, NOW));
}
