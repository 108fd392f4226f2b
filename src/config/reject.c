/* SPDX-License-Identifier: Apache-2.0
 *
 * How a mistake in the configuration is told: the one place that knows the form of such a message.
 */
#include "config/config.h"
#include "config/pool.h"

#include <stdio.h>
#include <string.h>

static void reject(struct errors *errors, const struct config_place *place, const char *section, const char *key,
                   const char *format, va_list arguments)
{
    struct pool *scratch = pool_new();
    char line[24] = "";

    const char *message = pool_format_va(scratch, format, arguments);
    if (place->line)
        snprintf(line, sizeof line, ":%d", place->line);
    errors_add(errors, "%s%s: [%s]%s%s: %s", place->file, line, section, key ? " " : "", key ? key : "", message);
    pool_free(scratch);
}

void config_reject(struct errors *errors, const struct config_place *place, const char *section, const char *key,
                   const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    reject(errors, place, section, key, format, arguments);
    va_end(arguments);
}

static const struct config_origin *origin_of(const struct config *config, const char *section, const char *key)
{
    for (size_t i = 0; i < config->origin_count; i++)
        if (strcmp(config->origins[i].section, section) == 0 && strcmp(config->origins[i].key, key) == 0)
            return &config->origins[i];
    return NULL;
}

static struct config_place place_of(const struct config *config, const char *section, const char *key)
{
    const struct config_origin *origin = origin_of(config, section, key);

    if (origin)
        return origin->place;
    for (size_t i = 0; i < config->app_count; i++) {
        const char *kind = config_app_kind(&config->apps[i]);
        size_t length = strlen(kind);
        if (strncmp(section, kind, length) == 0 && section[length] == ':' && strcmp(section + length + 1, config->apps[i].name) == 0)
            return config->apps[i].place;
    }
    for (size_t i = 0; i < config->listen_count; i++)
        if (strncmp(section, "listen:", 7) == 0 && strcmp(section + 7, config->listens[i].name) == 0)
            return config->listens[i].place;
    return (struct config_place){config->file, 0};
}

void config_reject_value(struct errors *errors, const struct config *config, const char *section, const char *key,
                         const char *format, ...)
{
    const struct config_origin *origin = origin_of(config, section, key);
    struct config_place place = place_of(config, section, key);
    va_list arguments;

    if (origin && origin->is_unread) { /* that the module has no value follows from it */
        errors_add_untold(errors);
        return;
    }
    va_start(arguments, format);
    reject(errors, &place, section, key, format, arguments);
    va_end(arguments);
}
