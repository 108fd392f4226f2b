/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration as the rest of tine sees it: one struct, made whole by config_load() from the
 * INI file, its includes and the command line, and never changed afterwards. A reload makes a new
 * one. Sizes are bytes, times milliseconds. Runs in the master and, inherited, in workers.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/errors.h"
#include "config/address.h"
#include "config/networks.h"
#include "config/scope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum { CONFIG_WORKERS_MAX = 512, CONFIG_LISTENS_MAX = 64, CONFIG_APPS_MAX = 1000, CONFIG_ROUTES_MAX = 100 };

/* Where a value was written: "server.ini", 12; or "-o server.workers=8", 0. */
struct config_place {
    const char *file;
    int line;
};

struct config_timeouts {
    int64_t header, body, send, keepalive, request, queue, stall_after, idle_worker, graceful, start;
};

struct config_limits {
    int64_t request_line, header_field, headers, header_count;
    int64_t body, body_memory, keepalive_requests;
    int64_t per_address; /* connections of one client; 0: any number */
    int64_t streams; /* handlers of one app that may stream at once */
    int64_t rate; /* bytes a second under which a slow client is ended; 0: none */
};

/* What a request goes by. */
struct config_bounds {
    struct config_timeouts timeouts;
    struct config_limits limits;
};

/* One listening socket. */
struct config_listen {
    char *name; /* of [listen:NAME]; "" when it stands in [server] listen */
    struct address address;
    int64_t backlog;
    int64_t mode;       /* permission bits of a Unix socket */
    bool proxy_protocol; /* connections begin with a PROXY header */
    char *congestion;    /* of TCP; "" leaves it to the address */
    char *owner, *group; /* of a Unix socket; "" leaves it */
    struct config_place place;
};

/* A line of an [app:NAME] that is the module's own setting. */
struct config_setting {
    char *key, *value;
    char *directory; /* of its file, absolute: where a relative path in it starts */
    const char *hint; /* told if the module has no such setting: "write limits.body or ..."; or NULL */
    struct config_place place;
};

/* An [app:NAME], or a [filter:NAME], which has no path, host and the like. */
struct config_app {
    bool is_filter;
    char *name;
    char *path;   /* begins with '/'; no '/' at the end unless it is all */
    char *host;   /* "*" or one host name in lower case */
    struct networks allow, deny;
    char *filters; /* names with commas; NULL of a filter */
    struct scope only, except; /* of a filter: the requests that it runs around; else empty */
    char *module; /* a built-in's name, or an absolute path to a shared object */
    struct config_timeouts timeouts; /* the server's, with this app's own on top */
    struct config_limits limits;
    const struct config_bounds *bounds; /* both together, for its requests: as those of the server, below */
    struct config_setting *settings;
    size_t setting_count;
    struct config_place place; /* of the section's first line */
};

/* A [route:NAME]: what else holds for some requests, whichever app answers them. */
struct config_route {
    char *name;
    struct scope only;
    struct config_bounds own; /* CONFIG_UNSAID: as the app has it */
    struct config_place place;
};

enum { CONFIG_UNSAID = -1 };

/* Where a key was set, for who finds out only later that its value cannot be used. */
struct config_origin {
    char *section, *key;
    struct config_place place;
    bool is_unread; /* its value could not be read (a variable that is missing, say), which has been told */
};

struct config {
    char *file;      /* the path given with -c, made absolute */
    char *directory; /* the folder it stands in */

    int64_t workers;     /* resolved: 'auto' is CPUs granted, at least 2 */
    int64_t workers_max; /* resolved, at least 'workers' */
    int64_t max_requests, max_requests_jitter /* percent */, max_lifetime, max_memory; /* 0: no limit */
    int64_t crash_limit; /* crashes of one route in a minute before it answers 503; 0: never */
    int64_t connections; /* held by one worker; 0 is auto, resolved by the master from RLIMIT_NOFILE */
    char *user, *group;  /* "" when not written */
    char *pidfile;       /* absolute, or "" */
    bool daemon;
    char *temp; /* absolute */
    int64_t shared; /* bytes */
    bool batch; /* workers run under SCHED_BATCH while the server is busy */
    bool health;
    int64_t shutdown_delay;
    char *control; /* "auto", "off" or an absolute path */

    struct networks trusted; /* proxies */
    char *filters;           /* of every request: names with commas */

    struct config_listen *listens;
    size_t listen_count;
    struct config_timeouts timeouts;
    struct config_limits limits;
    /* Both together, for requests that no app is for: [0] where no [route:NAME] has them, else [1 + i], with what routes[i] says on top. */
    const struct config_bounds *bounds;

    char *log_access;        /* "-", "off" or an absolute path */
    char *log_access_format; /* "common", "combined", "json" or a format string */
    char *log_error;         /* "-" (standard error), "off" or an absolute path */
    int log_level;           /* enum log_level */
    int64_t log_slow;        /* 0: off */

    struct config_app *apps;
    size_t app_count;

    struct config_route *routes; /* in the order of the file: the first that has a request counts */
    size_t route_count;

    struct config_origin *origins; /* of every key that was set */
    size_t origin_count;

    struct pool *memory; /* every string above */
};

/* Reads 'path' and applies 'overrides' ("section.key=value", the section ends at the first dot; the last
 * of one key counts; relative paths in them start at the folder of the file, as a reload from another
 * folder must find the same). Every error is added to 'errors' as "file:line: [section] key: what is
 * wrong"; nothing stops at the first. Returns a struct that holds what could be understood (so that
 * modules can still be checked and all errors be told in one run; a listener without a valid address and an app
 * without a module are left out), or NULL when the file could not be read at all. The configuration
 * may be used only when errors->count is 0. Release with config_free(). */
struct config *config_load(const char *path, const char *const *overrides, size_t override_count,
                           struct errors *errors);

/* The same of a text, as if it were a file 'name' in the current folder; its first 'hidden' lines do not count where a place is told. */
struct config *config_load_text(const char *text, int hidden, const char *name, const char *const *overrides, size_t override_count,
                                struct errors *errors);

void config_free(struct config *config);

/* Adds "file:line: [section] key: what is wrong". 'key' NULL: the section as a whole is meant. */
void config_reject(struct errors *errors, const struct config_place *place, const char *section, const char *key,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The same for a value of a configuration that was read: the place is where 'key' was set, else the app's or listener's section, else the
 * file. Where the value could not be read, which has been told, this counts and is not told. */
void config_reject_value(struct errors *errors, const struct config *config, const char *section, const char *key,
                         const char *format, ...) __attribute__((format(printf, 5, 6)));

/* What its section is called: "app" or "filter", before the colon. */
static inline const char *config_app_kind(const struct config_app *app)
{
    return app->is_filter ? "filter" : "app";
}

/* Writes the effective configuration, defaults included, as an INI file that would give the same. */
void config_print(const struct config *config, FILE *out);

/* The same by somebody who knows the settings of modules: those of each app are written by 'settings', a line each with
 * config_print_setting(). */
typedef void config_print_settings(const struct config_app *app, void *context, FILE *out);
void config_print_with(const struct config *config, config_print_settings *settings, void *context, FILE *out);
void config_print_setting(const char *key, const char *value, FILE *out);

#endif
