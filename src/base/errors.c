/* SPDX-License-Identifier: Apache-2.0
 *
 * See errors.h.
 */
#include "base/errors.h"

#include "base/memory.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void errors_init(struct errors *errors)
{
    *errors = (struct errors){0};
}

void errors_release(struct errors *errors)
{
    for (size_t i = 0; i < errors->kept; i++)
        free(errors->messages[i]);
    free(errors->messages);
    errors_init(errors);
}

static bool is_control(char byte)
{
    return (unsigned char)byte < 0x20 || byte == 0x7f;
}

/* A message is one line, and a terminal shows it: names of files may have control bytes. They become \xNN. */
static char *escape_controls(char *message)
{
    size_t controls = 0;
    for (const char *at = message; *at; at++)
        controls += is_control(*at);
    if (controls == 0)
        return message;
    char *escaped = memory_new(strlen(message) + 3 * controls + 1), *end = escaped;
    for (const char *at = message; *at; at++) {
        if (is_control(*at))
            end += sprintf(end, "\\x%02x", (unsigned char)*at);
        else
            *end++ = *at;
    }
    *end = 0;
    free(message);
    return escaped;
}

static char *format_message(const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    size_t size = (size_t)vsnprintf(NULL, 0, format, again) + 1;
    va_end(again);

    char *message = memory_new(size);
    vsnprintf(message, size, format, arguments);
    return escape_controls(message);
}

/* Of "FILE:LINE: ...": the length of FILE, and LINE. 0: it says no place. */
static size_t place_of(const char *message, unsigned long *line)
{
    const char *colon = strstr(message, ": "), *digits = colon;
    if (colon == NULL)
        return 0;
    while (digits > message && digits[-1] >= '0' && digits[-1] <= '9')
        digits--;
    if (digits == colon || digits < message + 2 || digits[-1] != ':')
        return 0;
    *line = strtoul(digits, NULL, 10);
    return (size_t)(digits - 1 - message);
}

/* Is it of a place further down in the same file? */
static bool is_below(const char *message, const char *other)
{
    unsigned long line = 0, line_of_other = 0;
    size_t length = place_of(message, &line), length_of_other = place_of(other, &line_of_other);
    return length > 0 && length == length_of_other && memcmp(message, other, length) == 0 && line > line_of_other;
}

void errors_add_va(struct errors *errors, const char *format, va_list arguments)
{
    errors->count++;
    if (errors->kept == ERRORS_MAX)
        return;
    if (!errors->messages)
        errors->messages = memory_new(ERRORS_MAX * sizeof *errors->messages);
    char *message = format_message(format, arguments);
    size_t at = errors->kept++;
    for (; at > 0 && is_below(errors->messages[at - 1], message); at--)
        errors->messages[at] = errors->messages[at - 1];
    errors->messages[at] = message;
}

void errors_add_untold(struct errors *errors)
{
    errors->count++;
    errors->untold++;
}

void errors_add(struct errors *errors, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    errors_add_va(errors, format, arguments);
    va_end(arguments);
}
