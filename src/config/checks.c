/* SPDX-License-Identifier: Apache-2.0
 *
 * What shows only when all values are known, and what follows from the machine.
 */
#include "config/build.h"

#include "config/cpus.h"
#include "config/values.h"

#include <string.h>

/* 'auto': one worker a CPU, and two at least, so that one may wait for a disk or a database. */
static void resolve_workers(struct config *config)
{
    int cpus = cpus_granted();

    if (config->workers == 0)
        config->workers = cpus < 2 ? 2 : cpus > CONFIG_WORKERS_MAX ? CONFIG_WORKERS_MAX : cpus;
    if (config->workers_max == 0)
        config->workers_max = config->workers > 16 ? 4 * config->workers : 64;
    if (config->workers_max > CONFIG_WORKERS_MAX)
        config->workers_max = CONFIG_WORKERS_MAX;
    if (config->workers_max < config->workers)
        config->workers_max = config->workers;
}

/* One that was refused has been told, and has left the default. */
static bool is_taken(const struct entry *entry, int64_t size)
{
    int64_t parsed;

    return !entry || (entry->value && value_parse_size(entry->value, &parsed) && parsed == size);
}

static void check_header_sizes(struct build *build)
{
    const struct config_limits *limits = &build->config->limits;
    const struct entry *headers = entries_find(&build->entries, "limits", "headers");
    const struct entry *field = entries_find(&build->entries, "limits", "header_field");

    if (limits->header_field <= limits->headers || !is_taken(headers, limits->headers) || !is_taken(field, limits->header_field))
        return;
    if (headers)
        build_reject(build, headers, "is less than header_field, which one field may have");
    else if (field)
        build_reject(build, field, "is more than headers, which all fields may have together");
}

/* The delay is part of the time that a stop may take, and something must be left for the stop itself. */
static void check_shutdown_delay(struct build *build)
{
    const struct config *config = build->config;
    const struct entry *delay = entries_find(&build->entries, "server", "shutdown_delay");
    const struct entry *graceful = entries_find(&build->entries, "timeouts", "graceful");

    if (config->shutdown_delay == 0 || config->shutdown_delay < config->timeouts.graceful)
        return;
    if (delay)
        build_reject(build, delay, "leaves nothing of [timeouts] graceful, which it is part of");
    else if (graceful)
        build_reject(build, graceful, "is not more than [server] shutdown_delay, which is part of it");
}

/* "*:80" opens [::]:80 and 0.0.0.0:80, so that it clashes with either. */
static bool is_opened_by(const struct address *both, const struct address *other)
{
    struct address v6 = *both, v4 = {.length = sizeof v4.socket.v4};

    if (!both->both_families)
        return false;
    v6.both_families = false;
    v4.socket.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = both->socket.v6.sin6_port};
    return address_equals(&v6, other) || address_equals(&v4, other);
}

/* Port 0 is another one each time it is opened. */
static bool clash(const struct address *a, const struct address *b)
{
    char text[ADDRESS_TEXT_MAX];

    address_format(a, text);
    if (a->socket.any.sa_family != AF_UNIX && strcmp(strrchr(text, ':'), ":0") == 0)
        return false;
    return address_equals(a, b) || is_opened_by(a, b) || is_opened_by(b, a);
}

static void check_clash(struct build *build, const struct config_listen *listen, const struct config_listen *earlier)
{
    const char *section = *listen->name ? pool_format(build->scratch, "listen:%s", listen->name) : "server";
    char text[ADDRESS_TEXT_MAX], earlier_text[ADDRESS_TEXT_MAX];

    if (!clash(&listen->address, &earlier->address))
        return;
    address_format(&listen->address, text);
    address_format(&earlier->address, earlier_text);
    config_reject(build->errors, &listen->place, section, *listen->name ? "address" : "listen",
                  "'%s' is opened already, as '%s' at %s", text, earlier_text, build_place_text(build, &earlier->place));
}

/* Tells what was not given at all. What was given wrongly has been told. */
static void check_given(struct build *build, const struct config_place *place, enum option_section section,
                        const char *name, const char *key)
{
    const char *heading = pool_format(build->scratch, "%s:%s", option_sections[section].name, name);

    if (!entries_find(&build->entries, heading, key))
        config_reject(build->errors, place, heading, key, "is missing");
}

static void check_proxy_protocol(struct build *build, const struct config_listen *listen)
{
    const char *heading = pool_format(build->scratch, "listen:%s", listen->name);
    const struct entry *written = entries_find(&build->entries, heading, "proxy_protocol");

    if (listen->proxy_protocol && written && build->config->trusted.count == 0)
        build_reject(build, written, "nobody's PROXY header would count: name the proxies in [server] trusted");
}

static void check_congestion(struct build *build, const struct config_listen *listen)
{
    const char *heading = pool_format(build->scratch, "listen:%s", listen->name);
    const struct entry *written = entries_find(&build->entries, heading, "congestion");

    if (*listen->congestion && written && listen->address.socket.any.sa_family == AF_UNIX)
        build_reject(build, written, "is of TCP: a Unix socket has none");
}

static void check_listens(struct build *build)
{
    struct config *config = build->config;
    const struct entry *written = entries_find(&build->entries, "server", "listen");
    size_t kept = 0;

    if (config->listen_count == 0 && written && written->value && !written->value[strspn(written->value, ", \t")])
        build_reject(build, written, "names no address, and there is no [listen:NAME]");
    for (size_t i = 0; i < config->listen_count; i++) {
        struct config_listen *listen = &config->listens[i];

        if (listen->address.length == 0) {
            check_given(build, &listen->place, SECTION_LISTEN, listen->name, "address");
            continue;
        }
        check_proxy_protocol(build, listen);
        check_congestion(build, listen);
        for (size_t j = 0; j < kept; j++)
            check_clash(build, listen, &config->listens[j]);
        config->listens[kept++] = *listen;
    }
    config->listen_count = kept;
}

static void check_apps(struct build *build)
{
    struct config *config = build->config;
    size_t kept = 0;

    for (size_t i = 0; i < config->app_count; i++) {
        struct config_app *app = &config->apps[i];

        if (app->module)
            config->apps[kept++] = *app;
        else
            check_given(build, &app->place, app->is_filter ? SECTION_FILTER : SECTION_APP, app->name, "module");
    }
    config->app_count = kept;
}

/* A list that is empty is all requests for a filter; here that would be what the app has its own values for. */
static void check_route(struct build *build, const struct config_route *route)
{
    static const char remedy[] = "write the requests that are meant, as in POST /upload, GET /reports/{id}";
    const char *heading = pool_format(build->scratch, "route:%s", route->name);
    const struct entry *only = entries_find(&build->entries, heading, "only");

    if (!only)
        config_reject(build->errors, &route->place, heading, "only", "is missing; %s", remedy);
    else if (route->only.text && route->only.count == 0) /* else it was refused, which has been told */
        build_reject(build, only, "names no request; %s", remedy);
}

void build_checks(struct build *build)
{
    resolve_workers(build->config);
    check_header_sizes(build);
    check_shutdown_delay(build);
    check_listens(build);
    check_apps(build);
    for (size_t i = 0; i < build->config->route_count; i++)
        check_route(build, &build->config->routes[i]);
}
