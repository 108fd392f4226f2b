/* SPDX-License-Identifier: Apache-2.0
 *
 * The effective configuration as an INI file (-T). What the option table does not know, the settings of modules, is written by who has
 * loaded those; else as it was given: a relative path there starts at the folder of the file.
 */
#include "config/config.h"

#include "config/pool.h"
#include "config/options.h"
#include "config/quote.h"

#include <string.h>

void config_print_setting(const char *key, const char *value, FILE *out)
{
    fputs(key, out);
    fputs(*value ? " = " : " =", out);
    quote_print(value, out);
    fputc('\n', out);
}

static void print_section(enum option_section section, const void *base, struct pool *scratch, FILE *out)
{
    for (const struct option *option = options; option->key; option++)
        if (option->section == section && option->type != OPTION_LISTENS && option->type != OPTION_INCLUDE)
            config_print_setting(option->key, option_text(option, base, scratch), out);
}

/* Those of [server] listen in one line; those of [listen:NAME] follow in sections of their own. */
static void print_server_listens(const struct config *config, FILE *out)
{
    const char *separator = " ";

    fputs("listen =", out);
    for (size_t i = 0; i < config->listen_count; i++) {
        char text[ADDRESS_TEXT_MAX];

        if (*config->listens[i].name)
            continue;
        address_format(&config->listens[i].address, text);
        fprintf(out, "%s%s", separator, text);
        separator = ", ";
    }
    fputc('\n', out);
}

/* Of its timeouts and limits those that are not the server's. */
static void print_app(struct config *config, struct config_app *app, struct pool *scratch, FILE *out)
{
    char name[OPTION_NAME_MAX];

    fprintf(out, "\n[%s:%s]\n", config_app_kind(app), app->name);
    print_section(app->is_filter ? SECTION_FILTER : SECTION_APP, app, scratch, out);
    for (const struct option *option = options; option->key; option++) {
        if (!option->per_app)
            continue;
        const char *text = option_text(option, option_app_base(app, option->section), scratch);
        if (strcmp(text, option_text(option, option_base(config, option->section), scratch)) == 0)
            continue;
        option_per_app_name(option, name);
        config_print_setting(name, text, out);
    }
}

static void print_route(struct config_route *route, struct pool *scratch, FILE *out)
{
    char name[OPTION_NAME_MAX];

    fprintf(out, "\n[route:%s]\n", route->name);
    print_section(SECTION_ROUTE, route, scratch, out);
    for (const struct option *option = options; option->key; option++) {
        if (!option->per_route || *option_bound(option, &route->own) == CONFIG_UNSAID)
            continue;
        option_per_app_name(option, name);
        config_print_setting(name, option_text(option, option_bounds_base(&route->own, option->section), scratch), out);
    }
}

static void print_as_given(const struct config_app *app, void *context, FILE *out)
{
    (void)context;
    for (size_t i = 0; i < app->setting_count; i++)
        config_print_setting(app->settings[i].key, app->settings[i].value, out);
}

void config_print(const struct config *config, FILE *out)
{
    config_print_with(config, print_as_given, NULL, out);
}

void config_print_with(const struct config *config_, config_print_settings *settings, void *context, FILE *out)
{
    struct config *config = (struct config *)config_; /* option_base() serves writers too; here all is only read */
    struct pool *scratch = pool_new();

    fprintf(out, "; the effective configuration of %s\n", config->file);
    for (int section = 0; section < SECTIONS; section++) {
        const void *base = option_base(config, (enum option_section)section);

        if (!base)
            continue;
        fprintf(out, "\n[%s]\n", option_sections[section].name);
        if (section == SECTION_SERVER)
            print_server_listens(config, out);
        print_section((enum option_section)section, base, scratch, out);
    }
    for (size_t i = 0; i < config->listen_count; i++) {
        if (!*config->listens[i].name)
            continue;
        fprintf(out, "\n[listen:%s]\n", config->listens[i].name);
        print_section(SECTION_LISTEN, &config->listens[i], scratch, out);
    }
    for (size_t i = 0; i < config->app_count; i++) {
        print_app(config, &config->apps[i], scratch, out);
        settings(&config->apps[i], context, out);
    }
    for (size_t i = 0; i < config->route_count; i++)
        print_route(&config->routes[i], scratch, out);
    pool_free(scratch);
}
