/* SPDX-License-Identifier: Apache-2.0
 *
 * See values.h.
 */
#include "config/values.h"

#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Ordered from the smallest: formatting takes the last one that divides. */
struct unit {
    const char *suffix;
    int64_t factor;
};

static const struct unit size_units[] = {
    {"", 1}, {"k", INT64_C(1) << 10}, {"m", INT64_C(1) << 20}, {"g", INT64_C(1) << 30}, {0},
};
static const struct unit time_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}, {"d", 24 * 60 * 60 * 1000}, {0},
};

/* Reads the digits that 'text' begins with; returns what follows them, or NULL when there is no digit
 * or the number overflows. */
static const char *parse_digits(const char *text, int64_t *value)
{
    int64_t number = 0;

    if (!isdigit((unsigned char)*text))
        return NULL;
    for (; isdigit((unsigned char)*text); text++)
        if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, *text - '0', &number))
            return NULL;
    *value = number;
    return text;
}

static bool scale(int64_t number, const struct unit *unit, int64_t *value)
{
    int64_t scaled;

    if (__builtin_mul_overflow(number, unit->factor, &scaled))
        return false;
    *value = scaled;
    return true;
}

bool value_parse_integer(const char *text, int64_t *value)
{
    bool is_negative = *text == '-';
    int64_t number;
    const char *end = parse_digits(text + is_negative, &number);

    if (!end || *end)
        return false;
    *value = is_negative ? -number : number;
    return true;
}

bool value_parse_size(const char *text, int64_t *bytes)
{
    int64_t number;
    const char *suffix = parse_digits(text, &number);

    for (const struct unit *unit = size_units; suffix && unit->suffix; unit++)
        if (strcasecmp(suffix, unit->suffix) == 0)
            return scale(number, unit, bytes);
    return false;
}

bool value_parse_time(const char *text, int64_t *milliseconds)
{
    int64_t number;
    const char *suffix = parse_digits(text, &number);

    if (suffix && !*suffix)
        suffix = "s";
    for (const struct unit *unit = time_units; suffix && unit->suffix; unit++)
        if (strcmp(suffix, unit->suffix) == 0)
            return scale(number, unit, milliseconds);
    return false;
}

bool value_parse_switch(const char *text, bool *value)
{
    static const char *const words[] = {"off", "on", "no", "yes", "false", "true"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *value = i % 2;
            return true;
        }
    }
    return false;
}

bool value_parse_mode(const char *text, int64_t *mode)
{
    size_t digits = strspn(text, "01234567");
    int64_t bits = 0;

    if (digits == 0 || digits > 4 || text[digits])
        return false;
    for (; *text; text++)
        bits = bits * 8 + (*text - '0');
    if (bits > 0777)
        return false;
    *mode = bits;
    return true;
}

static void format_unit(const struct unit *units, int64_t value, char text[static VALUE_TEXT_MAX])
{
    const struct unit *best = units;

    for (const struct unit *unit = units; unit->suffix; unit++)
        if (value % unit->factor == 0)
            best = unit;
    snprintf(text, VALUE_TEXT_MAX, "%" PRId64 "%s", value / best->factor, best->suffix);
}

void value_format_size(int64_t bytes, char text[static VALUE_TEXT_MAX])
{
    if (bytes == 0)
        snprintf(text, VALUE_TEXT_MAX, "0");
    else
        format_unit(size_units, bytes, text);
}

void value_format_time(int64_t milliseconds, char text[static VALUE_TEXT_MAX])
{
    if (milliseconds == 0)
        snprintf(text, VALUE_TEXT_MAX, "0");
    else
        format_unit(time_units, milliseconds, text);
}

enum { SUGGEST_LENGTH_MAX = 40 };

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* How many single mistakes (a letter more, less, other, or two swapped) lie between the two words:
 * the optimal string alignment distance, with the last three rows of its matrix kept. */
static int distance(const char *a, const char *b)
{
    int rows[3][SUGGEST_LENGTH_MAX + 1];
    int a_length = (int)strlen(a), b_length = (int)strlen(b);

    for (int j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (int i = 1; i <= a_length; i++) {
        int *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];

        row[0] = i;
        for (int j = 1; j <= b_length; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);

            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) && y == tolower((unsigned char)a[i - 2]))
                row[j] = least(row[j], above2[j - 2] + 1);
        }
    }
    return rows[a_length % 3][b_length];
}

const char *value_suggest(const char *text, const char *const *words)
{
    const char *best = NULL;
    size_t length = strlen(text);
    int allowed = length < 3 ? 0 : length < 6 ? 1 : 2; /* a short word is soon turned into any other */

    if (length > SUGGEST_LENGTH_MAX)
        return NULL;
    for (; *words; words++) {
        if (strlen(*words) > SUGGEST_LENGTH_MAX)
            continue;
        int mistakes = distance(text, *words);
        if (mistakes <= allowed) {
            best = *words;
            allowed = mistakes - 1; /* the next must be nearer */
        }
    }
    return best;
}

bool value_parse_percent(const char *text, int64_t *percent)
{
    int64_t parsed;
    const char *rest = parse_digits(text, &parsed);

    if (!rest || strcmp(rest, "%") != 0)
        return false;
    *percent = parsed;
    return true;
}
