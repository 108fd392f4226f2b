/* SPDX-License-Identifier: Apache-2.0
 *
 * See reach.h.
 */
#include "app/reach.h"

#include <stdio.h>

/* A route's whole pattern: the app's mount, then its own. */
struct pattern {
    struct slice mount, own;
};

static struct slice take_segment(struct pattern *pattern)
{
    return scope_take_segment(pattern->mount.length > 0 ? &pattern->mount : &pattern->own);
}

static bool ends_with(struct slice text, struct slice end)
{
    return text.length >= end.length && memcmp(text.data + text.length - end.length, end.data, end.length) == 0;
}

/* As the router has it; no segment of an entry is empty. */
static bool is_integer(struct slice text)
{
    size_t sign = text.data[0] == '-' ? 1 : 0, i = sign;
    while (i < text.length && text.data[i] >= '0' && text.data[i] <= '9')
        i++;
    return i > sign && i == text.length;
}

/* 'wanted' is an entry's, "{name}" or itself; 'segment' a pattern's, but not a tail. */
static enum reach reach_of_segment(struct slice wanted, struct slice segment)
{
    bool is_parameter = segment.length > 0 && segment.data[0] == '{';
    if (wanted.data[0] == '{')
        return segment.length > 0 ? REACH_ALL : REACH_NONE;
    if (!is_parameter)
        return slice_equals(wanted, segment) ? REACH_ALL : REACH_NONE;
    return !ends_with(segment, SLICE(":int}")) || is_integer(wanted) ? REACH_PART : REACH_NONE;
}

static enum reach reach_of_path(struct slice path, struct pattern pattern)
{
    enum reach reach = REACH_ALL;
    while (path.length > 0) {
        if (pattern.own.length == 0)
            return REACH_NONE;
        struct slice wanted = scope_take_segment(&path), segment = take_segment(&pattern);
        if (ends_with(segment, SLICE(":path}")))
            return REACH_PART;
        enum reach of_segment = reach_of_segment(wanted, segment);
        if (of_segment == REACH_NONE)
            return REACH_NONE;
        if (of_segment == REACH_PART)
            reach = REACH_PART;
    }
    return reach;
}

/* A route of GET serves HEAD, one of "*" all. What is answered where no route has the method, OPTIONS mostly, is part of none. */
static enum reach reach_of_method(struct slice wanted, struct slice method)
{
    bool is_get = slice_equals(wanted, SLICE("GET")), serves_get = slice_equals(method, SLICE("GET"));
    if (wanted.length == 0 || slice_equals(wanted, method) || (is_get && slice_equals(method, SLICE("HEAD"))))
        return REACH_ALL;
    return slice_equals(method, SLICE("*")) || (serves_get && slice_equals(wanted, SLICE("HEAD"))) ? REACH_PART : REACH_NONE;
}

static enum reach least(enum reach a, enum reach b)
{
    return a < b ? a : b;
}

static struct pattern pattern_of(const struct tine_app *app, const struct route *route)
{
    return (struct pattern){app->mount, slice_from(route->pattern)};
}

static enum reach reach_of_scope(const struct scope *scope, const struct tine_app *app, const struct route *route)
{
    enum reach most = REACH_NONE;
    for (size_t i = 0; i < scope->count && most != REACH_ALL; i++) {
        const struct scope_entry *entry = &scope->all[i];
        enum reach reach = least(reach_of_method(entry->method, route->method), reach_of_path(entry->path, pattern_of(app, route)));
        most = reach > most ? reach : most;
    }
    return most;
}

enum reach reach_of_filter(const struct filter *filter, const struct tine_app *app, const struct route *route)
{
    const struct config_app *section = filter->self->section;
    enum reach only = section->only.count > 0 ? reach_of_scope(&section->only, app, route) : REACH_ALL;
    return least(only, REACH_ALL - reach_of_scope(&section->except, app, route));
}

/* ---- entries that are about nothing ---- */

static bool stands_around(const struct tine_app *self, const struct route *route)
{
    for (size_t i = 0; route->filters != NULL && i < route->filters->count; i++)
        if (route->filters->all[i].self == self)
            return true;
    return false;
}

/* OPTIONS is answered wherever there is a route. */
static bool is_about(const struct scope_entry *entry, const struct tine_app *app, const struct route *route)
{
    bool method = slice_equals(entry->method, SLICE("OPTIONS")) || reach_of_method(entry->method, route->method) != REACH_NONE;
    return method && reach_of_path(entry->path, pattern_of(app, route)) != REACH_NONE;
}

/* Is there a route around which the filter stands, and which the entry is about? No filter: any route; no entry: whatever it is. */
static bool finds_route(const struct apps *apps, const struct tine_app *self, const struct scope_entry *entry)
{
    for (size_t i = 0; i < apps->mounted; i++)
        for (const struct route *route = apps->all[i].router.first; route != NULL; route = route->following)
            if ((self == NULL || stands_around(self, route)) && (entry == NULL || is_about(entry, &apps->all[i], route)))
                return true;
    return false;
}

/* Those of the server, around which no filter ever runs: to say so is not wrong. */
static bool is_builtin(struct slice path)
{
    return path.length >= 3 && memcmp(path.data, "/-/", 3) == 0;
}

/* No filter: of a [route:NAME], which is for all routes, but those of the server. */
static void check_scope(struct apps *apps, const struct tine_app *self, const struct config *config, const char *name, const char *key,
                        const struct scope *scope)
{
    char section[128];
    snprintf(section, sizeof section, "%s:%s", self != NULL ? "filter" : "route", name);
    for (size_t i = 0; i < scope->count; i++) {
        struct slice method = scope->all[i].method, path = scope->all[i].path;
        if ((self != NULL && is_builtin(path)) || finds_route(apps, self, &scope->all[i]))
            continue;
        config_reject_value(&apps->warnings, config, section, key, "no route%s is at '%.*s%s%.*s' (see tine routes)",
                            self != NULL ? " that it stands around" : "", (int)method.length, method.data, method.length > 0 ? " " : "",
                            path.length > 0 ? (int)path.length : 1, path.length > 0 ? path.data : "/");
    }
}

static void check_filters(struct apps *apps, const struct config *config)
{
    for (size_t i = apps->mounted; i < apps->count; i++) {
        const struct tine_app *self = &apps->all[i];
        if (self->section->only.count + self->section->except.count == 0 || !finds_route(apps, self, NULL))
            continue;
        check_scope(apps, self, config, self->section->name, "only", &self->section->only);
        check_scope(apps, self, config, self->section->name, "except", &self->section->except);
    }
}

void reach_check(struct apps *apps, const struct config *config)
{
    check_filters(apps, config);
    for (size_t i = 0; i < config->route_count && apps->mounted > 0; i++)
        check_scope(apps, NULL, config, config->routes[i].name, "only", &config->routes[i].only);
}
