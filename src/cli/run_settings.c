/* SPDX-License-Identifier: Apache-2.0
 *
 * What a server of `tine run` is told besides its INI file, by -o: to load the module from where it was built for this, to have the
 * filter around everything, to stay in the foreground and to write its logs there.
 */
#include "cli/runner.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILTER "tine-run"
#define DEFAULT_LISTEN "127.0.0.1:8000"

void words_add(struct words *words, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    words->all = memory_resize(words->all, (words->count + 2) * sizeof *words->all);
    if (vasprintf(&words->all[words->count], format, arguments) < 0)
        abort();
    words->all[++words->count] = NULL;
    va_end(arguments);
}

void words_release(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->all[i]);
    free(words->all);
    *words = (struct words){0};
}

bool words_equal(const struct words *a, const struct words *b)
{
    bool equal = a->count == b->count;
    for (size_t i = 0; equal && i < a->count; i++)
        equal = strcmp(a->all[i], b->all[i]) == 0;
    return equal;
}

static void add_setting(struct words *settings, const char *key, const char *value)
{
    words_add(settings, "-o");
    words_add(settings, "%s=%s", key, value);
}

/* Where the INI file and the command line may say otherwise, they have the last word. */
static void add_filter(const struct runner *runner, struct words *settings, const char *filters)
{
    words_add(settings, "-o");
    words_add(settings, "server.filters=" FILTER "%s%s", filters[0] != 0 ? ", " : "", filters);
    add_setting(settings, "filter:" FILTER ".module", "develop");
    add_setting(settings, "filter:" FILTER ".state", runner->directory);
}

static bool is_ours(const struct runner *runner, const char *module)
{
    const char *base = module != NULL ? strrchr(module, '/') : NULL;
    size_t length = strlen(runner->project.name);
    return base != NULL && strncmp(base + 1, runner->project.name, length) == 0 && strcmp(base + 1 + length, ".so") == 0;
}

static void add_module(const struct runner *runner, struct words *settings, const char *kind, const char *app)
{
    words_add(settings, "-o");
    words_add(settings, "%s:%s.module=%s/%s.so", kind, app, runner->project.objects, runner->project.name);
}

static size_t add_modules(const struct runner *runner, struct words *settings)
{
    const struct config *config = runner->config;
    size_t count = 0;
    for (size_t i = 0; i < config->app_count; i++)
        if (is_ours(runner, config->apps[i].module)) {
            add_module(runner, settings, config_app_kind(&config->apps[i]), config->apps[i].name);
            count++;
        }
    return count;
}

static char *all_errors(const struct errors *errors)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 0; i < errors->kept; i++)
        fprintf(out, "%s\n", errors->messages[i]);
    fclose(out);
    return text;
}

static struct config *read_file(const struct runner *runner, char **wrong)
{
    struct errors errors;
    struct words overrides = {0};
    errors_init(&errors);
    for (size_t i = 0; i < runner->override_count; i++)
        words_add(&overrides, "%s", runner->overrides[i]);
    if (runner->project.ini == NULL)
        words_add(&overrides, "app:%s.module=./%s.so", runner->project.name, runner->project.name);
    struct config *config = config_load(runner->ini, (const char *const *)overrides.all, overrides.count, &errors);
    *wrong = errors.count > 0 || config == NULL ? all_errors(&errors) : NULL;
    if (*wrong != NULL && config != NULL) {
        config_free(config);
        config = NULL;
    }
    errors_release(&errors);
    words_release(&overrides);
    return config;
}

/* Pages of a static site are loaded again when they change, too. */
static void watch_sites(struct runner *runner)
{
    for (size_t i = 0; i < runner->config->app_count; i++) {
        const struct config_app *app = &runner->config->apps[i];
        for (size_t k = 0; strcmp(app->module, "static") == 0 && k < app->setting_count; k++)
            if (strcmp(app->settings[k].key, "root") == 0) {
                char *root = NULL;
                if (asprintf(&root, "%s%s%s", app->settings[k].value[0] == '/' ? "" : app->settings[k].directory,
                             app->settings[k].value[0] == '/' ? "" : "/", app->settings[k].value) < 0)
                    abort();
                watch_add(&runner->watch, root, NULL, true);
                free(root);
            }
    }
}

static void write_own_ini(struct runner *runner)
{
    char *text = NULL;
    if (asprintf(&text, "[server]\nlisten = " DEFAULT_LISTEN "\n\n[app:%s]\npath = /\n", runner->project.name) < 0)
        abort();
    run_write(runner, "run.ini", text);
    free(text);
}

char *run_read_settings(struct runner *runner)
{
    char *wrong;
    if (runner->project.ini == NULL)
        write_own_ini(runner);
    struct config *config = read_file(runner, &wrong);
    if (config == NULL)
        return wrong;
    if (runner->config != NULL)
        config_free(runner->config);
    runner->config = config;
    words_release(&runner->wanted);
    add_setting(&runner->wanted, "server.daemon", "off");
    add_setting(&runner->wanted, "server.crash_limit", "0"); /* what crashes is tried again and again, until it does not */
    if (geteuid() == 0 && config->user[0] == 0)
        add_setting(&runner->wanted, "server.user", "root"); /* nobody may neither come to a folder below /root nor make a database in it */
    add_setting(&runner->wanted, "log.access", "-");
    add_setting(&runner->wanted, "log.error", "-");
    for (size_t i = 0; i < runner->override_count; i++) {
        words_add(&runner->wanted, "-o");
        words_add(&runner->wanted, "%s", runner->overrides[i]);
    }
    add_filter(runner, &runner->wanted, config->filters);
    watch_sites(runner);
    if (add_modules(runner, &runner->wanted) > 0)
        return NULL;
    if (asprintf(&wrong, "%s: no [app:NAME] has 'module = build/%s.so', which is what is built here\n", runner->ini,
                 runner->project.name) < 0)
        abort();
    return wrong;
}

void run_write_stand_in(struct runner *runner, struct words *settings)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    fputs("[server]\nlisten =", out);
    for (size_t i = 0; i < runner->config->listen_count; i++) {
        char address[ADDRESS_TEXT_MAX];
        address_format(&runner->config->listens[i].address, address);
        fprintf(out, "%s %s", i > 0 ? "," : "", address);
    }
    fputs("\nworkers = 1\nworkers_max = 1\n[log]\naccess = -\nerror = -\n", out);
    fclose(out);
    run_write(runner, "stand-in.ini", text);
    free(text);
    if (geteuid() == 0)
        add_setting(settings, "server.user", "root");
    add_filter(runner, settings, "");
}
