/* SPDX-License-Identifier: Apache-2.0
 *
 * See bounds.h.
 */
#include "app/bounds.h"

/* Where in each list of bounds those of this request stand. */
static size_t find_route(const struct config *config, struct slice method, struct slice path)
{
    static const struct scope nothing;
    for (size_t i = 0; i < config->route_count; i++)
        if (scope_admits(&config->routes[i].only, &nothing, method, path))
            return 1 + i;
    return 0;
}

const struct config_bounds *bounds_find(const struct config *config, const struct tine_app *app, struct slice method, struct slice path)
{
    const struct config_bounds *bounds = app != NULL ? app->section->bounds : config->bounds;
    return config->route_count > 0 ? bounds + find_route(config, method, path) : bounds;
}
