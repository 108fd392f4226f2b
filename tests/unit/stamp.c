/* SPDX-License-Identifier: Apache-2.0
 *
 * Times of the log, against what the C library makes of them.
 */
#include "base/stamp.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

static void expect_as_the_library(int64_t when, long offset)
{
    char text[STAMP_LENGTH + 1] = "", expected[64];
    time_t shifted = (time_t)(when / 1000 + offset);
    struct tm tm;
    gmtime_r(&shifted, &tm);
    size_t length = strftime(expected, sizeof expected, "%Y-%m-%d %H:%M:%S", &tm);
    snprintf(expected + length, sizeof expected - length, ".%03d", (int)(when % 1000));
    stamp_note(offset);
    stamp_format(when, text);
    cr_assert_str_eq(text, expected);
}

Test(stamp, is_what_the_library_says)
{
    for (int64_t day = 0; day < 200 * 366; day++)
        expect_as_the_library((day * 86400 + day * 7919 % 86400) * 1000 + day % 1000, 0);
    for (long offset = -12 * 3600; offset <= 14 * 3600; offset += 1800)
        expect_as_the_library(1772323199999, offset); /* the end of a February */
}
