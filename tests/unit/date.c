/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP dates, compared with the C library's calendar.
 */
#include "http/date.h"

#include <criterion/criterion.h>
#include <stdint.h>

static const time_t NOW = 1700000000; /* Tue, 14 Nov 2023 22:13:20 GMT */

static const struct {
    const char *text;
    time_t when;
} good_cases[] = {
    {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
    {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
    {"Sun Nov  6 08:49:37 1994", 784111777},
    {"Tue Nov 14 22:13:20 2023", 1700000000},
    {"Mon, 06 Nov 1994 08:49:37 GMT", 784111777}, /* the day's name does not count */
    {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
    {"Wed, 31 Dec 1969 23:59:59 GMT", -1},
    {"Sat, 01 Jan 0000 00:00:00 GMT", -62167219200},
    {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
    {"Thu, 29 Feb 2024 00:00:00 GMT", 1709164800},
    {"Tue, 29 Feb 2000 00:00:00 GMT", 951782400},
    {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800}, /* a leap second */
    {"Tuesday, 14-Nov-73 22:13:20 GMT", 3277923200}, /* fifty years ahead */
    {"Tuesday, 14-Nov-73 22:13:21 GMT", 122163201}, /* and a second: fifty years ago */
    {"Friday, 31-Dec-99 23:59:59 GMT", 946684799},
    {"Saturday, 01-Jan-00 00:00:00 GMT", 946684800},
};

Test(date, reads_all_three_formats)
{
    for (size_t i = 0; i < sizeof good_cases / sizeof *good_cases; i++) {
        time_t when = 1;
        cr_expect_eq(date_parse(slice_from(good_cases[i].text), NOW, &when), 0, "%s", good_cases[i].text);
        cr_expect_eq(when, good_cases[i].when, "%s: %lld", good_cases[i].text, (long long)when);
    }
}

static const struct {
    time_t now;
    const char *text;
    const char *expected;
} year_cases[] = {
    {4070908800, "Sunday, 01-Jan-01 00:00:00 GMT", "Sat, 01 Jan 2101 00:00:00 GMT"}, /* now 2099-01-01 */
    {4070908800, "Sunday, 01-Jan-49 00:00:00 GMT", "Wed, 01 Jan 2149 00:00:00 GMT"},
    {-1, "Sunday, 01-Jan-19 00:00:00 GMT", "Tue, 01 Jan 2019 00:00:00 GMT"},
    {-1, "Sunday, 01-Jan-20 00:00:00 GMT", "Thu, 01 Jan 1920 00:00:00 GMT"},
};

Test(date, expands_years_to_within_fifty_years)
{
    for (size_t i = 0; i < sizeof year_cases / sizeof *year_cases; i++) {
        char text[DATE_LENGTH + 1];
        time_t when = 0;
        cr_expect_eq(date_parse(slice_from(year_cases[i].text), year_cases[i].now, &when), 0);
        date_format(when, text);
        cr_expect_str_eq(text, year_cases[i].expected, "%s", text);
    }
}

static const char *const bad_cases[] = {
    "",
    "Sun",
    "Sun, ",
    "sun, 06 Nov 1994 08:49:37 GMT",
    "Son, 06 Nov 1994 08:49:37 GMT",
    "Sun,06 Nov 1994 08:49:37 GMT",
    "Sun; 06 Nov 1994 08:49:37 GMT",
    "Sun, 6 Nov 1994 08:49:37 GMT",
    "Sun, 06-Nov-1994 08:49:37 GMT",
    "Sun, 06 nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 94 08:49:37 GMT",
    "Sun, 06 Nov 19940 08:49:37 GMT",
    "Sun, 06 Nov 1994 8:49:37 GMT",
    "Sun, 06 Nov 1994 08.49:37 GMT",
    "Sun, 06 Nov 1994 08:49.37 GMT",
    "Sun, 06 Nov 1994 08:49:3",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 1994 08:49:37 UTC",
    "Sun, 06 Nov 1994 08:49:37 GMT ",
    " Sun, 06 Nov 1994 08:49:37 GMT",
    "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 31 Nov 1994 08:49:37 GMT",
    "Sun, 32 Dec 1994 08:49:37 GMT",
    "Sun, 29 Feb 1994 08:49:37 GMT",
    "Sun, 29 Feb 1900 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:49:37 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT",
    "Sun, 06 Nov 1994 08:49:61 GMT",
    "Sun, -6 Nov 1994 08:49:37 GMT",
    "Sunday 06-Nov-94 08:49:37 GMT",
    "Sunday, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov 94 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37",
    "Sunday, 06-Nox-94 08:49:37 GMT",
    "Sunday, 06-Nov-9x 08:49:37 GMT",
    "Sunday, 06-Nov-94-08:49:37 GMT",
    "Sunday, 29-Feb-93 08:49:37 GMT",
    "Sunday, 6-Nov-94 08:49:37 GMT",
    "Sunday, 06 Nov-94 08:49:37 GMT",
    "Sun Nov 6 08:49:37 1994",
    "Sun Nov 06 08:49:37 1994 GMT",
    "Sun Nov  x 08:49:37 1994",
    "Sun Nov  6 08:49:37 94",
    "Sun Nov  6 08:49:37-1994",
    "Sun Nov  6-08:49:37 1994",
    "Sun Nov-06 08:49:37 1994",
    "Sun Nov  6 08:49-37 1994",
    "Sun Nox  6 08:49:37 1994",
    "784111777",
    "0",
};

Test(date, refuses_what_is_none)
{
    for (size_t i = 0; i < sizeof bad_cases / sizeof *bad_cases; i++) {
        time_t when = 42;
        cr_expect_eq(date_parse(slice_from(bad_cases[i]), NOW, &when), -1, "%s", bad_cases[i]);
        cr_expect_eq(when, 42, "%s: written", bad_cases[i]);
    }
}

Test(date, refuses_every_part_of_a_date)
{
    for (size_t i = 0; i < 4; i++) {
        struct slice text = slice_from(good_cases[i].text);
        time_t when;
        while (text.length-- > 0)
            cr_expect_eq(date_parse(text, NOW, &when), -1, "%.*s", (int)text.length, text.data);
    }
}

static void expect_same_as_libc(time_t when)
{
    char text[DATE_LENGTH + 1], expected[64];
    struct tm tm;
    time_t back = when + 1;

    gmtime_r(&when, &tm);
    size_t length = strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    date_format(when, text);
    cr_assert_eq(length, DATE_LENGTH);
    cr_expect_str_eq(text, expected);
    cr_expect_eq(date_parse((struct slice){text, DATE_LENGTH}, NOW, &back), 0, "%s", text);
    cr_expect_eq(back, when, "%s", text);
}

Test(date, agrees_with_the_c_library)
{
    static const time_t first = -30610224000; /* 1000-01-01: strftime does not pad shorter years */
    static const time_t last = 253402300799;
    uint64_t state = 1;

    for (time_t day = first; day < last; day += 86400 * 13 + 7)
        expect_same_as_libc(day);
    for (int i = 0; i < 20000; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        expect_same_as_libc(first + (time_t)((state >> 20) % (uint64_t)(last - first)));
    }
}

Test(date, clamps_what_four_digits_cannot_say)
{
    char text[DATE_LENGTH + 1];
    date_format(INT64_MAX, text);
    cr_expect_str_eq(text, "Fri, 31 Dec 9999 23:59:59 GMT");
    date_format(INT64_MIN, text);
    cr_expect_str_eq(text, "Sat, 01 Jan 0000 00:00:00 GMT");
    date_format(-1, text);
    cr_expect_str_eq(text, "Wed, 31 Dec 1969 23:59:59 GMT");
}
