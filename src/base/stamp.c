/* SPDX-License-Identifier: Apache-2.0
 *
 * See stamp.h.
 */
#include "base/stamp.h"

#include <stddef.h>
#include <time.h>

enum { DAY_SECONDS = 86400, DAYS_TO_1970 = 719468 /* from March 1st of the year 0 */, ERA_DAYS = 146097 /* 400 years */ };

static volatile long east; /* a store that is torn by a signal shows in that one line */

void stamp_note(long offset)
{
    east = offset;
}

void stamp_prepare(void)
{
    time_t now = time(NULL);
    struct tm local;
    if (localtime_r(&now, &local) != NULL)
        east = local.tm_gmtoff;
}

static void put(char *to, int64_t number, size_t digits)
{
    for (; digits > 0; number /= 10)
        to[--digits] = (char)('0' + number % 10);
}

/* Years that begin in March have their odd day at the end; eras of 400 of them are all of one length. */
static void put_date(char *to, int64_t days)
{
    int64_t day = days + DAYS_TO_1970, era = day / ERA_DAYS;
    day -= era * ERA_DAYS;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100;
    int64_t month = (5 * day + 2) / 153; /* 0: March */
    day -= (153 * month + 2) / 5;
    month += month < 10 ? 3 : -9;
    put(to, year + era * 400 + (month <= 2), 4);
    put(to + 5, month, 2);
    put(to + 8, day + 1, 2);
}

void stamp_format(int64_t now_ms, char text[static STAMP_LENGTH])
{
    static const char form[] = "0000-00-00 00:00:00.000";
    int64_t seconds = now_ms / 1000 + east, second = seconds % DAY_SECONDS;
    for (size_t i = 0; i < STAMP_LENGTH; i++)
        text[i] = form[i];
    put_date(text, seconds / DAY_SECONDS);
    put(text + 11, second / 3600, 2);
    put(text + 14, second / 60 % 60, 2);
    put(text + 17, second % 60, 2);
    put(text + 20, now_ms % 1000, 3);
}
