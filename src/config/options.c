/* SPDX-License-Identifier: Apache-2.0
 *
 * See options.h.
 */
#include "config/options.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>

enum { KILO = 1024, MEGA = 1024 * KILO };
#define GIGA (INT64_C(1024) * MEGA)

enum { SECOND = 1000, MINUTE = 60 * SECOND };
#define DAY (INT64_C(24) * 60 * MINUTE)

#define IN_CONFIG(field) offsetof(struct config, field)
#define IN_LISTEN(field) offsetof(struct config_listen, field)
#define IN_TIMEOUTS(field) offsetof(struct config_timeouts, field)
#define IN_LIMITS(field) offsetof(struct config_limits, field)
#define IN_APP(field) offsetof(struct config_app, field)
#define IN_ROUTE(field) offsetof(struct config_route, field)

const struct option_section_info option_sections[SECTIONS] = {
    [SECTION_SERVER] = {"server", false, "the processes, and where they listen"},
    [SECTION_LISTEN] = {"listen", true, "the long form of one listening socket"},
    [SECTION_TIMEOUTS] = {"timeouts", false, "how long things may take"},
    [SECTION_LIMITS] = {"limits", false, "how large a request may be"},
    [SECTION_LOG] = {"log", false, "what is written down, and where to"},
    [SECTION_APP] = {"app", true, "code mounted on a path; every other key is a setting of its module"},
    [SECTION_FILTER] = {"filter", true,
                        "code that runs around requests where filters names it; every other key is a setting of its module"},
    [SECTION_ROUTE] = {"route", true,
                       "timeouts and limits of single routes, as limits.body; others are as the app has them that answers, and of "
                       "several sections that have a request the first counts"},
};

static const char *const format_words[] = {"common", "combined", "json", NULL};

const struct option options[] = {
    {SECTION_SERVER, "listen", OPTION_LISTENS, "127.0.0.1:8000", IN_CONFIG(listens),
     .help = "host:port, [v6]:port, *:port (both families) or unix:/path; several with commas; a port alone is 127.0.0.1's"},
    {SECTION_SERVER, "workers", OPTION_INTEGER, "auto", IN_CONFIG(workers), 1, CONFIG_WORKERS_MAX, .zero = "auto",
     .help = "processes; auto is the CPUs granted (affinity, cgroup quota), at least 2"},
    {SECTION_SERVER, "connections", OPTION_INTEGER, "auto", IN_CONFIG(connections), 1, 1000000, .zero = "auto",
     .help = "held by one worker; auto follows from the limit of open files"},
    {SECTION_SERVER, "user", OPTION_TEXT, "", IN_CONFIG(user),
     .help = "whom workers run as; started as root and empty: nobody"},
    {SECTION_SERVER, "group", OPTION_TEXT, "", IN_CONFIG(group), .help = "empty: the group of that user"},
    {SECTION_SERVER, "pidfile", OPTION_PATH, "", IN_CONFIG(pidfile), .help = "where the master writes its process id"},
    {SECTION_SERVER, "daemon", OPTION_SWITCH, "off", IN_CONFIG(daemon), .help = "go to the background"},
    {SECTION_SERVER, "temp", OPTION_PATH, "/tmp", IN_CONFIG(temp), 1, .help = "folder of spooled request bodies"},
    {SECTION_SERVER, "workers_max", OPTION_INTEGER, "auto", IN_CONFIG(workers_max), 1, CONFIG_WORKERS_MAX, .zero = "auto",
     .help = "processes while all are inside handlers; auto is 64 or 4 x workers, the larger; less than workers counts as workers"},
    {SECTION_SERVER, "max_requests", OPTION_INTEGER, "0", IN_CONFIG(max_requests), 0, 1000000000,
     .help = "answered by a worker before another takes its place; 0: any number"},
    {SECTION_SERVER, "max_requests_jitter", OPTION_PERCENT, "10%", IN_CONFIG(max_requests_jitter), 0, 100,
     .help = "of max_requests and max_lifetime, so that not all are replaced at once"},
    {SECTION_SERVER, "max_lifetime", OPTION_TIME, "0", IN_CONFIG(max_lifetime), 0, 365 * DAY,
     .help = "of a worker before another takes its place; 0: any"},
    {SECTION_SERVER, "max_memory", OPTION_SIZE, "0", IN_CONFIG(max_memory), 0, 1024 * GIGA,
     .help = "resident, of a worker before another takes its place; 0: any"},
    {SECTION_SERVER, "crash_limit", OPTION_INTEGER, "0", IN_CONFIG(crash_limit), 0, 1000000,
     .help = "crashes of one route in a minute before it answers 503 for a while; 0: never"},
    {SECTION_SERVER, "batch", OPTION_SWITCH, "on", IN_CONFIG(batch),
     .help = "while much is asked, let others finish their slice of CPU time before a worker runs (SCHED_BATCH): a request costs less so"},
    {SECTION_SERVER, "health", OPTION_SWITCH, "off", IN_CONFIG(health),
     .help = "answer /-/live and /-/ready, for whoever balances load"},
    {SECTION_SERVER, "shutdown_delay", OPTION_TIME, "0", IN_CONFIG(shutdown_delay), 0, 30 * DAY,
     .help = "serve on, /-/ready failing, before a graceful stop begins; part of graceful"},
    {SECTION_SERVER, "control", OPTION_CONTROL, "auto", IN_CONFIG(control), 1,
     .help = "where tine reload and tine status ask: auto (named after this file), the path of a socket, or off"},
    {SECTION_SERVER, "trusted", OPTION_NETWORKS, "", IN_CONFIG(trusted),
     .help = "networks of proxies whose Forwarded, X-Forwarded-For and -Proto and PROXY headers count (unix: on Unix sockets)"},
    {SECTION_SERVER, "filters", OPTION_TEXT, "", IN_CONFIG(filters),
     .help = "names of [filter:NAME] that run around every request, outermost first; comma separated"},
    {SECTION_SERVER, "shared", OPTION_SIZE, "1m", IN_CONFIG(shared), 64 * KILO, 64 * GIGA,
     .help = "of what modules share over all workers (counters, keys and values); fixed until the server is started anew"},
    {SECTION_SERVER, "include", OPTION_INCLUDE, "",
     .help = "more files, read in this place: conf.d/*.ini; may be given several times"},

    {SECTION_LISTEN, "address", OPTION_ADDRESS, NULL, IN_LISTEN(address),
     .help = "host:port, [v6]:port, *:port (both families) or unix:/path"},
    {SECTION_LISTEN, "backlog", OPTION_INTEGER, "1024", IN_LISTEN(backlog), 1, 65535,
     .help = "connections that wait in the kernel to be accepted"},
    {SECTION_LISTEN, "congestion", OPTION_TEXT, "", IN_LISTEN(congestion),
     .help = "congestion control of TCP (bbr, cubic, ...); empty: reno on a loopback address, else the system's, or what a manager "
             "gave it"},
    {SECTION_LISTEN, "mode", OPTION_MODE, "0660", IN_LISTEN(mode), .help = "permissions of a Unix socket"},
    {SECTION_LISTEN, "owner", OPTION_TEXT, "", IN_LISTEN(owner), .help = "user a Unix socket is given to"},
    {SECTION_LISTEN, "group", OPTION_TEXT, "", IN_LISTEN(group), .help = "group a Unix socket is given to"},
    {SECTION_LISTEN, "proxy_protocol", OPTION_SWITCH, "off", IN_LISTEN(proxy_protocol),
     .help = "each connection begins with a PROXY header, version 1 or 2, by a trusted proxy; any other is closed"},

    {SECTION_TIMEOUTS, "header", OPTION_TIME, "10s", IN_TIMEOUTS(header), 1, 30 * DAY,
     .help = "for all of a request's head, from its first byte; then 408"},
    {SECTION_TIMEOUTS, "body", OPTION_TIME, "30s", IN_TIMEOUTS(body), 1, 30 * DAY, .per_app = true, .per_route = true,
     .help = "between two reads of a request's body; then 408"},
    {SECTION_TIMEOUTS, "send", OPTION_TIME, "30s", IN_TIMEOUTS(send), 1, 30 * DAY, .per_app = true, .per_route = true,
     .help = "between two writes of a response"},
    {SECTION_TIMEOUTS, "keepalive", OPTION_TIME, "65s", IN_TIMEOUTS(keepalive), 0, 30 * DAY,
     .help = "for the next request on a connection; 0 closes it after each"},
    {SECTION_TIMEOUTS, "request", OPTION_TIME, "30s", IN_TIMEOUTS(request), 1, 30 * DAY, .per_app = true, .per_route = true,
     .help = "for a handler; then it is aborted and its request answered with 504"},
    {SECTION_TIMEOUTS, "queue", OPTION_TIME, "0", IN_TIMEOUTS(queue), 0, 30 * DAY, .per_app = true, .per_route = true,
     .help = "for a request to wait for its turn while all handlers are busy; then 503 with Retry-After; 0: any time"},
    {SECTION_TIMEOUTS, "stall_after", OPTION_TIME, "50ms", IN_TIMEOUTS(stall_after), 1, 30 * DAY,
     .help = "in one handler before the other connections of its worker are given to other workers"},
    {SECTION_TIMEOUTS, "idle_worker", OPTION_TIME, "60s", IN_TIMEOUTS(idle_worker), 100, 30 * DAY,
     .help = "without need of it before a worker beyond [server] workers leaves"},
    {SECTION_TIMEOUTS, "graceful", OPTION_TIME, "25s", IN_TIMEOUTS(graceful), 0, 30 * DAY,
     .help = "for requests in progress when tine stops"},
    {SECTION_TIMEOUTS, "start", OPTION_TIME, "30s", IN_TIMEOUTS(start), 1, 30 * DAY,
     .help = "for a worker to load modules and run worker_init; a reload that takes longer is refused"},

    {SECTION_LIMITS, "request_line", OPTION_SIZE, "8k", IN_LIMITS(request_line), 64, 64 * KILO,
     .help = "method, target and version; then 414"},
    {SECTION_LIMITS, "header_field", OPTION_SIZE, "8k", IN_LIMITS(header_field), 64, 64 * KILO,
     .help = "one header field; then 431"},
    {SECTION_LIMITS, "headers", OPTION_SIZE, "32k", IN_LIMITS(headers), 64, MEGA, .help = "all header fields; then 431"},
    {SECTION_LIMITS, "header_count", OPTION_INTEGER, "100", IN_LIMITS(header_count), 1, 1000,
     .help = "number of header fields; then 431"},
    {SECTION_LIMITS, "body", OPTION_SIZE, "1m", IN_LIMITS(body), 0, 1024 * GIGA, .per_app = true, .per_route = true,
     .help = "a request's body; then 413"},
    {SECTION_LIMITS, "body_memory", OPTION_SIZE, "64k", IN_LIMITS(body_memory), 0, GIGA, .per_app = true, .per_route = true,
     .help = "a larger body is spooled to a file"},
    {SECTION_LIMITS, "keepalive_requests", OPTION_INTEGER, "0", IN_LIMITS(keepalive_requests), 0, 1000000000,
     .help = "answered on one connection before it is closed; 0: any number"},
    {SECTION_LIMITS, "per_address", OPTION_INTEGER, "0", IN_LIMITS(per_address), 0, 65535,
     .help = "connections of one client address (IPv6: /64), all workers together; more: 503; 0: any number"},
    {SECTION_LIMITS, "rate", OPTION_SIZE, "240", IN_LIMITS(rate), 0, GIGA, .per_app = true, .per_route = true,
     .help = "bytes a second; who sends a request or takes an answer slower for longer than its timeout is ended; 0: nobody"},
    {SECTION_LIMITS, "streams", OPTION_INTEGER, "16", IN_LIMITS(streams), 0, CONFIG_WORKERS_MAX, .per_app = true,
     .help = "handlers of one app that send a response piece by piece at once, each in a worker of its own; more: 503; 0: none may"},

    {SECTION_LOG, "access", OPTION_LOG, "-", IN_CONFIG(log_access), 1, .help = "- (standard output), a path, or off"},
    {SECTION_LOG, "access_format", OPTION_FORMAT, "combined", IN_CONFIG(log_access_format), 1, .words = format_words,
     .help = "common, combined, json, or a format string, in which stand %h client, %t time, %r first line of the request, %m its method, "
             "%U path, %q query with '?', %H protocol, %v host, %s status, %b bytes of the body sent or - for none, %B the same or 0, "
             "%D microseconds and %T seconds that it took, %L request id, %P process, %{Name}i a field of the request, %{Name}o one of "
             "the response, %% a percent sign; %l and %u, of which Apache knows more, are always -"},
    {SECTION_LOG, "error", OPTION_LOG, "-", IN_CONFIG(log_error), 1, .help = "- (standard error), a path, or off"},
    {SECTION_LOG, "level", OPTION_LEVEL, "info", IN_CONFIG(log_level), .words = log_level_names,
     .help = "least that goes to the error log: debug, info, warning, error"},
    {SECTION_LOG, "slow", OPTION_TIME, "0", IN_CONFIG(log_slow), 0, 30 * DAY, .zero = "off",
     .help = "also log requests that take longer, or streams that take longer to begin; 0: none"},

    {SECTION_APP, "path", OPTION_MOUNT, "/", IN_APP(path), .help = "the longest path wins, on segment borders"},
    {SECTION_APP, "host", OPTION_HOST, "*", IN_APP(host), .help = "one host name, or * for all"},
    {SECTION_APP, "allow", OPTION_NETWORKS, "", IN_APP(allow),
     .help = "networks whose clients may come here (unix: those of Unix sockets); empty: what the module says, mostly all"},
    {SECTION_APP, "deny", OPTION_NETWORKS, "", IN_APP(deny), .help = "networks whose clients may not, whatever allow says"},
    {SECTION_APP, "filters", OPTION_TEXT, "", IN_APP(filters),
     .help = "names of [filter:NAME] that run around the requests of this app, within those of the server; comma separated"},
    {SECTION_APP, "module", OPTION_MODULE, NULL, IN_APP(module),
     .help = "one that comes with tine, by its name, or a path to a shared object"},

    {SECTION_FILTER, "module", OPTION_MODULE, NULL, IN_APP(module),
     .help = "one that comes with tine, by its name, or a path to a shared object"},
    {SECTION_FILTER, "only", OPTION_SCOPE, "", IN_APP(only),
     .help = "the requests that it runs around: POST /api/login, /api/articles/{slug}/comments; GET is HEAD as well; empty: all"},
    {SECTION_FILTER, "except", OPTION_SCOPE, "", IN_APP(except),
     .help = "requests that it does not run around, whatever only says; written alike"},

    {SECTION_ROUTE, "only", OPTION_SCOPE, NULL, IN_ROUTE(only),
     .help = "the requests that are meant: POST /api/articles/{slug}/images; GET is HEAD as well"},
    {.section = SECTIONS},
};

const struct option *option_find(enum option_section section, const char *key)
{
    for (const struct option *option = options; option->key; option++)
        if (option->section == section && strcmp(option->key, key) == 0)
            return option;
    return NULL;
}

void option_per_app_name(const struct option *option, char name[static OPTION_NAME_MAX])
{
    snprintf(name, OPTION_NAME_MAX, "%s.%s", option_sections[option->section].name, option->key);
}

const struct option *option_find_per_app(const char *key, bool *is_ambiguous)
{
    const struct option *found = NULL;
    char name[OPTION_NAME_MAX];

    *is_ambiguous = false;
    for (const struct option *option = options; option->key; option++) {
        if (!option->per_app)
            continue;
        option_per_app_name(option, name);
        if (strcmp(name, key) == 0)
            return option;
        if (strcmp(option->key, key) == 0) {
            *is_ambiguous = found != NULL;
            found = option;
        }
    }
    return *is_ambiguous ? NULL : found;
}

enum option_section option_section_of(const char *heading, const char **name)
{
    size_t length = strcspn(heading, ":");

    *name = heading[length] ? heading + length + 1 : "";
    for (int section = 0; section < SECTIONS; section++)
        if (strlen(option_sections[section].name) == length && !strncmp(option_sections[section].name, heading, length))
            return (enum option_section)section;
    return SECTIONS;
}

void *option_base(struct config *config, enum option_section section)
{
    switch (section) {
    case SECTION_SERVER:
    case SECTION_LOG:
        return config;
    case SECTION_TIMEOUTS:
        return &config->timeouts;
    case SECTION_LIMITS:
        return &config->limits;
    default:
        return NULL;
    }
}

void *option_app_base(struct config_app *app, enum option_section section)
{
    switch (section) {
    case SECTION_APP:
    case SECTION_FILTER:
        return app;
    case SECTION_TIMEOUTS:
        return &app->timeouts;
    case SECTION_LIMITS:
        return &app->limits;
    default:
        return NULL;
    }
}

void *option_bounds_base(struct config_bounds *bounds, enum option_section section)
{
    switch (section) {
    case SECTION_TIMEOUTS:
        return &bounds->timeouts;
    case SECTION_LIMITS:
        return &bounds->limits;
    default:
        return NULL;
    }
}

int64_t *option_bound(const struct option *option, struct config_bounds *bounds)
{
    return (int64_t *)((char *)option_bounds_base(bounds, option->section) + option->offset);
}
