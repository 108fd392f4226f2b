/* SPDX-License-Identifier: Apache-2.0
 *
 * Which of a route's requests a filter in its list runs around, as far as can be told from `only`, `except` and the route's pattern: for
 * who shows routes, and to find entries that are misspelt. Runs where apps are loaded.
 */
#ifndef APP_REACH_H
#define APP_REACH_H

#include "app/apps.h"

/* REACH_PART: that depends on what stands for a parameter, or on the method. */
enum reach { REACH_NONE, REACH_PART, REACH_ALL };

enum reach reach_of_filter(const struct filter *filter, const struct tine_app *app, const struct route *route);

/* Adds to the warnings of 'apps' the entries that are about no route around which their filter stands or, of a [route:NAME], about none at
 * all. */
void reach_check(struct apps *apps, const struct config *config);

#endif
