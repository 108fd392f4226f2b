/* SPDX-License-Identifier: Apache-2.0
 *
 * See settings.h; also the functions of tine.h that give settings to modules.
 */
#include "app/settings.h"

#include "app/routes.h"
#include "base/log.h"
#include "base/memory.h"
#include "config/options.h"
#include "config/pool.h"
#include "config/values.h"

#include <stdio.h>
#include <stdlib.h>

enum { OPTIONS_MAX = 256, BLAMES_MAX = 8 };

static const char *const type_names[] = {
    [TINE_TEXT] = "a text",
    [TINE_PATH] = "a path",
    [TINE_INTEGER] = "a whole number",
    [TINE_SIZE] = "a size (10, 8k, 1m)",
    [TINE_TIME] = "a time (50ms, 10s, 5m)",
    [TINE_SWITCH] = "on or off",
    [TINE_SECRET] = "a text",
};

/* Options are walked by the size they had when the module was compiled. */
static const tine_option *option_at(const tine_module *module, size_t i)
{
    const tine_option *option = (const tine_option *)((const char *)module->settings + i * module->option_size);
    return option->name != NULL && i < OPTIONS_MAX ? option : NULL;
}

static size_t count_options(const tine_module *module)
{
    size_t count = 0;
    while (module->settings != NULL && option_at(module, count) != NULL)
        count++;
    return count;
}

/* "type.*" stands for many keys. */
static bool is_keyed(const tine_option *option)
{
    size_t length = strlen(option->name);
    return length > 2 && strcmp(option->name + length - 2, ".*") == 0;
}

/* What stands in place of the '*' of a keyed option; NULL if the key is none of its keys. */
static const char *key_of(const tine_option *option, const char *key)
{
    size_t prefix = strlen(option->name) - 1;
    return is_keyed(option) && strncmp(key, option->name, prefix) == 0 && key[prefix] != 0 ? key + prefix : NULL;
}

static long find_option(const tine_app *app, const char *name)
{
    size_t count = count_options(app->module);
    for (size_t i = 0; i < count; i++)
        if (strcmp(option_at(app->module, i)->name, name) == 0)
            return (long)i;
    return -1;
}

static bool parse_number(tine_type type, const char *text, int64_t *number)
{
    bool on;
    switch (type) {
    case TINE_INTEGER:
        return value_parse_integer(text, number);
    case TINE_SIZE:
        return value_parse_size(text, number);
    case TINE_TIME:
        return value_parse_time(text, number);
    case TINE_SWITCH:
        if (!value_parse_switch(text, &on))
            return false;
        *number = on;
        return true;
    default:
        return true;
    }
}

/* A relative path starts at the folder of the file it stands in. */
static const char *make_absolute(const tine_app *app, const char *text, const char *directory)
{
    if (text[0] == '/' || text[0] == 0)
        return text;
    return pool_format(app->config->memory, "%s/%s", directory, text);
}

/* The option that a key of the file belongs to: by its name, or by the beginning of it. */
static long option_for(const tine_app *app, const char *key)
{
    long i = find_option(app, key);
    size_t count = count_options(app->module);
    if (i >= 0 && !is_keyed(option_at(app->module, (size_t)i)))
        return i;
    for (size_t k = 0; k < count; k++)
        if (key_of(option_at(app->module, k), key) != NULL)
            return (long)k;
    return -1;
}

static void store(tine_app *app, size_t i, const char *key, const char *text, const char *directory, int64_t number)
{
    const tine_option *option = option_at(app->module, i);
    if (option->type == TINE_PATH)
        text = make_absolute(app, text, directory);
    if (is_keyed(option)) {
        app->keyed[app->keyed_count++] = (struct app_setting){i, key_of(option, key), text, number};
        return;
    }
    app->texts[i] = text;
    app->numbers[i] = number;
}

static void refuse(const tine_app *app, struct errors *errors, const char *key, const char *wrong)
{
    char section[128];
    snprintf(section, sizeof section, "%s:%s", config_app_kind(app->section), app->section->name);
    config_reject_value(errors, app->config, section, key, "%s", wrong);
}

static void refuse_unknown(const tine_app *app, const struct config_setting *setting, struct errors *errors)
{
    const char *names[OPTIONS_MAX + 3];
    char text[512];
    size_t count = count_options(app->module);
    for (size_t i = 0; i < count; i++)
        names[i] = option_at(app->module, i)->name;
    if (app->section->is_filter) {
        names[count++] = "only";
        names[count++] = "except";
    }
    names[count] = NULL;
    const char *meant = value_suggest(setting->key, names);
    snprintf(text, sizeof text, "module '%s' has no such setting%s%s%s%s%s", app->section->module,
             meant != NULL ? "; did you mean '" : "", meant != NULL ? meant : "", meant != NULL ? "'?" : "",
             setting->hint != NULL ? "; " : "", setting->hint != NULL ? setting->hint : "");
    refuse(app, errors, setting->key, text);
}

static void read_setting(tine_app *app, const struct config_setting *setting, struct errors *errors)
{
    int64_t number = 0;
    long i = option_for(app, setting->key);
    if (i < 0) {
        refuse_unknown(app, setting, errors);
        return;
    }
    const tine_option *option = option_at(app->module, (size_t)i);
    if (!parse_number(option->type, setting->value, &number)) {
        char text[512];
        snprintf(text, sizeof text, "'%s' is not %s", setting->value, type_names[option->type]);
        refuse(app, errors, setting->key, text);
    }
    store(app, (size_t)i, setting->key, setting->value, setting->directory, number);
}

/* The module's own mistakes, told where it is named. */
static bool check_option(const tine_app *app, const tine_option *option, struct errors *errors)
{
    char text[512] = "";
    int64_t number;
    if ((unsigned)option->type >= sizeof type_names / sizeof type_names[0])
        snprintf(text, sizeof text, "its setting '%s' is of type %u, and this tine knows those up to %u: it was built for a newer one",
                 option->name, (unsigned)option->type, (unsigned)TINE_SECRET);
    else if (option->fallback != NULL && !parse_number(option->type, option->fallback, &number))
        snprintf(text, sizeof text, "the default of its setting '%s', '%s', is not %s", option->name, option->fallback,
                 type_names[option->type]);
    if (text[0] != 0)
        refuse(app, errors, "module", text);
    return text[0] == 0;
}

/* Such a key of the section is tine's, so that the module never gets it. */
static void warn_of_reserved(tine_app *app, const tine_option *option)
{
    char text[512];
    if (!app->section->is_filter || option_find(SECTION_FILTER, option->name) == NULL)
        return;
    snprintf(text, sizeof text, "its setting '%s' cannot be set: that is tine's own key of [filter:NAME]", option->name);
    app_warn(app, text);
}

static bool check_options(tine_app *app, struct errors *errors)
{
    bool right = true;
    size_t count = count_options(app->module);
    for (size_t i = 0; i < count; i++) {
        right = check_option(app, option_at(app->module, i), errors) && right;
        warn_of_reserved(app, option_at(app->module, i));
    }
    return right;
}

void settings_read(struct tine_app *app, struct errors *errors)
{
    size_t count = count_options(app->module);
    app->texts = memory_new((count + 1) * sizeof *app->texts);
    app->numbers = memory_new((count + 1) * sizeof *app->numbers);
    app->keyed = memory_new((app->section->setting_count + 1) * sizeof *app->keyed);
    if (!check_options(app, errors))
        return;
    for (size_t i = 0; i < app->section->setting_count; i++)
        read_setting(app, &app->section->settings[i], errors);
    for (size_t i = 0; i < count; i++) {
        const tine_option *option = option_at(app->module, i);
        int64_t number = 0;
        if (app->texts[i] != NULL || is_keyed(option))
            continue;
        if (option->fallback == NULL) {
            char text[512];
            snprintf(text, sizeof text, "module '%s' needs it (%s): %s", app->section->module,
                     type_names[option->type], option->help != NULL ? option->help : "");
            refuse(app, errors, option->name, text);
            continue;
        }
        parse_number(option->type, option->fallback, &number);
        store(app, i, option->name, option->fallback, app->config->directory, number);
    }
}

static void print_one(const tine_option *option, const char *key, const char *text, FILE *out)
{
    if (option->type == TINE_SECRET && text[0] != 0)
        fprintf(out, "; %s is secret, and not shown\n", key);
    else
        config_print_setting(key, text, out);
}

static void print_keyed(const struct tine_app *app, size_t i, FILE *out)
{
    const tine_option *option = option_at(app->module, i);
    for (size_t k = 0; k < app->keyed_count; k++) {
        char *key = NULL;
        if (app->keyed[k].option != i)
            continue;
        if (asprintf(&key, "%.*s%s", (int)strlen(option->name) - 1, option->name, app->keyed[k].key) < 0)
            abort();
        print_one(option, key, app->keyed[k].text, out);
        free(key);
    }
}

void settings_print(const struct tine_app *app, FILE *out)
{
    size_t count = count_options(app->module);
    for (size_t i = 0; i < count; i++) {
        if (app->texts[i] != NULL)
            print_one(option_at(app->module, i), option_at(app->module, i)->name, app->texts[i], out);
        print_keyed(app, i, out);
    }
}

/* A module's own mistake, that no request is to blame for. */
static void blame(tine_app *app, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void blame(tine_app *app, const char *format, ...)
{
    char text[1280];
    va_list arguments;
    if (++app->blames > BLAMES_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    log_error("[%s:%s] module '%s' %s%s", config_app_kind(app->section), app->section->name, app->section->module, text,
              app->blames == BLAMES_MAX ? "; more of it is not told" : "");
}

/* The index of a setting that the module has declared, one value or many; -1, logged. */
static long declared(tine_app *app, const char *function, const char *name, bool keyed)
{
    long i = name != NULL ? find_option(app, name) : -1;
    if (i >= 0 && is_keyed(option_at(app->module, (size_t)i)) == keyed)
        return i;
    blame(app, "asks %s() for '%s', which is no setting that it declares%s", function, name != NULL ? name : "(null)",
          keyed ? " with a '*'" : "");
    return -1;
}

const char *tine_setting(tine_app *app, const char *name)
{
    long i = declared(app, "tine_setting", name, false);
    return i >= 0 ? app->texts[i] : NULL;
}

int64_t tine_setting_number(tine_app *app, const char *name)
{
    long i = declared(app, "tine_setting_number", name, false);
    if (i < 0)
        return 0;
    tine_type type = option_at(app->module, (size_t)i)->type;
    if (type == TINE_TEXT || type == TINE_PATH || type == TINE_SECRET)
        blame(app, "asks tine_setting_number() for '%s', which is %s", name, type_names[type]);
    return app->numbers[i];
}

int tine_setting_each(tine_app *app, const char *name, size_t i, const char **key, const char **value, int64_t *number)
{
    long option = declared(app, "tine_setting_each", name, true);
    for (size_t k = 0; option >= 0 && k < app->keyed_count; k++) {
        const struct app_setting *setting = &app->keyed[k];
        if (setting->option != (size_t)option || i-- > 0)
            continue;
        if (key != NULL)
            *key = setting->key;
        if (value != NULL)
            *value = setting->text;
        if (number != NULL)
            *number = setting->number;
        return 0;
    }
    return -1;
}

const char *tine_app_name(tine_app *app)
{
    return app->section->name;
}

const char *tine_app_path(tine_app *app)
{
    return app->section->path;
}

void tine_set_data(tine_app *app, void *data)
{
    app->data = data;
}

void *tine_data(tine_app *app)
{
    return app->data;
}

int tine_reject(tine_app *app, const char *setting, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    log_trim(text);
    if (app->errors != NULL)
        refuse(app, app->errors, setting != NULL ? setting : "module", text);
    else
        blame(app, "calls tine_reject() outside of load, worker_init and health: %s", text);
    return -1;
}
