/* SPDX-License-Identifier: Apache-2.0
 *
 * See apps.h.
 */
#include "app/apps.h"

#include "app/module.h"
#include "app/reach.h"
#include "app/routes.h"
#include "app/settings.h"
#include "base/log.h"
#include "base/memory.h"
#include "shared/breaker.h"

#include <stdio.h>
#include <stdlib.h>

static const struct tine_app *volatile in_progress;
/* What is done with it, in the order in which it is done. */
static volatile enum step { STEP_OPENING, STEP_READING_ROUTES, STEP_LOADING, STEP_INITIALISING } step_in_progress;

const struct tine_app *apps_in_progress(void)
{
    return in_progress;
}

void apps_put_in_progress(struct safe_line *line)
{
    const struct config_app *section = in_progress->section;
    safe_line_put(line, slice_from(section->place.file));
    safe_line_put(line, SLICE(":"));
    safe_line_put_number(line, (unsigned long)section->place.line, 10);
    safe_line_put(line, SLICE(": ["));
    safe_line_put(line, slice_from(config_app_kind(section)));
    safe_line_put(line, SLICE(":"));
    safe_line_put(line, slice_from(section->name));
    safe_line_put(line, SLICE("] module: '"));
    safe_line_put(line, slice_from(section->module));
    safe_line_put(line, SLICE("' "));
}

void apps_put_crash(struct safe_line *line, int number)
{
    static const char *const texts[] = {"crashed while it was loaded (", "crashed while its routes were read (", "crashed in its load() (",
                                        "crashed in its worker_init() ("};
    apps_put_in_progress(line);
    safe_line_put(line, slice_from(texts[step_in_progress]));
    safe_line_put_signal(line, number);
    safe_line_put(line, step_in_progress == STEP_READING_ROUTES ? SLICE("); does its list of routes end with {0}?") : SLICE(")"));
}

void app_reject(struct tine_app *app, const char *key, const char *wrong)
{
    char section[128];
    snprintf(section, sizeof section, "%s:%s", config_app_kind(app->section), app->section->name);
    config_reject_value(app->errors, app->config, section, key, "%s", wrong);
}

void app_warn(struct tine_app *app, const char *what)
{
    char section[128];
    snprintf(section, sizeof section, "%s:%s", config_app_kind(app->section), app->section->name);
    config_reject_value(app->warnings, app->config, section, "module", "%s", what);
}

/* What the module says counts when the configuration says nothing. */
static void decide_access(struct tine_app *app)
{
    const tine_module *module = app->module;
    const char *list, *one;
    size_t length;
    app->allow = app->section->allow;
    if (app->allow.count > 0 || !MODULE_HAS(module, allow))
        return;
    for (list = module->allow; network_next(&list, &one, &length);) {
        app->allow.all = memory_resize(app->allow.all, (app->allow.count + 1) * sizeof *app->allow.all);
        if (network_parse(&app->allow.all[app->allow.count++], one, length) != NULL)
            app_reject(app, "module", "its .allow is no list of networks");
    }
}

/* Filters come before apps, which refer to them. */
static void load_app(struct apps *apps, struct tine_app *app, const char *file, uint32_t *number)
{
    const struct config_app *section = app->section;
    const char *reason = NULL;
    router_init(&app->router);
    app->module = module_find(section->module, file != NULL ? file : section->module, &reason);
    if (app->module == NULL) {
        char text[1024];
        snprintf(text, sizeof text, "cannot load '%s': %s", section->module, reason);
        app_reject(app, "module", text);
        return;
    }
    size_t before = app->errors->count;
    decide_access(app);
    settings_read(app, app->errors);
    step_in_progress = STEP_READING_ROUTES;
    if (section->is_filter)
        routes_load_filter(app);
    else
        routes_load(apps, app, number);
    step_in_progress = STEP_LOADING;
    /* load() may rely on its settings, so it runs only when they are right. */
    if (app->errors->count == before && app->module->load != NULL && app->module->load(app) != 0 &&
        app->errors->count == before)
        app_reject(app, "module", "its load() failed without tine_reject()");
}

static int by_precedence(const void *a, const void *b)
{
    const struct tine_app *one = a, *two = b;
    if (one->section->is_filter != two->section->is_filter)
        return one->section->is_filter - two->section->is_filter;
    if (one->section->is_filter) /* has no host */
        return one->section < two->section ? -1 : 1;
    int one_any = strcmp(one->section->host, "*") == 0, two_any = strcmp(two->section->host, "*") == 0;
    if (one_any != two_any)
        return one_any - two_any;
    if (one->mount.length != two->mount.length)
        return one->mount.length > two->mount.length ? -1 : 1;
    return one->section < two->section ? -1 : 1; /* qsort need not be stable: the order of the file decides */
}

static struct slice mount_of(const struct config_app *section)
{
    return section->is_filter || strcmp(section->path, "/") == 0 ? (struct slice){"", 0} : slice_from(section->path);
}

static struct tine_app *app_of(struct apps *apps, const struct config_app *section)
{
    for (size_t i = 0; i < apps->count; i++)
        if (apps->all[i].section == section)
            return &apps->all[i];
    return NULL;
}

static void load_all(struct apps *apps, const struct config *config, char *const *module_files, bool filters)
{
    uint32_t route_number = BREAKER_NO_ROUTE + 1;
    for (size_t i = 0; i < config->app_count; i++) {
        struct tine_app *app = config->apps[i].is_filter == filters ? app_of(apps, &config->apps[i]) : NULL;
        if (app == NULL)
            continue;
        in_progress = app;
        step_in_progress = STEP_OPENING;
        load_app(apps, app, module_files != NULL ? module_files[i] : NULL, &route_number);
        in_progress = NULL;
        app->errors = NULL;
    }
}

struct apps *apps_load(const struct config *config, char *const *module_files, struct errors *errors)
{
    struct apps *apps = memory_new(sizeof *apps);
    apps->config = config;
    errors_init(&apps->warnings);
    apps->all = memory_new((config->app_count + 1) * sizeof *apps->all);
    for (size_t i = 0; i < config->app_count; i++)
        if (config->apps[i].module != NULL && config->apps[i].module[0] != 0) { /* else told by whoever read the file */
            apps->all[apps->count++] = (struct tine_app){.config = config, .section = &config->apps[i], .errors = errors,
                                                         .mount = mount_of(&config->apps[i]), .warnings = &apps->warnings};
            apps->mounted += !config->apps[i].is_filter;
        }
    /* Sorted before anything is loaded: a module may keep its tine_app. Loaded in the order of the file, as its author
     * expects to read the errors. */
    qsort(apps->all, apps->count, sizeof *apps->all, by_precedence);
    load_all(apps, config, module_files, true);
    apps->filters = routes_named_filters(apps, NULL, config, errors);
    load_all(apps, config, module_files, false);
    if (errors->count == 0)
        reach_check(apps, config);
    if (apps->mounted == 0 && errors->count == 0)
        errors_add(&apps->warnings, "there is no [app:NAME]: every request is answered 404%s",
                   config->health ? ", but for /-/live and /-/ready" : "");
    return apps;
}

/* What load() made for an app nobody but its module knows how to free, and it is not told: so it stays where tools that look for leaks see
 * that it is in use. */
static const struct apps *closed;

void apps_close(struct apps *apps)
{
    for (size_t i = 0; i < apps->count; i++) {
        struct tine_app *app = &apps->all[i];
        if (app->allow.all != app->section->allow.all)
            free(app->allow.all);
        router_release(&app->router);
        free(app->texts);
        free(app->numbers);
        free(app->keyed);
        free(app->groups);
    }
    errors_release(&apps->warnings);
    apps->closed = closed;
    closed = apps;
}

static void print_settings(const struct config_app *section, void *context, FILE *out)
{
    const struct tine_app *app = app_of(context, section);
    if (app != NULL)
        settings_print(app, out);
}

void apps_print(const struct apps *apps, const struct config *config, FILE *out)
{
    config_print_with(config, print_settings, (void *)apps, out);
}

int apps_start(struct apps *apps, struct errors *errors)
{
    size_t before = errors->count;
    for (size_t i = 0; i < apps->count && errors->count == before; i++) {
        struct tine_app *app = &apps->all[i];
        app->errors = errors;
        in_progress = app;
        step_in_progress = STEP_INITIALISING;
        if (app->module->worker_init != NULL && app->module->worker_init(app) != 0 && errors->count == before)
            app_reject(app, "module", "its worker_init() failed without tine_reject()");
        in_progress = NULL;
        app->errors = NULL;
        app->initialised = errors->count == before;
    }
    return errors->count == before ? 0 : -1;
}

void apps_stop(struct apps *apps)
{
    for (size_t i = 0; i < apps->count; i++) {
        struct tine_app *app = &apps->all[i];
        if (app->initialised && app->module->worker_exit != NULL)
            app->module->worker_exit(app);
        app->initialised = false;
    }
}

bool app_is_healthy(struct tine_app *app)
{
    struct errors errors;
    bool ailed = app->ailing;
    if (!MODULE_HAS(app->module, health))
        return true;
    errors_init(&errors);
    app->errors = &errors;
    app->ailing = app->module->health(app) != 0;
    app->errors = NULL;
    if (app->ailing && !ailed)
        log_warning("/-/ready fails: %s", errors.count > 0 ? errors.messages[0] : "a health() failed without tine_reject()");
    errors_release(&errors);
    return !app->ailing;
}

static bool is_mounted_at(const struct tine_app *app, struct slice host, struct slice path)
{
    struct slice mount = app->mount, wanted = slice_from(app->section->host);
    if (path.length < mount.length || memcmp(path.data, mount.data, mount.length) != 0)
        return false;
    if (path.length > mount.length && path.data[mount.length] != '/')
        return false;
    return slice_equals(wanted, SLICE("*")) || slice_equals_nocase(wanted, host);
}

static struct slice below_mount(const struct tine_app *app, struct slice path)
{
    struct slice below = {path.data + app->mount.length, path.length - app->mount.length};
    return below.length > 0 ? below : SLICE("/");
}

int apps_match(const struct apps *apps, struct slice method, struct slice host, struct slice path,
               struct apps_match *match, struct buffer *allow)
{
    int status = 404;
    match->app = NULL;
    match->route.route = NULL;
    for (size_t i = 0; i < apps->mounted && status == 404; i++) {
        struct tine_app *app = &apps->all[i];
        if (!is_mounted_at(app, host, path))
            continue;
        status = router_match(&app->router, method, below_mount(app, path), &match->route, allow);
        if (status != 404)
            match->app = app;
    }
    return status;
}

const struct filters *apps_filters(const struct apps *apps, struct slice host, struct slice path, const struct apps_match *match)
{
    const struct tine_app *app = match->app;
    if (match->route.route != NULL)
        return match->route.route->filters;
    for (size_t i = 0; i < apps->mounted && app == NULL; i++)
        if (is_mounted_at(&apps->all[i], host, path))
            app = &apps->all[i];
    return app != NULL ? routes_filters_at(app, below_mount(app, path), match->app != NULL ? match->route.other : NULL) : apps->filters;
}
