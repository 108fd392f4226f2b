/* SPDX-License-Identifier: Apache-2.0
 *
 * From entries to a configuration, in steps: sections.c makes the listeners, apps and routes, settings.c
 * gives each value to its option, checks.c looks at the whole, bounds.c puts together what requests go by. Inside of src/config only.
 */
#ifndef CONFIG_BUILD_H
#define CONFIG_BUILD_H

#include "config/config.h"
#include "config/entries.h"
#include "config/pool.h"
#include "config/options.h"

struct build {
    struct config *config;
    struct entries entries;
    struct pool *scratch; /* what is needed only until the configuration is made */
    struct errors *errors;
};

/* Adds what is wrong with an entry, at its place and with its section and key. */
void build_reject(struct build *build, const struct entry *entry, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A place as it is named within a message ("server.ini:3"), in the scratch memory. */
const char *build_place_text(struct build *build, const struct config_place *place);

/* Checks all headings and makes config.listens, config.apps and config.routes of them, values at their defaults. */
void build_sections(struct build *build);

/* The app, filter, route or listener of a section that build_sections() found to be right, or NULL. */
struct config_app *build_find_app(struct build *build, bool is_filter, const char *name);
struct config_route *build_find_route(struct build *build, const char *name);
struct config_listen *build_find_listen(struct build *build, const char *name);

/* Stores all values: first those of the server, which apps then start from. */
void build_settings(struct build *build);

/* What only shows when all is known; leaves out listeners and apps that cannot be used. */
void build_checks(struct build *build);

/* Sets the bounds of the server and of each app. */
void build_bounds(struct build *build);

#endif
