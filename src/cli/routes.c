/* SPDX-License-Identifier: Apache-2.0
 *
 * tine routes -c FILE: what is answered by what, for a person or (--json) for a program. Routes stand in the order in which apps are
 * asked, within an app as its module has them.
 */
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/load.h"

#include "app/module.h"
#include "app/reach.h"
#include "app/server.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

enum { COLUMNS = 5 };

static const char *const titles[COLUMNS] = {"METHOD", "PATH", "HANDLER", "WHERE", "FILTERS"};

struct table {
    char *(*rows)[COLUMNS];
    size_t count;
};

static char *cell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *cell(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        abort();
    va_end(arguments);
    return text;
}

/* The path as a client sees it: an app's "/" is where it is mounted. */
static char *path_of(const struct tine_app *app, const struct route *route, const char *host)
{
    bool is_mount = app != NULL && app->mount.length > 0 && strcmp(route->pattern, "/") == 0;
    int length = app != NULL ? (int)app->mount.length : 0;
    return cell("%s%.*s%s", host, length, length > 0 ? app->mount.data : "", is_mount ? "" : route->pattern);
}

static const char *host_of(const struct tine_app *app)
{
    return app != NULL && strcmp(app->section->host, "*") != 0 ? app->section->host : NULL;
}

/* As the log names it. */
static char *handler_of(const struct tine_app *app, const struct route *route)
{
    return cell("%s%s%s", app != NULL ? app->section->name : "", app != NULL ? "." : "", route->name);
}

static bool is_built_in(const struct tine_app *app)
{
    return app == NULL || !module_is_file(app->section->module);
}

static char *where(const struct tine_app *app, const struct route *route)
{
    if (app == NULL)
        return cell("built in");
    if (is_built_in(app))
        return cell("%s, built in", app->section->module);
    return route->file != NULL ? cell("%s:%d", route->file, route->line) : cell("-");
}

static char *filter_name(const struct filter *filter)
{
    return cell("%s.%s", filter->self->section->name, filter->code.name);
}

/* Those that may run, in their order; "(name)" depends on the request. */
static char *filters_of(const struct tine_app *app, const struct route *route)
{
    char *text = cell("%s", "");
    for (size_t i = 0; route->filters != NULL && i < route->filters->count; i++) {
        enum reach reach = reach_of_filter(&route->filters->all[i], app, route);
        if (reach == REACH_NONE)
            continue;
        char *name = filter_name(&route->filters->all[i]);
        char *more = cell(reach == REACH_PART ? "%s%s(%s)" : "%s%s%s", text, text[0] != 0 ? ", " : "", name);
        free(name);
        free(text);
        text = more;
    }
    if (text[0] != 0)
        return text;
    free(text);
    return cell("-");
}

static void add_row(const struct tine_app *app, const struct route *route, void *context)
{
    struct table *table = context;
    const char *host = host_of(app);
    table->rows = memory_resize(table->rows, (table->count + 1) * sizeof *table->rows);
    char **row = table->rows[table->count++];
    row[0] = cell("%.*s", (int)route->method.length, route->method.data);
    row[1] = path_of(app, route, host != NULL ? host : "");
    row[2] = handler_of(app, route);
    row[3] = where(app, route);
    row[4] = filters_of(app, route);
}

/* Adds a text, which is freed. */
static void set(json_t *object, const char *key, char *text)
{
    json_object_set_new(object, key, text != NULL ? json_string(text) : json_null());
    free(text);
}

static void add_object(const struct tine_app *app, const struct route *route, void *context)
{
    json_t *object = json_object(), *filters = json_array(), *in_part = json_array();
    const char *host = host_of(app);
    set(object, "method", cell("%.*s", (int)route->method.length, route->method.data));
    set(object, "host", host != NULL ? cell("%s", host) : NULL);
    set(object, "path", path_of(app, route, ""));
    set(object, "app", app != NULL ? cell("%s", app->section->name) : NULL);
    set(object, "handler", cell("%s", route->name));
    set(object, "module", app != NULL ? cell("%s", app->section->module) : NULL);
    set(object, "file", !is_built_in(app) && route->file != NULL ? cell("%s", route->file) : NULL);
    json_object_set_new(object, "line", !is_built_in(app) && route->file != NULL ? json_integer(route->line) : json_null());
    json_object_set_new(object, "stream", json_boolean(route->stream));
    for (size_t i = 0; route->filters != NULL && i < route->filters->count; i++) {
        enum reach reach = reach_of_filter(&route->filters->all[i], app, route);
        char *name = filter_name(&route->filters->all[i]);
        if (reach != REACH_NONE)
            json_array_append_new(filters, json_string(name));
        if (reach == REACH_PART)
            json_array_append_new(in_part, json_string(name));
        free(name);
    }
    json_object_set_new(object, "filters", filters);
    json_object_set_new(object, "filters_in_part", in_part);
    json_array_append_new(context, object);
}

static void each_route(const struct apps *apps, void (*add)(const struct tine_app *app, const struct route *route, void *context),
                       void *context)
{
    for (const struct route *route = server_routes(); route != NULL; route = route->following)
        add(NULL, route, context);
    for (size_t i = 0; i < apps->mounted; i++)
        for (const struct route *route = apps->all[i].router.first; route != NULL; route = route->following)
            add(&apps->all[i], route, context);
}

static void print_row(const char *const row[COLUMNS], const size_t widths[COLUMNS])
{
    for (int i = 0; i + 1 < COLUMNS; i++)
        printf("%-*s  ", (int)widths[i], row[i]);
    printf("%s\n", row[COLUMNS - 1]);
}

static void print_table(const struct table *table)
{
    size_t widths[COLUMNS];
    for (int i = 0; i < COLUMNS; i++) {
        widths[i] = strlen(titles[i]);
        for (size_t row = 0; row < table->count; row++)
            if (strlen(table->rows[row][i]) > widths[i])
                widths[i] = strlen(table->rows[row][i]);
    }
    print_row(titles, widths);
    for (size_t row = 0; row < table->count; row++)
        print_row((const char *const *)table->rows[row], widths);
}

static void print_text(const struct apps *apps)
{
    struct table table = {.rows = NULL};
    each_route(apps, add_row, &table);
    print_table(&table);
    for (size_t row = 0; row < table.count; row++)
        for (int i = 0; i < COLUMNS; i++)
            free(table.rows[row][i]);
    free(table.rows);
}

static void print_json(const struct apps *apps)
{
    json_t *all = json_array();
    each_route(apps, add_object, all);
    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}

int cli_routes(int argc, char **argv)
{
    struct client_options options;
    struct direct direct;
    int result = client_parse(&options, argc, argv, true) < 0 ? 2 : 1;
    if (result == 1 && load_direct(&direct, options.path, options.overrides, options.override_count, false) == 0) {
        if (options.json)
            print_json(direct.apps);
        else
            print_text(direct.apps);
        direct_close(&direct);
        result = fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
    }
    free(options.overrides);
    return result;
}
