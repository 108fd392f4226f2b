/* SPDX-License-Identifier: Apache-2.0
 *
 * See routes.h.
 */
#include "app/routes.h"

#include "app/module.h"
#include "base/memory.h"
#include "config/pool.h"

#include <ctype.h>
#include <stdio.h>

enum { GROUPS_DEEP = 8, WHERE_MAX = 512 };

static const char too_many_filters[] = "more than 32 filters run around one route";

/* Structs are walked and read by the size they had when the module was compiled. */
static const tine_route *next_route(const tine_module *module, const tine_route *route)
{
    return (const tine_route *)((const char *)route + module->route_size);
}

static tine_route read_route(const tine_module *module, const tine_route *route)
{
    tine_route whole = {0};
    memcpy(&whole, route, module->route_size);
    return whole;
}

static const struct filters *module_filters(struct tine_app *app, const tine_filter *const *list)
{
    bool too_many = false;
    const struct filters *filters = filters_of_module(list, app, &too_many);
    if (too_many)
        app_reject(app, "module", too_many_filters);
    for (size_t i = 0; filters != NULL && i < filters->count; i++) {
        const tine_filter *filter = &filters->all[i].code;
        if (filter->size > sizeof *filter)
            app_reject(app, "module", "it has a filter that was built for a newer tine");
        else if (filter->size == 0 || filter->name == NULL)
            app_reject(app, "module", "it has a filter without a name: TINE_FILTER(\"name\", .before = check)");
    }
    return filters;
}

static const struct filters *join(struct tine_app *app, const struct filters *outer, const struct filters *inner)
{
    bool too_many = false;
    const struct filters *filters = filters_join(outer, inner, &too_many);
    if (too_many)
        app_reject(app, "module", too_many_filters);
    return filters;
}

static const struct tine_app *find_filter(const struct apps *apps, struct slice name)
{
    for (size_t i = apps->mounted; i < apps->count; i++)
        if (slice_equals(slice_from(apps->all[i].section->name), name))
            return &apps->all[i];
    return NULL;
}

/* Not found is not loaded, too, which was told; but the name must stand in the file. */
static bool is_written(const struct config *config, struct slice name)
{
    for (size_t i = 0; i < config->app_count; i++)
        if (config->apps[i].is_filter && slice_equals(slice_from(config->apps[i].name), name))
            return true;
    return false;
}

const struct filters *routes_named_filters(const struct apps *apps, struct tine_app *app, const struct config *config,
                                           struct errors *errors)
{
    static const char separators[] = ", \t";
    const char *text = app != NULL ? app->section->filters : config->filters;
    const struct filters *filters = NULL;
    bool too_many = false;
    char section[128] = "server";
    if (app != NULL)
        snprintf(section, sizeof section, "app:%s", app->section->name);
    for (text += strspn(text, separators); *text != 0; text += strspn(text, separators)) {
        struct slice name = {text, strcspn(text, separators)};
        const struct tine_app *filter = find_filter(apps, name);
        text += name.length;
        if (filter != NULL)
            filters = filters_join(filters, filter->filters, &too_many);
        else if (!is_written(config, name))
            config_reject_value(errors, config, section, "filters", "there is no [filter:%.*s]: it is a section of its own, with a module",
                                (int)name.length, name.data);
        if (too_many) {
            config_reject_value(errors, config, section, "filters", "more than %d filters", FILTERS_MAX);
            return NULL;
        }
    }
    return filters;
}

/* Where routes are added to: an app, or a group in it. */
struct place {
    struct tine_app *app;
    uint32_t *number;
    const char *prefix;
    const struct filters *filters;
    unsigned depth;
};

/* " (file.c:12)", or nothing of a module that was built for an older tine. */
static void format_where(char where[static WHERE_MAX], const char *file, int line)
{
    where[0] = 0;
    if (file != NULL)
        snprintf(where, WHERE_MAX, " (%s:%d)", file, line);
}

static void reject_route(const struct place *place, const tine_route *route, const char *wrong)
{
    char text[1024], where[WHERE_MAX];
    bool group = route->routes != NULL;
    format_where(where, route->file, route->line);
    snprintf(text, sizeof text, "its %s%s%s %s%s cannot be used: %s%s", group ? "group" : "route", group ? "" : " ",
             group ? "" : route->method != NULL ? route->method : "(no method)", place->prefix, route->pattern, wrong, where);
    app_reject(place->app, "module", text);
}

static const char *append(const struct place *place, const char *pattern)
{
    if (place->prefix[0] == 0)
        return pattern;
    return pool_format(place->app->config->memory, "%s%s", place->prefix, pattern);
}

static void add_routes(const struct place *place, const tine_route *route);

static struct slice take_segment(struct slice *path)
{
    const char *slash = path->length > 1 ? memchr(path->data + 1, '/', path->length - 1) : NULL;
    struct slice segment = {path->data, slash != NULL ? (size_t)(slash - path->data) : path->length};
    *path = (struct slice){path->data + segment.length, path->length - segment.length};
    return segment;
}

/* Is the segment a parameter where others come from? NULL, or how it is written here, for as long as the process. */
static const char *parameter_meant(const struct place *place, struct slice segment)
{
    size_t length = 0;
    const char *name = segment.data + 1;
    if (segment.length == 0 || (segment.data[0] != ':' && segment.data[0] != '*'))
        return NULL;
    while (length + 1 < segment.length && (isalnum((unsigned char)name[length]) || name[length] == '_'))
        length++;
    if (segment.data[0] == '*')
        return pool_format(place->app->config->memory, "{%.*s:path}", length > 0 ? (int)length : 4, length > 0 ? name : "rest");
    return length > 0 ? pool_format(place->app->config->memory, "{%.*s}", (int)length, name) : NULL;
}

/* It is a route, but hardly what was meant. */
static void warn_of_habits(const struct place *place, const struct route *route)
{
    for (struct slice rest = slice_from(route->pattern); rest.length > 0;) {
        struct slice segment = take_segment(&rest);
        segment = (struct slice){segment.data + 1, segment.length - 1};
        const char *meant = parameter_meant(place, segment);
        if (meant == NULL)
            continue;
        char text[1024], where[WHERE_MAX];
        format_where(where, route->file, route->line);
        snprintf(text, sizeof text, "its route %.*s %s%s: '%.*s' is a literal here; write %s", (int)route->method.length,
                 route->method.data, route->pattern, where, (int)segment.length, segment.data, meant);
        app_warn(place->app, text);
        return;
    }
}

static void add_group(const struct place *place, const tine_route *group, const struct filters *filters)
{
    struct tine_app *app = place->app;
    const struct place inner = {app, place->number, append(place, group->pattern), filters, place->depth + 1};
    size_t length = strlen(group->pattern);
    const char *wrong = length > 0 && group->pattern[0] != '/'             ? "the pattern does not begin with '/'"
                        : length > 0 && group->pattern[length - 1] == '/' ? "the prefix of a group ends with '/'"
                        : group->handler != NULL                          ? "a group has no handler"
                        : inner.depth > GROUPS_DEEP                       ? "groups stand in groups more than eight deep"
                                                                          : NULL;
    if (wrong != NULL) {
        reject_route(place, group, wrong);
        return;
    }
    if (length > 0) { /* else it has no place of its own, but routes alone */
        app->groups = memory_resize(app->groups, (app->group_count + 1) * sizeof *app->groups);
        app->groups[app->group_count++] = (struct app_group){inner.prefix, filters};
    }
    add_routes(&inner, group->routes);
}

static void add_routes(const struct place *place, const tine_route *at)
{
    struct tine_app *app = place->app;
    for (; at->pattern != NULL; at = next_route(app->module, at)) {
        const tine_route route = read_route(app->module, at);
        const struct filters *filters = join(app, place->filters, module_filters(app, route.filters));
        if (route.routes != NULL) {
            add_group(place, &route, filters);
            continue;
        }
        const char *wrong = route.pattern[0] != '/' && route.pattern[0] != 0 ? "the pattern does not begin with '/'" : NULL;
        if (wrong == NULL)
            wrong = router_add(&app->router, route.method, append(place, route.pattern), route.handler, route.name,
                               (*place->number)++);
        if (wrong != NULL) {
            reject_route(place, &route, wrong);
            continue;
        }
        app->router.added->filters = filters;
        app->router.added->group = place->prefix;
        app->router.added->group_filters = place->filters;
        app->router.added->stream = route.stream != 0;
        app->router.added->file = route.file;
        app->router.added->line = route.line;
        warn_of_habits(place, app->router.added);
    }
}

void routes_load(const struct apps *apps, struct tine_app *app, uint32_t *number)
{
    const tine_module *module = app->module;
    if (module->routes == NULL || module->routes->pattern == NULL) {
        app_reject(app, "module", "it has no routes: TINE_MODULE(.routes = (const tine_route[]){TINE_GET(\"/\", handler), {0}})");
        return;
    }
    app->filters = join(app, apps->filters, routes_named_filters(apps, app, app->config, app->errors));
    if (MODULE_HAS(module, filters))
        app->filters = join(app, app->filters, module_filters(app, module->filters));
    add_routes(&(const struct place){app, number, "", app->filters, 0}, module->routes);
}

void routes_load_filter(struct tine_app *app)
{
    const tine_module *module = app->module;
    if (MODULE_HAS(module, filters) && module->filters[0] != NULL)
        app->filters = module_filters(app, module->filters);
    else
        app_reject(app, "module", "it has no filters: TINE_MODULE(.filters = TINE_FILTERS(&one))");
}

/* A parameter stands for any segment here, whatever its type: it is about what is not there. */
static bool begins_with(struct slice path, const char *prefix)
{
    for (struct slice rest = slice_from(prefix); rest.length > 0;) {
        struct slice wanted = take_segment(&rest), segment = take_segment(&path);
        bool any = wanted.length > 1 && wanted.data[1] == '{' && segment.length > 1;
        if (!any && !slice_equals(wanted, segment))
            return false;
    }
    return true;
}

/* Several groups may have one prefix, or, without one, stand at the same place: of these it is the one whose route has the path. */
const struct filters *routes_filters_at(const struct tine_app *app, struct slice path, const struct route *other)
{
    const struct filters *filters = app->filters;
    size_t longest = 0;
    for (size_t i = 0; i < app->group_count; i++) {
        const struct app_group *group = &app->groups[i];
        if (strlen(group->prefix) <= longest || !begins_with(path, group->prefix))
            continue;
        longest = strlen(group->prefix);
        filters = group->filters;
    }
    return other != NULL && strlen(other->group) == longest ? other->group_filters : filters;
}
