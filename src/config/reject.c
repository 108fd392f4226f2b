/* SPDX-License-Identifier: Apache-2.0
 *
 * How a mistake in the configuration is told: the one place that knows the form of such a message.
 */
#include "config/config.h"
#include "config/pool.h"

#include <stdio.h>

void config_reject(struct errors *errors, const struct config_place *place, const char *section, const char *key,
                   const char *format, ...)
{
    struct pool *scratch = pool_new();
    char line[24] = "";
    va_list arguments;

    va_start(arguments, format);
    const char *message = pool_format_va(scratch, format, arguments);
    va_end(arguments);
    if (place->line)
        snprintf(line, sizeof line, ":%d", place->line);
    errors_add(errors, "%s%s: [%s]%s%s: %s", place->file, line, section, key ? " " : "", key ? key : "", message);
    pool_free(scratch);
}
