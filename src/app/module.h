/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding a module: a built-in by name, any other by loading its shared object. Runs in workers and in the
 * child that checks a configuration, never in the master.
 */
#ifndef APP_MODULE_H
#define APP_MODULE_H

#include "tine.h"

#include <stdbool.h>

/* Modules that are older than a member of the struct do not have it. */
#define MODULE_HAS(module, member) \
    ((module)->size >= offsetof(tine_module, member) + sizeof (module)->member && (module)->member != 0)

/* Is 'name' a path to a shared object, not the name of a built-in? */
bool module_is_file(const char *name);

/* Returns the module, or NULL with *reason set to why (static, or valid until the next call). 'file' is what is loaded, 'name' what the
 * user wrote. */
const tine_module *module_find(const char *name, const char *file, const char **reason);

/* The i-th built-in (0 first) and its name, for the manual; NULL behind the last. */
const tine_module *module_builtin(size_t i, const char **name);

#endif
