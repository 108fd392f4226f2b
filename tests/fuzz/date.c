/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP dates: what is read is written as the calendar of the C library has it, and read back; in the preferred form it is written as
 * it was read, but for the day's name and leap seconds, which the parser lets pass.
 */
#include "fuzz.h"

#include "http/date.h"

static struct fuzz_bytes input;

static const time_t nows[] = {1800000000, 0, -1, 4102444799, 253402300799, -62167219200};

static void check_date(time_t when, time_t now)
{
    char text[DATE_LENGTH + 1], expected[64];
    struct tm parts;
    time_t again;
    date_format(when, text);
    FUZZ_CHECK(strlen(text) == DATE_LENGTH);
    FUZZ_CHECK(date_parse(slice_from(text), now, &again) == 0);
    if (when < -62167219200 || when > 253402300799)
        return;
    FUZZ_CHECK(again == when);
    FUZZ_CHECK(gmtime_r(&when, &parts) != NULL);
    size_t length = strftime(expected, sizeof expected, "%a, %d %b ", &parts);
    sprintf(expected + length, "%04d %02d:%02d:%02d GMT", parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
    FUZZ_CHECK(strcmp(text, expected) == 0);
}

static void check_same_text(time_t when)
{
    char text[DATE_LENGTH + 1];
    date_format(when, text);
    if (input.size == DATE_LENGTH && memcmp(input.bytes + 23, "60", 2) != 0)
        FUZZ_CHECK(memcmp(text + 3, input.bytes + 3, DATE_LENGTH - 3) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!fuzz_copy(&input, data, size))
        return -1;
    for (size_t i = 0; i < sizeof nows / sizeof *nows; i++) {
        time_t when;
        if (date_parse((struct slice){input.bytes, size}, nows[i], &when) != 0)
            continue;
        check_date(when, nows[i]);
        check_same_text(when);
    }
    /* And any number as a time. */
    time_t number = 0;
    memcpy(&number, input.bytes, size < sizeof number ? size : sizeof number);
    check_date(number, number);
    return 0;
}
