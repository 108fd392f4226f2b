/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP dates. The calendar is computed here (the proleptic Gregorian one, after Hinnant's
 * days_from_civil): gmtime_r() and timegm() look at the process's time zone, under a lock, and no
 * HTTP date has one.
 */
#include "http/date.h"

#include <stdint.h>

enum { SECONDS_PER_DAY = 86400, DAYS_PER_ERA = 146097, EPOCH_SHIFT = 719468 };

/* The first second of year 0 and the last of year 9999: what four digits can say. */
static const int64_t FIRST_SECOND = -62167219200;
static const int64_t LAST_SECOND = 253402300799;

static const char day_names[7][10] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

struct civil {
    int year, month, day; /* month and day from 1 */
    int hour, minute, second;
};

/* Days since 1970-01-01. Years begin in March here, so that the leap day is the last of its year. */
static int64_t days_from_civil(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - EPOCH_SHIFT;
}

static void civil_from_days(int64_t days, struct civil *civil)
{
    days += EPOCH_SHIFT;
    int64_t era = (days >= 0 ? days : days - DAYS_PER_ERA + 1) / DAYS_PER_ERA;
    int64_t day_of_era = days - era * DAYS_PER_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (DAYS_PER_ERA - 1)) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;

    civil->day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    civil->month = (int)(month < 10 ? month + 3 : month - 9);
    civil->year = (int)(year_of_era + era * 400 + (civil->month <= 2));
}

static int64_t seconds_from_civil(const struct civil *civil)
{
    return days_from_civil(civil->year, civil->month, civil->day) * SECONDS_PER_DAY +
           civil->hour * 3600 + civil->minute * 60 + civil->second;
}

static void put_digits(char *text, int count, int value)
{
    while (count-- > 0) {
        text[count] = (char)('0' + value % 10);
        value /= 10;
    }
}

void date_format(time_t when, char text[static DATE_LENGTH + 1])
{
    int64_t seconds = when < FIRST_SECOND ? FIRST_SECOND : when > LAST_SECOND ? LAST_SECOND : when;
    int64_t second_of_day = seconds % SECONDS_PER_DAY;
    if (second_of_day < 0)
        second_of_day += SECONDS_PER_DAY;
    int64_t days = (seconds - second_of_day) / SECONDS_PER_DAY;
    int64_t weekday = (days % 7 + 7 + 4) % 7; /* 1970-01-01 was a Thursday */
    struct civil civil;
    civil_from_days(days, &civil);

    memcpy(text, "Sun, 00 Jan 0000 00:00:00 GMT", DATE_LENGTH + 1);
    memcpy(text, day_names[weekday], 3);
    put_digits(text + 5, 2, civil.day);
    memcpy(text + 8, month_names + 3 * (civil.month - 1), 3);
    put_digits(text + 12, 4, civil.year);
    put_digits(text + 17, 2, (int)(second_of_day / 3600));
    put_digits(text + 20, 2, (int)(second_of_day / 60 % 60));
    put_digits(text + 23, 2, (int)(second_of_day % 60));
}

/* The readers below take what they expect off the front of 'rest'; names are case-sensitive. */

static bool take_text(struct slice *rest, const char *text, size_t length)
{
    if (rest->length < length || memcmp(rest->data, text, length) != 0)
        return false;
    rest->data += length;
    rest->length -= length;
    return true;
}

static bool take_digits(struct slice *rest, size_t count, int *value)
{
    *value = 0;
    if (rest->length < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (rest->data[i] < '0' || rest->data[i] > '9')
            return false;
        *value = *value * 10 + (rest->data[i] - '0');
    }
    rest->data += count;
    rest->length -= count;
    return true;
}

static bool take_month(struct slice *rest, int *month)
{
    for (*month = 1; *month <= 12; ++*month)
        if (take_text(rest, month_names + 3 * (*month - 1), 3))
            return true;
    return false;
}

static bool take_time(struct slice *rest, struct civil *civil)
{
    return take_digits(rest, 2, &civil->hour) && take_text(rest, ":", 1) &&
           take_digits(rest, 2, &civil->minute) && take_text(rest, ":", 1) &&
           take_digits(rest, 2, &civil->second);
}

/* "06 Nov 1994 08:49:37 GMT", behind "Sun, " */
static bool take_imf_fixdate(struct slice *rest, struct civil *civil)
{
    return take_digits(rest, 2, &civil->day) && take_text(rest, " ", 1) &&
           take_month(rest, &civil->month) && take_text(rest, " ", 1) &&
           take_digits(rest, 4, &civil->year) && take_text(rest, " ", 1) && take_time(rest, civil) &&
           take_text(rest, " GMT", 4);
}

/* "06-Nov-94 08:49:37 GMT", behind "Sunday, " */
static bool take_rfc850(struct slice *rest, struct civil *civil)
{
    return take_digits(rest, 2, &civil->day) && take_text(rest, "-", 1) &&
           take_month(rest, &civil->month) && take_text(rest, "-", 1) &&
           take_digits(rest, 2, &civil->year) && take_text(rest, " ", 1) && take_time(rest, civil) &&
           take_text(rest, " GMT", 4);
}

/* "Nov  6 08:49:37 1994", behind "Sun " */
static bool take_asctime(struct slice *rest, struct civil *civil)
{
    return take_month(rest, &civil->month) && take_text(rest, " ", 1) &&
           (take_text(rest, " ", 1) ? take_digits(rest, 1, &civil->day)
                                    : take_digits(rest, 2, &civil->day)) &&
           take_text(rest, " ", 1) && take_time(rest, civil) && take_text(rest, " ", 1) &&
           take_digits(rest, 4, &civil->year);
}

/* A two-digit year is the latest one with these digits that is not more than 50 years ahead. */
static void expand_year(struct civil *civil, time_t now)
{
    struct civil today, past = *civil;
    civil_from_days((now < 0 ? now - SECONDS_PER_DAY + 1 : now) / SECONDS_PER_DAY, &today);

    past.year = today.year - today.year % 100 + civil->year + 100 - 50;
    while (seconds_from_civil(&past) > now)
        past.year -= 100;
    civil->year = past.year + 50;
}

static bool is_real(const struct civil *civil)
{
    if (civil->day < 1 || civil->hour > 23 || civil->minute > 59 || civil->second > 60)
        return false;
    int next_month = civil->month % 12 + 1;
    int next_year = civil->year + civil->month / 12;
    return civil->day <= days_from_civil(next_year, next_month, 1) -
                             days_from_civil(civil->year, civil->month, 1);
}

/* Each of the formats begins with its own form of the day's name, "Sunday, ", "Sun, " or "Sun ". */
static bool take_date(struct slice *rest, const char *day_name, time_t now, struct civil *civil)
{
    struct slice full = *rest;

    if (take_text(&full, day_name, strlen(day_name)) && take_text(&full, ", ", 2)) {
        *rest = full;
        if (!take_rfc850(rest, civil))
            return false;
        expand_year(civil, now);
        return true;
    }
    if (!take_text(rest, day_name, 3))
        return false;
    if (take_text(rest, ", ", 2))
        return take_imf_fixdate(rest, civil);
    return take_text(rest, " ", 1) && take_asctime(rest, civil);
}

/* The day's name is read but not held against the date: the RFC gives it no meaning, and others do
 * not look at it either. A leap second counts as the second after it. */
int date_parse(struct slice text, time_t now, time_t *when)
{
    for (int i = 0; i < 7; i++) {
        struct slice rest = text;
        struct civil civil;
        if (take_date(&rest, day_names[i], now, &civil)) {
            if (rest.length > 0 || !is_real(&civil))
                return -1;
            *when = (time_t)seconds_from_civil(&civil);
            return 0;
        }
    }
    return -1;
}
