/* SPDX-License-Identifier: Apache-2.0
 *
 * Which timeouts and limits a request goes by: its app's, or those of the [route:NAME] that has it. Runs where requests do.
 */
#ifndef APP_BOUNDS_H
#define APP_BOUNDS_H

#include "app/apps.h"

/* Those for a method and a decoded path that 'app' answers, or, if it is NULL, nobody. */
const struct config_bounds *bounds_find(const struct config *config, const struct tine_app *app, struct slice method, struct slice path);

#endif
