/* SPDX-License-Identifier: Apache-2.0
 *
 * Each setting to its option, or to the app's module. Headings have been checked: a setting below one
 * that was wrong is passed over.
 */
#include "config/build.h"

#include "config/values.h"

#include <string.h>

enum { KEYS_MAX = 64 };

/* All keys that a section may have, for a suggestion. */
static void list_keys(struct build *build, enum option_section section, const char *keys[static KEYS_MAX])
{
    char name[OPTION_NAME_MAX];
    size_t count = 0;

    for (const struct option *option = options; option->key && count < KEYS_MAX - 1; option++) {
        if (option->section == section)
            keys[count++] = option->key;
        if ((section == SECTION_APP && option->per_app) || (section == SECTION_ROUTE && option->per_route)) {
            option_per_app_name(option, name);
            keys[count++] = pool_text(build->scratch, name);
        }
    }
    keys[count] = NULL;
}

static void reject_unknown(struct build *build, const struct entry *entry, enum option_section section)
{
    const char *keys[KEYS_MAX];

    list_keys(build, section, keys);
    const char *word = value_suggest(entry->key, keys);
    if (word) {
        build_reject(build, entry, "unknown key (did you mean '%s'?)", word);
        return;
    }
    for (const struct option *option = options; option->key; option++) {
        bool of_named = option_sections[option->section].has_name;

        if (strcmp(option->key, entry->key) == 0 && (!of_named || section == SECTION_ROUTE)) {
            build_reject(build, entry, "unknown key (it belongs to [%s%s])", option_sections[option->section].name,
                         of_named ? ":NAME" : "");
            return;
        }
    }
    bool of_tls = strstr(entry->key, "ssl") || strstr(entry->key, "tls") || strstr(entry->key, "cert");
    build_reject(build, entry, "unknown key%s", of_tls ? " (tine speaks no TLS: a proxy before it does, as in etc/nginx.conf)" : "");
}

static const char *hint_at_comment(const char *value)
{
    return strchr(value, ';') ? " (a comment begins with ';' behind a blank)" : "";
}

static void store(struct build *build, const struct entry *entry, const struct option *option, void *base)
{
    const char *wrong = option_store(option, base, entry->value, entry->directory, build->config->memory, build->scratch);

    if (wrong)
        build_reject(build, entry, "%s%s", wrong, hint_at_comment(entry->value));
}

static void take_server_setting(struct build *build, const struct entry *entry, enum option_section section)
{
    const struct option *option = option_find(section, entry->key);

    if (!option)
        reject_unknown(build, entry, section);
    else if (option->type == OPTION_INCLUDE)
        build_reject(build, entry, "can only be given in a file");
    else if (option->type != OPTION_LISTENS) /* those were taken with the sections */
        store(build, entry, option, option_base(build->config, section));
}

static void take_listen_setting(struct build *build, const struct entry *entry, struct config_listen *listen)
{
    const struct option *option = option_find(SECTION_LISTEN, entry->key);

    if (option)
        store(build, entry, option, listen);
    else
        reject_unknown(build, entry, SECTION_LISTEN);
}

static void add_module_setting(struct build *build, const struct entry *entry, struct config_app *app, const char *hint)
{
    struct pool *memory = build->config->memory;

    app->settings = pool_grow(memory, app->settings, app->setting_count, sizeof *app->settings);
    app->settings[app->setting_count++] = (struct config_setting){
        .key = pool_text(memory, entry->key),
        .value = pool_text(memory, entry->value),
        .directory = pool_text(memory, entry->directory),
        .hint = hint,
        .place = {pool_text(memory, entry->place.file), entry->place.line},
    };
}

/* "timeouts.x" and "limits.x" are tine's own, whether there is such an x or not. */
static void reject_bound(struct build *build, const struct entry *entry, enum option_section within)
{
    const char *dot = strchr(entry->key, '.') + 1;
    enum option_section section = strncmp(entry->key, "limits.", 7) == 0 ? SECTION_LIMITS : SECTION_TIMEOUTS;

    if (option_find(section, dot))
        build_reject(build, entry, "cannot be set for one %s, only in [%s]", option_sections[within].name, option_sections[section].name);
    else
        reject_unknown(build, entry, within);
}

static bool is_of_bounds(const char *key)
{
    return strncmp(key, "timeouts.", 9) == 0 || strncmp(key, "limits.", 7) == 0;
}

/* A bare "body" could mean a timeout as well as a limit, so that it means neither; but a module may have a
 * setting of that name ('respond' has), and only who loads the module can tell. */
static void take_app_setting(struct build *build, const struct entry *entry, struct config_app *app)
{
    bool is_ambiguous;
    const struct option *option = option_find(SECTION_APP, entry->key);

    if (!option)
        option = option_find_per_app(entry->key, &is_ambiguous);
    if (option)
        store(build, entry, option, option_app_base(app, option->section));
    else if (is_ambiguous)
        add_module_setting(build, entry, app, pool_format(build->config->memory, "write limits.%s or timeouts.%s",
                                                          entry->key, entry->key));
    else if (is_of_bounds(entry->key))
        reject_bound(build, entry, SECTION_APP);
    else
        add_module_setting(build, entry, app, option_find(SECTION_ROUTE, entry->key)    ? "it is a key of [filter:NAME] and [route:NAME]"
                                              : option_find(SECTION_FILTER, entry->key) ? "it is a key of [filter:NAME]"
                                                                                        : NULL);
}

static void take_filter_setting(struct build *build, const struct entry *entry, struct config_app *filter)
{
    const struct option *option = option_find(SECTION_FILTER, entry->key);

    if (option)
        store(build, entry, option, filter);
    else
        add_module_setting(build, entry, filter, NULL);
}

/* No module is loaded for it: all that is not known here is unknown. */
static void take_route_setting(struct build *build, const struct entry *entry, struct config_route *route)
{
    bool is_ambiguous;
    const struct option *own = option_find(SECTION_ROUTE, entry->key), *bound = option_find_per_app(entry->key, &is_ambiguous);

    if (own)
        store(build, entry, own, route);
    else if (bound && bound->per_route)
        store(build, entry, bound, option_bounds_base(&route->own, bound->section));
    else if (bound)
        build_reject(build, entry, "is counted for an app as a whole; set it in the [app:NAME]");
    else if (is_ambiguous)
        build_reject(build, entry, "unknown key (write limits.%s or timeouts.%s)", entry->key, entry->key);
    else if (is_of_bounds(entry->key))
        reject_bound(build, entry, SECTION_ROUTE);
    else
        reject_unknown(build, entry, SECTION_ROUTE);
}

static void note_origin(struct config *config, const struct entry *entry)
{
    config->origins = pool_grow(config->memory, config->origins, config->origin_count, sizeof *config->origins);
    config->origins[config->origin_count++] = (struct config_origin){
        .section = pool_text(config->memory, entry->section),
        .key = pool_text(config->memory, entry->key),
        .place = {pool_text(config->memory, entry->place.file), entry->place.line},
        .is_unread = !entry->value,
    };
}

static void take_setting(struct build *build, const struct entry *entry, bool of_named)
{
    const char *name;
    enum option_section section = option_section_of(entry->section, &name);
    struct config_app *app;
    struct config_route *route;
    struct config_listen *listen;

    if (section == SECTIONS || option_sections[section].has_name != of_named || (!of_named && *name))
        return;
    if (entry->repeated)
        build_reject(build, entry, "already set at %s", build_place_text(build, &entry->repeated->place));
    if (entry->is_dropped)
        return;
    note_origin(build->config, entry);
    if (!entry->value)
        return;
    if (!of_named)
        take_server_setting(build, entry, section);
    else if (section == SECTION_APP && (app = build_find_app(build, false, name)))
        take_app_setting(build, entry, app);
    else if (section == SECTION_FILTER && (app = build_find_app(build, true, name)))
        take_filter_setting(build, entry, app);
    else if (section == SECTION_ROUTE && (route = build_find_route(build, name)))
        take_route_setting(build, entry, route);
    else if (section == SECTION_LISTEN && *name && (listen = build_find_listen(build, name)))
        take_listen_setting(build, entry, listen);
}

static void take_settings(struct build *build, bool of_named)
{
    for (size_t i = 0; i < build->entries.count; i++)
        if (build->entries.items[i].key)
            take_setting(build, &build->entries.items[i], of_named);
}

void build_settings(struct build *build)
{
    struct config *config = build->config;

    take_settings(build, false);
    for (size_t i = 0; i < config->app_count; i++) {
        config->apps[i].timeouts = config->timeouts;
        config->apps[i].limits = config->limits;
    }
    take_settings(build, true);
}
