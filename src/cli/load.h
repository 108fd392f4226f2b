/* SPDX-License-Identifier: Apache-2.0
 *
 * For commands that look at an INI file's modules in their own process: nothing is listened on, no log is opened, no privileges are
 * dropped.
 */
#ifndef CLI_LOAD_H
#define CLI_LOAD_H

#include "app/direct.h"

#include <stdbool.h>
#include <stddef.h>

/* Reads the file and loads its modules, with 'start' up to their worker_init; the error log is standard error. 0, or -1 after every
 * reason was told, and nothing is to be closed then. */
int load_direct(struct direct *direct, const char *path, const char *const *overrides, size_t override_count, bool start);

#endif
