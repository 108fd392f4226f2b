/* SPDX-License-Identifier: Apache-2.0
 *
 * What requests go by: for the server and for each app its timeouts and limits, put together.
 */
#include "config/build.h"

#include <string.h>

static const struct config_bounds *make(const struct config *config, const struct config_timeouts *timeouts,
                                        const struct config_limits *limits)
{
    struct config_bounds *bounds = pool_alloc(config->memory, sizeof *bounds);

    *bounds = (struct config_bounds){*timeouts, *limits};
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
