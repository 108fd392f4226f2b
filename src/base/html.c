/* SPDX-License-Identifier: Apache-2.0
 *
 * See html.h. Each conversion is handed to printf by itself; only here its arguments are taken, as after a call of
 * vsnprintf() nobody knows where they stand.
 */
#include "base/html.h"

#include "base/escape.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>

enum { CONVERSION_MAX = 32 };

/* "%-8.3lld" and its parts; a width or precision of '*' has its value already. */
struct conversion {
    char text[CONVERSION_MAX]; /* for printf */
    size_t length;
    int precision; /* -1: none */
    char size;     /* 'l', 'q' (ll), 'z', 'j', 't', 'L'; 0: int, and what int holds */
    char kind;
};

struct arguments {
    va_list list;
};

static bool put(struct conversion *conversion, char byte)
{
    if (conversion->length + 1 >= CONVERSION_MAX)
        return false;
    conversion->text[conversion->length++] = byte;
    conversion->text[conversion->length] = 0;
    return true;
}

/* Digits, or the '*' that stands for an argument. */
static bool read_number(struct conversion *conversion, const char **at, int *number, struct arguments *arguments)
{
    *number = 0;
    if (**at == '*') {
        char digits[16];
        (*at)++;
        *number = va_arg(arguments->list, int);
        snprintf(digits, sizeof digits, "%d", *number);
        for (const char *p = digits; *p != 0; p++)
            if (!put(conversion, *p))
                return false;
        return true;
    }
    for (; isdigit((unsigned char)**at); (*at)++) {
        if (*number > 99999 || !put(conversion, **at))
            return false;
        *number = *number * 10 + (**at - '0');
    }
    return true;
}

static bool read_size(struct conversion *conversion, const char **at)
{
    for (; **at != 0 && strchr("hlzjtL", **at) != NULL; (*at)++) {
        if (!put(conversion, **at))
            return false;
        if (**at != 'h')
            conversion->size = **at == 'l' && conversion->size == 'l' ? 'q' : **at;
    }
    return true;
}

/* From behind the '%' up to its letter. */
static bool read_conversion(struct conversion *conversion, const char **at, struct arguments *arguments)
{
    int width;
    *conversion = (struct conversion){.text = "%", .length = 1, .precision = -1};
    for (; **at != 0 && strchr("-+ #0", **at) != NULL; (*at)++)
        if (!put(conversion, **at))
            return false;
    if (!read_number(conversion, at, &width, arguments))
        return false;
    if (**at == '.') {
        (*at)++;
        size_t before = conversion->length;
        if (!put(conversion, '.') || !read_number(conversion, at, &conversion->precision, arguments))
            return false;
        if (conversion->precision < 0) /* of a '*': as if there were none */
            conversion->length = before;
    }
    if (!read_size(conversion, at) || **at == 0)
        return false;
    conversion->kind = *(*at)++;
    return put(conversion, conversion->kind);
}

/* A number's format comes from our caller's format, conversion by conversion. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static void append_integer(struct buffer *out, const struct conversion *conversion, struct arguments *arguments)
{
    switch (conversion->size) {
    case 'l':
        buffer_format(out, conversion->text, va_arg(arguments->list, long));
        break;
    case 'q':
        buffer_format(out, conversion->text, va_arg(arguments->list, long long));
        break;
    case 'z':
    case 't':
        buffer_format(out, conversion->text, va_arg(arguments->list, size_t));
        break;
    case 'j':
        buffer_format(out, conversion->text, va_arg(arguments->list, intmax_t));
        break;
    default:
        buffer_format(out, conversion->text, va_arg(arguments->list, int));
    }
}

static void append_real(struct buffer *out, const struct conversion *conversion, struct arguments *arguments)
{
    if (conversion->size == 'L')
        buffer_format(out, conversion->text, va_arg(arguments->list, long double));
    else
        buffer_format(out, conversion->text, va_arg(arguments->list, double));
}

#pragma GCC diagnostic pop

static void append_text(struct buffer *out, const struct conversion *conversion, struct arguments *arguments)
{
    const char *text = va_arg(arguments->list, const char *);
    if (text == NULL)
        text = "(null)";
    size_t length = conversion->precision >= 0 ? strnlen(text, (size_t)conversion->precision) : strlen(text);
    escape_html(out, (struct slice){text, length});
}

static bool append(struct buffer *out, const struct conversion *conversion, struct arguments *arguments)
{
    char byte;
    if (strchr("diouxX", conversion->kind) != NULL && conversion->size != 'L')
        append_integer(out, conversion, arguments);
    else if (strchr("aAeEfFgG", conversion->kind) != NULL)
        append_real(out, conversion, arguments);
    else if (conversion->kind == 's' && conversion->size == 0)
        append_text(out, conversion, arguments);
    else if (conversion->kind == 'c' && conversion->size == 0)
        escape_html(out, (struct slice){(byte = (char)va_arg(arguments->list, int), &byte), 1});
    else if (conversion->kind == 'p')
        buffer_format(out, "%p", va_arg(arguments->list, void *));
    else if (conversion->kind == '%')
        buffer_append(out, "%", 1);
    else
        return false;
    return true;
}

bool html_format_va(struct buffer *out, const char *format, va_list given)
{
    struct arguments arguments;
    struct conversion conversion;
    bool good = true;
    va_copy(arguments.list, given);
    while (good && *format != 0) {
        size_t plain = strcspn(format, "%");
        buffer_append(out, format, plain);
        format += plain;
        if (*format == '%') {
            format++;
            good = read_conversion(&conversion, &format, &arguments) && append(out, &conversion, &arguments);
        }
    }
    va_end(arguments.list);
    return good;
}
