/* SPDX-License-Identifier: Apache-2.0
 *
 * From what a module declares to an app's tree of routes, with the filters around each: those of the server, the app, its module, its
 * groups and the route itself become one list. Runs where apps are loaded.
 */
#ifndef APP_ROUTES_H
#define APP_ROUTES_H

#include "app/apps.h"

/* Adds "[app:NAME] key: wrong" to the app's errors. */
void app_reject(struct tine_app *app, const char *key, const char *wrong);

/* Says what is odd about its module, which serves all the same. */
void app_warn(struct tine_app *app, const char *what);

/* The list that a `filters` names: the app's, or for NULL the server's. */
const struct filters *routes_named_filters(const struct apps *apps, struct tine_app *app, const struct config *config,
                                           struct errors *errors);

/* Adds the routes of an app; '*number' is the next one's. */
void routes_load(const struct apps *apps, struct tine_app *app, uint32_t *number);

/* The same for a [filter:NAME], which has none: sets its list. */
void routes_load_filter(struct tine_app *app);

/* The filters around a path for which the app has no route; 'other' is one that has it for another method, or NULL. */
const struct filters *routes_filters_at(const struct tine_app *app, struct slice path, const struct route *other);

#endif
