/* SPDX-License-Identifier: Apache-2.0
 *
 * See errors.h.
 */
#include "base/errors.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

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

static char *format_message(const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    size_t size = (size_t)vsnprintf(NULL, 0, format, again) + 1;
    va_end(again);

    char *message = memory_new(size);
    vsnprintf(message, size, format, arguments);
    return message;
}

void errors_add_va(struct errors *errors, const char *format, va_list arguments)
{
    errors->count++;
    if (errors->kept == ERRORS_MAX)
        return;
    if (!errors->messages)
        errors->messages = memory_new(ERRORS_MAX * sizeof *errors->messages);
    errors->messages[errors->kept++] = format_message(format, arguments);
}

void errors_add(struct errors *errors, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    errors_add_va(errors, format, arguments);
    va_end(arguments);
}
