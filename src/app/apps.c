/* SPDX-License-Identifier: Apache-2.0
 *
 * See apps.h.
 */
#include "app/apps.h"

#include "app/module.h"
#include "app/settings.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

static const struct tine_app *volatile in_progress;

const struct tine_app *apps_in_progress(void)
{
    return in_progress;
}

static void reject(struct tine_app *app, const char *key, const char *wrong)
{
    char section[128];
    snprintf(section, sizeof section, "app:%s", app->section->name);
    config_reject_value(app->errors, app->config, section, key, "%s", wrong);
}

/* Routes are walked by the size they had when the module was compiled. */
static const tine_route *next_route(const tine_module *module, const tine_route *route)
{
    return (const tine_route *)((const char *)route + module->route_size);
}

static void add_routes(struct tine_app *app, uint32_t *number)
{
    const tine_module *module = app->module;
    const tine_route *route = module->routes;
    if (route == NULL || route->pattern == NULL) {
        reject(app, "module", "it has no routes: TINE_MODULE(.routes = (const tine_route[]){TINE_GET(\"/\", handler), {0}})");
        return;
    }
    for (; route->pattern != NULL; route = next_route(module, route)) {
        const char *wrong = router_add(&app->router, route->method, route->pattern, route->handler, route->name, (*number)++);
        char text[256];
        if (wrong == NULL)
            continue;
        snprintf(text, sizeof text, "its route %s %s cannot be used: %s",
                 route->method != NULL ? route->method : "(no method)", route->pattern, wrong);
        reject(app, "module", text);
    }
}

/* What the module says counts when the configuration says nothing. */
static void decide_access(struct tine_app *app)
{
    const tine_module *module = app->module;
    const char *list, *one;
    size_t length;
    app->allow = app->section->allow;
    if (app->allow.count > 0 || module->size < offsetof(tine_module, allow) + sizeof module->allow || module->allow == NULL)
        return;
    for (list = module->allow; network_next(&list, &one, &length);) {
        app->allow.all = memory_resize(app->allow.all, (app->allow.count + 1) * sizeof *app->allow.all);
        if (network_parse(&app->allow.all[app->allow.count++], one, length) != NULL)
            reject(app, "module", "its .allow is no list of networks");
    }
}

static void load_app(struct tine_app *app, const char *file, uint32_t *number)
{
    const struct config_app *section = app->section;
    const char *reason = NULL;
    router_init(&app->router);
    app->module = module_find(section->module, file != NULL ? file : section->module, &reason);
    if (app->module == NULL) {
        char text[1024];
        snprintf(text, sizeof text, "cannot load '%s': %s", section->module, reason);
        reject(app, "module", text);
        return;
    }
    size_t before = app->errors->count;
    decide_access(app);
    settings_read(app, app->errors);
    add_routes(app, number);
    /* load() may rely on its settings, so it runs only when they are right. */
    if (app->errors->count == before && app->module->load != NULL && app->module->load(app) != 0 &&
        app->errors->count == before)
        reject(app, "module", "its load() failed without tine_reject()");
}

static int by_precedence(const void *a, const void *b)
{
    const struct tine_app *one = a, *two = b;
    int one_any = strcmp(one->section->host, "*") == 0, two_any = strcmp(two->section->host, "*") == 0;
    if (one_any != two_any)
        return one_any - two_any;
    if (one->mount.length != two->mount.length)
        return one->mount.length > two->mount.length ? -1 : 1;
    return one->section < two->section ? -1 : 1; /* qsort need not be stable: the order of the file decides */
}

static struct slice mount_of(const struct config_app *section)
{
    return strcmp(section->path, "/") == 0 ? (struct slice){"", 0} : slice_from(section->path);
}

static struct tine_app *app_of(struct apps *apps, const struct config_app *section)
{
    for (size_t i = 0; i < apps->count; i++)
        if (apps->all[i].section == section)
            return &apps->all[i];
    return NULL;
}

struct apps *apps_load(const struct config *config, char *const *module_files, struct errors *errors)
{
    struct apps *apps = memory_new(sizeof *apps);
    uint32_t route_number = 0;
    apps->all = memory_new((config->app_count + 1) * sizeof *apps->all);
    for (size_t i = 0; i < config->app_count; i++)
        if (config->apps[i].module != NULL && config->apps[i].module[0] != 0) /* else told by whoever read the file */
            apps->all[apps->count++] = (struct tine_app){.config = config, .section = &config->apps[i], .errors = errors,
                                                         .mount = mount_of(&config->apps[i])};
    /* Sorted before anything is loaded: a module may keep its tine_app. Loaded in the order of the file, as its author
     * expects to read the errors. */
    qsort(apps->all, apps->count, sizeof *apps->all, by_precedence);
    for (size_t i = 0; i < config->app_count; i++) {
        struct tine_app *app = app_of(apps, &config->apps[i]);
        if (app == NULL)
            continue;
        in_progress = app;
        load_app(app, module_files != NULL ? module_files[i] : NULL, &route_number);
        in_progress = NULL;
        app->errors = NULL;
    }
    return apps;
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
        if (app->module->worker_init != NULL && app->module->worker_init(app) != 0 && errors->count == before)
            reject(app, "module", "its worker_init() failed without tine_reject()");
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

static bool is_mounted_at(const struct tine_app *app, struct slice host, struct slice path)
{
    struct slice mount = app->mount, wanted = slice_from(app->section->host);
    if (path.length < mount.length || memcmp(path.data, mount.data, mount.length) != 0)
        return false;
    if (path.length > mount.length && path.data[mount.length] != '/')
        return false;
    return slice_equals(wanted, SLICE("*")) || slice_equals_nocase(wanted, host);
}

int apps_match(const struct apps *apps, struct slice method, struct slice host, struct slice path,
               struct apps_match *match, struct buffer *allow)
{
    int status = 404;
    match->app = NULL;
    match->route.route = NULL;
    for (size_t i = 0; i < apps->count && status == 404; i++) {
        struct tine_app *app = &apps->all[i];
        if (!is_mounted_at(app, host, path))
            continue;
        struct slice below = {path.data + app->mount.length, path.length - app->mount.length};
        if (below.length == 0)
            below = SLICE("/");
        status = router_match(&app->router, method, below, &match->route, allow);
        if (status != 404)
            match->app = app;
    }
    return status;
}
