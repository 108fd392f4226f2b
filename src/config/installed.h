/* SPDX-License-Identifier: Apache-2.0
 *
 * Modules that come with tine as shared objects, because they need libraries that tine itself does without. They go by names, as
 * built-ins do, and lie in modules/ beside the binary where it was built, or in ../lib/tine of where it was installed. Tests of
 * modules, which are other binaries, find them from where libtine_test.so lies.
 */
#ifndef CONFIG_INSTALLED_H
#define CONFIG_INSTALLED_H

#include "config/pool.h"

/* The path of the module 'name', or NULL if none is called so. */
char *installed_module(const char *name, struct pool *memory);

#endif
