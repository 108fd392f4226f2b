/* SPDX-License-Identifier: Apache-2.0
 *
 * Which timeouts and limits a request goes by: its app's, or those of the [route:NAME] that has it. Runs where requests do.
 */
#ifndef APP_BOUNDS_H
#define APP_BOUNDS_H

#include "app/apps.h"

/* Where in a list of bounds those of a request stand. */
size_t bounds_find(const struct config *config, struct slice method, struct slice path);

/* Those for a method and a decoded path that 'app' answers, or, if it is NULL, nobody. */
static inline const struct config_bounds *bounds_for(const struct config *config, const struct tine_app *app, struct slice method,
                                                     struct slice path)
{
    const struct config_bounds *bounds = app != NULL ? app->section->bounds : config->bounds;
    return config->route_count > 0 ? bounds + bounds_find(config, method, path) : bounds;
}

#endif
