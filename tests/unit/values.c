/* SPDX-License-Identifier: Apache-2.0 */
#include "config/values.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

struct number_case {
    const char *text;
    int64_t value; /* -1: refused */
};

static void check(bool (*parse)(const char *, int64_t *), const struct number_case *cases)
{
    for (; cases->text; cases++) {
        int64_t value = -1;
        bool is_valid = parse(cases->text, &value);

        cr_expect_eq(is_valid, cases->value != -1, "'%s'", cases->text);
        cr_expect_eq(value, cases->value, "'%s' gave %" PRId64, cases->text, value);
    }
}

Test(values, reads_whole_numbers)
{
    static const struct number_case cases[] = {
        {"0", 0}, {"7", 7}, {"-3", -3}, {"007", 7}, {"9223372036854775807", INT64_MAX},
        {"9223372036854775808", -1}, {"99999999999999999999", -1}, {"", -1}, {"-", -1}, {"+1", -1}, {" 1", -1},
        {"1 ", -1}, {"1.5", -1}, {"0x10", -1}, {"1e3", -1}, {"many", -1}, {"--1", -1}, {0},
    };

    check(value_parse_integer, cases);
}

Test(values, reads_sizes_with_their_units)
{
    static const struct number_case cases[] = {
        {"0", 0}, {"10", 10}, {"8k", 8192}, {"8K", 8192}, {"1m", 1048576}, {"2g", INT64_C(2147483648)},
        {"8589934591g", INT64_C(8589934591) << 30}, {"8589934592g", -1}, {"k", -1}, {"", -1}, {"-1", -1},
        {"1kb", -1}, {"1 k", -1}, {"1.5m", -1}, {"1t", -1}, {0},
    };

    check(value_parse_size, cases);
}

Test(values, reads_times_and_takes_a_bare_number_as_seconds)
{
    static const struct number_case cases[] = {
        {"0", 0}, {"50ms", 50}, {"10s", 10000}, {"10", 10000}, {"5m", 300000}, {"1h", 3600000}, {"1d", 86400000},
        {"1m30s", -1}, {"5M", -1}, {"s", -1}, {"", -1}, {"-1s", -1}, {"1 s", -1}, {"1w", -1},
        {"9223372036854775807", -1}, {"9223372036854775807ms", INT64_MAX}, {0},
    };

    check(value_parse_time, cases);
}

Test(values, reads_modes_as_octal_permission_bits)
{
    static const struct number_case cases[] = {
        {"0660", 0660}, {"660", 0660}, {"0", 0}, {"777", 0777}, {"0777", 0777}, {"1777", -1}, {"888", -1},
        {"00660", -1}, {"", -1}, {"rw-", -1}, {"-660", -1}, {0},
    };

    check(value_parse_mode, cases);
}

Test(values, reads_switches)
{
    static const char *const words[] = {"off", "on", "no", "yes", "false", "true", "OFF", "On"};
    static const char *const wrong[] = {"", "1", "0", "o", "onn", "enabled"};
    bool value;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        value = i % 2 == 0;
        cr_expect(value_parse_switch(words[i], &value), "%s", words[i]);
        cr_expect_eq(value, i % 2 == 1, "%s", words[i]);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_not(value_parse_switch(wrong[i], &value), "%s", wrong[i]);
}

Test(values, writes_the_shortest_text_that_reads_back)
{
    static const struct number_case sizes[] = {
        {"0", 0}, {"1", 1}, {"1023", 1023}, {"1k", 1024}, {"1025", 1025}, {"64k", 65536}, {"1m", 1048576},
        {"1025k", 1049600}, {"3g", INT64_C(3) << 30}, {0},
    };
    static const struct number_case times[] = {
        {"0", 0}, {"1ms", 1}, {"1500ms", 1500}, {"10s", 10000}, {"90s", 90000}, {"1m", 60000}, {"25h", 90000000},
        {"2d", 172800000}, {0},
    };
    char text[VALUE_TEXT_MAX];

    for (const struct number_case *c = sizes; c->text; c++) {
        value_format_size(c->value, text);
        cr_expect_str_eq(text, c->text);
    }
    for (const struct number_case *c = times; c->text; c++) {
        value_format_time(c->value, text);
        cr_expect_str_eq(text, c->text);
    }
}

Test(values, suggests_the_word_that_was_probably_meant)
{
    static const char *const words[] = {"workers", "listen", "user", "group", "temp", NULL};
    static const struct {
        const char *text, *word;
    } cases[] = {
        {"worker", "workers"}, {"wrokers", "workers"}, {"Workers", "workers"}, {"listne", "listen"}, {"usr", "user"},
        {"temps", "temp"}, {"tmep", "temp"}, {"usep", "user"}, {"workforce", NULL}, {"xyz", NULL}, {"", NULL}, {"u", NULL},
        {"workersworkersworkersworkersworkersworkersworkers", NULL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *word = value_suggest(cases[i].text, words);

        if (cases[i].word)
            cr_expect(word && strcmp(word, cases[i].word) == 0, "'%s' gave '%s'", cases[i].text, word ? word : "nothing");
        else
            cr_expect_null(word, "'%s' gave '%s'", cases[i].text, word);
    }
}
