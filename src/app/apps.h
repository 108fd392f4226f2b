/* SPDX-License-Identifier: Apache-2.0
 *
 * The apps of a configuration: modules loaded, settings checked, routes in their trees, and from a host and
 * path to the app that answers. Runs in workers, and in the child process that checks a configuration.
 */
#ifndef APP_APPS_H
#define APP_APPS_H

#include "app/filters.h"
#include "app/router.h"
#include "base/errors.h"
#include "base/safe_line.h"
#include "config/config.h"
#include "tine.h"

struct app_setting {
    size_t option; /* which name */
    const char *key, *text;
    int64_t number;
};

struct app_group {
    const char *prefix;
    const struct filters *filters;
};

struct tine_app {
    const struct config *config;
    const struct config_app *section;
    const tine_module *module;
    struct slice mount; /* its path; empty for "/" */
    struct networks allow; /* its own, or what the module says; empty: everybody */
    const char **texts; /* of the module's settings, in its order */
    int64_t *numbers;
    struct app_setting *keyed; /* those of names that end in ".*", in the order of the file */
    size_t keyed_count;
    struct router router;
    const struct filters *filters;  /* around all of it, those of the server included; NULL: none. Of a filter: what it runs */
    struct app_group *groups;       /* that have filters */
    size_t group_count;
    struct errors *warnings; /* of what was odd when it was loaded */
    struct errors *errors; /* where tine_reject() adds; NULL outside of load and worker_init */
    void *data;
    bool initialised;
    bool ailing; /* its health() said so last time */
    unsigned blames; /* lines in the log about what it does wrong outside of requests; no more than a few are written */
};

struct apps {
    const struct config *config;
    struct tine_app *all; /* own host before "*", longer paths before shorter ones, else as in the file; then filters */
    size_t count, mounted; /* with and without filters */
    const struct filters *filters; /* around every request; NULL: none */
    struct errors warnings; /* what is odd, though it can be served */
    const struct apps *closed; /* in the list of those that were closed */
};

/* Loads and checks every app. 'module_files' (one for each app of the configuration, NULL entries for built-ins)
 * names the files to load; NULL itself loads those that the configuration names. Reasons are added to 'errors'.
 * The apps are usable when nothing was added; they live as long as the process: modules are never unloaded. */
struct apps *apps_load(const struct config *config, char *const *module_files, struct errors *errors);

/* Where they do not live so long: frees all but the modules and what their load() made. Before config_free(). */
void apps_close(struct apps *apps);

/* The effective configuration, with all settings of modules but those that are secret. */
void apps_print(const struct apps *apps, const struct config *config, FILE *out);

/* Runs every worker_init. Returns 0, or -1 with reasons added. */
int apps_start(struct apps *apps, struct errors *errors);

/* Runs worker_exit of those that were started. */
void apps_stop(struct apps *apps);

/* Runs the health() of an app that has one. False: it is not well; then, if it was before, the reason is logged. */
bool app_is_healthy(struct tine_app *app);

/* The app whose module is loaded or initialised just now; NULL: none. For whoever has to say what crashed. */
const struct tine_app *apps_in_progress(void);

/* "FILE:LINE: [app:NAME] module: 'MODULE' " of that app, and with "crashed in its load() (SIGNAME)" or what else was done with it. Both
 * async-signal-safe; there must be one. */
void apps_put_in_progress(struct safe_line *line);
void apps_put_crash(struct safe_line *line, int number);

struct apps_match {
    struct tine_app *app;
    struct router_match route;
};

/* Finds the app and route for a host (without port, any case; empty when there is none) and a decoded path. An app that has no
 * route for the path passes it on to the next that is mounted there. Returns 0, 404, or 405 with 'allow' filled in. */
int apps_match(const struct apps *apps, struct slice method, struct slice host, struct slice path,
               struct apps_match *match, struct buffer *allow);

/* The filters around what apps_match() found; without a route those of the app that is mounted there, and of its group. */
const struct filters *apps_filters(const struct apps *apps, struct slice host, struct slice path, const struct apps_match *match);

#endif
