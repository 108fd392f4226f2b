/* SPDX-License-Identifier: Apache-2.0
 *
 * The settings that a module declares, read from its [app:NAME].
 */
#ifndef APP_SETTINGS_H
#define APP_SETTINGS_H

#include "app/apps.h"

#include <stdio.h>

/* Fills in app->texts and app->numbers. Unknown keys, bad values and missing settings are added to 'errors'. */
void settings_read(struct tine_app *app, struct errors *errors);

/* All of them as lines of an INI file, but for those that are secret. */
void settings_print(const struct tine_app *app, FILE *out);

#endif
