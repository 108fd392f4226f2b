/* SPDX-License-Identifier: Apache-2.0
 *
 * The Range field.
 */
#include "http/range.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const verdict_names[] = {[RANGE_WHOLE] = "whole", [RANGE_PARTS] = "parts", [RANGE_UNSATISFIABLE] = "unsatisfiable"};

struct pair {
    const char *value, *expected; /* "first+length ..." or a verdict */
};

static void expect_ranges(uint64_t size, const struct pair *pairs)
{
    for (; pairs->value != NULL; pairs++) {
        struct range ranges[RANGES_MAX];
        size_t count, length = strlen(pairs->value);
        char *bytes = malloc(length + 1), text[1024] = ""; /* no byte too large: a sanitizer sees a look beyond it */
        bytes = realloc(memcpy(bytes, pairs->value, length), length > 0 ? length : 1);
        enum range_verdict verdict = range_parse((struct slice){bytes, length}, size, ranges, &count);
        for (size_t i = 0; i < count && verdict == RANGE_PARTS; i++)
            sprintf(text + strlen(text), "%s%" PRIu64 "+%" PRIu64, i > 0 ? " " : "", ranges[i].first, ranges[i].length);
        if (verdict != RANGE_PARTS)
            strcpy(text, verdict_names[verdict]);
        cr_expect_str_eq(text, pairs->expected, "'%s' of %" PRIu64 " gives '%s', not '%s'", pairs->value, size, text, pairs->expected);
        free(bytes);
    }
}

Test(range, one_range_is_cut_to_the_representation)
{
    expect_ranges(1000, (const struct pair[]){
        {"bytes=0-0", "0+1"},
        {"bytes=0-499", "0+500"},
        {"bytes=999-", "999+1"},
        {"bytes=0-", "0+1000"},
        {"bytes=500-999", "500+500"},
        {"bytes=500-1000", "500+500"},
        {"bytes=500-18446744073709551615", "500+500"},
        {"bytes=500-99999999999999999999999999999999", "500+500"},
        {"bytes=-1", "999+1"},
        {"bytes=-1000", "0+1000"},
        {"bytes=-1001", "0+1000"},
        {"bytes=-99999999999999999999999999", "0+1000"},
        {"BYTES=1-2", "1+2"},
        {"bytes= 1-2 ", "1+2"},
        {"bytes=,1-2,,", "1+2"},
        {"bytes=0001-0002", "1+2"},
        {NULL, NULL},
    });
}

Test(range, what_lies_behind_the_end_is_unsatisfiable)
{
    expect_ranges(1000, (const struct pair[]){
        {"bytes=1000-", "unsatisfiable"},
        {"bytes=1000-2000", "unsatisfiable"},
        {"bytes=-0", "unsatisfiable"},
        {"bytes=99999999999999999999999999-", "unsatisfiable"},
        {"bytes=1000-1001,-0,5000-", "unsatisfiable"},
        {"bytes=1000-,7-7", "7+1"},
        {NULL, NULL},
    });
    expect_ranges(0, (const struct pair[]){
        {"bytes=0-", "unsatisfiable"},
        {"bytes=0-0", "unsatisfiable"},
        {"bytes=-0", "unsatisfiable"},
        {"bytes=-5", "whole"},
        {NULL, NULL},
    });
}

Test(range, a_field_that_is_not_in_order_is_passed_over)
{
    expect_ranges(1000, (const struct pair[]){
        {"", "whole"},
        {"bytes", "whole"},
        {"bytes=", "whole"},
        {"bytes=,", "whole"},
        {"bytes 0-1", "whole"},
        {"bytes =0-1", "whole"},
        {"items=0-1", "whole"},
        {"bytes=-", "whole"},
        {"bytes=5", "whole"},
        {"bytes=5-4", "whole"},
        {"bytes=0-1,5-4", "whole"},
        {"bytes=1 - 2", "whole"},
        {"bytes=1-2 3-4", "whole"},
        {"bytes=+1-2", "whole"},
        {"bytes=1-+2", "whole"},
        {"bytes=--2", "whole"},
        {"bytes=1--2", "whole"},
        {"bytes=0x1-2", "whole"},
        {"bytes=a-b", "whole"},
        {"bytes=1-2;", "whole"},
        {"bytes=\"1-2\"", "whole"},
        {NULL, NULL},
    });
}

Test(range, several_keep_their_order_and_those_that_nearly_touch_become_one)
{
    expect_ranges(10000, (const struct pair[]){
        {"bytes=0-0,5000-5001,9000-", "0+1 5000+2 9000+1000"},
        {"bytes=9000-,0-0", "9000+1000 0+1"},
        {"bytes=0-99,100-199", "0+200"},
        {"bytes=100-199,0-99", "0+200"},
        {"bytes=0-10,5-20", "0+21"},
        {"bytes=0-,0-,0-,0-", "0+10000"},
        {"bytes=0-0,129-129", "0+130"},
        {"bytes=0-0,130-130", "0+1 130+1"},
        {"bytes=129-129,0-0", "0+130"},
        {"bytes=130-130,0-0", "130+1 0+1"},
        {"bytes=5000-5000,0-10,9000-9000,8-20", "5000+1 0+21 9000+1"},
        {"bytes=0-0,1000-1000,2000-2000,1-1999", "0+2001"},
        {"bytes=4000-4000,1000-1000,2000-2000,500-3000", "4000+1 500+2501"},
        {NULL, NULL},
    });
}

Test(range, too_many_are_passed_over)
{
    char value[1024] = "bytes=";
    struct range ranges[RANGES_MAX];
    size_t count;

    for (int i = 0; i < RANGES_MAX; i++)
        sprintf(value + strlen(value), "%d-%d,", i * 1000, i * 1000);
    cr_expect_eq(range_parse(slice_from(value), 1000000, ranges, &count), RANGE_PARTS);
    cr_expect_eq(count, RANGES_MAX);
    strcat(value, "99000-99000");
    cr_expect_eq(range_parse(slice_from(value), 1000000, ranges, &count), RANGE_WHOLE);
}

/* Whatever is asked for: nothing twice, nothing that was not asked for but small gaps, nothing outside. */
Test(range, random_ranges_are_apart_and_cover_what_was_asked_for)
{
    enum { SIZE = 2000 };
    unsigned x = 1;
    for (int round = 0; round < 20000; round++) {
        char value[256] = "bytes=";
        bool asked[SIZE] = {false}, sent[SIZE] = {false};
        struct range ranges[RANGES_MAX];
        size_t count;
        for (int i = 0; i < 6; i++) {
            unsigned first = (x = x * 1103515245 + 12345) >> 8 & 2047, last = first + ((x = x * 1103515245 + 12345) >> 8 & 255);
            sprintf(value + strlen(value), "%u-%u,", first, last);
            for (unsigned at = first; at <= last && at < SIZE; at++)
                asked[at] = true;
        }
        if (range_parse(slice_from(value), SIZE, ranges, &count) != RANGE_PARTS)
            continue;
        for (size_t i = 0; i < count; i++) {
            cr_assert(ranges[i].length > 0 && ranges[i].first + ranges[i].length <= SIZE, "%s", value);
            for (size_t k = 0; k < i; k++)
                cr_assert(ranges[i].first > ranges[k].first + ranges[k].length + RANGE_GAP ||
                          ranges[k].first > ranges[i].first + ranges[i].length + RANGE_GAP, "%s", value);
            memset(sent + ranges[i].first, true, ranges[i].length);
        }
        for (size_t at = 0; at < SIZE; at++)
            cr_assert(!asked[at] || sent[at], "%s: %zu", value, at);
    }
}
