/* SPDX-License-Identifier: Apache-2.0
 *
 * See config.h.
 */
#include "config/config.h"

#include "config/build.h"
#include "config/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void build_reject(struct build *build, const struct entry *entry, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    const char *message = pool_format_va(build->scratch, format, arguments);
    va_end(arguments);
    config_reject(build->errors, &entry->place, entry->section, entry->key, "%s", message);
}

const char *build_place_text(struct build *build, const struct config_place *place)
{
    return place->line ? pool_format(build->scratch, "%s:%d", place->file, place->line) : place->file;
}

/* Makes 'path' absolute, without following links: a reload then sees where they point at that time. */
static bool place_config(struct config *config, const char *path, struct errors *errors)
{
    char *folder = *path == '/' ? NULL : get_current_dir_name();

    if (*path != '/' && !folder) {
        errors_add(errors, "cannot tell the current folder: %s", strerror(errno));
        return false;
    }
    config->file = file_join(folder ? folder : "/", path, config->memory);
    config->directory = file_directory(config->file, config->memory);
    free(folder);
    return true;
}

static void set_defaults(struct config *config, struct pool *scratch)
{
    for (const struct option *option = options; option->key; option++) {
        void *base = option_base(config, option->section);

        if (base && option->type != OPTION_LISTENS && option->type != OPTION_INCLUDE)
            option_store(option, base, option->fallback, config->directory, config->memory, scratch);
    }
}

/* What is read in place of a file. */
struct source_text {
    const char *text;
    int hidden;
};

/* It would be valid, and a reload would end all that is served: a file that was cut off by a full disk, or is only now being written. */
static void check_is_written(struct build *build, const char *path)
{
    if (build->entries.count == 0 && build->errors->count == 0)
        errors_add(build->errors, "'%s' is empty, there is no [section] in it: was it cut off?", path);
}

static bool build_config(struct build *build, const struct source_text *text, const char *path, const char *const *overrides,
                         size_t override_count)
{
    struct config *config = build->config;

    if (!place_config(config, path, build->errors))
        return false;
    set_defaults(config, build->scratch);
    if (text)
        entries_read_text(&build->entries, text->text, text->hidden, config->file, path, config->directory);
    else if (!entries_read(&build->entries, config->file, path, config->directory))
        return false;
    for (size_t i = 0; i < override_count; i++)
        entries_override(&build->entries, overrides[i], config->directory);
    if (!text)
        check_is_written(build, path);
    build_sections(build);
    build_settings(build);
    build_checks(build);
    build_bounds(build);
    return true;
}

static struct config *load(const struct source_text *text, const char *path, const char *const *overrides, size_t override_count,
                           struct errors *errors)
{
    struct pool *memory = pool_new(), *scratch = pool_new();
    struct config *config = pool_alloc(memory, sizeof *config);
    struct build build = {.config = config, .scratch = scratch, .errors = errors};

    config->memory = memory;
    build.entries = (struct entries){.memory = scratch, .errors = errors};
    if (!build_config(&build, text, path, overrides, override_count)) {
        config_free(config);
        config = NULL;
    }
    pool_free(scratch);
    return config;
}

struct config *config_load(const char *path, const char *const *overrides, size_t override_count, struct errors *errors)
{
    return load(NULL, path, overrides, override_count, errors);
}

struct config *config_load_text(const char *text, int hidden, const char *name, const char *const *overrides, size_t override_count,
                                struct errors *errors)
{
    return load(&(const struct source_text){text, hidden}, name, overrides, override_count, errors);
}

void config_free(struct config *config)
{
    if (config)
        pool_free(config->memory); /* the struct itself lies in it */
}
