/* SPDX-License-Identifier: Apache-2.0
 *
 * What requests go by: for the server and for each app the timeouts and limits of its own, then those once more for every [route:NAME],
 * with what that says on top. Made here for all of them, so that a request has but to find out which are its own.
 */
#include "config/build.h"

#include <string.h>

static void lay_on_top(struct config_bounds *bounds, struct config_route *route)
{
    for (const struct option *option = options; option->key; option++)
        if (option->per_route && *option_bound(option, &route->own) != CONFIG_UNSAID)
            *option_bound(option, bounds) = *option_bound(option, &route->own);
}

static const struct config_bounds *make(const struct config *config, const struct config_timeouts *timeouts,
                                        const struct config_limits *limits)
{
    struct config_bounds *bounds = pool_alloc(config->memory, (1 + config->route_count) * sizeof *bounds);

    for (size_t i = 0; i <= config->route_count; i++) {
        bounds[i] = (struct config_bounds){*timeouts, *limits};
        if (i > 0)
            lay_on_top(&bounds[i], &config->routes[i - 1]);
    }
    return bounds;
}

void build_bounds(struct build *build)
{
    struct config *config = build->config;

    config->bounds = make(config, &config->timeouts, &config->limits);
    for (size_t i = 0; i < config->app_count; i++) {
        struct config_app *app = &config->apps[i];
        bool has_own = memcmp(&app->timeouts, &config->timeouts, sizeof app->timeouts) != 0 ||
                       memcmp(&app->limits, &config->limits, sizeof app->limits) != 0;

        app->bounds = has_own ? make(config, &app->timeouts, &app->limits) : config->bounds;
    }
}
