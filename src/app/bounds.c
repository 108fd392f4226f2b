/* SPDX-License-Identifier: Apache-2.0
 *
 * See bounds.h.
 */
#include "app/bounds.h"

size_t bounds_find(const struct config *config, struct slice method, struct slice path)
{
    static const struct scope nothing;
    for (size_t i = 0; i < config->route_count; i++)
        if (scope_admits(&config->routes[i].only, &nothing, method, path))
            return 1 + i;
    return 0;
}
