/* SPDX-License-Identifier: Apache-2.0
 *
 * The headings: which sections there are, and the listeners, apps and routes that come of them.
 */
#include "config/build.h"

#include "config/values.h"

#include <string.h>

struct config_app *build_find_app(struct build *build, bool is_filter, const char *name)
{
    for (size_t i = build->config->app_count; i-- > 0;) /* the last one first: its settings come now */
        if (build->config->apps[i].is_filter == is_filter && strcmp(build->config->apps[i].name, name) == 0)
            return &build->config->apps[i];
    return NULL;
}

struct config_route *build_find_route(struct build *build, const char *name)
{
    for (size_t i = 0; i < build->config->route_count; i++)
        if (strcmp(build->config->routes[i].name, name) == 0)
            return &build->config->routes[i];
    return NULL;
}

struct config_listen *build_find_listen(struct build *build, const char *name)
{
    for (size_t i = build->config->listen_count; i-- > 0;)
        if (strcmp(build->config->listens[i].name, name) == 0)
            return &build->config->listens[i];
    return NULL;
}

static struct config_place keep_place(struct build *build, const struct config_place *place)
{
    return (struct config_place){pool_text(build->config->memory, place->file), place->line};
}

static void store_defaults(struct build *build, enum option_section section, void *base)
{
    for (const struct option *option = options; option->key; option++)
        if (option->section == section && option->fallback)
            option_store(option, base, option->fallback, build->config->directory, build->config->memory, build->scratch);
}

static struct config_listen *add_listen(struct build *build, const char *name, const struct config_place *place)
{
    struct config *config = build->config;

    config->listens = pool_grow(config->memory, config->listens, config->listen_count, sizeof *config->listens);
    struct config_listen *listen = &config->listens[config->listen_count++];
    *listen = (struct config_listen){.name = pool_text(config->memory, name), .place = keep_place(build, place)};
    store_defaults(build, SECTION_LISTEN, listen);
    return listen;
}

static void add_app(struct build *build, enum option_section section, const char *name, const struct config_place *place)
{
    struct config *config = build->config;

    config->apps = pool_grow(config->memory, config->apps, config->app_count, sizeof *config->apps);
    struct config_app *app = &config->apps[config->app_count++];
    *app = (struct config_app){.is_filter = section == SECTION_FILTER, .name = pool_text(config->memory, name),
                               .place = keep_place(build, place)};
    store_defaults(build, section, app);
}

static void add_route(struct build *build, const char *name, const struct config_place *place)
{
    struct config *config = build->config;

    config->routes = pool_grow(config->memory, config->routes, config->route_count, sizeof *config->routes);
    struct config_route *route = &config->routes[config->route_count++];
    *route = (struct config_route){.name = pool_text(config->memory, name), .place = keep_place(build, place)};
    for (const struct option *option = options; option->key; option++)
        if (option->per_route)
            *option_bound(option, &route->own) = CONFIG_UNSAID;
}

/* The comma-separated addresses of [server] listen. */
static void add_server_listens(struct build *build, const struct entry *entry)
{
    const char *separators = ", \t";

    for (const char *text = entry->value + strspn(entry->value, separators); *text; text += strspn(text, separators)) {
        size_t length = strcspn(text, separators);
        const char *one = pool_format(build->scratch, "%.*s", (int)length, text);
        struct address address;
        const char *wrong = address_parse(&address, one, entry->directory);

        if (build->config->listen_count == CONFIG_LISTENS_MAX) {
            build_reject(build, entry, "more than %d listeners", CONFIG_LISTENS_MAX);
            return;
        }
        if (wrong)
            build_reject(build, entry, "'%.120s' %s", one, wrong);
        else
            add_listen(build, "", &entry->place)->address = address;
        text += length;
    }
}

static const char *heading_of(struct build *build, enum option_section section)
{
    return pool_format(build->scratch, "[%s%s]", option_sections[section].name,
                         option_sections[section].has_name ? ":NAME" : "");
}

static void reject_unknown(struct build *build, const struct entry *entry)
{
    const char *words[SECTIONS + 1] = {0}, *name;
    const char *kind = pool_format(build->scratch, "%.*s", (int)strcspn(entry->section, ":"), entry->section);

    for (int section = 0; section < SECTIONS; section++)
        words[section] = option_sections[section].name;
    const char *word = value_suggest(kind, words);
    config_reject(build->errors, &entry->place, entry->section, NULL, "unknown section%s%s%s", word ? " (did you mean " : "",
                  word ? heading_of(build, option_section_of(word, &name)) : "", word ? "?)" : "");
}

/* Returns whether the heading is right, telling what is wrong. */
static bool check_heading(struct build *build, const struct entry *entry)
{
    const char *name, *wrong = NULL;
    enum option_section section = option_section_of(entry->section, &name);

    if (section == SECTIONS) {
        reject_unknown(build, entry);
        return false;
    }
    if (option_sections[section].has_name && !*name)
        wrong = pool_format(build->scratch, "a name is missing: %s", heading_of(build, section));
    else if (!option_sections[section].has_name && strchr(entry->section, ':'))
        wrong = pool_format(build->scratch, "this section takes no name: %s", heading_of(build, section));
    else if (name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")])
        wrong = "a name holds letters, digits, '-' and '_' only";
    if (wrong)
        config_reject(build->errors, &entry->place, entry->section, NULL, "%s", wrong);
    return !wrong;
}

static void add_section(struct build *build, const struct entry *entry)
{
    struct config *config = build->config;
    const char *name;
    enum option_section section = option_section_of(entry->section, &name);

    if ((section == SECTION_APP || section == SECTION_FILTER) && !build_find_app(build, section == SECTION_FILTER, name)) {
        if (config->app_count < CONFIG_APPS_MAX)
            add_app(build, section, name, &entry->place);
        else
            config_reject(build->errors, &entry->place, entry->section, NULL, "more than %d apps and filters", CONFIG_APPS_MAX);
    }
    if (section == SECTION_ROUTE && !build_find_route(build, name)) {
        if (config->route_count < CONFIG_ROUTES_MAX)
            add_route(build, name, &entry->place);
        else
            config_reject(build->errors, &entry->place, entry->section, NULL,
                          "more than %d routes; one may name several in 'only', with commas", CONFIG_ROUTES_MAX);
    }
    if (section == SECTION_LISTEN && !build_find_listen(build, name)) {
        if (config->listen_count < CONFIG_LISTENS_MAX)
            add_listen(build, name, &entry->place);
        else
            config_reject(build->errors, &entry->place, entry->section, NULL, "more than %d listeners", CONFIG_LISTENS_MAX);
    }
}

static void take_heading(struct build *build, const struct entry *entry)
{
    const char *name;

    if (!check_heading(build, entry))
        return;
    if (entry->repeated && option_sections[option_section_of(entry->section, &name)].has_name)
        config_reject(build->errors, &entry->place, entry->section, NULL, "this section already begins at %s",
                      build_place_text(build, &entry->repeated->place));
    add_section(build, entry);
}

/* "send" of an app or route becomes "timeouts.send", so that both count as one key. */
static void name_in_full(struct build *build, struct entry *entry)
{
    const char *name;
    enum option_section section = option_section_of(entry->section, &name);
    bool is_ambiguous;

    if (!entry->key || (section != SECTION_APP && section != SECTION_ROUTE))
        return;
    const struct option *option = option_find_per_app(entry->key, &is_ambiguous);
    if (option) {
        char *full = pool_alloc(build->scratch, OPTION_NAME_MAX);

        option_per_app_name(option, full);
        entry->key = full;
    }
}

void build_sections(struct build *build)
{
    const struct entries *entries = &build->entries;

    for (size_t i = 0; i < entries->count; i++)
        name_in_full(build, &entries->items[i]);
    entries_settle(&build->entries);
    const struct entry *listen = entries_find(entries, "server", "listen");
    if (listen && listen->value)
        add_server_listens(build, listen);
    for (size_t i = 0; i < entries->count; i++) {
        const struct entry *entry = &entries->items[i];

        /* An override may name a section that the file has not. */
        if (!entry->key || (entry->is_override && !entry->is_dropped))
            take_heading(build, entry);
    }
    if (!listen && build->config->listen_count == 0) {
        const struct option *option = option_find(SECTION_SERVER, "listen");
        const struct entry standard = {.section = "server", .key = option->key, .value = option->fallback,
                                       .directory = build->config->directory, .place = {build->config->file, 0}};
        add_server_listens(build, &standard);
    }
}
